/** When a recording is over. */

import type { MeasuredCommand, Stopper } from "../../ffi/command.ts";
import type { Exit } from "../../ffi/pmu.ts";
import type { Parts } from "./parts.ts";
import { liveProc } from "./procfs.ts";
import type { RecordRequest } from "./request.ts";
import { allEnded } from "./target.ts";

const SIGTERM = 15;

export interface Ending {
  /** The output has reached its size. */
  full: boolean;
  /** The command's end, which may be yet to come when the output is full; undefined without one. */
  exit: Promise<Exit | undefined>;
}

/**
 * Waits for the command's end, the targets' end, the time set, the size set, or the user's word, whichever
 * comes first. A command whose output is full is not stopped: it is somebody's build, or server.
 */
export async function untilDone(
  command: MeasuredCommand | undefined,
  { target, seconds, maxBytes = Infinity }: RecordRequest,
  parts: Parts,
  stopper: Stopper,
): Promise<Ending> {
  const timer = Promise.withResolvers<number>();
  const timeout = seconds === undefined
    ? undefined
    : setTimeout(() => timer.resolve(SIGTERM), seconds * 1000);
  const stop = { ...stopper, first: Promise.race([stopper.first, timer.promise]) };
  const isFull = () => parts.bytes >= maxBytes;
  // nothing keeps a recording without a command once its targets or its output are gone
  const isOver = () =>
    isFull() || (!command && (parts.error !== undefined ||
      ((target.kind === "processes" || target.kind === "threads") && allEnded(target, liveProc))));
  // a command without a size to stop at is over when it ends, and at no other time: there is nothing to look at
  const over = command && maxBytes === Infinity ? undefined : new Condition(isOver);
  try {
    const exit = command ? command.untilDone(stop) : stop.first.then(() => undefined);
    await Promise.race([exit, parts.failed, ...over ? [over.met] : []]);
    const full = isFull();
    return { full, exit: command ? exit : Promise.resolve(undefined) };
  } finally {
    over?.forget();
    clearTimeout(timeout);
  }
}

/** How often it is looked whether a recording is over, in ms. */
const LOOK_EVERY = 100;

/** Something that is looked at until it is so. */
class Condition {
  /** Resolves when it is so. */
  readonly met: Promise<void>;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(isSo: () => boolean) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.met = promise;
    this.#timer = setInterval(() => {
      if (isSo()) resolve();
    }, LOOK_EVERY);
  }

  forget(): void {
    clearInterval(this.#timer);
  }
}
