/** Attrs for overflow notification: a counter that stops when its preset runs out. */

import { CLOCK } from "../../base/system/numbers.ts";
import { PERF_SAMPLE } from "../../base/system/abi.ts";
import { type EventAttr, makeAttr } from "../../events/attr.ts";
import type { ResolvedEvent } from "../../events/resolve.ts";
import { CpcError } from "../verify/cpc_error.ts";

/** Sample type of overflows: which event, where, when. All have the same, so that one layout decodes them. */
const OVERFLOW_SAMPLE = PERF_SAMPLE.IDENTIFIER | PERF_SAMPLE.IP | PERF_SAMPLE.TID | PERF_SAMPLE.TIME |
  PERF_SAMPLE.CPU;

/** Bound on sampling periods; the kernel accepts those below it. */
const PERIOD_LIMIT = 1n << 63n;

/**
 * Returns the events from `preset` to the overflow, 2^64 - preset, which is the sampling period. Throws CpcError when
 * that exceeds the kernel's longest period.
 */
export function overflowPeriod({ event, preset }: { event: ResolvedEvent; preset: bigint }): bigint {
  const period = (1n << 64n) - preset;
  if (period < PERIOD_LIMIT) return period;
  throw new CpcError({
    subcode: "CPC_ATTRIBUTE_OUT_OF_RANGE",
    attempt: `notify of the overflow of ${event.name}`,
    cause:
      `its preset ${preset} is ${period} events away from the overflow, and the kernel supports less than 2^63`,
    remedy: `preset=${(1n << 64n) - 1_000_000n} notifies after 1000000`,
  });
}

/**
 * Gives `attr` the clock that overflows are stamped with. A group has one clock, so every counter of the set gets it.
 */
export function onOverflowClock(attr: EventAttr): void {
  attr.flags.add("useClockid");
  attr.clockid = CLOCK.MONOTONIC;
}

/** Returns the attr of a notifying counter, derived from that of a plain one. Throws as overflowPeriod() does. */
export function overflowAttr(attr: EventAttr, counter: { event: ResolvedEvent; preset: bigint }): EventAttr {
  return { ...attr, samplePeriod: overflowPeriod(counter), sampleType: OVERFLOW_SAMPLE, wakeup: 1 };
}

/** Returns an attr that decodes the records of any notifying counter. */
export function overflowRecordAttr(): EventAttr {
  return makeAttr({ sampleType: OVERFLOW_SAMPLE });
}

/** Returns the error for an event that counts, but has no interrupt to notify with: cpc's ENOTSUP. */
export function noOverflowInterrupt(name: string): CpcError {
  return new CpcError({
    errno: "ENOTSUP",
    attempt: `notify of the overflow of ${name}`,
    cause: "its PMU has no overflow interrupt for it",
    remedy: "leave notify out and sample at intervals, or notify on an event of the CPU's own PMU",
  });
}
