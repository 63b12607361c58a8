/** Code without a symbol: what rows there are for it, and what it is called. */

import { float64Column, int32Column } from "../../base/bytes/column.ts";
import { hexAddress } from "../../base/bytes/address.ts";
import type { Profile, ProfileObject } from "../model/profile.ts";
import { AddressIndex } from "../model/tables.ts";

/** The rows of `Profile.unnamed` while they are being made. */
export class UnnamedTable {
  readonly #object = int32Column();
  readonly #from = float64Column();
  readonly #to = float64Column();
  readonly #functions = new AddressIndex();
  /** By object, what is in none of its functions; in no object, that of the kernel below that of programs. */
  readonly #rest = new Map<number, number>();

  /** The row of the function that starts at this address. */
  ofFunction(object: number, start: number): number {
    let row = this.#functions.find(object, start);
    if (row < 0) this.#functions.put(object, start, row = this.#add(object, start, -1));
    return row;
  }

  /** The row of all else in an object, which has these addresses now. */
  ofObject(object: number, from: number, to: number): number {
    const key = object < 0 && from < 0 ? -2 : object;
    const row = this.#rest.get(key);
    if (row === undefined) {
      const added = this.#add(object, from, to);
      this.#rest.set(key, added);
      return added;
    }
    this.#from.data[row] = Math.min(this.#from.data[row], from);
    this.#to.data[row] = Math.max(this.#to.data[row], to);
    return row;
  }

  columns(): Profile["unnamed"] {
    return { object: this.#object.values(), from: this.#from.values(), to: this.#to.values() };
  }

  #add(object: number, from: number, to: number): number {
    this.#from.push(from);
    this.#to.push(to);
    return this.#object.push(object);
  }
}

/**
 * The name to show for code without a symbol: `libfoo.so+0x1a40`, the offset in the file where its function starts;
 * `libfoo.so+0x1a40..0x2b10` for all there was in an object whose functions are not known; `[heap]`, the kind of memory,
 * where no file is; `0x7f0012345678` where nothing was mapped.
 */
export function unnamedName({ unnamed, objects }: Profile, row: number): string {
  const object = unnamed.object[row];
  return rangeName(objects[object], unnamed.from[row], unnamed.to[row]);
}

/** The name of code in an object (or in none) from one address to another, as `unnamedName` has it. */
export function rangeName(object: ProfileObject | undefined, from: number, to: number): string {
  if (object === undefined) return addressRange(from, to);
  const { name, kind } = object;
  if (kind === "jit" || kind === "guest") return name;
  if (kind === "anon") return name === "" || name.startsWith("//anon") ? "[anon]" : name;
  return `${name}+${addressRange(from, to)}`;
}

function addressRange(from: number, to: number): string {
  return to > from ? `0x${hexAddress(from)}..0x${hexAddress(to)}` : `0x${hexAddress(from)}`;
}
