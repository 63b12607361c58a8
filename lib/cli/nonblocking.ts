/**
 * Writing to standard output where a program that shares it has set it not to block, as ssh and Node do to pipes and
 * terminals. The runtime then ends a write with an error and does not tell how much of it was done.
 */

import { procField } from "../base/text/proc_text.ts";

const STDOUT = 1;
const O_NONBLOCK = 0o4000;
const POLLOUT = 4;
/** Until a reader that has gone is looked for, in ms. */
const WAIT_MS = 1000;

/** Whether a write to standard output may end before all is written; false where /proc is not there to tell. */
export function stdoutIsNonblocking(): boolean {
  try {
    const flags = procField(Deno.readTextFileSync(`/proc/self/fdinfo/${STDOUT}`), "flags");
    return (parseInt(flags ?? "0", 8) & O_NONBLOCK) !== 0;
  } catch {
    return false;
  }
}

/** A stream over standard output whose writes wait until some of the bytes are taken. */
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
        // no room yet, or an error, which the runtime's own write then tells
        if (wanted[1] >> 16 & ~POLLOUT) return Deno.stdout.writeSync(bytes);
      }
    },
  };
}
