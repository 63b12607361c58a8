/**
 * Source lines of addresses in an object, from its own debug information or its separate debug file; those of a Go program
 * without debug information from its table of functions.
 */

import { DebugSections } from "./elf/debug_section.ts";
import { findLines, type FoundLines } from "./dwarf/dwarf_line.ts";
import { compilationDirectories } from "./dwarf/info/units.ts";
import { linkedAddress } from "./elf/load_offsets.ts";
import { goLines } from "./go/go_lines.ts";
import { Cost, LimitError } from "./object/limits.ts";
import { closeObjectElf, type ObjectElf, openObjectElf } from "./object_elf.ts";
import type { ObjectInfo } from "./object/objects.ts";
import type { SymbolFiles } from "./files/symbol_files.ts";
import { REASON, type SymbolFailure, symbolFailureOf } from "./object/missing_symbol_reasons.ts";

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
 * Finds the lines of `addresses` (file offsets, as in AddressSpaces.at) of an object of kind `file`. Returns why if it
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
    return "file" in opened ? linesIn(opened, addresses) : opened;
  } catch (error) {
    cost.abandon();
    return symbolFailureOf(error);
  } finally {
    cost.done();
    if (opened && "file" in opened) closeObjectElf(opened);
  }
}

function linesIn({ file, debug }: ObjectElf, addresses: Float64Array): SourceLines | SymbolFailure {
  file.cost.work(addresses.length * file.segments.length / 2);
  for (const each of [file, debug]) {
    if (each === undefined) continue;
    const sections = new DebugSections(each);
    if (!sections.get(".debug_line")?.size) continue;
    const found = linesAt(sections, addresses.map((at) => linkedAddress(file, at)));
    return { ...found, paths: wholePaths(sections, found) };
  }
  return goLines(file, addresses.map((at) => linkedAddress(file, at))) ?? { reason: REASON.NO_SYMBOLS };
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
    const directory = directories.get(units[i]);
    if (path.startsWith("/") || directory === undefined) return path;
    sections.file.cost.keep(directory.length);
    return `${directory}/${path}`;
  });
}

function linesAt(sections: DebugSections, addresses: Float64Array): FoundLines {
  const wanted = Float64Array.from(new Set(addresses.filter((address) => address === address))).sort();
  const found = findLines(sections, wanted);
  const placeOf = new Map(Array.from(wanted, (address, place) => [address, place]));
  const pick = (column: Int32Array, none: number) =>
    Int32Array.from(addresses, (address) => column[placeOf.get(address) ?? -1] ?? none);
  return { ...found, file: pick(found.file, -1), line: pick(found.line, 0) };
}
