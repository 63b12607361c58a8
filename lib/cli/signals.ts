/** The user's requests to stop, as promises. */

/** Numbers of the signals that ask a program to stop; the same on every Linux. */
const NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

export interface StopRequests {
  /** Resolves to the number of the first of the signals to come. */
  first: Promise<number>;
  /** The same of the second one. */
  second: Promise<number>;
  /** Whether a command we run gets the terminal's signals by itself. */
  commandHearsToo: boolean;
}

/** Takes these signals from now on, so that they no longer end the process. */
export function onSignals(names: readonly (keyof typeof NUMBERS)[], onTerminal: boolean): StopRequests {
  const first = Promise.withResolvers<number>();
  const second = Promise.withResolvers<number>();
  let seen = 0;
  for (const name of names) {
    Deno.addSignalListener(name, () => (seen++ === 0 ? first : second).resolve(NUMBERS[name]));
  }
  return { first: first.promise, second: second.promise, commandHearsToo: onTerminal };
}
