/**
 * Samples without callers, collected: finding the frame of each is waiting for memory and nearly nothing else, and the
 * CPU waits for many at once where it is asked for many.
 */

/** Samples that are found together: what is looked up for them fits into a CPU's second cache. */
const BATCH = 1 << 10;

/** Finds the frames of places: FrameTable, say. */
export interface PlaceFrames {
  /** The frame for an address in an object (-1: of none, and absolute). */
  frameOf(object: number, address: number): number;
  /** The same for the first `count` places of two columns, into a third one. */
  framesOf(objects: Int32Array, addresses: Float64Array, count: number, into: Int32Array): void;
}

/** What a sample counts for once its frame is known. */
export type CountLeaf = (frame: number, thread: number, event: number, period: number) => void;

export class LeafBatch {
  readonly #frames: PlaceFrames;
  readonly #count: CountLeaf;
  readonly #object = new Int32Array(BATCH);
  readonly #address = new Float64Array(BATCH);
  readonly #thread = new Int32Array(BATCH);
  readonly #event = new Int32Array(BATCH);
  readonly #period = new Float64Array(BATCH);
  readonly #frame = new Int32Array(BATCH);
  #collected = 0;

  constructor(frames: PlaceFrames, count: CountLeaf) {
    this.#frames = frames;
    this.#count = count;
  }

  /** A sample at a place (as PlaceFrames has it); it is counted by the next flush() at the latest. */
  add(object: number, address: number, thread: number, event: number, period: number): void {
    const at = this.#collected++;
    this.#object[at] = object;
    this.#address[at] = address;
    this.#thread[at] = thread;
    this.#event[at] = event;
    this.#period[at] = period;
    if (this.#collected === BATCH) this.flush();
  }

  /** Counts all that has been collected. */
  flush(): void {
    const many = this.#collected, frames = this.#frame;
    const threads = this.#thread, events = this.#event, periods = this.#period;
    this.#collected = 0;
    this.#frames.framesOf(this.#object, this.#address, many, frames);
    for (let i = 0; i < many; i++) this.#count(frames[i], threads[i], events[i], periods[i]);
  }
}
