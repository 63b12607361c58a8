/**
 * Names of symbols, left where they came from until needed: of a binary's 200,000 symbols a report prints a few
 * hundred.
 */

import { concat } from "../../base/bytes/bytes.ts";
import type { Cost } from "../object/limits.ts";
import { type ByteWindows, HeldBytes, stringBytes } from "../object/windows.ts";

const decoder = new TextDecoder();
const UNDERSCORE = 0x5f, BIG_S = 0x53, SMALL_C = 0x63;

/** Most bytes of a name to show; the rest is cut off and marked `...`. C++ templates have up to some ten thousand. */
const MAX_SHOWN = 64 << 10;
/** Bytes of a name that are compared. */
const MAX_COMPARED = 4096;
/** Most underscores to count at the start of a name. */
const MAX_UNDERSCORES = 64;
/** Bit above a count of underscores: the name is an alias of a system call. */
const SYSCALL = 0x80;
/** Most bytes of the names of several tables that are joined in memory. */
const MAX_JOINED = 8 << 20;
/** Bytes of a page of names, to read them in the order of the file. */
const NEAR = 4096;
/** Bytes that 32-bit offsets can address. */
const MAX_BYTES = 2 ** 32;

/** Names of a numbered list of symbols. Lengths are in bytes; very long names count as shorter. */
export interface SymbolNames {
  text(i: number): string;
  length(i: number): number;
  /** Returns the number of leading underscores. */
  underscores(i: number): number;
  /** Returns whether it is a name that the kernel's alias macros make for a system call. */
  isSyscallAlias(i: number): boolean;
  /** Whether names are not in memory. If so, call `prepare` before comparing many, and `done` afterwards. */
  readonly far?: boolean;
  /** Reads what comparing these names needs, in the order of the file. */
  prepare?(symbols: Int32Array): void;
  done?(): void;
}

/** Suffix of some names that is in no table. */
export interface NameSuffix {
  text: string;
  /** First symbol whose name has the suffix; so do all later ones. */
  from: number;
}

/** Names of several tables, one after the other. */
export class JoinedNames implements ByteWindows {
  readonly #parts: { base: number; end: number; bytes: ByteWindows }[] = [];
  held = true;
  size = 0;

  /** Adds names; returns where they begin. Throws LimitError if the offsets do not fit. */
  add(bytes: ByteWindows, cost: Cost): number {
    const base = this.size, end = base + bytes.size;
    if (end > MAX_BYTES) throw cost.over("4 GiB of names");
    this.#parts.push({ base, end, bytes });
    this.held &&= bytes.held;
    this.size = end;
    return base;
  }

  /** Returns all names in one piece if they are small; else this. */
  joined(): ByteWindows {
    const parts = this.#parts.map(({ bytes }) => bytes);
    if (parts.length === 1) return parts[0];
    const small = this.size <= MAX_JOINED && parts.every((part) => part instanceof HeldBytes);
    return small ? new HeldBytes(concat(parts.map(({ bytes }) => bytes))) : this;
  }

  window(at: number, length: number): Uint8Array {
    const part = this.#partAt(at);
    return part ? part.bytes.window(at - part.base, length) : new Uint8Array(0);
  }

  byte(at: number): number | undefined {
    const part = this.#partAt(at);
    return part?.bytes.byte(at - part.base);
  }

  endOf(at: number, most: number): number {
    const part = this.#partAt(at);
    return part ? part.base + part.bytes.endOf(at - part.base, most) : at;
  }

  #partAt(at: number) {
    const parts = this.#parts;
    for (let i = 0; i < parts.length; i++) if (at < parts[i].end) return parts[i];
    return undefined;
  }
}

/** Names that start at given offsets of some bytes. */
export class StringTableNames implements SymbolNames {
  readonly #bytes: ByteWindows;
  /** All bytes, if they are in memory in one piece. */
  readonly #held: Uint8Array | undefined;
  readonly #starts: Uint32Array;
  readonly #ends: Uint32Array | undefined;
  readonly #suffix: NameSuffix;
  /** Lengths of the names to compare, by symbol; and their underscores with the SYSCALL bit. */
  #lengths: Uint16Array | undefined;
  #features: Uint8Array | undefined;

  /**
   * @param starts offset of each name in `bytes`.
   * @param ends offset of its end; without them names end at a NUL.
   */
  constructor(
    bytes: Uint8Array | ByteWindows,
    starts: Uint32Array,
    { ends, suffix = { text: "", from: Infinity } }: { ends?: Uint32Array; suffix?: NameSuffix } = {},
  ) {
    const windows = bytes instanceof Uint8Array ? new HeldBytes(bytes) : bytes;
    this.#bytes = windows;
    this.#held = windows instanceof HeldBytes ? windows.bytes : undefined;
    this.#starts = starts;
    this.#ends = ends;
    this.#suffix = suffix;
  }

  text(i: number): string {
    const bytes = this.#name(i, MAX_SHOWN + 1);
    const text = bytes.length > MAX_SHOWN
      ? `${decoder.decode(bytes.subarray(0, MAX_SHOWN))}...`
      : decoder.decode(bytes);
    return i >= this.#suffix.from ? text + this.#suffix.text : text;
  }

  get far(): boolean {
    return !this.#bytes.held;
  }

  prepare(symbols: Int32Array): void {
    const starts = this.#starts;
    const lengths = new Uint16Array(starts.length), features = new Uint8Array(starts.length);
    // page and index packed into one double each, which the engine sorts without calls
    const keys = Float64Array.from(symbols, (i) => Math.floor(starts[i] / NEAR) * starts.length + i).sort();
    for (const key of keys) {
      const i = key % starts.length;
      lengths[i] = this.length(i);
      features[i] = this.underscores(i) | (this.isSyscallAlias(i) ? SYSCALL : 0);
    }
    this.#lengths = lengths;
    this.#features = features;
  }

  done(): void {
    this.#lengths = this.#features = undefined;
  }

  length(i: number): number {
    if (this.#lengths) return this.#lengths[i];
    const length = this.#ends
      ? Math.max(0, this.#ends[i] - this.#starts[i])
      : this.#bytes.endOf(this.#starts[i], MAX_COMPARED) - this.#starts[i];
    return i >= this.#suffix.from ? length + this.#suffix.text.length : length;
  }

  underscores(i: number): number {
    if (this.#features) return this.#features[i] & ~SYSCALL;
    const held = this.#held, start = this.#starts[i];
    let n = 0;
    if (held) { while (n < MAX_UNDERSCORES && held[start + n] === UNDERSCORE) n++; }
    else while (n < MAX_UNDERSCORES && this.#bytes.byte(start + n) === UNDERSCORE) n++;
    return n;
  }

  isSyscallAlias(i: number): boolean {
    if (this.#features) return this.#features[i] >= SYSCALL;
    const start = this.#starts[i];
    if (this.#held && this.#held[start] !== BIG_S && this.#held[start] !== SMALL_C) return false;
    return startsWith(this.#bytes, start, "SyS") || startsWith(this.#bytes, start, "compat_SyS");
  }

  /** Returns at most `most` bytes of a name. */
  #name(i: number, most: number): Uint8Array {
    const start = this.#starts[i];
    if (this.#ends !== undefined) return this.#bytes.window(start, Math.min(most, this.#ends[i] - start));
    return stringBytes(this.#bytes, start, most);
  }
}

function startsWith(bytes: ByteWindows, at: number, prefix: string): boolean {
  for (let k = 0; k < prefix.length; k++) {
    if (bytes.byte(at + k) !== prefix.charCodeAt(k)) return false;
  }
  return true;
}
