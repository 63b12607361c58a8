/**
 * Ledger computed from the records of a file, for files that bring none (perf's), and for what only the records tell:
 * how long the kernel throttled an event.
 */

import { PERF_RECORD } from "../../base/system/abi.ts";
import { ABSENT, IntMap } from "../../base/bytes/int_map.ts";
import type { RecordCursor } from "../format/cursor.ts";
import type { LedgerCounts } from "../own/session_info.ts";
import type { SampleRun } from "./sample_run.ts";
import { decodeLost, decodeLostSamples, decodeThrottle } from "../format/records.ts";

/** Counts of one CPU; CPU -1 is for records without one. */
interface Tally {
  cpu: number;
  sample: number;
  lost: number;
  lostSamples: number;
  throttle: number;
  throttledNs: number;
}

/** Samples of CPUs below this are counted in an array, which is fast, those of others in tallies. */
const ARRAY_CPUS = 1024;

/** Counts samples and losses by CPU. */
export class RecordLedger {
  /**
   * Samples by CPU plus one. Index 0, without a CPU, is as frequent as any when threads are recorded rather than
   * CPUs.
   */
  readonly #samples = new Float64Array(ARRAY_CPUS + 1);
  readonly #tallies: Tally[] = [];
  /** Index in #tallies by CPU. */
  readonly #tallyOf = new IntMap();
  /** Events that are throttled now: since when, and on which CPU. */
  readonly #throttled = new Map<bigint, { since: bigint; cpu: number }>();

  /** Counts a sample on `cpu`. */
  sample(cpu: number): void {
    if (cpu >= -1 && cpu < ARRAY_CPUS) this.#samples[cpu + 1]++;
    else this.#of(cpu).sample++;
  }

  /** Counts the samples of a run, each on its CPU. */
  samples({ u32, words, count, cpu }: SampleRun): void {
    if (cpu < 0) {
      this.#samples[0] += count;
      return;
    }
    for (let i = 0; i < count; i++) this.sample(u32[words[i] + cpu] | 0);
  }

  /** Counts what a record of the kernel tells about loss. Records of all types are accepted. */
  record(cursor: RecordCursor): void {
    switch (cursor.type) {
      case PERF_RECORD.LOST:
        this.#of(cursor.cpu).lost += decodeLost(cursor).lost;
        break;
      case PERF_RECORD.LOST_SAMPLES:
        this.#of(cursor.cpu).lostSamples += decodeLostSamples(cursor);
        break;
      case PERF_RECORD.THROTTLE: {
        const { time, streamId } = decodeThrottle(cursor);
        this.#of(cursor.cpu).throttle++;
        // A second THROTTLE without an UNTHROTTLE: that was lost, and with it the duration of the first.
        this.#throttled.set(streamId, { since: time, cpu: cursor.cpu });
        break;
      }
      case PERF_RECORD.UNTHROTTLE: {
        const { time, streamId } = decodeThrottle(cursor);
        this.#endThrottle(streamId, time);
        break;
      }
    }
  }

  /**
   * Returns the rows by CPU and their total. An event that is still throttled counts as throttled until `lastTime`
   * (ns of the recording's clock). With `overlapping`, LOST_SAMPLES has all loss and LOST a part of it, as in files
   * of a perf that reads PERF_FORMAT_LOST at the end, which it does for all CPUs together; otherwise each counts
   * samples of its own.
   */
  close(lastTime: bigint | undefined, overlapping: boolean): { rows: LedgerCounts[]; total: LedgerCounts } {
    for (const id of [...this.#throttled.keys()]) this.#endThrottle(id, lastTime ?? 0n);
    this.#samples.forEach((n, i) => {
      if (n > 0) this.#of(i - 1).sample += n;
    });
    this.#samples.fill(0);
    const counts = (t: Tally, overflow: number): LedgerCounts => ({
      cpu: t.cpu,
      sample: t.sample,
      overflow,
      throttle: t.throttle,
      throttled_ns: t.throttledNs,
    });
    const sorted = this.#tallies.toSorted((a, b) => a.cpu - b.cpu);
    const total = emptyTally(-1);
    for (const tally of sorted) for (const name of SUMMED) total[name] += tally[name];
    const both = ({ lost, lostSamples }: Tally) => lost + lostSamples;
    return {
      rows: sorted.map((tally) => counts(tally, overlapping ? tally.lost : both(tally))),
      total: counts(total, overlapping ? Math.max(total.lost, total.lostSamples) : both(total)),
    };
  }

  #endThrottle(streamId: bigint, time: bigint) {
    const began = this.#throttled.get(streamId);
    if (!began) return;
    this.#throttled.delete(streamId);
    this.#of(began.cpu).throttledNs += Math.max(0, Number(time - began.since));
  }

  #of(cpu: number): Tally {
    let index = this.#tallyOf.get(cpu);
    if (index === ABSENT) {
      index = this.#tallies.push(emptyTally(cpu)) - 1;
      this.#tallyOf.set(cpu, index);
    }
    return this.#tallies[index];
  }
}

const SUMMED = ["sample", "lost", "lostSamples", "throttle", "throttledNs"] as const;

function emptyTally(cpu: number): Tally {
  return { cpu, sample: 0, lost: 0, lostSamples: 0, throttle: 0, throttledNs: 0 };
}
