/**
 * Source lines of addresses in an object, from its own debug information or its separate debug file, or what earlier
 * reports have kept of these; those of a Go program without debug information from its table of functions.
 */

import type { BundledObject } from "./bundle/bundled_object.ts";
import { codeOffsets } from "./code_offsets.ts";
import { DebugSections } from "./elf/debug_section.ts";
import { findLines, type FoundLines } from "./dwarf/dwarf_line.ts";
import { compilationDirectories, wholePath } from "./dwarf/info/units.ts";
import { LineRows } from "./dwarf/line_rows.ts";
import { type ElfFile, SHT } from "./elf/elf.ts";
import { goLines } from "./go/go_code.ts";
import { NOTHING, UNKNOWN } from "./kept/kept_ranges.ts";
import { LineTable, LineTableBuilder } from "./kept/line_table.ts";
import { keptKey, TABLE_FACTOR } from "./kept_key.ts";
import { Budget, Cost, LimitError } from "./object/limits.ts";
import { closeObjectElf, linkedIn, type ObjectElf, openObjectElf } from "./object_elf.ts";
import type { ObjectInfo } from "./object/objects.ts";
import type { SymbolFiles } from "./files/symbol_files.ts";
import {
  kernelFilesRemedy,
  missingSymbolCause,
  missingSymbolRemedy,
  REASON,
  type SymbolFailure,
  symbolFailureOf,
} from "./object/missing_symbol_reasons.ts";

/** Source line of each address, in the order asked for. */
export interface SourceLines {
  /** Row of `paths`, -1 if unknown. */
  file: Int32Array;
  /** Line number from 1; 0 for code that the compiler made up. */
  line: Int32Array;
  /** Paths as given to the compiler; relative ones are below its working directory if that is known. */
  paths: string[];
}

/**
 * Finds the lines of `addresses` (as in AddressSpaces.at) of a file, of the kernel or of a module. Returns why if it
 * cannot: REASON.NO_SYMBOLS if there is no line information.
 */
export function sourceLines(
  files: SymbolFiles,
  object: ObjectInfo,
  addresses: Float64Array,
  cost = new Cost(undefined, object.path),
): SourceLines | SymbolFailure {
  let opened: ObjectElf | SymbolFailure | undefined;
  try {
    opened = openObjectElf(files, object, cost);
    return "file" in opened ? linesIn(files, opened, addresses) : opened;
  } catch (error) {
    cost.abandon();
    return symbolFailureOf(error);
  } finally {
    cost.done();
    if (opened && "file" in opened) closeObjectElf(opened);
  }
}

function linesIn(files: SymbolFiles, elf: ObjectElf, addresses: Float64Array): SourceLines | SymbolFailure {
  const { file, debug } = elf;
  file.cost.work(addresses.length * file.segments.length / 2);
  const holder = [file, debug].find((each) => each !== undefined && hasLines(each));
  return holder
    ? keptLines(files, { elf, holder }, addresses)
    : goLines(file, addresses.map((at) => linkedIn(elf, at))) ?? { reason: REASON.NO_SYMBOLS };
}

function hasLines(file: ElfFile): boolean {
  const section = file.section(".debug_line") ?? file.section(".zdebug_line");
  return section !== undefined && section.type !== SHT.NOBITS && section.size > 0;
}

/** Finds lines in the kept table, and those that it does not know in the line tables of `holder`; keeps these. */
function keptLines(
  { kept }: SymbolFiles,
  { elf, holder }: { elf: ObjectElf; holder: ElfFile },
  addresses: Float64Array,
): SourceLines {
  const { file } = elf, code = codeOffsets(elf);
  const key = kept && keptKey(file, holder), name = `${key?.name}.lines`;
  const bytes = key && kept?.read(name);
  if (bytes) file.cost.hold(TABLE_FACTOR * bytes.length);
  const table = bytes && LineTable.read(bytes, key.stamp);
  const places = table && Int32Array.from(addresses, (at) => table.at(code.offset(at)));
  // what is not loaded has no line
  const linked = addresses.map((at, i) => places && places[i] !== UNKNOWN ? NaN : code.linked(at));
  if (table && linked.every(Number.isNaN)) return table.lines(places!);
  const sections = new DebugSections(holder), rows = key && new LineRows(file.cost);
  const found = linesAt(sections, linked, rows), read = { ...found, paths: wholePaths(sections, found) };
  const built = rows && builtTable(elf, { table, rows, paths: read.paths });
  if (built) kept!.write(name, built.bytes(key!.stamp));
  return table ? joined(table.lines(places!), read) : read;
}

