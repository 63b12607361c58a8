/**
 * Reader of jit-PID.dump: what a program wrote about code that it generated at run time (node --perf-prof, and others):
 * when each piece of code was loaded, where, and when it moved (tools/perf/Documentation/jitdump-specification.txt).
 *
 * Different code may be at the same address at different times. So the symbol table does not use addresses, but
 * numbers: each loaded piece of code gets a range, in the order of loading. A CodeMapping says at which address a range
 * was, and since when.
 */

import { addressAt } from "../../base/bytes/address.ts";
import type { ByteSource } from "../../base/bytes/byte_source.ts";
import { ByteReader, ByteWriter, viewOf } from "../../base/bytes/bytes.ts";
import { float64Column, uint32Column } from "../../base/bytes/column.ts";
import { BadInputError } from "../../base/system/errors.ts";
import { Cost, WORK } from "../object/limits.ts";
import { BUILDER_BYTES, STB, SymbolTableBuilder } from "../table/symbol_builder.ts";
import { StringTableNames } from "../table/symbol_names.ts";
import type { SymbolTable } from "../table/symbol_table.ts";

/** Magic number: "JiTD". */
const MAGIC = 0x4a695444;
const RECORD = { LOAD: 0, MOVE: 1, CLOSE: 3 } as const;
const PREFIX = 16;
/** Bytes of the header. */
export const HEADER_SIZE = 40;
/** Bytes of a load and a move record before the name. */
const LOAD_FIXED = 40, MOVE_FIXED = 48;
/** Longest name in bytes; longer ones are cut. */
const MAX_NAME = 4096;
/** Bytes that are read at once: more than any record needs. */
const PIECE = 64 << 10;
/** Bytes of memory of a record, without its name: while the dump is read, and in the table. */
const RECORD_BYTES = 200 + BUILDER_BYTES, TABLE_BYTES = 32;
/** Bit of header.flags: times are of the CPU's counter, not CLOCK_MONOTONIC. */
const FLAG_ARCH_TIMESTAMP = 1n;

/** Code that was at an address from some time on. */
export interface CodeMapping {
  /** Time in ns of CLOCK_MONOTONIC. */
  time: bigint;
  address: number;
  /** Size in bytes. */
  size: number;
  /** Start of its range in the numbering of the symbols. */
  at: number;
}

/** Contents of a jitdump. */
export interface JitDump {
  /** Code mappings in the order of the file: by time, except where threads overtook each other. */
  mappings: CodeMapping[];
  /** Symbols, by the dump's own numbering; undefined if there is no code. */
  symbols: SymbolTable | undefined;
}

/** Returns whether a mapping of this name shows that the process writes a jitdump: jit-PID.dump, by convention. */
export function isJitDump(filename: string): boolean {
  return filename.endsWith(".dump") && /\/jit-\d+\.dump$/.test(filename);
}

/** Record of code that was loaded or moved. */
export interface JitRecord {
  /** RECORD.LOAD or RECORD.MOVE. */
  type: number;
  isLoad: boolean;
  /** Byte order of `bytes`. */
  littleEndian: boolean;
  time: bigint;
  /** Address of the code from then on, and its size in bytes. */
  address: number;
  size: number;
  /** Number that loading and moving the code share. */
  index: bigint;
  /** Record behind its prefix; of a load without the code, and with at most MAX_NAME bytes of the name. */
  bytes: Uint8Array;
}

/**
 * Reads a dump, up to where it is cut off, since its program may have been killed or still be writing. Throws
 * BadInputError if it is not a jitdump, or its times cannot be compared with those of a recording, and LimitError.
 */
export function readJitDump(source: ByteSource, cost = new Cost(undefined, source.name)): JitDump {
  const dump = new DumpBuilder(cost);
  eachJitRecord(source, cost, (record) => dump.take(record));
  return dump.finish();
}

/**
 * Calls `take` with each record of code in a dump. Returns the header of the dump: its first HEADER_SIZE bytes, which give
 * their own number as the size of the header. Throws as readJitDump() does.
 */
export function eachJitRecord(source: ByteSource, cost: Cost, take: (record: JitRecord) => void): Uint8Array {
  const littleEndian = new ByteReader(source.read(0, 4), true).u32() === MAGIC;
  const front = source.read(0, HEADER_SIZE).slice();
  const header = new ByteReader(front, littleEndian, source.name);
  if (header.u32() !== MAGIC) throw new BadInputError(`cannot read ${source.name}: it is not a jitdump`, 0);
  header.u32(); // version
  const headerSize = header.u32();
  header.take(4 + 4 + 4 + 8); // elf_mach, pad1, pid, timestamp
  if ((header.u64() & FLAG_ARCH_TIMESTAMP) !== 0n) {
    throw new BadInputError(
      `cannot read ${source.name}: it has times of the CPU's own counter, not of CLOCK_MONOTONIC`,
      32,
    );
  }
  const bytes = new Window(source, cost);
  for (let at = headerSize; at + PREFIX <= source.size;) {
    const prefix = new ByteReader(bytes.at(at, PREFIX), littleEndian, source.name, at);
    if (prefix.left < PREFIX) break; // it was truncated meanwhile
    const type = prefix.u32(), size = prefix.u32(), time = prefix.u64();
    if (type === RECORD.CLOSE || size < PREFIX || at + size > source.size) break;
    cost.work(WORK.record);
    const record = codeRecord(
      { type, time, littleEndian },
      (most) => bytes.at(at + PREFIX, Math.min(size - PREFIX, most)),
    );
    if (record) take(record);
    at += size;
  }
  new DataView(front.buffer).setUint32(8, HEADER_SIZE, littleEndian);
  return front;
}

