/**
 * Source lines of addresses, from .debug_line. Every unit's program runs once, and only rows around the wanted
 * addresses are kept, so memory grows with the number of addresses, not with the file.
 */

import { firstAtOrAfter } from "../../base/bytes/ascending.ts";
import type { DebugInfo } from "../elf/debug_section.ts";
import { LineReader, type LineUnit, readLineUnit, readPaths } from "./dwarf_line_header.ts";
import type { LineRows } from "./line_rows.ts";
import { type Cost, WORK } from "../object/limits.ts";

/** Standard opcodes (DW_LNS_*). */
const LNS = {
  EXTENDED: 0,
  COPY: 1,
  ADVANCE_PC: 2,
  ADVANCE_LINE: 3,
  SET_FILE: 4,
  CONST_ADD_PC: 8,
  FIXED_ADVANCE_PC: 9,
} as const;
/** Extended opcodes (DW_LNE_*). */
const LNE = { END_SEQUENCE: 1, SET_ADDRESS: 2, DEFINE_FILE: 3 } as const;

/** Bytes of memory of a path, besides its characters. */
const PATH_BYTES = 50;

/** Source line of each wanted address. */
export interface FoundLines {
  /** Row of `paths` for each address, -1 if unknown. */
  file: Int32Array;
  /** Line number from 1; 0 for code that belongs to no line of its file. */
  line: Int32Array;
  /** Source paths. Relative ones start from the directory that their unit was compiled in. */
  paths: string[];
  /** Section offset of the unit that each path comes from. */
  units: number[];
}

/**
 * Finds the lines of `wanted` addresses (link-time addresses, ascending, without duplicates). Where several sequences
 * cover an address, the first one counts. Skips damaged units. Throws LimitError, and what `info.get` throws.
 * @param rows gets all lines of the units that had a wanted address, to be kept.
 */
export function findLines(info: DebugInfo, wanted: Float64Array, rows?: LineRows): FoundLines {
  const { cost, littleEndian } = info;
  const finder = new LineFinder(wanted, cost, rows);
  const line = info.get(".debug_line");
  let largest = 0;
  const hold = (bytes: number) => {
    cost.work(WORK.lineUnit + bytes * WORK.lineProgram);
    if (!line?.held && bytes > largest) {
      cost.hold(bytes - largest);
      largest = bytes;
    }
  };
  for (let at = 0; line && at < line.size;) {
    const { unit, end } = readLineUnit(line, littleEndian, at, hold);
    if (unit) {
      runProgram(unit, littleEndian, finder);
      finder.nameFiles((numbers) => readPaths(info, unit, numbers), at);
    }
    at = end;
  }
  return { file: finder.file, line: finder.line, paths: finder.paths, units: finder.units };
}

/** Collector of line table rows that keeps what the wanted addresses need. */
class LineFinder {
  readonly file: Int32Array;
  readonly line: Int32Array;
  readonly paths: string[] = [];
  readonly units: number[] = [];
  readonly #wanted: Float64Array;
  readonly #cost: Cost;
  readonly #rows: LineRows | undefined;
  /**
   * Union-find links by index in `wanted`: an address without an answer links to itself, others to a later index, on
   * the way to the next one without.
   */
  readonly #open: Int32Array;
  readonly #pathIds = new Map<string, number>();
  /** Indices in `wanted` that the current unit has answered. Their `file` is still the unit's own file number. */
  #answered: number[] = [];
  /** Index of the next wanted address without an answer, within a sequence. */
  #next = 0;
  /** State of the current sequence: whether it has begun, whether the linker dropped it, and its last row. */
  #begun = false;
  #dropped = false;
  #lastFile = 0;
  #lastLine = 0;

  constructor(wanted: Float64Array, cost: Cost, rows: LineRows | undefined) {
    this.#wanted = wanted;
    this.#cost = cost;
    this.#rows = rows;
    this.#open = Int32Array.from({ length: wanted.length + 1 }, (_, i) => i);
    this.file = new Int32Array(wanted.length).fill(-1);
    this.line = new Int32Array(wanted.length);
  }

