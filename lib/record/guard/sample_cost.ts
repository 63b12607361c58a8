/** Measures what a sample costs the CPU it is taken on, by sampling this thread. */

import { encodeAttr, type EventAttr } from "../../events/attr.ts";
import { type EventCalls, liveCalls } from "../open/event_calls.ts";

/** Rate of the trial in Hz: harmless on any machine, and high enough for some samples in each turn. */
const TRIAL_RATE = 10000;
/** Times that each measurement is repeated. */
const TURNS = 8;
/** Iterations that take about a millisecond. */
const WORK = 1e6;

/**
 * Returns the seconds that a sample of this event takes, without storing it; undefined when it cannot be tried. Takes
 * about 30 ms. The best of several turns counts, so that other programs do not disturb the measurement. `turn` returns
 * the seconds that a fixed piece of work takes.
 */
export function sampleCost(
  attr: EventAttr,
  calls: EventCalls = liveCalls,
  turn: () => number = work,
): number | undefined {
  const trial: EventAttr = {
    ...attr,
    flags: new Set([...attr.flags].filter((flag) => flag !== "enableOnExec" && flag !== "inherit")).add(
      "freq",
    ),
    samplePeriod: BigInt(TRIAL_RATE),
  };
  const fd = calls.tryOpen(encodeAttr(trial), { pid: 0, cpu: -1 });
  if (fd < 0) return undefined;
  let alone = Infinity, sampled = Infinity;
  try {
    turn(); // so that it is compiled
    for (let i = 0; i < TURNS; i++) {
      alone = Math.min(alone, turn());
      calls.enable(fd);
      sampled = Math.min(sampled, turn());
      calls.disable(fd);
    }
  } finally {
    calls.closeEvent(fd);
  }
  return Math.max(0, sampled - alone) / (TRIAL_RATE * sampled);
}

let result = 0;

/** Returns the seconds that a fixed piece of work takes. */
function work(): number {
  const started = performance.now();
  let x = result | 1;
  for (let i = 0; i < WORK; i++) x = (Math.imul(x, 1664525) + 1013904223) | 0;
  result = x; // so that it is not optimized away
  return (performance.now() - started) / 1000;
}
