/** What every backend that samples through perf_event_open(2) does alike. */

import { disable, enable, PmuError, setPeriod } from "../../../ffi/pmu.ts";
import { type EventOnCpus, openOnCpus } from "../open/opening.ts";
import type { Operations } from "./backend.ts";

/** Opening, starting and stopping perf events. */
export const perfEvents: Pick<Operations, "open" | "start" | "stop"> = {
  open: openOnCpus,
  start: ({ places }) => places.forEach(({ fd }) => enable(fd)),
  stop: ({ places }) => places.forEach(({ fd }) => disable(fd)),
};

/** PERF_EVENT_IOC_PERIOD wherever the event is open: a frequency in Hz, or a period. */
export function setPeriods({ places }: EventOnCpus, value: number): void {
  for (const { fd } of places) {
    try {
      setPeriod(fd, BigInt(value));
    } catch (error) {
      if (!(error instanceof PmuError)) throw error; // its thread or CPU has gone
    }
  }
}
