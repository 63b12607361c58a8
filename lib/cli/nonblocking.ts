/**
 * Writes to a non-blocking standard output. A program that shares it may have made it non-blocking, as ssh and Node do
 * to pipes and terminals. The runtime then ends a write with an error, without saying how much was written.
 */

import { procField } from "../base/text/proc_text.ts";

const STDOUT = 1;
const O_NONBLOCK = 0o4000;
const POLLOUT = 4;
/** Interval between checks for a reader that has gone, in ms. */
const WAIT_MS = 1000;

/** Returns whether standard output is non-blocking, so that a write may be incomplete; false without /proc. */
export function stdoutIsNonblocking(): boolean {
  try {
    const flags = procField(Deno.readTextFileSync(`/proc/self/fdinfo/${STDOUT}`), "flags");
    return (parseInt(flags ?? "0", 8) & O_NONBLOCK) !== 0;
  } catch {
    return false;
  }
}

/** Returns a stream over standard output whose writes wait until some bytes are accepted. */
export function waitingStdout(): { writeSync(bytes: Uint8Array<ArrayBuffer>): number } {
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
