/** The source lines of addresses of an object, from its own debug information or that in its separate file. */

import { BadInputError } from "../base/errors.ts";
import { debugSection } from "./debug_section.ts";
import { findLines, type FoundLines } from "./dwarf_line.ts";
import type { LineSections } from "./dwarf_line_header.ts";
import { compilationDirectories } from "./dwarf_units.ts";
import type { ElfFile } from "./elf.ts";
import { PT } from "./elf_header.ts";
import { openObjectElf } from "./object_elf.ts";
import type { ObjectInfo } from "./objects.ts";
import type { SymbolFiles } from "./symbolizer.ts";

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
 * The lines of `addresses` (offsets in the file, as `AddressSpaces.at` gives them) of an object of kind `file`;
 * undefined when there is no debug information of lines.
 */
export async function sourceLines(
  files: SymbolFiles,
  object: ObjectInfo,
  addresses: Float64Array,
): Promise<SourceLines | undefined> {
  const opened = openObjectElf(files, object);
  if (typeof opened !== "object") return undefined;
  try {
    for (const file of [opened.file, opened.debug]) {
      const sections = file && await lineSections(file);
      if (!sections) continue;
      const found = linesAt(sections, linkedAddresses(opened.file, addresses));
      return { ...found, paths: await wholePaths(file, found) };
    }
    return undefined;
  } catch (error) {
    if (error instanceof BadInputError) return undefined;
    throw error;
  }
}

/** The sections of `file` that hold lines, or undefined. Throws BadInputError on damage. */
async function lineSections(file: ElfFile): Promise<LineSections | undefined> {
  const line = await debugSection(file, ".debug_line");
  if (line === undefined || line.length === 0) return undefined;
  return {
    line,
    lineStr: await debugSection(file, ".debug_line_str"),
    str: await debugSection(file, ".debug_str"),
    littleEndian: file.littleEndian,
  };
}

/** From offsets in a file to the addresses it was linked for; NaN where nothing is loaded. */
function linkedAddresses(file: ElfFile, offsets: Float64Array): Float64Array {
  const loaded = file.segments.filter(({ type }) => type === PT.LOAD);
  return offsets.map((at) => {
    const segment = loaded.find(({ offset, filesz }) => at >= offset && at < offset + filesz);
    return segment === undefined ? NaN : at - segment.offset + segment.vaddr;
  });
}

/** The paths found, relative ones below the directory that their unit was compiled in. */
async function wholePaths(file: ElfFile, { paths, units }: FoundLines): Promise<string[]> {
  if (paths.every((path) => path.startsWith("/"))) return paths;
  const info = await debugSection(file, ".debug_info");
  const abbrev = await debugSection(file, ".debug_abbrev");
  if (info === undefined || abbrev === undefined) return paths;
  const directories = compilationDirectories({
    info,
    abbrev,
    str: await debugSection(file, ".debug_str"),
    lineStr: await debugSection(file, ".debug_line_str"),
    littleEndian: file.littleEndian,
  });
  return paths.map((path, i) => {
    const directory = directories.get(units[i]);
    return path.startsWith("/") || directory === undefined ? path : `${directory}/${path}`;
  });
}

function linesAt(sections: LineSections, addresses: Float64Array): FoundLines {
  const wanted = Float64Array.from(new Set(addresses.filter((address) => address === address))).sort();
  const found = findLines(sections, wanted);
  const placeOf = new Map(Array.from(wanted, (address, place) => [address, place]));
  const pick = (column: Int32Array, none: number) =>
    Int32Array.from(addresses, (address) => column[placeOf.get(address) ?? -1] ?? none);
  return { ...found, file: pick(found.file, -1), line: pick(found.line, 0) };
}
