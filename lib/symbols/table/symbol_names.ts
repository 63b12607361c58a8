/**
 * Names of symbols, left where they came from until somebody asks: a binary of 200,000 symbols
 * has a few hundred that a report prints.
 */

import { concat } from "../../base/bytes/bytes.ts";
import type { Cost } from "../object/limits.ts";
import { type ByteWindows, HeldBytes, stringBytes } from "../object/windows.ts";

const decoder = new TextDecoder();
const UNDERSCORE = 0x5f, BIG_S = 0x53, SMALL_C = 0x63;

/** Bytes of a name that are shown; C++ templates make up to some ten thousand. The rest is cut off, and said to be. */
const MAX_SHOWN = 64 << 10;
/** Bytes of a name that matter when two are compared. */
const MAX_COMPARED = 4096;
/** Underscores that are counted at the start of a name. */
const MAX_UNDERSCORES = 64;
/** The bit above a count of underscores that says that a name is an alias of a system call. */
const SYSCALL = 0x80;
/** Bytes of names of several tables that are put into one piece. */
const MAX_JOINED = 8 << 20;
/** Bytes in which names lie near each other. */
const NEAR = 4096;
/** Offsets of names are 32 bits. */
const MAX_BYTES = 2 ** 32;

/** The names of a numbered list of symbols. Lengths are in bytes, of names that are not absurdly long. */
export interface SymbolNames {
  text(i: number): string;
  length(i: number): number;
  /** Underscores at its start. */
  underscores(i: number): number;
  /** Whether it is one that the kernel's alias macros make for a system call. */
  isSyscallAlias(i: number): boolean;
  /** Whether names are not in memory: who is to compare many tells so first, and when that is done. */
  readonly far?: boolean;
  /** Reads what there is to compare of these names, in the order in which they lie in their file. */
  prepare?(symbols: Int32Array): void;
  done?(): void;
}

/** What the names of some symbols get appended, because no table has them with it. */
export interface NameSuffix {
  text: string;
  /** The first symbol whose name gets it; so do all behind. */
  from: number;
}

/** The names of several tables, one behind the other. */
export class JoinedNames implements ByteWindows {
  readonly #parts: { base: number; end: number; bytes: ByteWindows }[] = [];
  held = true;
  size = 0;

  /** Adds names; returns where they begin. Throws LimitError when they are beyond numbering. */
  add(bytes: ByteWindows, cost: Cost): number {
    const base = this.size, end = base + bytes.size;
    if (end > MAX_BYTES) throw cost.over("4 GiB of names");
    this.#parts.push({ base, end, bytes });
    this.held &&= bytes.held;
    this.size = end;
    return base;
  }

  /** All names in one piece, where that takes little memory; else as they are. */
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

/** Names that start at given places of some bytes. */
export class StringTableNames implements SymbolNames {
  readonly #bytes: ByteWindows;
  /** The bytes, where they are in memory in one piece. */
  readonly #held: Uint8Array | undefined;
  readonly #starts: Uint32Array;
  readonly #ends: Uint32Array | undefined;
  readonly #suffix: NameSuffix;
  /** By symbol, of those that are to be compared: the length, and underscores and SYSCALL. */
  #lengths: Uint16Array | undefined;
  #features: Uint8Array | undefined;

  /**
   * @param starts where each name starts in `bytes`.
   * @param ends where it ends; without them names end at a NUL.
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
    // by page and number, in one double each, which the engine sorts without calling anything
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

  /** The bytes of a name, `most` of them at most. */
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
