/** Reads the records of one ring in place, one after the other. */

import type { RingRange } from "../../../ffi/pmu.ts";
import { PERF_RECORD } from "../../base/system/abi.ts";
import { MAX_RECORD_SIZE, RECORD_HEADER_SIZE } from "../../perfdata/format/attr_layout.ts";

const TWO_32 = 4294967296;

/** Places of the time in records: bytes from the start of a sample (-1: none), and from the end of others (0: none). */
export interface TimePlaces {
  sampleTimeAt: number;
  recordTimeBack: number;
}

/** The record at hand, and where the next one begins. It lies in the ring's memory, or in a copy if it wraps around. */
export class RingCursor {
  u32: Uint32Array = new Uint32Array(0);
  u8: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(new ArrayBuffer(0));
  /** Byte index of the record in them. */
  at = 0;
  type = 0;
  misc = 0;
  size = 0;
  /** Time of the record in ns of the recording's clock; Infinity when there is no record. */
  time = Infinity;
  /** Position of the record at hand; the end of the ring's records when there is none. */
  position = 0;
  /** Whether the ring has a header that cannot be one: nothing behind it can be read. */
  isBroken = false;
  readonly #places: TimePlaces;
  #memory: ArrayBuffer | undefined;
  #ringU32 = new Uint32Array(0);
  #ringU8 = new Uint8Array(0);
  #ringView = new DataView(new ArrayBuffer(0));
  /** Copy of a record that wraps around. */
  #copy: { u32: Uint32Array<ArrayBuffer>; u8: Uint8Array; view: DataView } | undefined;
  #head = 0;
  #lastTime = 0;

  constructor(places: TimePlaces) {
    this.#places = places;
  }

  /** Goes on with the records of a ring, from the record at hand on. */
  begin({ memory, tail, head }: RingRange): void {
    if (memory !== this.#memory) {
      this.#memory = memory;
      this.#ringU32 = new Uint32Array(memory);
      this.#ringU8 = new Uint8Array(memory);
      this.#ringView = new DataView(memory);
    }
    this.position = Math.max(this.position, tail);
    this.#head = head;
    this.#read();
  }

  /** Goes to the next record; its time is Infinity where there is none. */
  next(): void {
    this.position += this.size;
    this.#read();
  }

  #read(): void {
    const left = this.#head - this.position;
    this.size = 0;
    this.time = Infinity;
    if (left <= 0 || this.isBroken) return;
    // rings are powers of two, and a header never wraps around
    const ring = this.#ringU32, at = this.position & (this.#ringU8.length - 1);
    const sizes = left < RECORD_HEADER_SIZE ? 0 : ring[(at >>> 2) + 1], size = sizes >>> 16;
    if (size < RECORD_HEADER_SIZE || size % 8 !== 0 || size > left || at % 8 !== 0) {
      this.isBroken = true;
      return;
    }
    this.type = ring[at >>> 2];
    this.misc = sizes & 0xffff;
    this.size = size;
    if (at + size <= this.#ringU8.length) {
      this.u32 = ring;
      this.u8 = this.#ringU8;
      this.view = this.#ringView;
      this.at = at;
    } else this.#copyWrapped(at, size);
    this.time = this.#lastTime = this.#readTime();
  }

  #copyWrapped(at: number, size: number): void {
    const { u32, u8, view } = this.#copy ??= emptyCopy();
    const first = (this.#ringU8.length - at) >>> 2;
    u32.set(this.#ringU32.subarray(at >>> 2));
    u32.set(this.#ringU32.subarray(0, (size >>> 2) - first), first);
    this.u32 = u32;
    this.u8 = u8;
    this.view = view;
    this.at = 0;
  }

  /** Returns the record's time; that of the record before it, where it has none. */
  #readTime(): number {
    const { sampleTimeAt, recordTimeBack } = this.#places;
    const isSample = this.type === PERF_RECORD.SAMPLE;
    const from = isSample ? sampleTimeAt : recordTimeBack === 0 ? -1 : this.size - recordTimeBack;
    if (from < RECORD_HEADER_SIZE || from + 8 > this.size) return this.#lastTime;
    const word = (this.at + from) >>> 2;
    return this.u32[word + 1] * TWO_32 + this.u32[word];
  }
}

function emptyCopy() {
  const u32 = new Uint32Array(MAX_RECORD_SIZE / 4);
  return { u32, u8: new Uint8Array(u32.buffer), view: new DataView(u32.buffer) };
}
