/** Runs of samples, for handlers that loop over many at once. */

import type { EventDesc } from "../format/events.ts";

/**
 * Consecutive samples of one event, in order of time and with no other record between them. Word k of sample i is
 * `u32[words[i] + k]`; `ip` and the other fields give the k of their value, -1 when samples have none.
 */
export class SampleRun {
  u32: Uint32Array = new Uint32Array(0);
  words: Uint32Array<ArrayBuffer>;
  count = 0;
  /** Index of the event in the header's `events`. */
  event = -1;
  /** Word of the instruction pointer's low half; the high half follows. */
  ip = -1;
  /** Word of the process; the thread follows. */
  pid = -1;
  cpu = -1;
  /** Word of the period's low half; the high half follows. */
  period = -1;
  /** Period of samples that carry none. */
  fixedPeriod = 1;
  /** Time of the first sample, in ns since the reader's `timeBase`. */
  firstTime = NaN;
  /** Time of the last sample, in ns since the reader's `timeBase`. */
  lastTime = NaN;

  /** @param capacity largest number of samples. */
  constructor(capacity: number) {
    this.words = new Uint32Array(capacity);
  }

  /** Makes this an empty run of `event`, the header's `index`-th. */
  begin(index: number, { layout, period }: EventDesc): void {
    const word = (offset: number) => offset < 0 ? -1 : offset >>> 2;
    this.count = 0;
    this.event = index;
    this.ip = word(layout.ip);
    this.pid = word(layout.tid);
    this.cpu = word(layout.cpu);
    this.period = word(layout.period);
    this.fixedPeriod = period;
  }
}
