/** Parts of a file with random access: held in memory if small, else read page by page. */

import { type ByteSource, MemoryBytes } from "../../base/bytes/byte_source.ts";
import { type Cost, LimitError, WORK } from "./limits.ts";

const PAGE = 16 << 10;
/** Most pages of a part that are held in memory. */
const MAX_PAGES = 256;
/** Most bytes of a part that is held as a whole. */
const MAX_HELD = 64 << 20;

/** Bytes that are first searched for the end of a string. */
const FIRST_LOOK = 128;

/** Bytes with access to any range. */
export interface ByteWindows {
  readonly size: number;
  /** Whether all bytes are in memory, and windows are views. */
  readonly held: boolean;
  /** Returns bytes [at, at + length), fewer at the end: a view, or a copy. */
  window(at: number, length: number): Uint8Array;
  /** Returns one byte; undefined past the end. */
  byte(at: number): number | undefined;
  /** Returns the end of the string at `at`: its NUL, the end of the bytes, or `most` bytes after its start. */
  endOf(at: number, most: number): number;
}

/** Bytes in memory. */
export class HeldBytes implements ByteWindows {
  readonly size: number;
  readonly held = true;
  /** All bytes. */
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

/** Part of all pages of which so many are read one by one before the rest is read at once: one of so many. */
const READ_PART = 8;

/** Bytes in a file, of which the pages that were used last are held; or all, once it turns out that many are needed. */
export class PagedBytes implements ByteWindows {
  readonly size: number;
  readonly held = false;
  readonly #source: ByteSource;
  readonly #offset: number;
  readonly #cost: Cost;
  readonly #maxPages: number;
  /** Pages by number, least recently used first. */
  readonly #pages = new Map<number, Uint8Array>();
  /** Number of pages that are still to be read one by one. */
  #pagesLeft: number;
  #whole: Uint8Array | undefined;

  /**
   * @param heldBytes most bytes of pages that are held, which the caller charges.
   * @param mostWhole bytes up to which all are held, charged as held, once many pages are needed.
   */
  constructor(
    { source, offset, size }: SourcePart,
    cost: Cost,
    { heldBytes = MAX_PAGES * PAGE, mostWhole = 0 } = {},
  ) {
    this.#maxPages = Math.max(2, Math.floor(heldBytes / PAGE));
    this.#source = source;
    this.#offset = offset;
    this.size = size;
    this.#cost = cost;
    this.#pagesLeft = size <= mostWhole ? Math.ceil(size / PAGE / READ_PART) : Infinity;
  }

  window(at: number, length: number): Uint8Array {
    if (this.#whole) return this.#whole.subarray(at, at + length);
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
    if (this.#whole === undefined && !pages.has(number) && --this.#pagesLeft < 0) {
      this.#whole = this.#readWhole();
    }
    if (this.#whole !== undefined) return this.#whole.subarray(number * PAGE, (number + 1) * PAGE);
    const page = pages.get(number) ?? this.#read(number * PAGE, PAGE);
    if (!pages.delete(number) && pages.size >= this.#maxPages) pages.delete(pages.keys().next().value!);
    pages.set(number, page);
    return page;
  }

  /** Reads all bytes; undefined if there is no memory for them. */
  #readWhole(): Uint8Array | undefined {
    this.#pagesLeft = Infinity;
    try {
      this.#cost.hold(this.size);
    } catch (error) {
      if (error instanceof LimitError) return undefined;
      throw error;
    }
    this.#pages.clear();
    return this.#read(0, this.size);
  }

  #read(at: number, length: number): Uint8Array {
    const there = Math.max(0, Math.min(length, this.size - at));
    this.#cost.work(Math.max(there, PAGE) * WORK.read);
    return this.#source.read(this.#offset + at, there);
  }
}

/**
 * Returns whether that many bytes of a source are held in memory, and need not be read from it later.
 * @param most bytes that are held.
 */
export function isHeld(source: ByteSource, size: number, most = MAX_HELD): boolean {
  return size <= most || source instanceof MemoryBytes;
}

/** Part of a source: bytes [offset, offset + size). */
export interface SourcePart {
  source: ByteSource;
  offset: number;
  size: number;
}

/**
 * Makes windows on a part of a source. Charges held memory as held; whoever keeps it charges `heldBytes` as kept. Throws
 * LimitError.
 * @param most bytes of a part that is held as a whole.
 */
export function byteWindows({ source, offset, size }: SourcePart, cost: Cost, most = MAX_HELD): ByteWindows {
  cost.hold(heldBytes(source, size, most));
  if (!isHeld(source, size, most)) {
    return new PagedBytes({ source, offset, size }, cost, { mostWhole: MAX_HELD });
  }
  cost.work(size * WORK.read);
  const bytes = source.read(offset, size);
  // a view would keep the larger buffer in memory
  return new HeldBytes(bytes.buffer.byteLength > 2 * bytes.length ? bytes.slice() : bytes);
}

/** Returns the most bytes of memory that byteWindows() takes for a part of that size. */
export function heldBytes(source: ByteSource, size: number, most = MAX_HELD): number {
  return isHeld(source, size, most) ? size : MAX_PAGES * PAGE;
}

/** Returns the bytes of the string at `at`, up to its NUL or the end, at most `most`. */
export function stringBytes(bytes: ByteWindows, at: number, most: number): Uint8Array {
  return bytes.window(at, bytes.endOf(at, most) - at);
}
