/** Closes the ledger of a recording, or of one of its files. */

import { type FlightStats, readCounts, type RingStats } from "../../../ffi/pmu.ts";
import { PERF_FORMAT } from "../../base/system/abi.ts";
import { type Ledger, type LedgerRow, makeLedger } from "../../perfdata/format/ledger.ts";
import { samplersOf, tracks } from "../backends/registry.ts";
import type { EventOnCpus } from "../open/open_on_cpus.ts";

/** Records that the kernel had no room for in the rings of a CPU since its events were opened. */
export interface KernelLosses {
  /** Records of the events that sample; samples alone where a tracker reports what runs. */
  samples: number;
  /** Records of the tracker; undefined where the events that sample report what runs as well. */
  sideband?: number;
}

/** Losses by CPU, of CPUs whose events count them. */
export type KernelLossesByCpu = ReadonlyMap<number, KernelLosses>;

/** Reads PERF_FORMAT_LOST of every event, where the kernel has it. */
export function readKernelLosses(opened: readonly EventOnCpus[]): KernelLossesByCpu {
  const lostOf = new Map<number, KernelLosses>();
  const samplers = new Set<EventOnCpus>(samplersOf(opened));
  const none = tracks(opened) ? { samples: 0, sideband: 0 } : { samples: 0 };
  for (const each of opened) {
    const { attr, places } = each;
    if (!(attr.readFormat & PERF_FORMAT.LOST)) continue;
    const grouped = (attr.readFormat & PERF_FORMAT.GROUP) !== 0;
    if (grouped && each.group) continue; // read with its leader
    const members = opened.filter(({ group }) => group?.leader === each);
    // value, id, lost; for a group: the number of events, then those three for each
    const counts = new BigUint64Array(grouped ? 1 + 3 * (1 + members.length) : 3);
    for (const [i, { cpu, fd }] of places.entries()) {
      const filled = readCounts(fd, counts);
      let lost = 0;
      for (let at = grouped ? 3 : 2; at < filled; at += 3) lost += Number(counts[at]);
      // the kernel takes a group apart when its CPU goes
      const apart = grouped && counts[0] < BigInt(1 + members.length) ? members : [];
      for (const member of apart) lost += lostAlone(member.places[i].fd);
      const { samples, sideband } = lostOf.get(cpu) ?? none;
      lostOf.set(
        cpu,
        samplers.has(each) ? { samples: samples + lost, sideband } : { samples, sideband: sideband! + lost },
      );
    }
  }
  return lostOf;
}

/** Reads what an event lost that was opened for a group and is in none any more. */
function lostAlone(fd: number): number {
  const counts = new BigUint64Array(4); // number of events, value, id, lost
  return readCounts(fd, counts) === 4 ? Number(counts[3]) : 0;
}

/**
 * Returns the ledger: what the drain took from each ring, and the flight recorder from its own, and what the kernel could
 * not put there. The latter is `lost` less what it was `before`, both as `readKernelLosses()` gives them, or the sum of
 * the LOST records where the kernel is too old for that.
 */
export function finalLedger(
  stats: readonly RingStats[],
  lost: KernelLossesByCpu,
  before: KernelLossesByCpu,
  flight: readonly FlightStats[] = [],
): Ledger {
  const flightOn = new Map(flight.map((ring) => [ring.cpu, ring]));
  return makeLedger(
    stats.map((ring) => {
      const now = lost.get(ring.cpu), then = before.get(ring.cpu);
      const row = {
        cpu: ring.cpu,
        sample: ring.samples - ring.dropbufSample,
        overflow: (now ? now.samples - (then?.samples ?? 0) : ring.lost) + ring.lostSamples,
        ...now?.sideband === undefined ? {} : { lost_sideband: now.sideband - (then?.sideband ?? 0) },
        buf: ring.buf,
        emptybuf: ring.emptybuf,
        dropbuf: ring.dropbuf,
        dropbuf_sample: ring.dropbufSample,
        throttle: ring.throttle,
      };
      const taken = flightOn.get(ring.cpu);
      return taken ? withTaken(row, taken, now !== undefined) : row;
    }),
  );
}

/** Adds what was taken from a CPU's flight recorder to the row of its drain; `counted`: the row has what was lost. */
function withTaken(row: LedgerRow, taken: FlightStats, counted: boolean): LedgerRow {
  const dropped = taken.droppedSamples;
  return {
    ...row,
    sample: row.sample + taken.samples - dropped,
    overflow: row.overflow + (counted ? 0 : taken.lost) + taken.lostSamples,
    buf: row.buf + (taken.records > 0 ? 1 : 0),
    dropbuf: row.dropbuf + (dropped > 0 ? 1 : 0),
    dropbuf_sample: row.dropbuf_sample + dropped,
    throttle: row.throttle + taken.throttle,
    overwritten_bytes: taken.overwrittenBytes,
  };
}
