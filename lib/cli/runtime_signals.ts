/** Signal handling of the runtime, reduced to what a program expects. */

import { SIGNAL } from "../base/system/numbers.ts";
import { xfszIsOurs } from "../base/system/launcher.ts";

/** Signals that the runtime starts to catch with the first listener for any signal. */
const CAUGHT_ALONG = [SIGNAL.SIGHUP, SIGNAL.SIGINT, SIGNAL.SIGTERM];

/** Indices of 64-bit words in glibc's struct sigaction. */
const ACTION = { HANDLER: 0, FLAGS: 17, WORDS: 19 } as const;
const SIG_DFL = 0n, SIG_IGN = 1n;
const SA_RESTART = 0x10000000n;

/**
 * Takes SIGUSR1 from the runtime's debugger, and restores the usual behaviour of other signals. Call it once, before
 * anything is awaited.
 *
 * Half a second after its start Deno catches SIGUSR1 and, when one arrives, opens a debugger to all users of the
 * machine. It installs its handler once, with the first listener: so this installs a listener first and then replaces
 * the handler, and Deno's later listener never hears of the signal. SIGUSR1 then does nothing, since one may be sent by
 * mistake for SIGUSR2, which asks `record` for a dump. Signals that were ignored at the start (nohup) stay ignored,
 * also in commands that pmuctl runs. SIGXFSZ gets a handler, so that a file at its limit (ulimit -f) is an error to
 * report.
 *
 * Signals that should do nothing get a handler rather than being ignored, because exec preserves ignored signals.
 */
export function settleSignals(): void {
  const libc = Deno.dlopen("libc.so.6", {
    // int sigaction(int signum, const struct sigaction *act, struct sigaction *oldact)
    sigaction: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
    // int abs(int): a function of the signal's number that does nothing
    abs: { type: "pointer" },
  });
  const { sigaction, abs } = libc.symbols;
  const actionOf = (signal: number) => {
    const action = new BigUint64Array(ACTION.WORDS);
    sigaction(signal, null, action);
    return action;
  };
  const isIgnored = (action: BigUint64Array) => action[ACTION.HANDLER] === SIG_IGN;

  const nothing = new BigUint64Array(ACTION.WORDS);
  nothing[ACTION.HANDLER] = BigInt(Deno.UnsafePointer.value(abs));
  nothing[ACTION.FLAGS] = SA_RESTART;
  const before = new Map([SIGNAL.SIGUSR1, ...CAUGHT_ALONG].map((signal) => [signal, actionOf(signal)]));

  const listener = () => {};
  Deno.addSignalListener("SIGUSR1", listener);
  sigaction(
    SIGNAL.SIGUSR1,
    isIgnored(before.get(SIGNAL.SIGUSR1)!) ? before.get(SIGNAL.SIGUSR1)! : nothing,
    null,
  );
  for (const signal of CAUGHT_ALONG) {
    if (isIgnored(before.get(signal)!)) sigaction(signal, before.get(signal)!, null);
  }
  Deno.removeSignalListener("SIGUSR1", listener);
  if (xfszIsOurs() || actionOf(SIGNAL.SIGXFSZ)[ACTION.HANDLER] === SIG_DFL) {
    sigaction(SIGNAL.SIGXFSZ, nothing, null);
  }
}
