/** Takes from the runtime what it would do about signals, which is more than a program wants. */

import { xfszIsOurs } from "../base/system/launcher.ts";

/** The same numbers on x86_64 and aarch64. */
const SIGUSR1 = 10, SIGXFSZ = 25;
/** Signals that the runtime catches along with the first one that it is asked to: SIGHUP, SIGINT, SIGTERM. */
const CAUGHT_ALONG = [1, 2, 15];

/** Places in glibc's struct sigaction as 64-bit words: the handler, the flags. */
const ACTION = { HANDLER: 0, FLAGS: 17, WORDS: 19 } as const;
const SIG_DFL = 0n, SIG_IGN = 1n;
const SA_RESTART = 0x10000000n;

/**
 * Closes the door that the runtime opens with SIGUSR1, and makes the other signals what a program expects. To be
 * called once, before anything is waited for.
 *
 * Half a second after its start Deno catches SIGUSR1, and opens a debugger for all users of the machine when one
 * comes. It takes the signal from the kernel once, with the first listener; so we have a listener first, and take
 * the signal from Deno again: its later listener hears nothing. SIGUSR1 then does nothing, as one may be sent in
 * place of SIGUSR2, which asks `record` for a dump. What was ignored when we were started (nohup) stays ignored,
 * also for the commands we run. SIGXFSZ gets a handler, so that a file at its limit (ulimit -f) is an error to tell.
 *
 * A signal that does nothing has a handler, rather than being ignored, because exec keeps what is ignored.
 */
export function settleSignals(): void {
  const libc = Deno.dlopen("libc.so.6", {
    // int sigaction(int signum, const struct sigaction *act, struct sigaction *oldact)
    sigaction: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
    // int abs(int), a function of the signal's number that does nothing
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
  const before = new Map([SIGUSR1, ...CAUGHT_ALONG].map((signal) => [signal, actionOf(signal)]));

  const listener = () => {};
  Deno.addSignalListener("SIGUSR1", listener);
  sigaction(SIGUSR1, isIgnored(before.get(SIGUSR1)!) ? before.get(SIGUSR1)! : nothing, null);
  for (const signal of CAUGHT_ALONG) {
    if (isIgnored(before.get(signal)!)) sigaction(signal, before.get(signal)!, null);
  }
  Deno.removeSignalListener("SIGUSR1", listener);
  if (xfszIsOurs() || actionOf(SIGXFSZ)[ACTION.HANDLER] === SIG_DFL) sigaction(SIGXFSZ, nothing, null);
}