/** Returns the first lines, and where these are unknown, the second ones. */
function joined(first: SourceLines, second: SourceLines): SourceLines {
  const before = first.paths.length;
  return {
    file: first.file.map((file, i) => file >= 0 || second.file[i] < 0 ? file : before + second.file[i]),
    line: first.line.map((line, i) => first.file[i] >= 0 ? line : second.line[i]),
    paths: [...first.paths, ...second.paths],
  };
}

/** Adds rows that were read to a table; undefined if there were too many. */
function builtTable(
  elf: ObjectElf,
  { table, rows, paths }: { table: LineTable | undefined; rows: LineRows; paths: readonly string[] },
): LineTableBuilder | undefined {
  const parts = codeOffsets(elf).parts();
  try {
    const builder = new LineTableBuilder(table, elf.file.cost);
    const numbers = paths.map((path) => builder.path(path));
    const isWhole = rows.each((low, high, path, line) => {
      if (path >= 0 && line < 0) return; // a number that no table has
      const row = path >= 0 ? builder.row(numbers[path], line) : NOTHING;
      for (const { offset, end, shift } of parts) {
        builder.addRange(Math.max(offset, low - shift), Math.min(end, high - shift), row);
      }
    });
    return isWhole ? builder : undefined;
  } catch (error) {
    if (error instanceof LimitError) return undefined;
    throw error;
  }
}

/** Returns the paths, relative ones prefixed with the directory that their unit was compiled in, if known. */
function wholePaths(sections: DebugSections, { paths, units }: FoundLines): string[] {
  const relative = new Set(units.filter((_, i) => !paths[i].startsWith("/")));
  if (relative.size === 0) return paths;
  let directories: Map<number, string>;
  try {
    directories = compilationDirectories(sections, relative);
  } catch (error) {
    if (error instanceof LimitError) return paths; // the relative paths are still right
    throw error;
  }
  return paths.map((path, i) => {
    const whole = wholePath(path, directories.get(units[i]) ?? "");
    sections.file.cost.keep(whole.length - path.length);
    return whole;
  });
}

function linesAt(sections: DebugSections, addresses: Float64Array, rows: LineRows | undefined): FoundLines {
  const wanted = Float64Array.from(new Set(addresses.filter((address) => address === address))).sort();
  const found = findLines(sections, wanted, rows);
  const placeOf = new Map(Array.from(wanted, (address, place) => [address, place]));
  const pick = (column: Int32Array, none: number) =>
    Int32Array.from(addresses, (address) => column[placeOf.get(address) ?? -1] ?? none);
  return { ...found, file: pick(found.file, -1), line: pick(found.line, 0) };
}

/** Failure of an object whose lines the recording does not carry. */
const NO_LINES: SymbolFailure = { reason: REASON.NO_SYMBOLS };

/** Sources of the lines of objects. */
export interface LineSources {
  files: SymbolFiles;
  /** Limits what all objects together may cost. */
  budget?: Budget;
  /** Returns what the recording carries of an object, if that is to be used. */
  bundledOf?: (object: ObjectInfo) => BundledObject | undefined;
}

/** Returns whether source lines are looked for in an object of that kind. */
export function mayHaveLines({ kind }: ObjectInfo): boolean {
  return kind === "file" || kind === "kernel" || kind === "module";
}

/** Finds the lines of addresses of such an object, or why there are none; see sourceLines(). */
export function linesOf(
  object: ObjectInfo,
  addresses: Float64Array,
  { files, budget = new Budget(), bundledOf }: LineSources,
): SourceLines | SymbolFailure {
  const bundled = bundledOf?.(object);
  return bundled
    ? bundled.lines?.of(addresses) ?? bundled.facts.linesFailure ?? NO_LINES
    : sourceLines(files, object, addresses, budget.cost(object.path));
}

/** Explains why an object has no lines, and what to do about it. */
export function whyNoLines({ reason, detail }: SymbolFailure, object: ObjectInfo, fetches: boolean): string {
  if (object.kind !== "file" && reason === REASON.NO_FILE) {
    return kernelFilesRemedy(object, fetches);
  }
  return reason === REASON.NO_SYMBOLS
    ? `build with -g, or install the debug symbols (packages -dbgsym or -debuginfo)${
      fetches ? "" : ", or fetch them with --debuginfod URL"
    }`
    : `${missingSymbolCause(reason, detail)}: ${missingSymbolRemedy(reason, object, { fetches })}`;
}
