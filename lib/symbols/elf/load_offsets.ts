/** Places of loaded segments: from an address of an ELF file to the offset in it, and what is there. */

import { lastAtOrBefore } from "../../base/bytes/ascending.ts";
import type { ElfFile } from "./elf.ts";
import { PT, type Segment } from "./elf_header.ts";

/** Address minus file offset: of the first loaded segment that contains an address, else of its section. */
export class LoadOffsets {
  /** Starts of ascending ranges, and the shift of the first segment in each; NaN if there is none. */
  readonly #starts: Float64Array;
  readonly #shifts: Float64Array;
  // range that was found last
  #start = Infinity;
  #end = -Infinity;
  #shift = NaN;

  constructor(file: ElfFile) {
    const loaded = file.segments.filter((segment) => segment.type === PT.LOAD);
    const ends = loaded.map(({ vaddr, memsz, filesz }) => vaddr + Math.max(memsz, filesz));
    this.#starts = Float64Array.from(new Set([...loaded.map(({ vaddr }) => vaddr), ...ends])).sort();
    file.cost.work(this.#starts.length * loaded.length);
    this.#shifts = this.#starts.map((start) => {
      const at = loaded.findIndex(({ vaddr }, i) => start >= vaddr && start < ends[i]);
      return at < 0 ? NaN : loaded[at].vaddr - loaded[at].offset;
    });
  }

  of(address: number, otherwise: number): number {
    if (!(address >= this.#start && address < this.#end)) this.#find(address);
    return Number.isNaN(this.#shift) ? otherwise : this.#shift;
  }

  #find(address: number): void {
    const starts = this.#starts;
    const at = lastAtOrBefore(starts, address);
    this.#start = at >= 0 ? starts[at] : -Infinity;
    this.#end = at + 1 < starts.length ? starts[at + 1] : Infinity;
    this.#shift = at >= 0 ? this.#shifts[at] : NaN;
  }
}

/** Finds the loaded segment whose part in the file has an address. */
export function segmentAt({ segments }: ElfFile, address: number): Segment | undefined {
  return segments.find(({ type, vaddr, filesz }) =>
    type === PT.LOAD && address >= vaddr && address < vaddr + filesz
  );
}

/** Returns the link-time address of what is at an offset in the file; NaN where nothing is loaded. */
export function linkedAddress({ segments }: ElfFile, at: number): number {
  for (const { type, offset, filesz, vaddr } of segments) {
    if (type === PT.LOAD && at >= offset && at < offset + filesz) return at - offset + vaddr;
  }
  return NaN;
}

/** Most loaded segments whose ranges are turned into those of the file; linkers make about four. */
const MAX_LOADED = 64;

/** Range of link-time addresses and where it is in the file. */
export interface LoadedPart {
  offset: number;
  end: number;
  /** Address minus offset. */
  shift: number;
}

/**
 * Returns the parts of a file that are loaded, each once: linkedAddress() of an offset in one of them is the offset and
 * `shift`. Empty for a file with more segments than linkers make.
 */
export function loadedParts({ segments }: ElfFile): LoadedPart[] {
  const loaded = segments.filter(({ type, filesz }) => type === PT.LOAD && filesz > 0),
    parts: LoadedPart[] = [];
  if (loaded.length > MAX_LOADED) return [];
  for (const { offset, filesz, vaddr } of loaded) {
    const ends = [offset + filesz, ...parts.map((part) => part.offset)].sort((a, b) => a - b);
    for (let at = offset; at < offset + filesz;) {
      const taken = parts.find((part) => at >= part.offset && at < part.end);
      const end = taken?.end ?? ends.find((end) => end > at)!;
      if (!taken) parts.push({ offset: at, end, shift: vaddr - offset });
      at = end;
    }
  }
  return parts;
}

/** Reads what is in memory at an address when the object is loaded, as far as its file has it. */
export function memoryAt(file: ElfFile, address: number, length: number): Uint8Array {
  const segment = segmentAt(file, address);
  if (!segment) return new Uint8Array(0);
  const there = Math.min(length, segment.vaddr + segment.filesz - address);
  return file.source.read(segment.offset + address - segment.vaddr, there);
}
