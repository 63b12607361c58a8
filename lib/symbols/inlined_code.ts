/**
 * Inlined functions in an object's code, from its own debug information or its separate debug file, or what earlier
 * reports have kept of these; those of a Go program without debug information from its table of functions.
 */

import { BadInputError } from "../base/system/errors.ts";
import { openInlinedFunctions } from "./dwarf/info/inlined_functions.ts";
import { GoInlinedFunctions } from "./go/go_inlined.ts";
import { KeptFunctions } from "./kept_functions.ts";
import { keptKey } from "./kept_key.ts";
import type { SymbolFiles } from "./files/symbol_files.ts";
import { InfoFiles } from "./info_files.ts";
import type { Cost } from "./object/limits.ts";
import { closeObjectElf, infoHolder, linkedIn, type ObjectElf, openObjectElf } from "./object_elf.ts";
import { symbolFailureOf } from "./object/missing_symbol_reasons.ts";
import type { ObjectInfo } from "./object/objects.ts";

/** Name of an inlined function that has none. */
export const NAMELESS = "[unnamed]";

/** Functions at addresses that were asked for, each with those that it was inlined into; see InlinedFunctions. */
export interface FunctionRows {
  /** Returns the row of the function that a row's function was inlined into; -1 if its code is its own. */
  parent(row: number): number;
  /** Returns the name of a row's function. Throws BadInputError, LimitError. */
  name(row: number): string;
  /** Returns the line of the call that was inlined; 0 if unknown. Throws BadInputError, LimitError. */
  callLine(row: number): number;
  /** Returns the path of the source file of the call that was inlined; "" if unknown. Throws BadInputError, LimitError. */
  callPath(row: number): string;
}

/** Parts of an InlinedCode. */
interface CodeParts {
  functions: FunctionRows;
  /** Returns the row at an address (as in AddressSpaces.at). */
  at: (address: number) => number;
  /** Files of its debug information, if it has any. */
  info?: InfoFiles;
  /** Keeps what was read of these for later reports. */
  keep?: () => void;
}

/** Open object with its inlined functions. Charged to the object's cost as held, until `close`. */
export class InlinedCode {
  readonly functions: FunctionRows;
  readonly #elf: ObjectElf;
  readonly #parts: CodeParts;

  constructor(elf: ObjectElf, parts: CodeParts) {
    this.#elf = elf;
    this.#parts = parts;
    this.functions = parts.functions;
  }

  /**
   * Returns the row of `functions` of the innermost function at an address (as in AddressSpaces.at), or
   * -1. Throws BadInputError, LimitError.
   */
  at(address: number): number {
    return this.#parts.at(address);
  }

  /** Paths of files with parts of the debug information that were needed and not found. */
  get missing(): ReadonlySet<string> {
    return this.#parts.info?.missing ?? new Set();
  }

  /** Keeps what was read of debug information for later reports. Throws BadInputError if it is damaged. */
  keep(): void {
    this.#parts.keep?.();
  }

  close(): void {
    this.#elf.file.cost.done();
    this.#parts.info?.close();
    closeObjectElf(this.#elf);
  }
}

/**
 * Opens the inlined functions of a file, of the kernel or of a module; undefined if nothing tells them. Throws
 * BadInputError, LimitError, and what the hooks throw.
 */
export function openInlinedCode(files: SymbolFiles, object: ObjectInfo, cost: Cost): InlinedCode | undefined {
  const elf = openObjectElf(files, object, cost);
  if (!("file" in elf)) return undefined;
  let code: InlinedCode | undefined;
  try {
    const parts = debugParts(files, elf) ?? goParts(elf);
    code = parts && new InlinedCode(elf, parts);
  } finally {
    if (code === undefined) closeObjectElf(elf);
  }
  return code;
}

/** Returns the inlined functions by debug information, undefined if there is none. */
function debugParts(files: SymbolFiles, elf: ObjectElf): CodeParts | undefined {
  const holder = infoHolder(elf);
  if (holder === undefined) return undefined;
  const info = new InfoFiles(files, holder);
  const open = () =>
    openInlinedFunctions(info.own, {
      supplementary: () => info.supplementary(),
      split: (root) => info.split(root),
    });
  const { kept } = files, key = kept && keptKey(elf.file, holder);
  const functions = new KeptFunctions(elf, open, key && { tables: kept!, key });
  const keep = () => functions.keep(() => info.missing.size === 0);
  return { functions, at: (address) => functions.at(address), info, keep };
}

/** Returns the inlined functions of a Go program. They are not kept: its table is as fast to read as a kept one would be. */
function goParts(elf: ObjectElf): CodeParts | undefined {
  const functions = GoInlinedFunctions.open(elf.file);
  return functions && { functions, at: (offset) => functions.at(linkedIn(elf, offset)) };
}

/** Warns of files with parts of an object's debug information that were needed and not found. */
export function missingInfoWarnings({ name }: ObjectInfo, missing: Iterable<string>): string[] {
  const [path, ...more] = missing;
  if (path === undefined) return [];
  const others = more.length > 0 ? ` and ${more.length} more` : "";
  return [
    `inlined functions of ${name} are not all shown: ` +
    `no debug information in ${path}${others}: install it, or put it back there`,
  ];
}

/** Returns a sentence about an error that ended the reading of an object's inlined functions. */
export function inlinedFailureText({ path }: ObjectInfo, error: unknown): string {
  const why = error instanceof BadInputError
    ? error.message
    : `cannot read ${path}: ${symbolFailureOf(error).detail}`;
  return `${why}: some of its inlined functions are not shown`;
}
