/**
 * The ledger as the records of a file tell it, for files that bring none (perf's), and for what only the records
 * know: how long the kernel had an event throttled.
 */

import { PERF_RECORD } from "../../base/system/abi.ts";
import { ABSENT, IntMap } from "../../base/bytes/int_map.ts";
import type { RecordCursor } from "../format/cursor.ts";
import type { LedgerCounts } from "../format/session_info.ts";
import type { SampleRun } from "./sample_run.ts";
import { decodeLost, decodeLostSamples, decodeThrottle } from "../format/records.ts";

/** One CPU's figures; CPU -1 is for records that name none. */
interface Tally {
  cpu: number;
  sample: number;
  lost: number;
  lostSamples: number;
  throttle: number;
  throttledNs: number;
}

/** Samples are counted for CPUs below this in an array, which is fast; the others as they come. */
const ARRAY_CPUS = 1024;

export class RecordLedger {
  /** By CPU plus one: without any is as frequent, where threads are recorded and not CPUs. */
  readonly #samples = new Float64Array(ARRAY_CPUS + 1);
  readonly #tallies: Tally[] = [];
  /** By CPU: index in #tallies. */
  readonly #tallyOf = new IntMap();
  /** Events that are throttled: since when, and on which CPU. */
  readonly #throttled = new Map<bigint, { since: bigint; cpu: number }>();

  /** Counts a sample on `cpu`. */
  sample(cpu: number): void {
    if (cpu >= -1 && cpu < ARRAY_CPUS) this.#samples[cpu + 1]++;
    else this.#of(cpu).sample++;
  }

  /** Counts those of a run, each on its CPU. */
  samples({ u32, words, count, cpu }: SampleRun): void {
    if (cpu < 0) {
      this.#samples[0] += count;
      return;
    }
    for (let i = 0; i < count; i++) this.sample(u32[words[i] + cpu] | 0);
  }

  /** Counts what a record of the kernel tells of losses; it may be of any type. */
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
        // a second one without an end to the first: that was lost, and so is how long the first one took
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
   * The rows by CPU, and their total. An event that is throttled to the end was so until `lastTime` (ns of the
   * recording's clock). `overlapping`: LOST_SAMPLES has all that was lost, and what LOST tells is a part of it, as
   * in files of a perf that reads PERF_FORMAT_LOST at the end, which it does for all CPUs together; otherwise each
   * tells of samples of its own.
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
