/** Names of functions: an entry has one itself, or it leads to the entry that has. */

import { AT } from "./constants.ts";
import { NOWHERE, supplementaryOffset } from "./forms.ts";
import type { Units } from "./units.ts";

/** Most entries on the way to a name: a copy, what all copies have in common, its declaration; more if dwz moved them. */
const MAX_STEPS = 8;
/** Bytes of memory of a name, besides its characters. */
const NAME_BYTES = 100;

/** Reader of names that reads each once. */
export class EntryNames {
  readonly #units: Units;
  readonly #known = new Map<number, string>();

  constructor(units: Units) {
    this.#units = units;
  }

  /**
   * Returns the name of the function that a reference leads to (see readValue()): its linkage name if it has one, as in
   * C++ and Rust, else its name in the source; "" if it has none.
   */
  name(reference: number): string {
    let name = this.#known.get(reference);
    if (name === undefined) {
      this.#known.set(reference, name = this.#find(reference));
      this.#units.info.cost.hold(NAME_BYTES + 2 * name.length);
    }
    return name;
  }

  #find(reference: number): string {
    let source = "", units: Units | undefined = this.#units;
    for (let step = 0; step < MAX_STEPS && reference !== NOWHERE; step++) {
      if (reference < 0) {
        units = units?.supplementary();
        reference = supplementaryOffset(reference);
      }
      const found: Found | undefined = units && findIn(units, reference);
      if (found === undefined) break;
      if (found.linkage !== "") return found.linkage;
      source ||= found.source;
      reference = found.next;
    }
    return source;
  }
}

/** Names that an entry has, "" for none, and the entry that it leads to. */
interface Found {
  linkage: string;
  source: string;
  next: number;
}

function findIn(units: Units, offset: number): Found | undefined {
  const row = units.rowOf(offset), unit = row < 0 ? undefined : units.unit(row);
  if (unit === undefined) return undefined;
  const found: Found = { linkage: "", source: "", next: NOWHERE };
  units.readEntry(unit, offset, (attribute, form, value) => {
    switch (attribute) {
      case AT.LINKAGE_NAME:
      case AT.MIPS_LINKAGE_NAME:
        found.linkage ||= units.text(unit, form, value);
        break;
      case AT.NAME:
        found.source ||= units.text(unit, form, value);
        break;
      case AT.ABSTRACT_ORIGIN:
      case AT.SPECIFICATION:
        if (!Number.isNaN(value)) found.next = value;
        break;
    }
  });
  return found;
}
