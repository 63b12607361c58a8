/**
 * Sorting by time in rounds, like perf's ordered_events. A recorder drains the ring of each CPU in turn and ends each
 * pass with FINISHED_ROUND. A record found in a pass may be older than one of the pass before, but never older than
 * one of the pass before that. So at the end of a round, all records go out that are not newer than the newest record
 * seen when the *previous* round ended.
 *
 *     round 1         | round 2         | round 3         |
 *     cpu0   cpu1     | cpu0   cpu1     | cpu0   cpu1     |
 *                     ^                 ^                 ^
 *                     |                 |                 out: all up to the newest time of rounds 1 and 2
 *                     |                 out: all up to the newest time of round 1
 *                     out: nothing
 *
 * Within a round the records of one ring ascend, hence a natural merge sort: it merges the ascending runs present, is
 * stable (ties keep file order), and hardly allocates. Only the part of each run that goes out is merged; that is
 * nearly all of the round before and almost nothing of the last, so each record is merged about once. The last two
 * runs are merged while their records go out, so that records of two CPUs are never moved.
 */

/**
 * Receives the places of records that are due, in order: the first `count` of `places`, which is valid only until the
 * call returns. It must not push.
 */
export type DeliverPlaces = (places: Uint32Array, count: number) => void;

/** Number of places delivered at once. */
export const BATCH = 1024;

/** Holds records by time and place until they are due. */
export class RoundSorter {
  /** Number of records held. */
  count = 0;
  /** Largest time ever pushed. */
  maxTime = -Infinity;
  /** Records pushed after a newer one had already gone out. */
  outOfOrder = 0;

  /** Times of the records held. */
  #times: Float64Array<ArrayBuffer>;
  /** Places of the records held, each increased by #moved, modulo 2^32. */
  #places: Uint32Array<ArrayBuffer>;
  /** Distance that all places have moved down, modulo 2^32. */
  #moved = 0;
  #otherTimes: Float64Array<ArrayBuffer>;
  #otherPlaces: Uint32Array<ArrayBuffer>;
  /** Index of the first record of each ascending run. */
  #runs = new Uint32Array(64);
  /** End of the part of each run that goes out, during a flush. */
  #splits = new Uint32Array(64);
  /** Places about to be delivered. */
  readonly #batch = new Uint32Array(BATCH);
  #runCount = 0;
  #lastPushed = -Infinity;
  /** Time of the newest record that has gone out. */
  #flushed = -Infinity;
  /** Newest time when the previous round ended: the limit for the next end of a round. */
  #limit = -Infinity;

  constructor(capacity = 1024) {
    this.#times = new Float64Array(capacity);
    this.#places = new Uint32Array(capacity);
    this.#otherTimes = new Float64Array(capacity);
    this.#otherPlaces = new Uint32Array(capacity);
  }

  /** Holds the record at `place` until it is due. */
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

  /** Ends a round: delivers all records that are due to `take`, in order. */
  endRound(take: DeliverPlaces): void {
    this.#flush(this.#limit, take);
    this.#limit = this.maxTime;
  }

  /** Ends the input: delivers all remaining records to `take`, in order. */
  endInput(take: DeliverPlaces): void {
    this.#flush(Infinity, take);
  }

  /**
   * Returns the smallest place held, or `none` when nothing is held. Places within a run ascend, so the first of each
   * run suffices.
   */
  lowestPlace(none: number): number {
    let lowest = none;
    for (let r = 0; r < this.#runCount; r++) {
      const place = (this.#places[this.#runs[r]] - this.#moved) >>> 0;
      if (place < lowest) lowest = place;
    }
    return lowest;
  }

  /** Moves all places down by `by`. */
  movePlaces(by: number): void {
    this.#moved = (this.#moved + by) >>> 0;
  }

  /** Delivers all records that are not newer than `limit` to `take`, and forgets them. */
  #flush(limit: number, take: DeliverPlaces): void {
    const n = this.#split(limit);
    if (n === 0) return;
    if (this.#runsLeaving() > 2) {
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
      this.#deliverMerged(runs[first], splits[first], runs[second], splits[second], take);
    } else this.#deliver(runs[first], splits[first], take);
    this.#drop();
  }

  /** Counts the runs of which some part goes out. */
  #runsLeaving(): number {
    let n = 0;
    for (let r = 0; r < this.#runCount; r++) if (this.#splits[r] > this.#runs[r]) n++;
    return n;
  }

  /** Counts the runs that start before `n`. */
  #runsBefore(n: number): number {
    let r = 0;
    while (r < this.#runCount && this.#runs[r] < n) r++;
    return r;
  }

  /** Delivers [left, middle) and [right, end) merged; in a tie the left one goes first. */
  #deliverMerged(left: number, middle: number, right: number, end: number, take: DeliverPlaces): void {
    const times = this.#times, places = this.#places, batch = this.#batch, moved = this.#moved;
    while (left < middle && right < end) {
      let n = 0;
      for (; n < BATCH && left < middle && right < end; n++) {
        batch[n] = (times[left] <= times[right] ? places[left++] : places[right++]) - moved;
      }
      take(batch, n);
    }
    if (left < middle) this.#deliver(left, middle, take);
    else this.#deliver(right, end, take);
  }

  /** Delivers [start, end), which holds the newest record that goes out. */
  #deliver(start: number, end: number, take: DeliverPlaces): void {
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
    if (to > 0) this.#lastPushed = this.#times[to - 1]; // new records follow it
  }

  /** Finds where the times in each run exceed `limit`. Returns how many records do not. */
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

  /** Returns the index of the first record in [low, high) whose time exceeds `limit`. */
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

  /** Merges the outgoing parts of the runs in pairs to the front; what stays follows, run by run. */
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

  /** Merges neighbouring runs before `n`, which is the end of one. */
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
   * Merges [left, middle) and [right, end) into the other arrays at `to`; in a tie the left one goes first. Returns
   * the end there.
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

  /** Copies [start, end) into the other arrays at `to`. Returns the end there. */
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
