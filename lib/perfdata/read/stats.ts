/** Statistics of a reading of perf.data, by type and by event. */

import { OTHER_TYPES } from "../format/record_names.ts";
import { PERF_RECORD, PERF_RECORD_USER } from "../../base/system/abi.ts";
import type { BadInputError } from "../../base/system/errors.ts";

/** Statistics of one PerfDataReader.read(). */
export interface ReadStats {
  /** All records, including samples. */
  records: number;
  /** Samples of known events, as many as the handler got. */
  samples: number;
  /** Samples by index of the event. */
  samplesByEvent: number[];
  /**
   * Records by type, ascending: PERF_RECORD.* and PERF_RECORD_USER.*. When there are very many unknown types, the
   * rest are counted under OTHER_TYPES.
   */
  byType: Map<number, number>;
  /** Records of unknown types. The handler gets them undecoded. */
  unknownRecords: number;
  /** Samples and other records with an id of no event. The handler gets them as records. */
  unknownIds: number;
  /** Records that the kernel dropped because a ring was full, by PERF_RECORD_LOST. */
  lost: number;
  /** Samples that the kernel dropped, by PERF_RECORD_LOST_SAMPLES. */
  lostSamples: number;
  /** Number of FINISHED_ROUND records. */
  rounds: number;
  /** Records that came too late to be delivered in order of time. */
  outOfOrder: number;
  /** Bytes of records and the data that goes with them, decompressed. */
  bytes: number;
  /** Smallest time of a record, in ns of the recording's clock; undefined when none has a time. */
  timeFirst?: bigint;
  /** Largest time of a record, in ns of the recording's clock; undefined when none has a time. */
  timeLast?: bigint;
  /** Offset at which the input ends early or is damaged; -1 when it is whole. */
  truncatedAt: number;
  /** Error that describes the damage. */
  damage?: BadInputError;
  /** True when records are missing because of it; false when only what describes the recording is damaged. */
  cut: boolean;
}

/** Returns the statistics before anything was read. */
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

/** Limit of types of 128 and up that are counted separately: a hostile file may have as many as it has records. */
const MAX_TYPES = 256;

const KNOWN_TYPES = new Set<number>([...Object.values(PERF_RECORD), ...Object.values(PERF_RECORD_USER)]);

/** Counts records by type: those below 128 in an array, for speed, others in a map. */
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

  /** Stores the counts, the total and the number of unknown types in `stats`. */
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