  /** Takes a row of the table: code from `address` up to the next row belongs to this line. */
  row(address: number, file: number, line: number, ends: boolean): void {
    const wanted = this.#wanted, begins = !this.#begun;
    if (begins) {
      this.#begun = true;
      // code that the linker dropped starts at 0, -1 or -2
      this.#dropped = address <= 0 && address >= -2;
      this.#next = this.#openFrom(firstAtOrAfter(wanted, address));
    } else if (!this.#dropped && wanted[this.#next] < address) {
      let at = this.#next;
      for (; at < wanted.length && wanted[at] < address; at = this.#openFrom(at + 1)) {
        this.file[at] = this.#lastFile;
        this.line[at] = this.#lastLine;
        this.#open[at] = at + 1;
        this.#answered.push(at);
      }
      this.#next = at;
    }
    if (this.#rows !== undefined && !this.#dropped) this.#rows.add(address, file, line, begins);
    this.#lastFile = file;
    this.#lastLine = line;
    if (ends) this.#begun = false;
  }

  /** Returns the first index from `at` without an answer, and shortens the links on the way. */
  #openFrom(at: number): number {
    const open = this.#open;
    let found = at;
    while (open[found] !== found) found = open[found];
    for (let place = at; place !== found;) {
      const next = open[place];
      open[place] = found;
      place = next;
    }
    return found;
  }

  /** Ends a unit: turns its file numbers into rows of `paths`. */
  nameFiles(read: (numbers: ReadonlySet<number>) => ReadonlyMap<number, string>, unit: number): void {
    this.#begun = false;
    if (this.#answered.length === 0) return this.#rows?.endUnit(undefined);
    const numbers = new Set(this.#answered.map((at) => this.file[at]));
    for (const number of this.#rows?.files() ?? []) numbers.add(number);
    const ids = new Map<number, number>();
    for (const [number, path] of read(numbers)) ids.set(number, this.#pathId(path, unit));
    for (const at of this.#answered) this.file[at] = ids.get(this.file[at]) ?? -1;
    this.#answered = [];
    this.#rows?.endUnit(ids);
  }

  #pathId(path: string, unit: number): number {
    if (path === "") return -1;
    const key = path.startsWith("/") ? path : `${unit}\0${path}`;
    let id = this.#pathIds.get(key);
    if (id === undefined) {
      this.#cost.hold(PATH_BYTES + key.length);
      this.#cost.keep(PATH_BYTES + path.length);
      id = this.paths.push(path) - 1;
      this.units.push(unit);
      this.#pathIds.set(key, id);
    }
    return id;
  }
}

/** Runs a unit's line number program (DWARF 5, section 6.2.2), as far as lines need it. */
function runProgram(unit: LineUnit, littleEndian: boolean, finder: LineFinder): void {
  const { bytes, minInstructionLength: step, lineBase, lineRange, opcodeBase, opcodeLengths } = unit;
  const r = new LineReader(bytes, littleEndian, unit.program), end = bytes.length;
  let address = 0, file = 1, line = 1;
  while (r.pos < end) {
    const opcode = bytes[r.pos++];
    if (opcode >= opcodeBase) {
      const advance = opcode - opcodeBase;
      address += Math.floor(advance / lineRange) * step;
      line += lineBase + advance % lineRange;
      finder.row(address, file, line, false);
      continue;
    }
    switch (opcode) {
      case LNS.EXTENDED: {
        const length = r.uleb();
        const next = r.pos + length;
        if (length === 0 || next > end) return;
        const extended = r.u8();
        if (extended === LNE.END_SEQUENCE) {
          finder.row(address, file, line, true);
          address = 0, file = 1, line = 1;
        } else if (extended === LNE.SET_ADDRESS) {
          address = r.sized(length - 1);
        } else if (extended === LNE.DEFINE_FILE) {
          return; // withdrawn in DWARF 5, and never written by a compiler
        }
        r.pos = next;
        break;
      }
      case LNS.COPY:
        finder.row(address, file, line, false);
        break;
      case LNS.ADVANCE_PC:
        address += r.uleb() * step;
        break;
      case LNS.ADVANCE_LINE:
        line += r.sleb();
        break;
      case LNS.SET_FILE:
        file = r.uleb();
        break;
      case LNS.CONST_ADD_PC:
        address += Math.floor((255 - opcodeBase) / lineRange) * step;
        break;
      case LNS.FIXED_ADVANCE_PC:
        address += r.u16();
        break;
      default:
        for (let left = opcodeLengths[opcode - 1]; left > 0; left--) r.uleb();
    }
  }
}
