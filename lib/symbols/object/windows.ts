/** Parts of a file that are looked at here and there: held in memory when they are small, and read page by page else. */

import { type ByteSource, MemoryBytes } from "../../base/bytes/byte_source.ts";
import { type Cost, WORK } from "./limits.ts";

const PAGE = 64 << 10;
/** Pages of a part that are held in memory. */
const MAX_PAGES = 64;
/** Bytes of a part beyond which it is not held as a whole. */
const MAX_HELD = 64 << 20;

/** Bytes in which the end of a string is looked for first. */
const FIRST_LOOK = 128;

/** Bytes of which any run can be looked at. */
export interface ByteWindows {
  readonly size: number;
  /** Whether all are in memory, and a window is a view. */
  readonly held: boolean;
  /** Returns bytes [at, at + length), fewer at the end: a view, or a copy. */
  window(at: number, length: number): Uint8Array;
  /** Returns one byte; undefined behind the end. */
  byte(at: number): number | undefined;
  /** Returns where the string at `at` ends: at its NUL or at the end, and `most` bytes behind its start at most. */
  endOf(at: number, most: number): number;
}

/** Bytes that are in memory. */
export class HeldBytes implements ByteWindows {
  readonly size: number;
  readonly held = true;
  /** All of them. */
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.size = bytes.length;
    this.bytes = bytes;
  }

  window(at: number, length: number): Uint8Array {
    return this.bytes.subarray(at, at + length);
  }

  byte(at: number): number | undefined {
    return this.bytes[at];
  }

  endOf(at: number, most: number): number {
    const { bytes } = this, last = Math.min(bytes.length, at + most);
    let end = at;
    while (end < last && bytes[end] !== 0) end++;
    return end;
  }
}

/** Bytes that stay in their file, of which the pages that were asked for last are held. */
export class PagedBytes implements ByteWindows {
  readonly size: number;
  readonly held = false;
  readonly #source: ByteSource;
  readonly #offset: number;
  readonly #cost: Cost;
  /** By number, those used longest ago first. */
  readonly #pages = new Map<number, Uint8Array>();

  constructor(source: ByteSource, offset: number, size: number, cost: Cost) {
    this.#source = source;
    this.#offset = offset;
    this.size = size;
    this.#cost = cost;
  }

  window(at: number, length: number): Uint8Array {
    if (length > PAGE) return this.#read(at, length);
    const number = Math.floor(at / PAGE), from = at - number * PAGE;
    const page = this.#page(number);
    if (from + length <= page.length || page.length < PAGE) return page.subarray(from, from + length);
    const head = page.subarray(from), tail = this.#page(number + 1).subarray(0, length - head.length);
    const both = new Uint8Array(head.length + tail.length);
    both.set(head);
    both.set(tail, head.length);
    return both;
  }

  byte(at: number): number | undefined {
    const number = Math.floor(at / PAGE);
    return this.#page(number)[at - number * PAGE];
  }

  endOf(at: number, most: number): number {
    const first = this.window(at, Math.min(most, FIRST_LOOK)), end = first.indexOf(0);
    if (end >= 0 || first.length < FIRST_LOOK) return at + (end < 0 ? first.length : end);
    const all = this.window(at, most), allEnd = all.indexOf(0);
    return at + (allEnd < 0 ? all.length : allEnd);
  }

  #page(number: number): Uint8Array {
    const pages = this.#pages;
    const page = pages.get(number) ?? this.#read(number * PAGE, PAGE);
    if (!pages.delete(number) && pages.size >= MAX_PAGES) pages.delete(pages.keys().next().value!);
    pages.set(number, page);
    return page;
  }

  #read(at: number, length: number): Uint8Array {
    const there = Math.max(0, Math.min(length, this.size - at));
    this.#cost.work(Math.max(there, PAGE) * WORK.read);
    return this.#source.read(this.#offset + at, there);
  }
}

/** Whether so many bytes of a source are all held in memory, and need not be read from it later. */
export function isHeld(source: ByteSource, size: number): boolean {
  return size <= MAX_HELD || source instanceof MemoryBytes;
}

/**
 * The bytes [offset, offset + size) of a source. Throws LimitError. What is held in memory is charged as held; who keeps
 * it charges `heldBytes` as kept.
 */
export function byteWindows(source: ByteSource, offset: number, size: number, cost: Cost): ByteWindows {
  cost.hold(heldBytes(source, size));
  if (!isHeld(source, size)) return new PagedBytes(source, offset, size, cost);
  cost.work(size * WORK.read);
  const bytes = source.read(offset, size);
  // as a view of something larger it would keep that in memory, too
  return new HeldBytes(bytes.buffer.byteLength > 2 * bytes.length ? bytes.slice() : bytes);
}

/** How many bytes of memory byteWindows(source, offset, size) takes at most. */
export function heldBytes(source: ByteSource, size: number): number {
  return isHeld(source, size) ? size : MAX_PAGES * PAGE;
}

/** The bytes of the string at `at`, which ends with a NUL or at the end; the first `most` of them where it is longer. */
export function stringBytes(bytes: ByteWindows, at: number, most: number): Uint8Array {
  return bytes.window(at, bytes.endOf(at, most) - at);
}
