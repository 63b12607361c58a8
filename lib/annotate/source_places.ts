/** Source lines and inlined functions of the code of one object. */

import type { BundledInlined, BundledObject } from "../symbols/bundle/bundled_object.ts";
import { mayFetch, type SymbolFiles } from "../symbols/files/symbol_files.ts";
import {
  type FunctionRows,
  InlinedCode,
  inlinedFailureText,
  missingInfoWarnings,
  NAMELESS,
  openInlinedCode,
} from "../symbols/inlined_code.ts";
import type { Budget } from "../symbols/object/limits.ts";
import { symbolFailureOf } from "../symbols/object/missing_symbol_reasons.ts";
import type { ObjectInfo } from "../symbols/object/objects.ts";
import { linesOf, type SourceLines, sourceLines, whyNoLines } from "../symbols/source_lines.ts";
import { shortened } from "../symbols/table/demangle.ts";

/** Most inlined functions in each other that are named: the innermost. Any depth can be written into debug information. */
const MAX_DEPTH = 64;

/** Object whose code is looked up. */
export interface PlacedObject {
  files: SymbolFiles;
  object: ObjectInfo;
  budget: Budget;
  /** Object as the recording carries it. */
  bundled: BundledObject | undefined;
  /** Whether it has all of the code in question there, so that its files are not read. */
  isCarried: boolean;
}

/** Source lines of addresses. */
export interface PlacedLines extends SourceLines {
  /** Whether the recording carries them. */
  carried?: true;
}

/**
 * Returns the source line of each address (as in AddressSpaces.at): from the object's files, else from what the recording
 * carries; or why there are none.
 */
export function linesAt(
  { files, object, budget, bundled, isCarried }: PlacedObject,
  addresses: Float64Array,
): PlacedLines | { warning: string } {
  const read = isCarried ? undefined : sourceLines(files, object, addresses, budget.cost(object.path));
  if (read && "file" in read) return read;
  const found = bundled || !read
    ? linesOf(object, addresses, { files, budget, bundledOf: () => bundled })
    : read;
  if ("file" in found) return { ...found, carried: true };
  const why = whyNoLines(found, object, mayFetch(files, object));
  return { warning: `no source lines in ${object.name}: ${why}` };
}

/** Inlined functions at addresses. */
export interface InlinedNames {
  /** Names at each address, the outermost first; none where they could not be read. */
  names: (readonly string[])[];
  warnings: string[];
}

/** Returns the names of the inlined functions at each address (as in AddressSpaces.at). */
export function inlinedAt(
  { files, object, budget, bundled, isCarried }: PlacedObject,
  addresses: Float64Array,
  readable: (name: string) => string,
): InlinedNames {
  const names: (readonly string[])[] = Array.from(addresses, () => []);
  const known = isCarried ? bundled?.facts.inlinedWarnings ?? [] : [];
  let code: BundledInlined | InlinedCode | undefined;
  try {
    code = isCarried ? bundled?.inlined : openInlinedCode(files, object, budget.cost(object.path));
    if (code === undefined) return { names, warnings: known };
    const { functions } = code,
      chains = new Map<number, readonly string[]>(),
      texts = new Map<string, string>();
    const shown = (name: string) => {
      let text = texts.get(name);
      if (text === undefined) texts.set(name, text = name === "" ? NAMELESS : shortened(readable(name)));
      return text;
    };
    for (let i = 0; i < addresses.length; i++) {
      const row = code.at(addresses[i]);
      let chain = chains.get(row);
      if (chain === undefined) {
        chain = chainOf(functions, row).map(shown);
        chains.set(row, chain);
      }
      names[i] = chain;
    }
    if (code instanceof InlinedCode) keep(code);
    return { names, warnings: [...known, ...missingInfoWarnings(object, code.missing)] };
  } catch (error) {
    return { names, warnings: [inlinedFailureText(object, error)] };
  } finally {
    code?.close();
  }
}

/** Keeps what was read for later reports, unless it is damaged where nothing was asked for. */
function keep(code: InlinedCode): void {
  try {
    code.keep();
  } catch (error) {
    symbolFailureOf(error);
  }
}

/** Returns the names of the function of a row and of those that it was inlined into, but for the outermost: its code's own. */
function chainOf(functions: FunctionRows, innermost: number): string[] {
  const names: string[] = [];
  for (let row = innermost; row >= 0 && names.length < MAX_DEPTH;) {
    const outer = functions.parent(row);
    if (outer >= 0) names.push(functions.name(row));
    row = outer;
  }
  return names.reverse();
}
