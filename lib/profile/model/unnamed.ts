/** Names of code without a symbol, and the table of its rows. */

import { float64Column, int32Column } from "../../base/bytes/column.ts";
import { hexAddress } from "../../base/bytes/address.ts";
import type { Profile, ProfileObject } from "./profile.ts";
import { AddressIndex } from "./tables.ts";

/** Rows of `Profile.unnamed`, while they are being made. */
export class UnnamedTable {
  readonly #object = int32Column();
  readonly #from = float64Column();
  readonly #to = float64Column();
  readonly #functions = new AddressIndex();
  /** Row of the code outside functions, by object. Without an object, the kernel's has the key -2. */
  readonly #rest = new Map<number, number>();

  /** Returns the row of the function that starts at this address. */
  ofFunction(object: number, start: number): number {
    let row = this.#functions.find(object, start);
    if (row < 0) this.#functions.put(object, start, row = this.#add(object, start, -1));
    return row;
  }

  /** Returns the row of all code of an object outside its functions, and extends it to these addresses. */
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
 * Returns the name of code without a symbol: `libfoo.so+0x1a40`, the file offset where its function starts;
 * `libfoo.so+0x1a40..0x2b10` for all code seen in an object whose functions are unknown; `[heap]`, the kind of memory,
 * where there is no file; where nothing was mapped, `0x7f0012345678` for one address and `[unknown]` for several.
 */
export function unnamedName({ unnamed, objects }: Profile, row: number): string {
  const object = unnamed.object[row];
  return rangeName(objects[object], unnamed.from[row], unnamed.to[row]);
}

/** Returns the name of code between two addresses of an object (or of none); see unnamedName(). */
export function rangeName(object: ProfileObject | undefined, from: number, to: number): string {
  if (object === undefined) return to > from ? "[unknown]" : addressRange(from, to);
  const { name, kind } = object;
  if (kind === "jit" || kind === "guest" || kind === "missing") return name;
  if (kind === "anon") return name === "" || name.startsWith("//anon") ? "[anon]" : name;
  return `${name}+${addressRange(from, to)}`;
}

function addressRange(from: number, to: number): string {
  return to > from ? `0x${hexAddress(from)}..0x${hexAddress(to)}` : `0x${hexAddress(from)}`;
}
