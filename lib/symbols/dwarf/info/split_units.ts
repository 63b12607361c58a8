/**
 * Units that were split: the program has their addresses, a file of its own (.dwo) or a part of a package of such files
 * (.dwp) everything else (DWARF 5, section 7.3; GCC's "DebugFission" before that).
 *
 *     program: skeleton unit, .debug_addr, .debug_ranges     .dwo: unit, .debug_abbrev.dwo, .debug_str.dwo, ...
 *         |                                                    ^
 *         +-- name of the file, and a number that both have ---+
 */

import type { DebugInfo } from "../../elf/debug_section.ts";
import { type Cost, WORK } from "../../object/limits.ts";
import type { ByteWindows } from "../../object/windows.ts";
import { LineReader } from "../dwarf_line_header.ts";
import { type Unit, type UnitRoot, Units } from "./units.ts";

/** Finds the unit that a unit with this first entry was split from; undefined if its file is not there. */
export type SplitUnits = (root: UnitRoot) => SplitUnit | undefined;

/** Unit in a file of its own, and all units there. */
export interface SplitUnit {
  units: Units;
  unit: Unit;
}

/** Sections that the program keeps for the units that were split from it. */
const OF_PROGRAM = new Set([".debug_addr", ".debug_ranges"]);
/** Sections of which each unit has a part in a package, by DW_SECT_*; the others are shared. */
const PARTS: Readonly<Record<number, string>> = {
  1: ".debug_info",
  3: ".debug_abbrev",
  4: ".debug_line",
  6: ".debug_str_offsets",
};
/** DW_SECT_RNGLISTS, of DWARF 5 alone. */
const RANGE_LISTS_PART = 8;

/** Bytes of memory of a unit in an index. */
const PART_BYTES = 400;

/** Part of a section. */
interface Part {
  offset: number;
  size: number;
}

/** Sections as units of a .dwo file or of a package see them. */
class SplitSections implements DebugInfo {
  readonly #program: DebugInfo;
  readonly #own: DebugInfo;
  readonly #parts: ReadonlyMap<string, Part> | undefined;

  constructor(program: DebugInfo, own: DebugInfo, parts?: ReadonlyMap<string, Part>) {
    this.#program = program;
    this.#own = own;
    this.#parts = parts;
  }

  get littleEndian(): boolean {
    return this.#own.littleEndian;
  }

  get cost(): Cost {
    return this.#own.cost;
  }

  get(name: string): ByteWindows | undefined {
    if (OF_PROGRAM.has(name)) return this.#program.get(name);
    const section = this.#own.get(`${name}.dwo`), part = this.#parts?.get(name);
    return section && part ? new PartOfBytes(section, part) : section;
  }
}

/** Part of other bytes. */
class PartOfBytes implements ByteWindows {
  readonly size: number;
  readonly held: boolean;
  readonly #bytes: ByteWindows;
  readonly #offset: number;

  constructor(bytes: ByteWindows, { offset, size }: Part) {
    this.#bytes = bytes;
    this.#offset = Math.min(offset, bytes.size);
    this.size = Math.min(size, bytes.size - this.#offset);
    this.held = bytes.held;
  }

  window(at: number, length: number): Uint8Array {
    return this.#bytes.window(this.#offset + at, Math.max(0, Math.min(length, this.size - at)));
  }

  byte(at: number): number | undefined {
    return at < this.size ? this.#bytes.byte(this.#offset + at) : undefined;
  }

  endOf(at: number, most: number): number {
    return this.#bytes.endOf(this.#offset + at, Math.min(most, this.size - at)) - this.#offset;
  }
}

/**
 * Returns the unit of a .dwo file that a unit of the program was split from; undefined if it has none with that number.
 * Throws BadInputError, LimitError.
 */
export function unitOfFile(program: DebugInfo, own: DebugInfo, skeleton: UnitRoot): SplitUnit | undefined {
  return unitIn(new SplitSections(program, own), skeleton);
}

function unitIn(info: DebugInfo, skeleton: UnitRoot): SplitUnit | undefined {
  const section = info.get(".debug_info");
  if (!section) return undefined;
  const units = new Units(info, section, { skeleton });
  for (const unit of units.all()) {
    if (!unit.isCodeless && units.rootOf(unit).splitId === skeleton.splitId) return { units, unit };
  }
  return undefined;
}

/** Package of split units (.dwp). */
export class SplitPackage {
  readonly #own: DebugInfo;
  /** Parts of each unit, by its number. */
  readonly #parts = new Map<number, ReadonlyMap<string, Part>>();

  /** Reads the index. Throws BadInputError, LimitError. */
  constructor(own: DebugInfo) {
    this.#own = own;
    const index = own.get(".debug_cu_index");
    if (index) this.#readIndex(new LineReader(index.window(0, index.size), own.littleEndian), index.size);
  }

  /** Returns the unit that a unit of the program was split from; undefined if the package does not have it. */
  unit(program: DebugInfo, skeleton: UnitRoot): SplitUnit | undefined {
    const parts = this.#parts.get(skeleton.splitId);
    return parts && unitIn(new SplitSections(program, this.#own, parts), skeleton);
  }

  /**
   * Reads .debug_cu_index (DWARF 5, section 7.3.5.3):
   *
   *     version, number of columns, of units and of slots
   *     u64 number of the unit in each slot; u32 its row in each slot, from 1
   *     u32 section of each column; offsets by row and column; sizes by row and column
   */
  #readIndex(r: LineReader, size: number): void {
    const version = r.u32() & 0xffff, columns = r.u32(), units = r.u32(), slots = r.u32();
    const ids = r.pos, rows = ids + 8 * slots, sections = rows + 4 * slots;
    const offsets = sections + 4 * columns, sizes = offsets + 4 * columns * units;
    if ((version !== 2 && version !== 5) || sizes + 4 * columns * units > size) return;
    this.#own.cost.work(size * WORK.entry);
    this.#own.cost.hold(units * PART_BYTES);
    const word = (at: number) => {
      r.pos = at;
      return r.u32();
    };
    const names = Array.from({ length: columns }, (_, column) => {
      const section = word(sections + 4 * column);
      return section === RANGE_LISTS_PART && version === 5 ? ".debug_rnglists" : PARTS[section];
    });
    for (let slot = 0; slot < slots; slot++) {
      const row = word(rows + 4 * slot) - 1;
      if (!(row >= 0 && row < units) || this.#parts.size >= units) continue;
      r.pos = ids + 8 * slot;
      const id = r.u64(), parts = new Map<string, Part>();
      names.forEach((name, column) => {
        const at = 4 * (row * columns + column);
        if (name !== undefined) parts.set(name, { offset: word(offsets + at), size: word(sizes + at) });
      });
      this.#parts.set(id, parts);
    }
  }
}
