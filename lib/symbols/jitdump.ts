/**
 * jit-PID.dump: what a program wrote about code that it made at run time (node --perf-prof, and others), when
 * each piece of code came to be, was where, and was moved (tools/perf/Documentation/jitdump-specification.txt).
 *
 * Code comes and goes at the same addresses. So a table of symbols does not go by addresses, but by a numbering
 * of its own: every piece of code that was loaded has a range there, one behind the other in the order of loading.
 * At which address it was, from when on, is told apart from that, as a mapping of that range.
 */

import { addressOf } from "../base/address.ts";
import type { ByteSource } from "../base/byte_source.ts";
import { ByteReader } from "../base/bytes.ts";
import { BadInputError } from "../base/errors.ts";
import { STB, SymbolTableBuilder } from "./symbol_builder.ts";
import { StringTableNames } from "./symbol_names.ts";
import type { SymbolTable } from "./symbol_table.ts";

/** "JiTD" */
const MAGIC = 0x4a695444;
const RECORD = { LOAD: 0, MOVE: 1, CLOSE: 3 } as const;
const PREFIX = 16;
const LOAD_FIXED = 40;
/** Longer names are cut. */
const MOST_NAME = 4096;
/** header.flags: times are of the CPU's counter rather than CLOCK_MONOTONIC. */
const FLAG_ARCH_TIMESTAMP = 1n;

/** Code that from a time on was at an address. */
export interface CodePlace {
  /** CLOCK_MONOTONIC in ns. */
  time: bigint;
  address: number;
  /** In bytes. */
  size: number;
  /** Where its range starts in the numbering of the symbols. */
  at: number;
}

export interface JitDump {
  /** In the order of the file, which is that of time but for threads that got in each other's way. */
  places: CodePlace[];
  /** By the dump's own numbering; undefined when there is no code. */
  symbols: SymbolTable | undefined;
}

/** Whether a mapping of this name marks the process as one that writes a jitdump: jit-PID.dump, by convention. */
export function isJitDump(filename: string): boolean {
  return filename.endsWith(".dump") && /\/jit-\d+\.dump$/.test(filename);
}

/**
 * Reads a dump, up to where it is cut off: its program may have been killed, or still write. Throws BadInputError
 * when it is none, or has times that cannot be compared with those of a recording.
 */
export function readJitDump(source: ByteSource): JitDump {
  const littleEndian = new ByteReader(source.read(0, 4), true).u32() === MAGIC;
  const header = new ByteReader(source.read(0, 40), littleEndian, source.name);
  if (header.u32() !== MAGIC) throw new BadInputError(`${source.name} is no jitdump`, 0);
  header.u32(); // version
  const headerSize = header.u32();
  header.take(4 + 4 + 4 + 8); // elf_mach, pad1, pid, timestamp
  if ((header.u64() & FLAG_ARCH_TIMESTAMP) !== 0n) {
    throw new BadInputError(`${source.name} has times of the CPU's own counter, which are not supported`, 32);
  }
  const dump = new DumpBuilder(littleEndian);
  for (let at = headerSize; at + PREFIX <= source.size;) {
    const prefix = new ByteReader(source.read(at, PREFIX), littleEndian, source.name, at);
    const type = prefix.u32(), size = prefix.u32(), time = prefix.u64();
    if (type === RECORD.CLOSE || size < PREFIX || at + size > source.size) break;
    if (type === RECORD.LOAD && size >= PREFIX + LOAD_FIXED) {
      dump.load(time, source.read(at + PREFIX, Math.min(size - PREFIX, LOAD_FIXED + MOST_NAME)));
    } else if (type === RECORD.MOVE && size >= PREFIX + 48) {
      dump.move(time, source.read(at + PREFIX, 48));
    }
    at += size;
  }
  return dump.finish();
}

class DumpBuilder {
  readonly #littleEndian: boolean;
  readonly #places: CodePlace[] = [];
  readonly #names: Uint8Array[] = [];
  /** By code_index. */
  readonly #loaded = new Map<bigint, { at: number; size: number }>();
  readonly #starts: number[] = [];
  #next = 0;

  constructor(littleEndian: boolean) {
    this.#littleEndian = littleEndian;
  }

  /** u32 pid, tid; u64 vma, code_addr, code_size, code_index; char name[]; the code */
  load(time: bigint, bytes: Uint8Array): void {
    const view = this.#view(bytes);
    const address = this.#address(view, 16);
    const size = this.#address(view, 24);
    if (!(size > 0)) return;
    const name = bytes.subarray(LOAD_FIXED);
    const end = name.indexOf(0);
    this.#names.push(end < 0 ? name : name.subarray(0, end));
    this.#starts.push(this.#next);
    this.#loaded.set(view.getBigUint64(32, this.#littleEndian), { at: this.#next, size });
    this.#places.push({ time, address, size, at: this.#next });
    this.#next += size;
  }

  /** u32 pid, tid; u64 vma, old_code_addr, new_code_addr, code_size, code_index */
  move(time: bigint, bytes: Uint8Array): void {
    const view = this.#view(bytes);
    const code = this.#loaded.get(view.getBigUint64(40, this.#littleEndian));
    if (code) this.#places.push({ time, address: this.#address(view, 24), ...code });
  }

  finish(): JitDump {
    return { places: this.#places, symbols: this.#names.length === 0 ? undefined : this.#table() };
  }

  #table(): SymbolTable {
    const count = this.#names.length;
    const starts = Float64Array.from(this.#starts);
    const ends = starts.map((_, i) => i + 1 < count ? starts[i + 1] : this.#next);
    const nameStarts = new Uint32Array(count), nameEnds = new Uint32Array(count);
    const text = new Uint8Array(this.#names.reduce((sum, name) => sum + name.length, 0));
    this.#names.reduce((at, name, i) => {
      text.set(name, at);
      nameStarts[i] = at;
      return nameEnds[i] = at + name.length;
    }, 0);
    const builder = new SymbolTableBuilder({
      starts,
      ends,
      binds: new Uint8Array(count).fill(STB.GLOBAL),
      names: new StringTableNames(text, nameStarts, { ends: nameEnds }),
    });
    builder.insert(0, count);
    return builder.finish();
  }

  #view(bytes: Uint8Array): DataView {
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  #address(view: DataView, at: number): number {
    const first = view.getUint32(at, this.#littleEndian), second = view.getUint32(at + 4, this.#littleEndian);
    return this.#littleEndian ? addressOf(first, second) : addressOf(second, first);
  }
}
