/**
 * Remembers the last whole walk of each thread. Samples of a thread follow each other by fractions of a millisecond:
 * most functions at the root's end of its stack have not returned meanwhile, so their frames lie where they were. When a
 * walk comes to a frame of the last one, and all return addresses from there on are where that one found them, the rest
 * of its chain holds, unless other code has been mapped. That takes a load for each frame, which do not wait for each
 * other, instead of a rule.
 */

import type { StackPiece } from "./stack_piece.ts";

const TWO_32 = 4294967296;
/** Threads that are remembered, by the low bits of their ids, and frames of each at most. */
const THREADS = 64, MAX_FRAMES = 192;
/** Numbers of a frame: the place to look its code up, pc, stack pointer, frame pointer, where its caller's pc is saved. */
const STRIDE = 5;

/** Frames of a walk. */
class Walk {
  thread = -1;
  /** CodeSpace.version. */
  version = 0.5;
  count = 0;
  readonly frames = new Float64Array(MAX_FRAMES * STRIDE);
}

/** The memory; one serves all threads of a machine. */
export class WalkMemory {
  readonly #walks: (Walk | undefined)[] = new Array(THREADS).fill(undefined);
  /** Frames of the walk under way. */
  #now = new Walk();
  #last: Walk | undefined;
  /** Frame of the last walk to compare the next one with. */
  #at = 0;

  readonly #highMask: number;

  /** @param highMask bits of a return address's high word that are no signature. */
  constructor(highMask: number) {
    this.#highMask = highMask;
  }

  /**
   * Begins a walk of a thread; -1 for one that is not to be remembered.
   * @param version CodeSpace.version.
   */
  begin(thread: number, version: number): void {
    const last = thread < 0 ? undefined : this.#walks[thread & (THREADS - 1)];
    const holds = last !== undefined && last.thread === thread && last.version === version;
    this.#last = holds ? last : undefined;
    this.#at = 0;
    this.#now.thread = thread;
    this.#now.version = version;
    this.#now.count = 0;
  }

  /**
   * Adds a frame of the walk.
   * @param place address to look its code up by.
   */
  add(place: number, pc: number, sp: number, fp: number): void {
    const now = this.#now, at = now.count++ * STRIDE;
    if (now.count > MAX_FRAMES) {
      now.thread = -1;
      this.#last = undefined;
      now.count = 1; // nobody will ask for it
      return;
    }
    const { frames } = now;
    frames[at] = place;
    frames[at + 1] = pc;
    frames[at + 2] = sp;
    frames[at + 3] = fp;
    frames[at + 4] = NaN;
  }

  /** Says where the pc of the last frame's caller is saved; NaN where that is not in memory. */
  savedAt(address: number): void {
    this.#now.frames[this.#now.count * STRIDE - 1] = address;
  }

  /**
   * Returns the number of frames behind the one that was added last, if the rest of the last walk holds from that one
   * on; -1 if not. Then rest() has them.
   */
  match(stack: StackPiece): number {
    const last = this.#last;
    if (last === undefined) return -1;
    const { frames, count } = last, now = this.#now.frames, mine = (this.#now.count - 1) * STRIDE;
    const sp = now[mine + 2], end = count * STRIDE;
    let at = this.#at;
    while (at < end && frames[at + 2] < sp) at += STRIDE;
    this.#at = at;
    if (
      !(at < end && frames[at + 2] === sp && frames[at] === now[mine] &&
        isSame(frames[at + 3], now[mine + 3]))
    ) {
      return -1;
    }
    const { view, start, length } = stack, base = stack.at, mask = this.#highMask;
    for (let k = at; k < end - STRIDE; k += STRIDE) {
      const from = frames[k + 4] - start;
      if (
        !(from >= 0 && from + 8 <= length) ||
        ((view.getUint32(base + from + 4, true) & mask) >>> 0) * TWO_32 +
              view.getUint32(base + from, true) !==
          frames[k + STRIDE + 1]
      ) {
        this.#at = k + STRIDE; // nothing before that can match
        return -1;
      }
    }
    return (end - at) / STRIDE - 1;
  }

  /** Takes over the frames that match() found, and puts their pcs and places from index `depth` on. */
  rest(depth: number, out: Float64Array, places: Float64Array | undefined): void {
    const { frames, count } = this.#last!, now = this.#now, end = count * STRIDE;
    let to = (now.count - 1) * STRIDE;
    now.frames[to + 4] = frames[this.#at + 4];
    to += STRIDE;
    for (let from = this.#at + STRIDE; from < end; from++) now.frames[to++] = frames[from];
    for (let from = this.#at + STRIDE; from < end; from += STRIDE, depth++) {
      out[depth] = frames[from + 1];
      if (places !== undefined) places[depth] = frames[from];
    }
    now.count = to / STRIDE;
  }

  /** Ends a walk, and remembers it if it is whole. */
  end(isWhole: boolean): void {
    const now = this.#now, { thread } = now;
    if (!isWhole || thread < 0) return;
    const slot = thread & (THREADS - 1);
    this.#now = this.#walks[slot] ?? new Walk();
    this.#walks[slot] = now;
  }
}

/** Returns whether two registers are equal, or both unknown. */
function isSame(a: number, b: number): boolean {
  return a === b || (a !== a && b !== b);
}
