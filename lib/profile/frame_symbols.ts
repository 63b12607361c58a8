/** The symbols of a profile's frames, and one frame for all addresses of a symbol where addresses do not matter. */

import { int32Column } from "../base/column.ts";
import type { ObjectInfo } from "../symbols/objects.ts";
import type { Symbolizer } from "../symbols/symbolizer.ts";
import type { FrameTable } from "./tables.ts";

/** More than there are reasons for having no symbol. */
const REASONS_ROOM = 16;
/** Stands for a symbol where there is no object; beyond every symbol's number. */
const NO_OBJECT = 0x7fffffff;

export class FrameSymbols {
  readonly #frames: FrameTable;
  readonly #objects: readonly ObjectInfo[];
  readonly #symbolizer: Symbolizer;
  /** Of each frame: its symbol, or a REASON, which is negative. Frames without an object have NO_OBJECT. */
  readonly #found = int32Column();
  /** Frame of each symbol plus one. */
  readonly #ofSymbol: number[] = [];
  /** Frame of what has no symbol, by object and reason. */
  readonly #ofUnresolved = new Map<number, number>();

  constructor(frames: FrameTable, objects: readonly ObjectInfo[], symbolizer: Symbolizer) {
    this.#frames = frames;
    this.#objects = objects;
    this.#symbolizer = symbolizer;
  }

  /**
   * Finds the symbols of all frames that there are by now.
   * @param weight of each frame, which `Symbolizer.unresolved` adds up.
   */
  find(weight: Float64Array): void {
    const { object, address } = this.#frames;
    for (let frame = this.#found.length; frame < object.length; frame++) {
      this.#found.push(this.#lookUp(object.data[frame], address.data[frame], weight[frame]));
    }
  }

  /** The frame that stands for everything in the same symbol; the first address asked for is its address. */
  merged(object: number, address: number, weight: number): number {
    const found = this.#lookUp(object, address, weight);
    if (found >= 0 && found < NO_OBJECT) {
      return (this.#ofSymbol[found] ??= this.#frame(object, address, found) + 1) - 1;
    }
    // without an object the address tells whether it was the kernel's
    const key = found === NO_OBJECT ? (address < 0 ? 1 : 0) : (object + 1) * REASONS_ROOM - found;
    let frame = this.#ofUnresolved.get(key);
    if (frame === undefined) this.#ofUnresolved.set(key, frame = this.#frame(object, address, found));
    return frame;
  }

  /** By frame: the symbol, -1 for none, and the row of `Symbolizer.unresolved()` that says why, -1 for none. */
  columns(): { symbol: Int32Array; unresolved: Int32Array } {
    const found = this.#found.values(), objects = this.#frames.object.data;
    const rows = new Map(this.#symbolizer.unresolved().map((u, row) => [`${u.object.id} ${u.reason}`, row]));
    const why = (id: number, frame: number) => rows.get(`${objects[frame]} ${id}`) ?? -1;
    return {
      symbol: found.map((id) => id < 0 || id === NO_OBJECT ? -1 : id),
      unresolved: found.map((id, frame) => id < 0 ? why(id, frame) : -1),
    };
  }

  #lookUp(object: number, address: number, weight: number): number {
    return object < 0 ? NO_OBJECT : this.#symbolizer.symbolize(this.#objects[object], address, weight);
  }

  #frame(object: number, address: number, found: number): number {
    const frame = this.#frames.intern(object, address);
    if (frame === this.#found.length) this.#found.push(found);
    return frame;
  }
}
