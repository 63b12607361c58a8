/**
 * Symbols of a profile's frames. Where addresses do not matter, all addresses of a symbol share one frame: there are a
 * hundred times as many stacks of addresses as of symbols.
 */

import { int32Column } from "../../base/bytes/column.ts";
import type { ObjectInfo } from "../../symbols/object/objects.ts";
import type { Symbolizer } from "../../symbols/symbolizer.ts";
import { type Reason, REASON_COUNT } from "../../symbols/object/missing_symbol_reasons.ts";
import type { Profile } from "../model/profile.ts";
import { AddressIndex, type FrameFinder, type FrameTable, returnKey } from "../model/tables.ts";
import { UnnamedTable } from "../model/unnamed.ts";

/** Distance between the keys of two objects in #ofUnresolved: the number of reasons, and 0 for none. */
const REASONS_ROOM = REASON_COUNT + 1;
/** Symbol number of addresses in no object; larger than any other. */
const NO_OBJECT = 0x7fffffff;
/** Symbol number of frames that have not been looked up; smaller than any REASON. */
const UNKNOWN = -0x80000000;

/** Inlined functions, as far as they tell addresses of a symbol apart. */
export interface InlinedChains {
  /** Returns whether an object may have inlined functions. */
  has(object: number): boolean;
  /** Returns a number for the functions inlined at an address of an object, -1 if there are none. */
  at(object: number, address: number, returns: boolean): number;
}

/** Options of FrameSymbols. */
export interface FrameSymbolsOptions {
  /** Table that frames are added to. */
  frames: FrameTable;
  /** Objects by number. May grow. */
  objects: readonly ObjectInfo[];
  symbolizer: Symbolizer;
  /** Inlined functions, if they are to be told apart. */
  inlined?: InlinedChains;
}

/**
 * Table of frames that share a frame for all addresses of a symbol; where functions were inlined, for all in which these
 * are the same ones.
 */
export class FrameSymbols implements FrameFinder {
  readonly #frames: FrameTable;
  readonly #objects: readonly ObjectInfo[];
  readonly #symbolizer: Symbolizer;
  readonly #inlined: InlinedChains | undefined;
  /** Symbol number of each frame, a REASON (negative), NO_OBJECT or UNKNOWN. */
  readonly #found = int32Column();
  /** Number of the functions inlined at each frame, -1 if there are none. */
  readonly #chains = int32Column();
  /** Frames that `frameOf` has returned, by object and address. */
  readonly #places = new AddressIndex();
  /** Frames that `apart` has returned, by object and address. */
  readonly #apart = new AddressIndex();
  /** Frame of each symbol, plus one. */
  readonly #ofSymbol: number[] = [];
  /** Frame of all code without symbols, by object and reason. */
  readonly #ofUnresolved = new Map<number, number>();
  /** Frame of each symbol with inlined functions, by the symbol and their number. */
  readonly #ofChain = new AddressIndex();
  /** Frame of each function without a name, by its first address. */
  readonly #ofFunction = new AddressIndex();
  /** Lowest and highest address of each frame in #ofUnresolved. */
  readonly #extents = new Map<number, { from: number; to: number }>();

  constructor({ frames, objects, symbolizer, inlined }: FrameSymbolsOptions) {
    this.#frames = frames;
    this.#objects = objects;
    this.#symbolizer = symbolizer;
    this.#inlined = inlined;
  }

  /**
   * Returns the frame shared by all addresses in the same symbol; if there is none, in the same function; if that is
   * unknown, in the same object for the same reason. Its address is the first one asked for. In objects that have to be
   * unpacked first (`Symbolizer.prepare`) every address has a frame of its own.
   */
  frameOf(object: number, address: number, returns = false): number {
    const told = returns && this.#inlined !== undefined && this.#inlined.has(object);
    const key = told ? returnKey(object) : object;
    let frame = this.#places.find(key, address);
    if (frame < 0) {
      frame = this.#merge({ object, address, returns: told });
      this.#places.put(key, address, frame);
    }
    return frame;
  }

  /** Finder of frames that no other address shares. Their symbols are found later. */
  readonly apart: FrameFinder = {
    frameOf: (object, address) => {
      let frame = this.#apart.find(object, address);
      if (frame < 0) {
        frame = this.#frame({ object, address, returns: false }, UNKNOWN);
        this.#apart.put(object, address, frame);
      }
      return frame;
    },
  };

  /** Finds the symbols of the frames that have none from `frameOf`. */
  find(): void {
    const { object, address, returns } = this.#frames, found = this.#found, chains = this.#chains;
    for (let frame = 0; frame < object.length; frame++) {
      if (frame === found.length) {
        found.push(UNKNOWN);
        chains.push(-1);
      }
      if (found.data[frame] !== UNKNOWN) continue;
      const symbol = found.data[frame] = this.#lookUp(object.data[frame], address.data[frame]);
      if (isSymbol(symbol)) {
        const place = { object: object.data[frame], address: address.data[frame] };
        chains.data[frame] = this.#chainAt({ ...place, returns: returns.data[frame] === 1 });
      }
    }
  }

  /** Returns the number that `inlined` has for the functions inlined at each frame. Call it after `find`. */
  chains(): Int32Array {
    return this.#chains.values();
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

  #merge(place: Place): number {
    const { object, address } = place;
    if (object >= 0 && !this.#symbolizer.isReady(this.#objects[object])) return this.#frame(place, UNKNOWN);
    const found = this.#lookUp(object, address);
    if (isSymbol(found)) {
      const chain = this.#chainAt(place);
      return chain >= 0
        ? this.#chainFrame(place, found, chain)
        : (this.#ofSymbol[found] ??= this.#frame(place, found) + 1) - 1;
    }
    const start = this.#functionStart(object, address);
    return start >= 0 ? this.#functionFrame(place, found, start) : this.#restFrame(place, found);
  }

  #chainAt({ object, address, returns }: Place): number {
    return this.#inlined === undefined ? -1 : this.#inlined.at(object, address, returns);
  }

  /** Returns the frame of a symbol with these inlined functions. */
  #chainFrame(place: Place, found: number, chain: number): number {
    let frame = this.#ofChain.find(found, chain);
    if (frame < 0) this.#ofChain.put(found, chain, frame = this.#frame(place, found, chain));
    return frame;
  }

  /** Returns the frame of a function without a name. */
  #functionFrame(place: Place, found: number, start: number): number {
    let frame = this.#ofFunction.find(place.object, start);
    if (frame < 0) this.#ofFunction.put(place.object, start, frame = this.#frame(place, found));
    return frame;
  }

  /** Returns the frame of all code of an object that is in no symbol and no function. */
  #restFrame(place: Place, found: number): number {
    const { object, address } = place;
    // without an object the sign of the address tells the kernel from user space
    const key = found === NO_OBJECT ? (address < 0 ? 1 : 0) : (object + 1) * REASONS_ROOM - found;
    const frame = this.#ofUnresolved.get(key);
    if (frame === undefined) {
      const added = this.#frame(place, found);
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
  #frame({ object, address, returns }: Place, found: number, chain = -1): number {
    this.#found.push(found);
    this.#chains.push(chain);
    return this.#frames.add(object, address, returns);
  }
}

/** Returns whether a number from the lookup of a frame is that of a symbol. */
function isSymbol(found: number): boolean {
  return found >= 0 && found < NO_OBJECT;
}

/** Place of code; see FrameFinder.frameOf. */
interface Place {
  object: number;
  address: number;
  returns: boolean;
}
