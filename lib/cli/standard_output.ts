/**
 * Standard output as it was given to this process. A program that shares it may have made it non-blocking, as ssh and
 * Node do to pipes and terminals: the runtime then ends a write with an error, without saying how much was written. And
 * where it cannot be written to, the runtime acts as if it could.
 */

import { ERRNO } from "../base/system/errno.ts";
import { UnsupportedError } from "../base/system/errors.ts";
import { descriptorFlags, readsAlone } from "../base/files/own_descriptor.ts";

const STDOUT = 1;
const O_NONBLOCK = 0o4000;
const POLLOUT = 4;
/** Interval between checks for a reader that has gone, in ms. */
const WAIT_MS = 1000;

/** Destination of bytes, as Deno.stdout. */
export interface Stream {
  writeSync(bytes: Uint8Array<ArrayBuffer>): number;
}

/** Returns standard output, for writes that block. Throws UnsupportedError if it is closed. */
export function openStandardOutput(): Stream {
  const flags = descriptorFlags(STDOUT);
  if (flags === undefined) return Deno.stdout;
  // ffi/shim/start/start.c opens /dev/null for reading in place of what is closed
  if (readsAlone(flags)) {
    throw new UnsupportedError({
      attempt: "write to standard output",
      cause: "it is closed, or open for reading alone",
      remedy: "redirect it to a file, a pipe or /dev/null",
    }, ERRNO.EBADF);
  }
  return (flags & O_NONBLOCK) !== 0 ? waitingStdout() : Deno.stdout;
}

/** Returns a stream over standard output whose writes wait until some bytes are accepted. */
function waitingStdout(): Stream {
  const { symbols: libc } = Deno.dlopen("libc.so.6", {
    // ssize_t write(int fd, const void *buf, size_t count)
    write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
    // int poll(struct pollfd *fds, nfds_t nfds, int timeout)
    poll: { parameters: ["buffer", "usize", "i32"], result: "i32" },
  });
  return {
    writeSync(bytes) {
      for (;;) {
        const count = Number(libc.write(STDOUT, bytes, BigInt(bytes.length)));
        if (count >= 0) return count;
        // struct pollfd: int fd; short events, revents
        const wanted = Int32Array.of(STDOUT, POLLOUT);
        libc.poll(new Uint8Array(wanted.buffer), 1n, WAIT_MS);
        // the reader is gone: let the runtime's own write report the error
        if (wanted[1] >> 16 & ~POLLOUT) return Deno.stdout.writeSync(bytes);
      }
    },
  };
}
