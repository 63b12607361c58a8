/** Source lines and inlined functions of the code of one object. */

import { BadInputError } from "../base/system/errors.ts";
import { shortened } from "../profile/load/readable_names.ts";
import { missingLinesText } from "../profile/load/frame_lines.ts";
import type { BundledObject } from "../symbols/bundle/bundled_object.ts";
import type { SymbolFiles } from "../symbols/files/symbol_files.ts";
import { type InlinedCode, openInlinedCode } from "../symbols/inlined_code.ts";
import { type Budget, LimitError } from "../symbols/object/limits.ts";
import type { ObjectInfo } from "../symbols/object/objects.ts";
import { type SourceLines, sourceLines } from "../symbols/source_lines.ts";

/** Object whose code is looked up. */
export interface PlacedObject {
  files: SymbolFiles;
  object: ObjectInfo;
  budget: Budget;
}

/**
 * Returns the source line of each address (as in AddressSpaces.at): from the object's files, else from what the recording
 * carries; or why there are none.
 */
export function linesAt(
  { files, object, budget }: PlacedObject,
  addresses: Float64Array,
  bundled: BundledObject | undefined,
): SourceLines | { warning: string } {
  const found = sourceLines(files, object, addresses, budget.cost(object.path));
  if ("file" in found) return found;
  const carried = bundled?.lines?.of(addresses);
  if (carried) return carried;
  return { warning: missingLinesText(found, object, files.fetcher !== undefined) };
}

/** Returns the names of the inlined functions at each address (as in AddressSpaces.at), the outermost first. */
export function inlinedAt(
  { files, object, budget }: PlacedObject,
  addresses: Float64Array,
  readable: (name: string) => string,
): (readonly string[])[] {
  const none = () => Array.from(addresses, () => []);
  let code: InlinedCode | undefined;
  try {
    code = openInlinedCode(files, object, budget.cost(object.path));
    if (code === undefined) return none();
    const { functions } = code, chains = new Map<number, string[]>();
    return Array.from(addresses, (address) => {
      const innermost = code!.at(address);
      let names = chains.get(innermost);
      if (names === undefined) {
        names = [];
        for (let row = innermost; row >= 0; row = functions.parent(row)) {
          names.push(shortened(readable(functions.name(row))));
        }
        chains.set(innermost, names = names.reverse().slice(1));
      }
      return names;
    });
  } catch (error) {
    if (error instanceof BadInputError || error instanceof LimitError) return none();
    throw error;
  } finally {
    code?.close();
  }
}
