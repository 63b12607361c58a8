/**
 * Units of .debug_info: their headers, and the attributes of their first entries (DWARF 5, sections 3.1 and 7.5.1). They
 * are found by their place in the section; what is inside is read by others.
 */

import { lastAtOrBefore } from "../../../base/bytes/ascending.ts";
import { float64Column } from "../../../base/bytes/column.ts";
import type { DebugInfo } from "../../elf/debug_section.ts";
import { WORK } from "../../object/limits.ts";
import { type ByteWindows, stringBytes } from "../../object/windows.ts";
import { LineReader } from "../dwarf_line_header.ts";
import { Abbreviations } from "./abbreviations.ts";
import { AT, FORM } from "./constants.ts";
import { directForm, readValue } from "./forms.ts";
import { SectionReader } from "./section_reader.ts";
import { readUnitHeader, type Unit, unitEnd } from "./unit_header.ts";

export type { Unit };

/** Bytes of an entry that are read at first, and in a second try: strings and expressions can lie in it. */
const FIRST_LOOK = 1 << 10, LAST_LOOK = 1 << 16;
/** Bytes of memory of a unit and its first entry, and of an offset; offsets that are charged for at once. */
const UNIT_BYTES = 500, START_BYTES = 16, CHARGED = 1024;
/** Longest string in bytes: C++ names have thousands. */
const MAX_TEXT = 1 << 16;

const decoder = new TextDecoder();

/** Attributes of the first entry of a unit. Offsets are NaN if it has none. */
export interface UnitRoot {
  /** Address that range lists start from. */
  low: number;
  /** Form and value of the unit's range list; undefined if it has one range or none. */
  ranges: { form: number; value: number } | undefined;
  /** End of the unit's only range; NaN if it has none. */
  high: number;
  /** Offset of its lines in .debug_line. */
  lines: number;
  /** Folder that it was compiled in; "" if unknown. */
  directory: string;
  /** Offsets of the unit's part of .debug_str_offsets, .debug_addr, .debug_rnglists and .debug_ranges. */
  stringOffsets: number;
  addresses: number;
  rangeLists: number;
  ranges4: number;
  /** Number that the unit and the one that it was split from have in common; NaN if it is not here. */
  splitId: number;
  /** File that has the unit's other entries (.dwo), if it was split. */
  splitFile: string;
}

/** Files that units refer to. */
export interface UnitsOptions {
  /** Returns the units of the file that dwz moved what several files have in common to. */
  supplementary?: () => Units | undefined;
  /** Attributes of the unit that these were split from. */
  skeleton?: UnitRoot;
}

/**
 * Takes an attribute: its name (DW_AT_*), its form, and its value as readValue() gives it, but with the offset in
 * .debug_info for a string in place.
 */
export type TakeAttribute = (name: number, form: number, value: number) => void;

/** Units of a file. */
export class Units {
  readonly info: DebugInfo;
  /** Contents of .debug_info. */
  readonly section: ByteWindows;
  /** Returns the units of the file that dwz moved what several files have in common to. */
  readonly supplementary: () => Units | undefined;
  readonly #skeleton: UnitRoot | undefined;
  readonly #reader: SectionReader;
  readonly #abbreviations: Abbreviations;
  /** Offset of each unit, and behind the last one. */
  readonly #starts: Float64Array;
  /** Units whose headers were read; null for those of unknown versions. */
  readonly #all: (Unit | null | undefined)[] = [];
  readonly #roots = new Map<Unit, UnitRoot>();
  readonly #readers = new Map<string, SectionReader | undefined>();

