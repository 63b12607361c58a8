/** The user's requests to stop, as promises. */

import { caller } from "../base/system/caller.ts";

/** Numbers of the signals that ask a program to stop; the same on every Linux. */
const NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

export interface StopRequests {
  /** Resolves to the number of the first of the signals to come, from when this is first read on. */
  readonly first: Promise<number>;
  /** The same of the second one. */
  readonly second: Promise<number>;
  /** Whether a command we run gets the terminal's signals by itself. */
  readonly commandGetsSignals: boolean;
}

/**
 * The signals that ask to stop: SIGINT, SIGTERM, and SIGHUP unless we were started to ignore it (nohup). They
 * are taken, so that they no longer end the process, from the first look at `first` or `second` on.
 */
export function onStopSignals(onTerminal: boolean): StopRequests {
  caller(); // it has to know what is ignored before there are listeners, which take that away
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
  for (const name of Object.keys(NUMBERS) as (keyof typeof NUMBERS)[]) {
    // with any listener in place Deno catches all three, so that ignoring one takes a listener, too
    const heed = (ignored >> BigInt(NUMBERS[name] - 1) & 1n) === 0n;
    Deno.addSignalListener(name, () => {
      if (heed) (seen++ === 0 ? first : second).resolve(NUMBERS[name]);
    });
  }
  return { first: first.promise, second: second.promise };
}

/** The user's requests for a dump, as often as they come. */
export interface DumpRequests {
  /** Calls `act` at each SIGUSR2 from now on, which then no longer ends the process. */
  each(act: () => void): void;
}

/** SIGUSR2, which asks for what has been recorded so far and stops nothing. */
export function onDumpSignal(): DumpRequests {
  caller();
  return { each: (act) => Deno.addSignalListener("SIGUSR2", act) };
}
