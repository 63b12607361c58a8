/** Closing the ledger of a recording, or of a part of it. */

import { readCounts, type RingStats } from "../../ffi/pmu.ts";
import { PERF_FORMAT } from "../base/abi.ts";
import { type Ledger, makeLedger } from "./ledger.ts";
import type { Opened } from "./opening.ts";

/** Records that the kernel had no room for since the events were opened, by CPU; of CPUs whose events tell. */
export type LostCounts = ReadonlyMap<number, number>;

/** PERF_FORMAT_LOST of every event, where the kernel has it. */
export function lostCounts(opened: readonly Opened[]): LostCounts {
  const lostOf = new Map<number, number>();
  for (const { attr, places } of opened) {
    if (!(attr.readFormat & PERF_FORMAT.LOST)) continue;
    for (const { cpu, fd } of places) {
      const counts = new BigUint64Array(3); // value, id, lost
      readCounts(fd, counts);
      lostOf.set(cpu, (lostOf.get(cpu) ?? 0) + Number(counts[2]));
    }
  }
  return lostOf;
}

/**
 * The ledger, from what the drain took from each ring and what the kernel says that it could not put
 * there: `lostCounts()` less what they were `before`, or the LOST records where the kernel is too old for that.
 */
export function closeLedger(stats: readonly RingStats[], lost: LostCounts, before: LostCounts): Ledger {
  const lostOn = (cpu: number) => {
    const count = lost.get(cpu);
    return count === undefined ? undefined : count - (before.get(cpu) ?? 0);
  };
  return makeLedger(
    stats.map((ring) => ({
      cpu: ring.cpu,
      sample: ring.samples - ring.dropbufSample,
      overflow: (lostOn(ring.cpu) ?? ring.lost) + ring.lostSamples,
      buf: ring.buf,
      emptybuf: ring.emptybuf,
      dropbuf: ring.dropbuf,
      dropbuf_sample: ring.dropbufSample,
      throttle: ring.throttle,
    })),
  );
}
