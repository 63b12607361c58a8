/** Signals of the user, as promises and callbacks. */

import { SIGNAL } from "../base/system/numbers.ts";
import { caller } from "../base/system/caller.ts";

/** Signals that ask a program to stop. */
const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Requests to stop. */
export interface StopRequests {
  /** Resolves to the number of the first signal that arrives after this is first read. */
  readonly first: Promise<number>;
  /** Resolves to the number of the second signal. */
  readonly second: Promise<number>;
  /** Whether a command that pmuctl runs gets the terminal's signals itself. */
  readonly commandGetsSignals: boolean;
}

/**
 * Catches the signals that ask to stop: SIGINT, SIGTERM, and SIGHUP unless it was ignored at the start (nohup). From
 * the first read of `first` or `second` on, they no longer end the process.
 */
export function onStopSignals(onTerminal: boolean): StopRequests {
  caller(); // read the ignored signals before listeners change them
  let listening: { first: Promise<number>; second: Promise<number> } | undefined;
  return {
    get first() {
      return (listening ??= listen()).first;
    },
    get second() {
      return (listening ??= listen()).second;
    },
    commandGetsSignals: onTerminal,
  };
}

function listen() {
  const first = Promise.withResolvers<number>();
  const second = Promise.withResolvers<number>();
  let seen = 0;
  const { ignored } = caller();
  for (const name of STOP_SIGNALS) {
    // with any listener Deno catches all three, so even an ignored signal needs a listener
    const heed = (ignored >> BigInt(SIGNAL[name] - 1) & 1n) === 0n;
    Deno.addSignalListener(name, () => {
      if (heed) (seen++ === 0 ? first : second).resolve(SIGNAL[name]);
    });
  }
  return { first: first.promise, second: second.promise };
}

/** Requests for a dump. */
export interface DumpRequests {
  /** Calls `act` at each SIGUSR2 from now on; the signal then no longer ends the process. */
  each(act: () => void): void;
}

/** Catches SIGUSR2, which requests the samples recorded so far and stops nothing. */
export function onDumpSignal(): DumpRequests {
  caller();
  return { each: (act) => Deno.addSignalListener("SIGUSR2", act) };
}

/** Turns the next Ctrl-C into an abort of the signal that it returns, until that is disposed. */
export function catchInterrupt(): { signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  const abort = () => controller.abort();
  const isIgnored = (caller().ignored >> BigInt(SIGNAL.SIGINT - 1) & 1n) !== 0n;
  if (!isIgnored) Deno.addSignalListener("SIGINT", abort);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      if (!isIgnored) Deno.removeSignalListener("SIGINT", abort);
    },
  };
}