  /**
   * Finds all units, up to the first damaged one. Throws BadInputError, LimitError.
   * @param section .debug_info.
   */
  constructor(
    info: DebugInfo,
    section: ByteWindows,
    { supplementary = () => undefined, skeleton }: UnitsOptions = {},
  ) {
    this.info = info;
    this.section = section;
    this.supplementary = supplementary;
    this.#skeleton = skeleton;
    this.#abbreviations = new Abbreviations(info);
    this.#reader = new SectionReader(section, info.littleEndian);
    const starts = float64Column();
    for (let at = 0; at <= section.size;) {
      info.cost.work(WORK.unitLength);
      if (starts.length % CHARGED === 0) info.cost.hold(CHARGED * START_BYTES);
      starts.push(at);
      at = unitEnd(this.#reader, at);
    }
    this.#starts = starts.values();
  }

  /** Number of units. */
  get count(): number {
    return this.#starts.length - 1;
  }

  /** Returns the row of the unit that an offset of .debug_info is in, -1 if there is none. */
  rowOf(offset: number): number {
    const row = lastAtOrBefore(this.#starts, offset);
    return row < this.count ? row : -1;
  }

  /** Returns a unit by its row; undefined if it has an unknown version, or no abbreviations. Throws LimitError. */
  unit(row: number): Unit | undefined {
    let unit = this.#all[row];
    if (unit === undefined) {
      this.info.cost.work(WORK.debugUnit);
      this.info.cost.hold(UNIT_BYTES);
      const start = this.#starts[row], end = this.#starts[row + 1];
      unit = this.#all[row] = readUnitHeader(this.#reader, start, end, this.#abbreviations) ?? null;
    }
    return unit ?? undefined;
  }

  /** Yields the units in the order in which they stand, but for those that unit() does not return. */
  *all(): Generator<Unit> {
    for (let row = 0; row < this.count; row++) {
      const unit = this.unit(row);
      if (unit) yield unit;
    }
  }

  /**
   * Reads the entry at an offset of .debug_info: gives `take` its attributes, and those of a long one twice. Returns false
   * if it cannot be read as a whole.
   */
  readEntry(unit: Unit, offset: number, take: TakeAttribute): boolean {
    const left = unit.end - offset;
    if (!(offset >= unit.offset + unit.entries && left > 0)) return false;
    return this.#readAttributes(unit, offset, Math.min(FIRST_LOOK, left), take) ||
      (left > FIRST_LOOK && this.#readAttributes(unit, offset, Math.min(LAST_LOOK, left), take));
  }

  /** Reads the attributes of an entry that lie in `size` bytes; returns whether all do. */
  #readAttributes(unit: Unit, offset: number, size: number, take: TakeAttribute): boolean {
    const { abbreviations } = unit, { cost, littleEndian } = this.info;
    const r = new LineReader(this.section.window(offset, size), littleEndian);
    const row = abbreviations.row(r.uleb());
    if (row < 0) return false;
    const { attributes, starts } = abbreviations;
    cost.work(WORK.debugUnit + starts[row + 1] - starts[row]);
    for (let at = starts[row]; at < starts[row + 1]; at += 3) {
      const form = attributes[at + 1] === FORM.INDIRECT ? directForm(r) : attributes[at + 1];
      const value = readValue(r, form, attributes[at + 2], unit);
      if (r.pos > size) break;
      take(attributes[at], form, form === FORM.STRING ? offset + value : value);
    }
    cost.work(Math.min(r.pos, size) * WORK.entry);
    return r.pos <= size;
  }

  /** Reads the first entry of a unit, once. */
  rootOf(unit: Unit): UnitRoot {
    let root = this.#roots.get(unit);
    if (root === undefined) this.#roots.set(unit, root = this.#readRoot(unit));
    return root;
  }

  #readRoot(unit: Unit): UnitRoot {
    const forms = new Map<number, number>(), values = new Map<number, number>();
    this.readEntry(unit, unit.offset + unit.entries, (name, form, value) => {
      forms.set(name, form);
      values.set(name, value);
    });
    const offset = (name: number, otherwise = NaN) => values.get(name) ?? otherwise;
    const skeleton = this.#skeleton;
    // in DWARF 5 the header of the only part comes first
    const header = unit.version < 5 ? 0 : unit.offsetSize === 8 ? 16 : 8;
    const root: UnitRoot = {
      low: skeleton?.low ?? NaN,
      ranges: undefined,
      high: NaN,
      lines: offset(AT.STMT_LIST),
      directory: "",
      stringOffsets: offset(AT.STR_OFFSETS_BASE, header),
      addresses: skeleton?.addresses ?? offset(AT.ADDR_BASE, offset(AT.GNU_ADDR_BASE, header)),
      rangeLists: offset(AT.RNGLISTS_BASE, header + 4),
      ranges4: skeleton?.ranges4 ?? offset(AT.GNU_RANGES_BASE, 0),
      splitId: offset(AT.GNU_DWO_ID, unit.splitId),
      splitFile: "",
    };
    this.#roots.set(unit, root); // what follows needs its bases
    const form = (name: number) => forms.get(name) ?? 0;
    for (const name of [AT.DWO_NAME, AT.GNU_DWO_NAME]) {
      if (values.has(name)) root.splitFile = this.text(unit, form(name), values.get(name)!);
    }
    if (values.has(AT.COMP_DIR)) {
      root.directory = this.text(unit, form(AT.COMP_DIR), values.get(AT.COMP_DIR)!);
    }
    if (values.has(AT.LOW_PC)) root.low = this.address(unit, form(AT.LOW_PC), values.get(AT.LOW_PC)!);
    if (values.has(AT.RANGES)) root.ranges = { form: form(AT.RANGES), value: values.get(AT.RANGES)! };
    else if (values.has(AT.HIGH_PC)) {
      root.high = this.endAddress(unit, root.low, form(AT.HIGH_PC), values.get(AT.HIGH_PC)!);
    }
    return root;
  }

  /** Returns the address that a value of one of the forms for addresses stands for; NaN if there is none. */
  address(unit: Unit, form: number, value: number): number {
    if (form === FORM.ADDR) return value;
    return isAddressIndex(form) ? this.addressAt(unit, value) : NaN;
  }

  /** Returns the unit's address number `index` in .debug_addr; NaN if there is none. */
  addressAt(unit: Unit, index: number): number {
    return this.#numberAt(
      ".debug_addr",
      this.rootOf(unit).addresses + index * unit.addressSize,
      unit.addressSize,
    );
  }

