/** Names and source lines of a Go program's code, from its own table of functions. */

import type { ElfFile } from "../elf/elf.ts";
import type { FunctionNames } from "../elf/elf_symbols.ts";
import { Pclntab } from "./pclntab.ts";

/**
 * Returns the functions of a file, as candidates for its symbol table; undefined if it has no table. Throws BadInputError and
 * LimitError.
 */
export function goFunctions(file: ElfFile): FunctionNames | undefined {
  const table = Pclntab.open(file);
  if (table === undefined) return undefined;
  const { offset, header, size } = table.found;
  return {
    count: table.count,
    names: { offset: offset + header.names, size: (header.units || size) - header.names },
    start: (row) => table.start(row),
    end: (row) => table.end(row),
    nameOffset: (row) => table.nameOffset(row),
  };
}

/** Source line of each address. */
export interface GoLines {
  /** Row of `paths`, -1 if unknown. */
  file: Int32Array;
  /** Line number from 1; 0 if unknown. */
  line: Int32Array;
  paths: string[];
}

/**
 * Finds the lines of link-time addresses; undefined if the file has no table. Throws BadInputError and LimitError.
 */
export function goLines(elf: ElfFile, addresses: Float64Array): GoLines | undefined {
  const table = Pclntab.open(elf);
  if (table === undefined) return undefined;
  const file = new Int32Array(addresses.length).fill(-1), line = new Int32Array(addresses.length);
  const paths: string[] = [], ids = new Map<string, number>();
  for (const [i, address] of addresses.entries()) {
    const row = table.rowAt(address);
    if (row < 0) continue;
    const offset = address - table.start(row), path = table.path(row, offset);
    if (path === "") continue;
    let id = ids.get(path);
    if (id === undefined) ids.set(path, id = paths.push(path) - 1);
    file[i] = id;
    line[i] = table.line(row, offset);
  }
  return { file, line, paths };
}
