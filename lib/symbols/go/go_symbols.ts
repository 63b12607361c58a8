/** Names of a Go program's functions, from its own table, as candidates for the symbol table. */

import type { ElfFile } from "../elf/elf.ts";
import type { FunctionNames } from "../elf/elf_symbols.ts";
import { Pclntab } from "./pclntab.ts";

/** Returns the functions of a file; undefined if it has no table. Throws BadInputError, LimitError. */
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
