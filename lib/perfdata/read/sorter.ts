/**
 * Time order by rounds, as perf's ordered_events has it. A recorder drains the ring of each CPU in
 * turn and closes each pass with FINISHED_ROUND: a record found in a pass may be older than one of the
 * pass before, never older than one of the pass before that. So when a round ends, all that is not
 * younger than the youngest record seen when the *previous* round ended can go out.
 *
 * Within a round the records of one ring ascend, hence a natural merge sort: it merges the ascending
 * runs that are there, is stable (ties keep file order), and allocates next to nothing. Of each run only what goes
 * out is merged; that is nearly all of the round before and next to nothing of the last, so each record is merged
 * once. The last two runs are merged as their records go out, so that those of two CPUs are never moved.
 */

/**
 * Is given the places of records whose turn it is: the first `count` of `places`, which are only good until it returns.
 * It must not push.
 */
export type DeliverPlaces = (places: Uint32Array, count: number) => void;

/** So many places go out at once. */
export const BATCH = 1024;

export class RoundSorter {
  /** Records held. */
  count = 0;
  /** Largest time ever pushed. */
  maxTime = -Infinity;
  /** Records that came after a younger one had gone out already. */
  outOfOrder = 0;

  /** Of the records held: their times, and their places, each more by #moved, modulo 2^32. */
  #times: Float64Array<ArrayBuffer>;
  #places: Uint32Array<ArrayBuffer>;
  /** How far all places have moved down, modulo 2^32. */
  #moved = 0;
  #otherTimes: Float64Array<ArrayBuffer>;
  #otherPlaces: Uint32Array<ArrayBuffer>;
  /** Index of the first record of each ascending run. */
  #runs = new Uint32Array(64);
  /** While they go out: where what goes out of each run ends. */
  #splits = new Uint32Array(64);
  /** What is about to go out. */
  readonly #batch = new Uint32Array(BATCH);
  #runCount = 0;
  #lastPushed = -Infinity;
  /** Time of the youngest record that has gone out. */
  #flushed = -Infinity;
  /** Youngest time when the round before ended: what the next end of a round lets out. */
  #limit = -Infinity;

  constructor(capacity = 1024) {
    this.#times = new Float64Array(capacity);
    this.#places = new Uint32Array(capacity);
    this.#otherTimes = new Float64Array(capacity);
    this.#otherPlaces = new Uint32Array(capacity);
  }