  /** Returns the end of a range that starts at `low`: an address, or else a length. */
  endAddress(unit: Unit, low: number, form: number, value: number): number {
    return form === FORM.ADDR || isAddressIndex(form) ? this.address(unit, form, value) : low + value;
  }

  /** Returns the string that a value of one of the forms for strings stands for; "" if there is none. */
  text(unit: Unit, form: number, value: number): string {
    switch (form) {
      case FORM.STRING:
        return this.textIn(this.section, value);
      case FORM.STRP_SUP:
      case FORM.GNU_STRP_ALT:
        return this.textIn(this.supplementary()?.info.get(".debug_str"), value);
      case FORM.STRP:
        return this.textIn(this.info.get(".debug_str"), value);
      case FORM.LINE_STRP:
        return this.textIn(this.info.get(".debug_line_str"), value);
      case FORM.STRX:
      case FORM.STRX1:
      case FORM.STRX2:
      case FORM.STRX3:
      case FORM.STRX4:
      case FORM.GNU_STR_INDEX: {
        const at = this.rootOf(unit).stringOffsets + value * unit.offsetSize;
        return this.textIn(
          this.info.get(".debug_str"),
          this.#numberAt(".debug_str_offsets", at, unit.offsetSize),
        );
      }
    }
    return "";
  }

  /** Returns the number of so many bytes at an offset of a section; NaN if it is not there. */
  #numberAt(name: string, at: number, bytes: number): number {
    if (!this.#readers.has(name)) this.#readers.set(name, sectionReader(this.info, name));
    const section = this.#readers.get(name);
    return section && at >= 0 && at + bytes <= section.size ? section.at(at, bytes).sized(bytes) : NaN;
  }

  /** Returns the string at an offset of a section; "" if there is none. */
  textIn(section: ByteWindows | undefined, offset: number): string {
    if (!section || !(offset >= 0 && offset < section.size)) return "";
    const bytes = stringBytes(section, offset, MAX_TEXT);
    this.info.cost.work(WORK.debugUnit + bytes.length);
    return decoder.decode(bytes);
  }
}

/** Returns whether values of a form are indices of addresses. */
function isAddressIndex(form: number): boolean {
  return form === FORM.ADDRX || form === FORM.GNU_ADDR_INDEX || (form >= FORM.ADDRX1 && form <= FORM.ADDRX4);
}

/** Makes a reader of a section; undefined if there is none. */
export function sectionReader(info: DebugInfo, name: string): SectionReader | undefined {
  const section = info.get(name);
  return section && new SectionReader(section, info.littleEndian);
}

/**
 * Finds the folders that the units whose lines are at the offsets `wanted` of .debug_line were compiled in, by offset.
 * Leaves out units that cannot be read. Throws BadInputError, LimitError.
 */
export function compilationDirectories(info: DebugInfo, wanted: ReadonlySet<number>): Map<number, string> {
  const directories = new Map<number, string>(), section = info.get(".debug_info");
  if (!section) return directories;
  const units = new Units(info, section);
  for (const unit of units.all()) {
    if (directories.size === wanted.size) break;
    const { lines, directory } = units.rootOf(unit);
    if (wanted.has(lines) && directory !== "") directories.set(lines, directory);
  }
  return directories;
}

/**
 * Returns the path of a source file: a relative one behind the folder that its unit was compiled in, "" if that is not
 * known. Where the folder is relative itself, DWARF 5 has it in the path already.
 */
export function wholePath(path: string, directory: string): string {
  const isWhole = path === "" || path.startsWith("/") || directory === "" || path.startsWith(`${directory}/`);
  return isWhole ? path : `${directory}/${path}`;
}
