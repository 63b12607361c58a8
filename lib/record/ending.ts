/** When a recording is over. */

import type { MeasuredCommand, Stopper } from "../../ffi/command.ts";
import type { Drain, Exit } from "../../ffi/pmu.ts";
import { liveProc } from "./procfs.ts";
import type { RecordRequest } from "./request.ts";
import { allEnded } from "./target.ts";

const SIGTERM = 15;

/** Waits for the command's end, the targets' end, the time set, or the user's word, whichever comes first. */
export async function untilDone(
  command: MeasuredCommand | undefined,
  { target, seconds }: RecordRequest,
  drain: Drain,
  stopper: Stopper,
): Promise<Exit | undefined> {
  const timer = Promise.withResolvers<number>();
  const timeout = seconds === undefined
    ? undefined
    : setTimeout(() => timer.resolve(SIGTERM), seconds * 1000);
  const stop = { ...stopper, first: Promise.race([stopper.first, timer.promise]) };
  try {
    if (command) return await command.untilDone(stop);
    // nothing keeps a recording without a command once its targets or its output are gone
    const over = () =>
      drain.error !== undefined ||
      ((target.kind === "processes" || target.kind === "threads") && allEnded(target, liveProc));
    await Promise.race([stop.first, until(over)]);
    return undefined;
  } finally {
    clearTimeout(timeout);
  }
}

/** How often it is looked whether a recording is over, in ms. */
const LOOK_EVERY = 100;

function until(condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (!condition()) return;
      clearInterval(timer);
      resolve();
    }, LOOK_EVERY);
  });
}