/**
 * Decodes a record; undefined for those of other types, and those that are too short or have no code.
 *
 *     load:  u32 pid, tid; u64 vma, code_addr, code_size, code_index; char name[]; the code
 *     move:  u32 pid, tid; u64 vma, old_code_addr, new_code_addr, code_size, code_index
 *
 * @param read returns the record behind its prefix, at most so many bytes.
 */
function codeRecord(
  { type, time, littleEndian }: { type: number; time: bigint; littleEndian: boolean },
  read: (most: number) => Uint8Array,
): JitRecord | undefined {
  const isLoad = type === RECORD.LOAD;
  if (!isLoad && type !== RECORD.MOVE) return undefined;
  const fixed = isLoad ? LOAD_FIXED : MOVE_FIXED;
  let bytes = read(isLoad ? LOAD_FIXED + MAX_NAME : MOVE_FIXED);
  if (bytes.length < fixed) return undefined;
  const view = viewOf(bytes);
  const address = addressAt(view, isLoad ? 16 : 24, littleEndian);
  const size = addressAt(view, isLoad ? 24 : 32, littleEndian);
  if (isLoad) {
    if (!(size > 0)) return undefined;
    const end = bytes.indexOf(0, LOAD_FIXED);
    if (end >= 0) bytes = bytes.subarray(0, end + 1);
  }
  return {
    type,
    isLoad,
    littleEndian,
    time,
    address,
    size,
    index: view.getBigUint64(fixed - 8, littleEndian),
    bytes,
  };
}

/** Window on the bytes of a source, around the last position. */
class Window {
  readonly #source: ByteSource;
  readonly #cost: Cost;
  #bytes = new Uint8Array(0);
  #start = 0;

  constructor(source: ByteSource, cost: Cost) {
    this.#source = source;
    this.#cost = cost;
  }

  /** Returns a view of bytes [at, at + length), shorter at the end of the source. */
  at(at: number, length: number): Uint8Array {
    if (at < this.#start || at + length > this.#start + this.#bytes.length) {
      this.#cost.work(PIECE * WORK.read);
      this.#bytes = this.#source.read(at, PIECE) as Uint8Array<ArrayBuffer>;
      this.#start = at;
    }
    return this.#bytes.subarray(at - this.#start, at - this.#start + length);
  }
}

class DumpBuilder {
  readonly #cost: Cost;
  readonly #mappings: CodeMapping[] = [];
  /** Loaded code by code_index. */
  readonly #loaded = new Map<bigint, { at: number; size: number }>();
  readonly #names = new ByteWriter(1 << 12);
  readonly #nameStarts = uint32Column();
  readonly #nameEnds = uint32Column();
  readonly #starts = float64Column();
  #next = 0;

  constructor(cost: Cost) {
    this.#cost = cost;
  }

  take({ isLoad, time, address, size, index, bytes }: JitRecord): void {
    if (!isLoad) {
      const code = this.#loaded.get(index);
      if (code) this.#map({ time, address, ...code });
      return;
    }
    this.#name(bytes.subarray(LOAD_FIXED));
    this.#starts.push(this.#next);
    this.#loaded.set(index, { at: this.#next, size });
    this.#map({ time, address, size, at: this.#next });
    this.#next += size;
  }

  finish(): JitDump {
    return { mappings: this.#mappings, symbols: this.#starts.length === 0 ? undefined : this.#table() };
  }

  #map(place: CodeMapping): void {
    this.#cost.hold(RECORD_BYTES);
    this.#cost.count(this.#mappings.length + 1, "symbols");
    this.#mappings.push(place);
  }

  #name(bytes: Uint8Array): void {
    const end = bytes.indexOf(0);
    const name = end < 0 ? bytes : bytes.subarray(0, end);
    this.#cost.hold(2 * name.length);
    this.#nameStarts.push(this.#names.length);
    this.#nameEnds.push(this.#names.raw(name).length);
  }

  #table(): SymbolTable {
    const starts = this.#starts.values(), count = starts.length;
    const ends = starts.map((_, i) => i + 1 < count ? starts[i + 1] : this.#next);
    const text = this.#names.bytes();
    const builder = new SymbolTableBuilder({
      starts,
      ends,
      binds: new Uint8Array(count).fill(STB.GLOBAL),
      names: new StringTableNames(text, this.#nameStarts.data, { ends: this.#nameEnds.data }),
    }, this.#cost);
    this.#cost.work(count * WORK.symbol);
    this.#cost.keep(count * TABLE_BYTES + text.length);
    builder.insert(0, count);
    return builder.finish();
  }
}
