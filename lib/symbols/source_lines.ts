/** The source lines of addresses of an object, from its own debug information or that in its separate file. */

import { DebugSections } from "./elf/debug_section.ts";
import { findLines, type FoundLines } from "./dwarf/dwarf_line.ts";
import { compilationDirectories } from "./dwarf/dwarf_units.ts";
import type { ElfFile } from "./elf/elf.ts";
import { PT } from "./elf/elf_header.ts";
import { Cost, LimitError } from "./object/limits.ts";
import { closeObjectElf, type ObjectElf, openObjectElf } from "./object_elf.ts";
import type { ObjectInfo } from "./object/objects.ts";
import type { SymbolFiles } from "./files/symbol_files.ts";
import { REASON, type SymbolFailure, symbolFailureOf } from "./object/missing_symbol_reasons.ts";

/** The line of each address asked for, in their order. */
export interface SourceLines {
  /** Row of `paths`, -1 where no line is known. */
  file: Int32Array;
  /** From 1 on; 0 for code that the compiler made up and that is of no line. */
  line: Int32Array;
  /** As the compiler was given them, relative ones below the directory it ran in where that is known. */
  paths: string[];
}

/**
 * The lines of `addresses` (offsets in the file, as AddressSpaces.at gives them) of an object of kind `file`; or
 * why there are none, which is REASON.NO_SYMBOLS where there is no debug information of lines.
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
  for (const each of [file, debug]) {
    if (each === undefined) continue;
    const sections = new DebugSections(each);
    if (!sections.get(".debug_line")?.size) continue;
    const found = linesAt(sections, linkedAddresses(file, addresses));
    return { ...found, paths: wholePaths(sections, found) };
  }
  return { reason: REASON.NO_SYMBOLS };
}

/** From offsets in a file to the addresses it was linked for; NaN where nothing is loaded. */
function linkedAddresses(file: ElfFile, offsets: Float64Array): Float64Array {
  const loaded = file.segments.filter(({ type }) => type === PT.LOAD);
  file.cost.work(offsets.length * loaded.length / 2);
  return offsets.map((at) => {
    const segment = loaded.find(({ offset, filesz }) => at >= offset && at < offset + filesz);
    return segment === undefined ? NaN : at - segment.offset + segment.vaddr;
  });
}

/** The paths found, relative ones below the directory that their unit was compiled in, where that can be told. */
function wholePaths(sections: DebugSections, { paths, units }: FoundLines): string[] {
  const relative = new Set(units.filter((_, i) => !paths[i].startsWith("/")));
  if (relative.size === 0) return paths;
  let directories: Map<number, string>;
  try {
    directories = compilationDirectories(sections, relative);
  } catch (error) {
    if (error instanceof LimitError) return paths; // what there is of them is right
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
