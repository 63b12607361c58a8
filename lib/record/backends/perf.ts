/** The backend `perf`: an interrupt at each overflow of a counter, be it hardware's or the kernel's. */

import { isClockEvent, isCycles } from "../../events/catalog.ts";
import type { Operations } from "./backend.ts";
import { perfEvents, setPeriods } from "./perf_events.ts";

/** Cycles a second of a busy CPU: within a factor of two for any that runs Linux today. */
const CYCLES_A_SECOND = 3e9;

export const perfBackend: Operations = {
  ...perfEvents,
  what: "overflow of counters",
  trial: "cycles",
  ncounters: (pics) => pics,
  sampled: (event) => isClockEvent(event.attr) ? undefined : event,
  setRate: (opened, rate) => setPeriods(opened, rate),
  // of other events, how often they happen is what the user wants to find out
  estimateFrequency: (event) => isCycles(event.attr) ? CYCLES_A_SECOND : undefined,
};
