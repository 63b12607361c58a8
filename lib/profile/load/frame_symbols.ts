/**
 * Symbols of a profile's frames. Where addresses do not matter, all addresses of a symbol share one frame: there are a
 * hundred times as many stacks of addresses as of symbols.
 */

import { int32Column } from "../../base/bytes/column.ts";
import type { ObjectInfo } from "../../symbols/object/objects.ts";
import type { Symbolizer } from "../../symbols/symbolizer.ts";
import { type Reason, REASON_COUNT } from "../../symbols/object/missing_symbol_reasons.ts";
import type { Profile } from "../model/profile.ts";
import { AddressIndex, type FrameFinder, type FrameTable } from "../model/tables.ts";
import { UnnamedTable } from "../query/unnamed.ts";

/** Distance between the keys of two objects in #ofUnresolved: the number of reasons, and 0 for none. */
const REASONS_ROOM = REASON_COUNT + 1;
/** Symbol number of addresses in no object; larger than any other. */
const NO_OBJECT = 0x7fffffff;
/** Symbol number of frames that have not been looked up; smaller than any REASON. */
const UNKNOWN = -0x80000000;

/** Table of frames that share a frame for all addresses of a symbol. */
export class FrameSymbols implements FrameFinder {
  readonly #frames: FrameTable;
  readonly #objects: readonly ObjectInfo[];
  readonly #symbolizer: Symbolizer;
  /** Symbol number of each frame, a REASON (negative), NO_OBJECT or UNKNOWN. */
  readonly #found = int32Column();
  /** Frames that `frameOf` has returned, by object and address. */
  readonly #places = new AddressIndex();
  /** Frame of each symbol, plus one. */
  readonly #ofSymbol: number[] = [];
  /** Frame of all code without symbols, by object and reason. */
  readonly #ofUnresolved = new Map<number, number>();
  /** Frame of each function without a name, by its first address. */
  readonly #ofFunction = new AddressIndex();
  /** Lowest and highest address of each frame in #ofUnresolved. */
  readonly #extents = new Map<number, { from: number; to: number }>();

  /** @param objects may grow. */
  constructor(frames: FrameTable, objects: readonly ObjectInfo[], symbolizer: Symbolizer) {
    this.#frames = frames;
    this.#objects = objects;
    this.#symbolizer = symbolizer;
  }

  /**
   * Returns the frame shared by all addresses in the same symbol; if there is none, in the same function; if that is
   * unknown, in the same object for the same reason. Its address is the first one asked for. In objects that have to be
   * unpacked first (`Symbolizer.prepare`) every address has a frame of its own.
   */
  frameOf(object: number, address: number): number {
    let frame = this.#places.find(object, address);
    if (frame < 0) {
      frame = this.#merge(object, address);
      this.#places.put(object, address, frame);
    }
    return frame;
  }

  /** Finds the symbols of the frames that have none from `frameOf`. */
  find(): void {
    const { object, address } = this.#frames, found = this.#found;
    for (let frame = 0; frame < object.length; frame++) {
      if (frame === found.length) found.push(UNKNOWN);
      if (found.data[frame] === UNKNOWN) {
        found.data[frame] = this.#lookUp(object.data[frame], address.data[frame]);
      }
    }
  }

  /**
   * Returns for each frame its symbol (-1: none), the row of `Symbolizer.unresolved()` with the reason (-1: none), and
   * its row of `unnamed` (-1: it has a symbol). Call it once, after `find`.
   * @param weight of each frame; Symbolizer.unresolved() adds it up.
   */
  columns(weight: Float64Array): {
    frames: Pick<Profile["frames"], "symbol" | "unresolved" | "unnamed">;
    unnamed: Profile["unnamed"];
  } {
    const found = this.#found.values(), objects = this.#frames.object.data, symbolizer = this.#symbolizer;
    found.forEach((id, frame) => {
      if (id < 0) symbolizer.addUnresolved(this.#objects[objects[frame]], id as Reason, weight[frame]);
    });
    const rows = new Map(symbolizer.unresolved().map((u, row) => [`${u.object.id} ${u.reason}`, row]));
    const why = (id: number, frame: number) => rows.get(`${objects[frame]} ${id}`) ?? -1;
    const unnamed = new UnnamedTable();
    return {
      frames: {
        symbol: found.map((id) => id < 0 || id === NO_OBJECT ? -1 : id),
        unresolved: found.map((id, frame) => id < 0 ? why(id, frame) : -1),
        unnamed: found.map((id, frame) => id < 0 || id === NO_OBJECT ? this.#unnamed(frame, unnamed) : -1),
      },
      unnamed: unnamed.columns(),
    };
  }

  /** Returns the row in `table` of a frame without a symbol. */
  #unnamed(frame: number, table: UnnamedTable): number {
    const object = this.#frames.object.data[frame], address = this.#frames.address.data[frame];
    const start = this.#functionStart(object, address);
    if (start >= 0) return table.ofFunction(object, start);
    const { from, to } = this.#extents.get(frame) ?? { from: address, to: address };
    return table.ofObject(object, from, to);
  }

  #merge(object: number, address: number): number {
    if (object >= 0 && !this.#symbolizer.isReady(this.#objects[object])) {
      return this.#frame(object, address, UNKNOWN);
    }
    const found = this.#lookUp(object, address);
    if (found >= 0 && found < NO_OBJECT) {
      return (this.#ofSymbol[found] ??= this.#frame(object, address, found) + 1) - 1;
    }
    const start = this.#functionStart(object, address);
    return start >= 0
      ? this.#functionFrame(object, address, found, start)
      : this.#restFrame(object, address, found);
  }

  /** Returns the frame of a function without a name. */
  #functionFrame(object: number, address: number, found: number, start: number): number {
    let frame = this.#ofFunction.find(object, start);
    if (frame < 0) this.#ofFunction.put(object, start, frame = this.#frame(object, address, found));
    return frame;
  }

  /** Returns the frame of all code of an object that is in no symbol and no function. */
  #restFrame(object: number, address: number, found: number): number {
    // without an object the sign of the address tells the kernel from user space
    const key = found === NO_OBJECT ? (address < 0 ? 1 : 0) : (object + 1) * REASONS_ROOM - found;
    const frame = this.#ofUnresolved.get(key);
    if (frame === undefined) {
      const added = this.#frame(object, address, found);
      this.#ofUnresolved.set(key, added);
      this.#extents.set(added, { from: address, to: address });
      return added;
    }
    const extent = this.#extents.get(frame)!;
    extent.from = Math.min(extent.from, address);
    extent.to = Math.max(extent.to, address);
    return frame;
  }

  #functionStart(object: number, address: number): number {
    return object < 0 ? -1 : this.#symbolizer.functionStart(this.#objects[object], address);
  }

  #lookUp(object: number, address: number): number {
    return object < 0 ? NO_OBJECT : this.#symbolizer.symbolize(this.#objects[object], address);
  }

  /** Adds a frame. */
  #frame(object: number, address: number, found: number): number {
    this.#found.push(found);
    return this.#frames.frameOf(object, address);
  }
}
