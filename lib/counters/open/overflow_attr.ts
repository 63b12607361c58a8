/** Overflow notification in terms of perf_event_attr: a counter that stops when its preset runs out. */

import { PERF_SAMPLE } from "../../base/system/abi.ts";
import { type EventAttr, makeAttr } from "../../events/attr.ts";
import type { ResolvedEvent } from "../../events/resolve.ts";
import { CpcError } from "../verify/cpc_error.ts";

/** What every overflow's record holds: whose it is, where, when. Alike for all, so that one layout reads them. */
export const OVERFLOW_SAMPLE = PERF_SAMPLE.IDENTIFIER | PERF_SAMPLE.IP | PERF_SAMPLE.TID | PERF_SAMPLE.TIME |
  PERF_SAMPLE.CPU;

/** CLOCK_MONOTONIC: the clock of a SetSample's hrtimeNs. */
const CLOCK_MONOTONIC = 1;
/** The kernel takes sampling periods below this. */
const PERIOD_LIMIT = 1n << 63n;

/**
 * Events from `preset` to the overflow: 2^64 - preset, which is the sampling period. Throws CpcError for a
 * preset that is as far away as the kernel cannot count in one period.
 */
export function overflowPeriod({ event, preset }: { event: ResolvedEvent; preset: bigint }): bigint {
  const period = (1n << 64n) - preset;
  if (period < PERIOD_LIMIT) return period;
  throw new CpcError({
    subcode: "CPC_ATTRIBUTE_OUT_OF_RANGE",
    attempt: `notify of the overflow of ${event.name}`,
    cause:
      `from its preset ${preset} it is ${period} events away, and the kernel counts less than 2^63 to an overflow`,
    remedy: `preset=${(1n << 64n) - 1_000_000n} notifies after 1000000`,
  });
}

/** Gives `attr` the clock that overflows are stamped with: a group has one clock, so every counter of the set has it. */
export function onOverflowClock(attr: EventAttr): void {
  attr.flags.add("useClockid");
  attr.clockid = CLOCK_MONOTONIC;
}

/** The attr of a counter that notifies, from that of one that counts. Throws as overflowPeriod(). */
export function overflowAttr(attr: EventAttr, counter: { event: ResolvedEvent; preset: bigint }): EventAttr {
  return { ...attr, samplePeriod: overflowPeriod(counter), sampleType: OVERFLOW_SAMPLE, wakeup: 1 };
}

/** An attr for reading the records of any such counter. */
export function overflowRecordAttr(): EventAttr {
  return makeAttr({ sampleType: OVERFLOW_SAMPLE });
}

/** cpc's ENOTSUP: the event counts, but there is no interrupt to notify with. */
export function noOverflowInterrupt(name: string): CpcError {
  return new CpcError({
    errno: "ENOTSUP",
    attempt: `notify of the overflow of ${name}`,
    cause: "its PMU counts it without an overflow interrupt",
    remedy: "leave notify out and sample at intervals, or notify on an event of the CPU's own PMU",
  });
}
