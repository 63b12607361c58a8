/** Samples at once, for handlers whose time goes into a loop over them. */

import type { EventDesc } from "../format/events.ts";

/**
 * Samples of one event, in the order of time, with no other record between them. Word k of sample i is
 * `u32[words[i] + k]`, and `ip` and the like are the k of its fields, -1 for those that it does not have.
 */
export class SampleRun {
  u32: Uint32Array = new Uint32Array(0);
  words: Uint32Array<ArrayBuffer>;
  count = 0;
  /** Index in the header's `events`. */
  event = -1;
  /** The instruction pointer's low half; the high one follows. */
  ip = -1;
  /** The process; the thread follows. */
  pid = -1;
  cpu = -1;
  /** The period's low half; the high one follows. */
  period = -1;
  /** The period of samples that have none. */
  fixedPeriod = 1;
  /** Times of the first and the last one, in ns since the reader's `timeBase`. */
  firstTime = NaN;
  lastTime = NaN;

  /** @param capacity how many samples there may be. */
  constructor(capacity: number) {
    this.words = new Uint32Array(capacity);
  }

  /** Makes it an empty one of `event`, the header's `index`-th. */
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
