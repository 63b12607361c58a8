/**
 * Inlined functions in an object's code, from its own debug information or its separate debug file; those of a Go program
 * without debug information from its table of functions.
 */

import { openInlinedFunctions } from "./dwarf/info/inlined_functions.ts";
import { linkedAddress } from "./elf/load_offsets.ts";
import { GoInlinedFunctions } from "./go/go_inlined.ts";
import type { SymbolFiles } from "./files/symbol_files.ts";
import { InfoFiles } from "./info_files.ts";
import type { Cost } from "./object/limits.ts";
import { closeObjectElf, infoHolder, type ObjectElf, openObjectElf } from "./object_elf.ts";
import type { ObjectInfo } from "./object/objects.ts";

/** Functions at addresses that were asked for, each with those that it was inlined into; see InlinedFunctions. */
export interface FunctionRows {
  /** Returns the row of the innermost function at a link-time address, or -1. Throws BadInputError, LimitError. */
  at(address: number): number;
  /** Returns the row of the function that a row's function was inlined into; -1 if its code is its own. */
  parent(row: number): number;
  /** Returns the name of a row's function. Throws BadInputError, LimitError. */
  name(row: number): string;
  /** Returns the line of the call that was inlined; 0 if unknown. Throws BadInputError, LimitError. */
  callLine(row: number): number;
  /** Returns the path of the source file of the call that was inlined; "" if unknown. Throws BadInputError, LimitError. */
  callPath(row: number): string;
}

/** Open object with its inlined functions. Charged to the object's cost as held, until `close`. */
export class InlinedCode {
  readonly functions: FunctionRows;
  readonly #elf: ObjectElf;
  readonly #info: InfoFiles | undefined;

  /** @param info files of its debug information, if it has any. */
  constructor(elf: ObjectElf, functions: FunctionRows, info?: InfoFiles) {
    this.#elf = elf;
    this.#info = info;
    this.functions = functions;
  }

  /**
   * Returns the row of `functions` of the innermost function at an address (a file offset, as in AddressSpaces.at), or
   * -1. Throws BadInputError, LimitError.
   */
  at(address: number): number {
    return this.functions.at(linkedAddress(this.#elf.file, address));
  }

  /** Paths of files with parts of the debug information that were needed and not found. */
  get missing(): ReadonlySet<string> {
    return this.#info?.missing ?? new Set();
  }

  close(): void {
    this.#elf.file.cost.done();
    this.#info?.close();
    closeObjectElf(this.#elf);
  }
}

/**
 * Opens the inlined functions of an object of kind `file`; undefined if nothing tells them. Throws
 * BadInputError, LimitError, and what the hooks throw.
 */
export function openInlinedCode(files: SymbolFiles, object: ObjectInfo, cost: Cost): InlinedCode | undefined {
  const elf = openObjectElf(files, object, cost);
  if (!("file" in elf)) return undefined;
  let code: InlinedCode | undefined;
  try {
    const holder = infoHolder(elf), info = holder && new InfoFiles(files, holder);
    const functions = info
      ? openInlinedFunctions(info.own, {
        supplementary: () => info.supplementary(),
        split: (root) => info.split(root),
      })
      : GoInlinedFunctions.open(elf.file);
    code = functions && new InlinedCode(elf, functions, info);
  } finally {
    if (code === undefined) closeObjectElf(elf);
  }
  return code;
}
