/** Aggregation keys: maps each frame to the place that it is counted under. */

import { isKernel, type Profile } from "../model/profile.ts";
import { StackTable } from "../model/tables.ts";
import { unnamedName } from "../model/unnamed.ts";

/**
 * Choice of places. `symbol`: each symbol is a place, and code without one as in `Profile.unnamed`. `object`: objects
 * with the same name are one place. `address`: every frame is a place. `none`: everything is one place.
 */
export type AggregationKind = "symbol" | "object" | "address" | "none";

/** Places of a profile's frames. A place is what frames are counted as: a symbol, an object, or a line. */
export interface AggregationKeys {
  kind: AggregationKind;
  /** Place of each frame. */
  ofFrame: Int32Array;
  /** Symbol row of each place, or -1. */
  symbol: Int32Array;
  /** Row of `profile.unnamed` of each place, or -1. Set for code without a symbol if places are split by symbol. */
  unnamed: Int32Array;
  /** Object row of each place, or -1. */
  object: Int32Array;
  /** 1 for places in kernel mode, else 0. */
  kernel: Uint8Array;
  /** 1 for places of inlined functions, else 0; absent if there are none, or if places are not split by symbol. */
  inlined?: Uint8Array;
  /** Row of `profile.lines` of each place, or -1; absent unless places are split by line. */
  line?: Int32Array;
  /** Names of places that differ from what their row of `unnamed` gives in this profile. */
  names?: ReadonlyMap<number, string>;
}

/** Maps the frames of a profile to places. */
export function aggregationKeysOf(profile: Profile, kind: AggregationKind = "symbol"): AggregationKeys {
  switch (kind) {
    case "symbol":
      return bySymbol(profile);
    case "object":
      return byObject(profile);
    case "address":
      return byAddress(profile);
    case "none":
      return {
        kind,
        ofFrame: new Int32Array(profile.frames.object.length),
        symbol: Int32Array.of(-1),
        unnamed: Int32Array.of(-1),
        object: Int32Array.of(-1),
        kernel: new Uint8Array(1),
      };
  }
}

function bySymbol({ frames, symbols, objects, unnamed }: Profile): AggregationKeys {
  // symbols first, then code without one
  const named = symbols.name.length, size = named + unnamed.object.length;
  const symbol = Int32Array.from({ length: size }, (_, place) => place < named ? place : -1);
  const code = Int32Array.from({ length: size }, (_, place) => place < named ? -1 : place - named);
  const object = Int32Array.from(
    symbol,
    (s, place) => s >= 0 ? symbols.object[s] : unnamed.object[place - named],
  );
  const kernel = Uint8Array.from(
    object,
    (o, place) => (o >= 0 ? isKernel(objects[o].kind) : unnamed.from[code[place]] < 0) ? 1 : 0,
  );
  const ofFrame = frames.symbol.map((s, frame) => s >= 0 ? s : named + frames.unnamed[frame]);
  return {
    kind: "symbol",
    ofFrame,
    symbol,
    unnamed: code,
    object,
    kernel,
    inlined: inlinedPlaces(frames, ofFrame, size),
  };
}

/** Returns 1 for each of `size` places whose frames are of inlined functions; undefined if there are none. */
export function inlinedPlaces(
  { inlinedInto }: Profile["frames"],
  ofFrame: Int32Array,
  size: number,
): Uint8Array | undefined {
  if (inlinedInto === undefined) return undefined;
  const inlined = new Uint8Array(size);
  ofFrame.forEach((place, frame) => {
    if (inlinedInto[frame] >= 0) inlined[place] = 1;
  });
  return inlined;
}

function byObject({ frames, objects }: Profile): AggregationKeys {
  const none = objects.length; // user space; the next one is the kernel
  const first = new Map<string, number>();
  objects.forEach(({ name }, o) => first.has(name) || first.set(name, o));
  const merged = objects.map(({ name }) => first.get(name)!);
  const object = Int32Array.from({ length: none + 2 }, (_, place) => place < none ? place : -1);
  const kernel = Uint8Array.from(
    object,
    (o, place) => (o >= 0 ? isKernel(objects[o].kind) : place > none) ? 1 : 0,
  );
  const ofFrame = Int32Array.from(
    frames.object,
    (o, frame) => o >= 0 ? merged[o] : frames.address[frame] < 0 ? none + 1 : none,
  );
  const nothing = new Int32Array(none + 2).fill(-1);
  return { kind: "object", ofFrame, symbol: nothing, unnamed: nothing, object, kernel };
}

function byAddress({ frames, objects }: Profile): AggregationKeys {
  const { object, symbol, unnamed, address } = frames;
  const kernel = Uint8Array.from(
    object,
    (o, frame) => (o >= 0 ? isKernel(objects[o].kind) : address[frame] < 0) ? 1 : 0,
  );
  return { kind: "address", ofFrame: Int32Array.from(object.keys()), symbol, unnamed, object, kernel };
}

/** Splits places by source line. The profile must have `lines`. */
export function byLine({ lines }: Profile, places: AggregationKeys): AggregationKeys {
  if (!lines) throw new Error("byLine() needs a profile with lines");
  const table = new StackTable(); // a line on top of its place
  const ofFrame = places.ofFrame.map((place, frame) => table.intern(place, lines.ofFrame[frame]));
  const of = table.parent.values();
  return {
    kind: places.kind,
    ofFrame,
    symbol: of.map((place) => places.symbol[place]),
    unnamed: of.map((place) => places.unnamed[place]),
    object: of.map((place) => places.object[place]),
    kernel: Uint8Array.from(of, (place) => places.kernel[place]),
    inlined: places.inlined && Uint8Array.from(of, (place) => places.inlined![place]),
    line: table.frame.values(),
  };
}

/** Returns a place's source line as perf and addr2line write it: `main.c:12`, or `??:0` if unknown. */
export function placeLine({ lines }: Profile, { line }: AggregationKeys, place: number): string {
  const row = line?.[place] ?? -1;
  if (!lines || row < 0) return "??:0";
  const path = lines.paths[lines.file[row]];
  return `${path.slice(path.lastIndexOf("/") + 1)}:${lines.line[row]}`;
}

/** Returns a place's name: that of its symbol, or what `unnamedName` gives for code without one. */
export function placeName(profile: Profile, places: AggregationKeys, place: number): string {
  const symbol = places.symbol[place];
  if (symbol >= 0) return profile.symbols.name[symbol];
  const row = places.unnamed[place];
  return places.names?.get(place) ??
    (row < 0 ? placeObject(profile, places, place) : unnamedName(profile, row));
}

/** Returns the name of a place's object. */
export function placeObject(profile: Profile, places: AggregationKeys, place: number): string {
  const object = places.object[place];
  return object >= 0 ? profile.objects[object].name : "[unknown]";
}
