/** Closing the ledger of a recording. */

import { type Drain, readCounts } from "../../ffi/pmu.ts";
import { PERF_FORMAT } from "../base/abi.ts";
import { type Ledger, makeLedger } from "./ledger.ts";
import type { Opened } from "./opening.ts";

/**
 * The ledger, from what the drain took from each ring and what the kernel says that it could not put
 * there: PERF_FORMAT_LOST of every event, or the LOST records where the kernel is too old for that.
 */
export function closeLedger(drain: Drain, opened: readonly Opened[]): Ledger {
  const lostOf = new Map<number, number>();
  for (const { attr, places } of opened) {
    if (!(attr.readFormat & PERF_FORMAT.LOST)) continue;
    for (const { cpu, fd } of places) {
      const counts = new BigUint64Array(3); // value, id, lost
      readCounts(fd, counts);
      lostOf.set(cpu, (lostOf.get(cpu) ?? 0) + Number(counts[2]));
    }
  }
  return makeLedger(
    drain.stats().map((ring) => ({
      cpu: ring.cpu,
      sample: ring.samples - ring.dropbufSample,
      overflow: (lostOf.get(ring.cpu) ?? ring.lost) + ring.lostSamples,
      buf: ring.buf,
      emptybuf: ring.emptybuf,
      dropbuf: ring.dropbuf,
      dropbuf_sample: ring.dropbufSample,
      throttle: ring.throttle,
    })),
  );
}
