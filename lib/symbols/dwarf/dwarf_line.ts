/**
 * Source lines of addresses, from .debug_line: every unit's program is run once, and only rows that the wanted
 * addresses fall between are kept, so memory goes with what is asked and not with the file.
 */

import type { DebugInfo } from "../elf/debug_section.ts";
import { LineReader, type LineUnit, readLineUnit, readPaths } from "./dwarf_line_header.ts";
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

/** Bytes of memory of a path besides its letters. */
const PATH_BYTES = 50;

/** The line of each wanted address. */
export interface FoundLines {
  /** Row of `paths` by address, -1 where no line is known. */
  file: Int32Array;
  /** From 1 on; 0 for code that is of no line of its file. */
  line: Int32Array;
  /** Relative ones are of the directory that their unit was compiled in. */
  paths: string[];
  /** Offset in the section of the unit that each path is of. */
  units: number[];
}

/**
 * The lines of `wanted` addresses (as the file was linked, ascending, no two the same). Where several sequences
 * cover one, the first counts. What is damaged is passed over. Throws LimitError, and what `info.get` throws.
 */
export function findLines(info: DebugInfo, wanted: Float64Array): FoundLines {
  const { cost, littleEndian } = info;
  const finder = new LineFinder(wanted, cost);
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

/** Takes the rows of a sequence, and keeps what the wanted addresses need. */
class LineFinder {
  readonly file: Int32Array;
  readonly line: Int32Array;
  readonly paths: string[] = [];
  readonly units: number[] = [];
  readonly #wanted: Float64Array;
  readonly #cost: Cost;
  /** By place in `wanted`: itself while it has no answer, and then a place behind it, on the way to the next without. */
  readonly #open: Int32Array;
  readonly #pathIds = new Map<string, number>();
  /** What the current unit has answered: places in `wanted`, whose `file` is still the unit's own number. */
  #answered: number[] = [];
  /** The next wanted address without an answer, within a sequence. */
  #next = 0;
  /** Whether a sequence has begun, whether nothing of it was linked, and how its last row was. */
  #begun = false;
  #dropped = false;
  #lastFile = 0;
  #lastLine = 0;

  constructor(wanted: Float64Array, cost: Cost) {
    this.#wanted = wanted;
    this.#cost = cost;
    this.#open = Int32Array.from({ length: wanted.length + 1 }, (_, i) => i);
    this.file = new Int32Array(wanted.length).fill(-1);
    this.line = new Int32Array(wanted.length);
  }

  /** A row: from `address` on, up to the next one, it is this line. */
  row(address: number, file: number, line: number, ends: boolean): void {
    const wanted = this.#wanted;
    if (!this.#begun) {
      this.#begun = true;
      // what linkers leave of code that they dropped starts at 0, -1 or -2
      this.#dropped = address <= 0 && address >= -2;
      this.#next = this.#openFrom(firstFrom(wanted, address));
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
    this.#lastFile = file;
    this.#lastLine = line;
    if (ends) this.#begun = false;
  }

  /** The first place from `at` on that has no answer; as many as have one are passed over for good. */
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

  /** The unit is over: its numbers of files become rows of `paths`. */
  nameFiles(read: (numbers: ReadonlySet<number>) => ReadonlyMap<number, string>, unit: number): void {
    this.#begun = false;
    if (this.#answered.length === 0) return;
    const numbers = new Set(this.#answered.map((at) => this.file[at]));
    const ids = new Map<number, number>();
    for (const [number, path] of read(numbers)) ids.set(number, this.#pathId(path, unit));
    for (const at of this.#answered) this.file[at] = ids.get(this.file[at]) ?? -1;
    this.#answered = [];
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

/** Index of the first of `sorted` that is not below `value`. */
function firstFrom(sorted: Float64Array, value: number): number {
  let low = 0, high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Runs a unit's program: the state machine of DWARF 5, section 6.2.2, as far as lines go. */
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
          return; // withdrawn by DWARF 5, and no compiler ever wrote it
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