  /** Holds the record at `place` until its time comes. */
  push(time: number, place: number): void {
    const n = this.count;
    if (n === this.#times.length) this.#grow();
    this.#times[n] = time;
    this.#places[n] = place + this.#moved;
    this.count = n + 1;
    if (n === 0 || time < this.#lastPushed) this.#startRun(n);
    this.#lastPushed = time;
    if (time > this.maxTime) this.maxTime = time;
    if (time < this.#flushed) this.outOfOrder++;
  }

  /** A round has ended: gives all that can go out to `take`, in order. */
  endRound(take: DeliverPlaces): void {
    this.#flush(this.#limit, take);
    this.#limit = this.maxTime;
  }

  /** The input has ended: gives all there is to `take`, in order. */
  endInput(take: DeliverPlaces): void {
    this.#flush(Infinity, take);
  }

  /** The smallest place held, or `none` when nothing is held: records come by ascending places, and a run is of some of them. */
  lowestPlace(none: number): number {
    let lowest = none;
    for (let r = 0; r < this.#runCount; r++) {
      const place = (this.#places[this.#runs[r]] - this.#moved) >>> 0;
      if (place < lowest) lowest = place;
    }
    return lowest;
  }

  /** All places move down by `by`. */
  movePlaces(by: number): void {
    this.#moved = (this.#moved + by) >>> 0;
  }

  /** Gives all that is not younger than `limit` to `take`, and forgets it. */
  #flush(limit: number, take: DeliverPlaces): void {
    const n = this.#split(limit);
    if (n === 0) return;
    if (this.#goingOut() > 2) {
      this.#mergeFronts();
      while (this.#runsBefore(n) > 2) this.#mergeNeighbours(n);
      this.#split(limit);
    }
    const runs = this.#runs, splits = this.#splits;
    let first = 0;
    while (splits[first] === runs[first]) first++;
    let second = first + 1;
    while (second < this.#runCount && splits[second] === runs[second]) second++;
    if (second < this.#runCount) {
      this.#giveTwo(runs[first], splits[first], runs[second], splits[second], take);
    } else this.#give(runs[first], splits[first], take);
    this.#drop();
  }

  /** How many runs something goes out of. */
  #goingOut(): number {
    let n = 0;
    for (let r = 0; r < this.#runCount; r++) if (this.#splits[r] > this.#runs[r]) n++;
    return n;
  }

  /** How many runs start before `n`. */
  #runsBefore(n: number): number {
    let r = 0;
    while (r < this.#runCount && this.#runs[r] < n) r++;
    return r;
  }

  /** Gives [left, middle) and [right, end), merged; the left one goes first in a tie. */
  #giveTwo(left: number, middle: number, right: number, end: number, take: DeliverPlaces): void {
    const times = this.#times, places = this.#places, batch = this.#batch, moved = this.#moved;
    while (left < middle && right < end) {
      let n = 0;
      for (; n < BATCH && left < middle && right < end; n++) {
        batch[n] = (times[left] <= times[right] ? places[left++] : places[right++]) - moved;
      }
      take(batch, n);
    }
    if (left < middle) this.#give(left, middle, take);
    else this.#give(right, end, take);
  }

  /** Gives [start, end), which has the youngest of all that goes out. */
  #give(start: number, end: number, take: DeliverPlaces): void {
    const places = this.#places, batch = this.#batch, moved = this.#moved;
    for (let from = start; from < end; from += BATCH) {
      const n = Math.min(BATCH, end - from);
      for (let i = 0; i < n; i++) batch[i] = places[from + i] - moved;
      take(batch, n);
    }
    if (this.#times[end - 1] > this.#flushed) this.#flushed = this.#times[end - 1];
  }

  /** Forgets what has gone out of each run. */
  #drop(): void {
    const runs = this.#runs, splits = this.#splits, many = this.#runCount;
    let left = 0, to = 0;
    for (let r = 0; r < many; r++) {
      const split = splits[r], end = this.#endOfRun(r);
      if (split === end) continue;
      this.#times.copyWithin(to, split, end);
      this.#places.copyWithin(to, split, end);
      runs[left++] = to;
      to += end - split;
    }
    this.#runCount = left;
    this.count = to;
    if (to > 0) this.#lastPushed = this.#times[to - 1]; // what comes next comes behind that
  }

  /** Notes where in each run the times go beyond `limit`; gives how many do not. */
  #split(limit: number): number {
    if (this.#splits.length < this.#runs.length) this.#splits = new Uint32Array(this.#runs.length);
    let n = 0;
    for (let r = 0; r < this.#runCount; r++) {
      const start = this.#runs[r], split = this.#upperBound(start, this.#endOfRun(r), limit);
      this.#splits[r] = split;
      n += split - start;
    }
    return n;
  }

  /** The first of [low, high) whose time is beyond `limit`. */
  #upperBound(low: number, high: number, limit: number): number {
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (this.#times[mid] <= limit) low = mid + 1;
      else high = mid;
    }
    return low;
  }

  #endOfRun(run: number): number {
    return run + 1 < this.#runCount ? this.#runs[run + 1] : this.count;
  }

  /** Merges what goes out of the runs, two by two, to the front; what stays comes behind, run by run. */
  #mergeFronts(): void {
    const many = this.#runCount, splits = this.#splits;
    const runs = this.#runs.slice(0, many), ends = runs.map((_, r) => this.#endOfRun(r));
    if (this.#runs.length < 2 * many) this.#runs = new Uint32Array(2 * many); // each may be cut in two
    let merged = 0, to = 0, first = -1;
    for (let r = 0; r < many; r++) {
      if (splits[r] === runs[r]) continue;
      if (first < 0) {
        first = r;
        continue;
      }
      this.#runs[merged++] = to;
      to = this.#merge(runs[first], splits[first], runs[r], splits[r], to);
      first = -1;
    }
    if (first >= 0) {
      this.#runs[merged++] = to;
      to = this.#merge(runs[first], splits[first], 0, 0, to);
    }
    for (let r = 0; r < many; r++) {
      if (splits[r] === ends[r]) continue;
      this.#runs[merged++] = to;
      to = this.#copy(splits[r], ends[r], to);
    }
    this.#runCount = merged;
    this.#swap();
  }

  /** Merges neighbouring runs in front of `n`, which is the end of one. */
  #mergeNeighbours(n: number): void {
    const many = this.#runCount;
    let merged = 0;
    for (let r = 0; r < many; r++) {
      const start = this.#runs[r], middle = this.#endOfRun(r);
      if (start >= n) this.#copy(start, middle, start);
      else if (middle === n) this.#merge(start, middle, 0, 0, start);
      else this.#merge(start, middle, middle, this.#endOfRun(++r), start);
      this.#runs[merged++] = start;
    }
    this.#runCount = merged;
    this.#swap();
  }

  /**
   * Merges [left, middle) and [right, end) into the other arrays at `to`; the left one goes first in a tie. Gives the
   * end there.
   */
  #merge(left: number, middle: number, right: number, end: number, to: number): number {
    const times = this.#times, places = this.#places;
    const toTimes = this.#otherTimes, toPlaces = this.#otherPlaces;
    while (left < middle && right < end) {
      const from = times[left] <= times[right] ? left++ : right++;
      toTimes[to] = times[from];
      toPlaces[to++] = places[from];
    }
    return this.#copy(right, end, this.#copy(left, middle, to));
  }

  /** Copies [start, end) into the other arrays at `to`; gives the end there. */
  #copy(start: number, end: number, to: number): number {
    this.#otherTimes.set(this.#times.subarray(start, end), to);
    this.#otherPlaces.set(this.#places.subarray(start, end), to);
    return to + end - start;
  }

  #swap(): void {
    const times = this.#times, places = this.#places;
    this.#times = this.#otherTimes;
    this.#places = this.#otherPlaces;
    this.#otherTimes = times;
    this.#otherPlaces = places;
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
    const size = this.#times.length * 2;
    const times = new Float64Array(size), places = new Uint32Array(size);
    times.set(this.#times);
    places.set(this.#places);
    this.#times = times;
    this.#places = places;
    this.#otherTimes = new Float64Array(size);
    this.#otherPlaces = new Uint32Array(size);
  }
}
