/** Conditions that end a recording: the command's or the targets' end, a limit, or the user's word. */

import type { MeasuredCommand, StopSignals } from "../../ffi/command.ts";
import type { Exit } from "../../ffi/pmu.ts";
import { everyBeat } from "../base/system/beat.ts";
import { liveProc } from "./host/procfs.ts";
import type { OutputSequence } from "./output/output_sequence.ts";
import type { RecordRequest } from "./request/request.ts";
import { allEnded } from "./request/target.ts";

/** Reason that a recording is over. */
export interface StopReason {
  /** Limit that was reached: of the output's size, the recording's time, or the target's word; undefined when there was none. */
  limit?: "size" | "time" | "control";
  /** End of the command, which is yet to come when a limit was reached; resolves to undefined without a command. */
  exit: Promise<Exit | undefined>;
}

/** Limits of a recording. */
export interface StopLimits extends Pick<RecordRequest, "target" | "seconds" | "maxBytes"> {
  /** Resolves when the target asks for the end (--control). */
  stopped?: Promise<"control">;
}

/**
 * Waits for the command's end, the targets' end or word, the time limit, the size limit, or the user's word, whichever comes
 * first.
 * A command is not stopped at a limit of its recording: it is somebody's build, or server.
 */
export async function waitForStop(
  command: Pick<MeasuredCommand, "untilDone"> | undefined,
  { target, seconds, maxBytes = Infinity, stopped }: StopLimits,
  outputs: Pick<OutputSequence, "bytes" | "error" | "failed">,
  stopper: StopSignals,
): Promise<StopReason> {
  const timer = Promise.withResolvers<"time">();
  const timeout = seconds === undefined ? undefined : setTimeout(() => timer.resolve("time"), seconds * 1000);
  const isFull = () => outputs.bytes >= maxBytes;
  // nothing keeps a recording without a command once its targets or its output are gone
  const isOver = () =>
    isFull() || (!command && (outputs.error !== undefined ||
      ((target.kind === "processes" || target.kind === "threads") && allEnded(target, liveProc))));
  // a command without a size limit is over when it ends, and at no other time: there is nothing to poll
  const over = command && maxBytes === Infinity ? undefined : new PolledCondition(isOver);
  try {
    const exit = command ? command.untilDone(stopper) : stopper.first.then(() => undefined);
    const ends = [...(stopped ? [stopped] : []), ...(over ? [over.met] : [])];
    const first = await Promise.race([exit, outputs.failed, timer.promise, ...ends]);
    const limit = isFull() ? "size" : first === "time" || first === "control" ? first : undefined;
    return { ...limit ? { limit } : {}, exit: command ? exit : Promise.resolve(undefined) };
  } finally {
    over?.stop();
    clearTimeout(timeout);
  }
}

/** Condition that is polled until it holds. */
class PolledCondition {
  /** Resolves when it holds. */
  readonly met: Promise<void>;
  readonly stop: () => void;

  constructor(holds: () => boolean) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.met = promise;
    this.stop = everyBeat(() => {
      if (holds()) resolve();
    });
  }
}
