/** Inlined functions in an object's code, from its own debug information or its separate debug file. */

import { type InlinedFunctions, openInlinedFunctions } from "./dwarf/info/inlined_functions.ts";
import { linkedAddress } from "./elf/load_offsets.ts";
import type { SymbolFiles } from "./files/symbol_files.ts";
import { InfoFiles } from "./info_files.ts";
import type { Cost } from "./object/limits.ts";
import { closeObjectElf, infoHolder, type ObjectElf, openObjectElf } from "./object_elf.ts";
import type { ObjectInfo } from "./object/objects.ts";

/** Open object with its inlined functions. Charged to the object's cost as held, until `close`. */
export class InlinedCode {
  readonly functions: InlinedFunctions;
  readonly #elf: ObjectElf;
  readonly #info: InfoFiles;

  constructor(elf: ObjectElf, info: InfoFiles, functions: InlinedFunctions) {
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
    return this.#info.missing;
  }

  close(): void {
    this.#elf.file.cost.done();
    this.#info.close();
    closeObjectElf(this.#elf);
  }
}

/**
 * Opens the inlined functions of an object of kind `file`; undefined if it has no debug information. Throws
 * BadInputError, LimitError, and what the hooks throw.
 */
export function openInlinedCode(files: SymbolFiles, object: ObjectInfo, cost: Cost): InlinedCode | undefined {
  const elf = openObjectElf(files, object, cost);
  if (!("file" in elf)) return undefined;
  let code: InlinedCode | undefined;
  try {
    const holder = infoHolder(elf), info = holder && new InfoFiles(files, holder);
    const functions = info && openInlinedFunctions(info.own, {
      supplementary: () => info.supplementary(),
      split: (root) => info.split(root),
    });
    code = functions && new InlinedCode(elf, info!, functions);
  } finally {
    if (code === undefined) closeObjectElf(elf);
  }
  return code;
}
