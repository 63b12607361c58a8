/** What a reading of perf.data came across, by type and by event. */

import { OTHER_TYPES } from "../format/record_names.ts";
import { PERF_RECORD, PERF_RECORD_USER } from "../../base/system/abi.ts";
import type { BadInputError } from "../../base/system/errors.ts";

/** Figures of one PerfDataReader.read(). */
export interface ReadStats {
  /** All records, samples among them. */
  records: number;
  /** Samples of known events, as often as the handler was given them. */
  samples: number;
  /** By index of the event. */
  samplesByEvent: number[];
  /** Records by type, ascending, PERF_RECORD.* and PERF_RECORD_USER.*; those of types beyond many unknown ones under OTHER_TYPES. */
  byType: Map<number, number>;
  /** Records of types that are not known here; the handler was given them as they are. */
  unknownRecords: number;
  /** Samples and other records with the id of no event; the handler was given them as records. */
  unknownIds: number;
  /** Records that the kernel dropped for want of room in a ring, as PERF_RECORD_LOST says. */
  lost: number;
  /** Samples that the kernel dropped, as PERF_RECORD_LOST_SAMPLES says. */
  lostSamples: number;
  /** FINISHED_ROUND records. */
  rounds: number;
  /** Records that came too late to be given in the order of time. */
  outOfOrder: number;
  /** Bytes of records and of what goes with them, unpacked. */
  bytes: number;
  /** Smallest and largest time of a record, in ns of the recording's clock; undefined when none has a time. */
  timeFirst?: bigint;
  timeLast?: bigint;
  /** Offset where the input ends early or is damaged, -1 when it is whole. */
  truncatedAt: number;
  /** What was wrong there. */
  damage?: BadInputError;
  /** Records are missing because of it; false when only what describes the recording is damaged. */
  cut: boolean;
}

/** Figures of nothing read yet, for `events` events. */
export function emptyStats(): ReadStats {
  return {
    records: 0,
    samples: 0,
    samplesByEvent: [],
    byType: new Map(),
    unknownRecords: 0,
    unknownIds: 0,
    lost: 0,
    lostSamples: 0,
    rounds: 0,
    outOfOrder: 0,
    bytes: 0,
    truncatedAt: -1,
    cut: false,
  };
}

/** Types that are told apart at most, besides those below 128: a file may have as many as it has records. */
const MAX_TYPES = 256;

const KNOWN_TYPES = new Set<number>([...Object.values(PERF_RECORD), ...Object.values(PERF_RECORD_USER)]);

/** Counts records by type: those below 128 in an array, for speed, the others as they come. */
export class TypeCounts {
  readonly #low = new Float64Array(128);
  readonly #high = new Map<number, number>();

  count(type: number, n = 1): void {
    if (type < 128) this.#low[type] += n;
    else {
      const counted = this.#high.has(type) || this.#high.size < MAX_TYPES ? type : OTHER_TYPES;
      this.#high.set(counted, (this.#high.get(counted) ?? 0) + n);
    }
  }

  /** Puts the counts, the total and the number of unknown types into `stats`. */
  report(stats: ReadStats): void {
    const counts: [number, number][] = [...this.#high];
    this.#low.forEach((n, type) => n > 0 && counts.push([type, n]));
    stats.byType = new Map(counts.sort((a, b) => a[0] - b[0]));
    stats.records = 0;
    stats.unknownRecords = 0;
    for (const [type, n] of counts) {
      stats.records += n;
      if (!KNOWN_TYPES.has(type)) stats.unknownRecords += n;
    }
  }
}
