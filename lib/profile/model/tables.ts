/**
 * Interned tables of a profile that is being built. Each returns the same number for the same key; numbers count up
 * from 0, and a row never changes once it is there.
 */

import { float64Column, int32Column } from "../../base/bytes/column.ts";
import { fold, mix } from "../../base/bytes/hash.ts";
import { PairIndex } from "../../base/bytes/pair_index.ts";
import { HashIndex } from "./hash_index.ts";

/** Initial number of rows. Only written pages cost memory. */
const FIRST_ROWS = 1 << 14;
const FIRST_SLOTS = 4 * FIRST_ROWS;

/** Rows of a SampleTable as columns; see Profile.samples. */
export interface SampleColumns {
  event: Int32Array;
  thread: Int32Array;
  cpu: Int32Array;
  stack: Int32Array;
  count: Float64Array;
  period: Float64Array;
}

/**
 * Index of numbers by object (-1: none) and address in it (absolute if there is no object). Keys and numbers lie side
 * by side, because samples come from everywhere and each lookup waits for memory.
 */
export class AddressIndex {
  /** Slots of two doubles: the address; then, as two words, the object and the number plus one (0: free). */
  #numbers = new Float64Array(2 * FIRST_SLOTS);
  #words = new Int32Array(this.#numbers.buffer);
  #mask = FIRST_SLOTS - 1;
  #used = 0;

  /** Returns the number put in for an address, or -1. */
  find(object: number, address: number): number {
    const words = this.#words, numbers = this.#numbers, mask = this.#mask;
    for (let slot = hashPlace(object, address) & mask;; slot = (slot + 1) & mask) {
      const found = words[4 * slot + 3];
      if (found === 0) return -1;
      if (numbers[2 * slot] === address && words[4 * slot + 2] === object) return found - 1;
    }
  }

  /** Stores a number, from 0, for an address that `find` knows none for. */
  put(object: number, address: number, number: number): void {
    if (++this.#used * 2 > this.#mask) this.#grow();
    this.#insert(object, address, number + 1);
  }

  #insert(object: number, address: number, entry: number): void {
    const words = this.#words, mask = this.#mask;
    let slot = hashPlace(object, address) & mask;
    while (words[4 * slot + 3] !== 0) slot = (slot + 1) & mask;
    this.#numbers[2 * slot] = address;
    words[4 * slot + 2] = object;
    words[4 * slot + 3] = entry;
  }

  #grow() {
    const numbers = this.#numbers, words = this.#words;
    this.#mask = this.#mask * 2 + 1;
    this.#numbers = new Float64Array(2 * (this.#mask + 1));
    this.#words = new Int32Array(this.#numbers.buffer);
    for (let at = 0; at < words.length; at += 4) {
      if (words[at + 3] !== 0) this.#insert(words[at + 2], numbers[at / 2], words[at + 3]);
    }
  }
}

/** Source of frame numbers. */
export interface FrameFinder {
  /**
   * Returns the frame of an address in an object (-1: none; the address is absolute).
   * @param returns whether a call returns to the address, so that it is the code before it that runs (default: false).
   * @param ip the address in memory (default: `address`).
   */
  frameOf(object: number, address: number, returns?: boolean, ip?: number): number;
}

/** Returns the key in an AddressIndex of the addresses of an object that calls return to. */
export function returnKey(object: number): number {
  return -3 - object;
}

/** Frames, each an object and an address. */
export class FrameTable implements FrameFinder {
  readonly object = int32Column();
  readonly address = float64Column();
  /** 1 where a call returns to the address, else 0. Always 0 unless the table tells them apart. */
  readonly returns = int32Column();
  readonly #index = new AddressIndex();
  readonly #tellsReturns: boolean;

  /** @param tellsReturns whether an address has two frames, if it is sampled itself and calls return to it. */
  constructor(tellsReturns = false) {
    this.#tellsReturns = tellsReturns;
  }

  frameOf(object: number, address: number, returns = false): number {
    const isApart = returns && this.#tellsReturns;
    const key = isApart ? returnKey(object) : object;
    let row = this.#index.find(key, address);
    if (row < 0) {
      row = this.add(object, address, isApart);
      this.#index.put(key, address, row);
    }
    return row;
  }

  /** Adds a frame that `frameOf` does not find. */
  add(object: number, address: number, returns: boolean): number {
    this.address.push(address);
    this.returns.push(returns ? 1 : 0);
    return this.object.push(object);
  }
}

/** Frames by where they were in memory: one for each address there, though objects lie elsewhere in each process. */
export class PlacedFrames implements FrameFinder {
  /** Address in memory of each frame of the table. */
  readonly ip = float64Column();
  readonly #table: FrameTable;
  readonly #index = new AddressIndex();
  /** Frames of the addresses in memory at which processes have different parts of an object. */
  readonly #others = new Map<string, number>();

  /** @param table gets the frames, and nothing else may add any. */
  constructor(table: FrameTable) {
    this.#table = table;
  }

  frameOf(object: number, address: number, returns = false, ip = address): number {
    const key = returns ? returnKey(object) : object, first = this.#index.find(key, ip);
    if (first >= 0 && this.#table.address.data[first] === address) return first;
    const other = first < 0 ? undefined : this.#others.get(`${key} ${ip} ${address}`);
    if (other !== undefined) return other;
    const row = this.#table.add(object, address, returns);
    this.ip.push(ip);
    if (first < 0) this.#index.put(key, ip, row);
    else this.#others.set(`${key} ${ip} ${address}`, row);
    return row;
  }
}

/** Stacks as a prefix tree: a frame on top of a parent stack (-1: the frame is a root). Parents come first. */
export class StackTable {
  readonly parent = int32Column();
  readonly frame = int32Column();
  readonly #index = new PairIndex();

