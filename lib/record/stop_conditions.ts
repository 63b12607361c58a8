/** When a recording is over. */

import type { MeasuredCommand, StopSignals } from "../../ffi/command.ts";
import type { Exit } from "../../ffi/pmu.ts";
import type { OutputSequence } from "./output/output_sequence.ts";
import { liveProc } from "./host/procfs.ts";
import type { RecordRequest } from "./request/request.ts";
import { allEnded } from "./request/target.ts";

export interface StopReason {
  /** The limit that was reached: the output's size, or the recording's time. */
  limit?: "size" | "time";
  /** The command's end, which may be yet to come when a limit was reached; undefined without a command. */
  exit: Promise<Exit | undefined>;
}

/**
 * Waits for the command's end, the targets' end, the time set, the size set, or the user's word, whichever
 * comes first. A command is not stopped at a limit of its recording: it is somebody's build, or server.
 */
export async function waitForStop(
  command: MeasuredCommand | undefined,
  { target, seconds, maxBytes = Infinity }: RecordRequest,
  outputs: OutputSequence,
  stopper: StopSignals,
): Promise<StopReason> {
  const timer = Promise.withResolvers<"time">();
  const timeout = seconds === undefined ? undefined : setTimeout(() => timer.resolve("time"), seconds * 1000);
  const isFull = () => outputs.bytes >= maxBytes;
  // nothing keeps a recording without a command once its targets or its output are gone
  const isOver = () =>
    isFull() || (!command && (outputs.error !== undefined ||
      ((target.kind === "processes" || target.kind === "threads") && allEnded(target, liveProc))));
  // a command without a size to stop at is over when it ends, and at no other time: there is nothing to look at
  const over = command && maxBytes === Infinity ? undefined : new Condition(isOver);
  try {
    const exit = command ? command.untilDone(stopper) : stopper.first.then(() => undefined);
    const first = await Promise.race([exit, outputs.failed, timer.promise, ...over ? [over.met] : []]);
    const limit = isFull() ? "size" : first === "time" ? "time" : undefined;
    return { ...limit ? { limit } : {}, exit: command ? exit : Promise.resolve(undefined) };
  } finally {
    over?.forget();
    clearTimeout(timeout);
  }
}

/** How often it is looked whether a recording is over, in ms. */
const POLL_MS = 100;

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
    }, POLL_MS);
  }

  forget(): void {
    clearInterval(this.#timer);
  }
}
