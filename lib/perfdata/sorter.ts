/**
 * Time order by rounds, as perf's ordered_events has it. A recorder drains the ring of each CPU in
 * turn and closes each pass with FINISHED_ROUND: a record found in a pass may be older than one of the
 * pass before, never older than one of the pass before that. So when a round ends, all that is not
 * younger than the youngest record seen when the *previous* round ended can go out.
 *
 * Within a round the records of one ring ascend, hence a natural merge sort: it merges the ascending
 * runs that are there, is stable (ties keep file order), and allocates nothing per record.
 */

export class RoundSorter {
  /** After ready(): the times of the records in order. */
  times: Float64Array<ArrayBuffer>;
  /** After ready(): the places of the records in the same order. */
  places: Uint32Array<ArrayBuffer>;
  /** Records held. */
  count = 0;
  /** Largest time ever pushed. */
  maxTime = -Infinity;
  /** Records that came after a younger one had gone out already. */
  outOfOrder = 0;

  #otherTimes: Float64Array<ArrayBuffer>;
  #otherPlaces: Uint32Array<ArrayBuffer>;
  /** Index of the first record of each ascending run, and, when merging, the end of the last. */
  #runs = new Uint32Array(64);
  #runCount = 0;
  #lastPushed = -Infinity;
  /** Time of the youngest record that has gone out. */
  #flushed = -Infinity;
  /** Youngest time when the round before ended: what the next end of a round lets out. */
  #limit = -Infinity;

  constructor(capacity = 1024) {
    this.times = new Float64Array(capacity);
    this.places = new Uint32Array(capacity);
    this.#otherTimes = new Float64Array(capacity);
    this.#otherPlaces = new Uint32Array(capacity);
  }

  /** Holds the record at `place` until its time comes. */
  push(time: number, place: number): void {
    const n = this.count;
    if (n === this.times.length) this.#grow();
    this.times[n] = time;
    this.places[n] = place;
    this.count = n + 1;
    if (n === 0 || time < this.#lastPushed) this.#startRun(n);
    this.#lastPushed = time;
    if (time > this.maxTime) this.maxTime = time;
    if (time < this.#flushed) this.outOfOrder++;
  }

  /** A round has ended: sorts, and returns how many records at the front of `places` can go out. */
  endRound(): number {
    const n = this.#ready(this.#limit);
    this.#limit = this.maxTime;
    return n;
  }

  /** The input has ended: sorts, and returns how many records there are. */
  endInput(): number {
    return this.#ready(Infinity);
  }

  /** Forgets the first `n` records, which have gone out. */
  drop(n: number): void {
    if (n === 0) return;
    this.times.copyWithin(0, n, this.count);
    this.places.copyWithin(0, n, this.count);
    this.count -= n;
    this.#runCount = 0;
    if (this.count > 0) {
      this.#startRun(0);
      this.#lastPushed = this.times[this.count - 1];
    }
  }

  /** The smallest place held, or `none` when nothing is held. */
  lowestPlace(none: number): number {
    let lowest = none;
    for (let i = 0; i < this.count; i++) {
      if (this.places[i] < lowest) lowest = this.places[i];
    }
    return lowest;
  }

  /** All places move down by `by`. */
  movePlaces(by: number): void {
    for (let i = 0; i < this.count; i++) this.places[i] -= by;
  }

  #ready(limit: number): number {
    this.#sort();
    const n = this.#upperBound(limit);
    if (n > 0 && this.times[n - 1] > this.#flushed) this.#flushed = this.times[n - 1];
    return n;
  }

  /** How many of the sorted times are <= limit. */
  #upperBound(limit: number): number {
    let low = 0, high = this.count;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (this.times[mid] <= limit) low = mid + 1;
      else high = mid;
    }
    return low;
  }

  /** Merges neighbouring runs pairwise until one is left. */
  #sort(): void {
    const runs = this.#runs;
    while (this.#runCount > 1) {
      const n = this.#runCount;
      let merged = 0;
      for (let r = 0; r < n; r += 2) {
        const start = runs[r];
        const middle = r + 1 < n ? runs[r + 1] : this.count;
        const end = r + 2 < n ? runs[r + 2] : this.count;
        this.#merge(start, middle, end);
        runs[merged++] = start;
      }
      this.#runCount = merged;
      const times = this.times, places = this.places;
      this.times = this.#otherTimes;
      this.places = this.#otherPlaces;
      this.#otherTimes = times;
      this.#otherPlaces = places;
    }
    if (this.count > 0) this.#lastPushed = this.times[this.count - 1];
  }

  /** Merges [start, middle) and [middle, end) into the other arrays; the left one goes first in a tie. */
  #merge(start: number, middle: number, end: number): void {
    const times = this.times, places = this.places;
    const toTimes = this.#otherTimes, toPlaces = this.#otherPlaces;
    let left = start, right = middle, to = start;
    while (left < middle && right < end) {
      const from = times[left] <= times[right] ? left++ : right++;
      toTimes[to] = times[from];
      toPlaces[to++] = places[from];
    }
    for (; left < middle; left++, to++) {
      toTimes[to] = times[left];
      toPlaces[to] = places[left];
    }
    for (; right < end; right++, to++) {
      toTimes[to] = times[right];
      toPlaces[to] = places[right];
    }
  }

  #startRun(at: number): void {
    if (this.#runCount === this.#runs.length) {
      const grown = new Uint32Array(this.#runs.length * 2);
      grown.set(this.#runs);
      this.#runs = grown;
    }
    this.#runs[this.#runCount++] = at;
  }

  #grow(): void {
    const size = this.times.length * 2;
    const times = new Float64Array(size), places = new Uint32Array(size);
    times.set(this.times);
    places.set(this.places);
    this.times = times;
    this.places = places;
    this.#otherTimes = new Float64Array(size);
    this.#otherPlaces = new Uint32Array(size);
  }
}