  intern(parent: number, frame: number): number {
    const row = this.#index.numberOf(parent, frame);
    if (row === this.parent.length) {
      this.parent.push(parent);
      this.frame.push(frame);
    }
    return row;
  }
}

/** Samples with the same event, thread, CPU and stack, added up: their number, and the sum of their periods. */
export class SampleTable {
  /** Number of rows. */
  length = 0;
  /** Rows of 32 bytes, each in one cache line: event, thread, CPU, stack; count, period. */
  #words = new Int32Array(8 * FIRST_ROWS);
  #numbers = new Float64Array(this.#words.buffer);
  /** Row that last counted a sample of each stack, plus one. Most samples are like the one before. */
  #latest = new Int32Array(FIRST_ROWS);
  readonly #index = new HashIndex(2 * FIRST_ROWS);
  readonly #hashOfRow = (row: number) => {
    const words = this.#words, at = row * 8;
    return hashSample(words[at], words[at + 1], words[at + 2], words[at + 3]);
  };

  /** Counts a sample; returns its row. */
  add(event: number, thread: number, cpu: number, stack: number, period: number): number {
    const row = this.rowOf(event, thread, cpu, stack);
    this.count(row, period);
    return row;
  }

  /** Returns the row of such samples, and adds it if it is new. */
  rowOf(event: number, thread: number, cpu: number, stack: number): number {
    const row = stack < this.#latest.length ? this.#latest[stack] - 1 : -1;
    return row >= 0 && this.#isRow(row, event, thread, cpu, stack)
      ? row
      : this.#intern(event, thread, cpu, stack);
  }

  /** Counts a sample in a row. */
  count(row: number, period: number): void {
    const numbers = this.#numbers, at = row * 4;
    numbers[at + 2]++;
    numbers[at + 3] += period;
  }

  /** Calls `visit` with each row's stack and number of samples. */
  forEach(visit: (stack: number, count: number) => void): void {
    for (let row = 0; row < this.length; row++) {
      visit(this.#words[8 * row + 3], this.#numbers[4 * row + 2]);
    }
  }

  /** Copies the rows into columns. */
  columns(): SampleColumns {
    const n = this.length, words = this.#words, numbers = this.#numbers;
    const event = new Int32Array(n), thread = new Int32Array(n), cpu = new Int32Array(n);
    const stack = new Int32Array(n), count = new Float64Array(n), period = new Float64Array(n);
    for (let row = 0; row < n; row++) {
      event[row] = words[8 * row];
      thread[row] = words[8 * row + 1];
      cpu[row] = words[8 * row + 2];
      stack[row] = words[8 * row + 3];
      count[row] = numbers[4 * row + 2];
      period[row] = numbers[4 * row + 3];
    }
    return { event, thread, cpu, stack, count, period };
  }

  #isRow(row: number, event: number, thread: number, cpu: number, stack: number): boolean {
    const words = this.#words, at = row * 8;
    return words[at + 3] === stack && words[at + 1] === thread && words[at + 2] === cpu &&
      words[at] === event;
  }

  /** Searches for the row of such samples, and adds it if it is new. */
  #intern(event: number, thread: number, cpu: number, stack: number): number {
    const index = this.#index;
    let slot = hashSample(event, thread, cpu, stack) & index.mask;
    let entry;
    while ((entry = index.slots[slot]) !== 0 && !this.#isRow(entry - 1, event, thread, cpu, stack)) {
      slot = (slot + 1) & index.mask;
    }
    const row = entry === 0 ? this.length : entry - 1;
    if (entry === 0) {
      this.length++;
      if (row * 8 === this.#words.length) {
        this.#words = grown(this.#words, row * 16);
        this.#numbers = new Float64Array(this.#words.buffer);
      }
      const words = this.#words, at = row * 8;
      words[at] = event;
      words[at + 1] = thread;
      words[at + 2] = cpu;
      words[at + 3] = stack;
      index.insert(slot, row, this.#hashOfRow);
    }
    if (stack >= this.#latest.length) {
      this.#latest = grown(this.#latest, Math.max(stack + 1, this.#latest.length * 2));
    }
    this.#latest[stack] = row + 1;
    return row;
  }
}

function grown(from: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  const to = new Int32Array(length);
  to.set(from);
  return to;
}

/** Samples one by one, in the order in which they came: time, row of the sample table, period. */
export class TimeTable {
  readonly at = float64Column();
  readonly sample = int32Column();
  readonly period = float64Column();
  /** Texts of what tracepoints carry, where they are kept: of all rows up to the last that has one. */
  readonly texts: string[] = [];

  add(at: number, sample: number, period: number, text = ""): void {
    this.at.push(at);
    this.sample.push(sample);
    const row = this.period.push(period);
    if (text === "") return;
    while (this.texts.length < row) this.texts.push("");
    this.texts.push(text);
  }
}

function hashPlace(object: number, address: number): number {
  return mix(object, fold(address));
}

function hashSample(event: number, thread: number, cpu: number, stack: number): number {
  return mix(stack, mix(thread, Math.imul(cpu, 31) + event));
}
