/** Places: what a frame counts as when frames are added up. */

import { isKernel, type Profile } from "../model/profile.ts";
import { StackTable } from "../model/tables.ts";
import { unnamedName } from "./unnamed.ts";

/**
 * What tells places apart. `symbol`: a frame with a symbol counts as that symbol, one without as the code that it is in
 * (`Profile.unnamed`). `object`: objects of one name are one place. `address`: every frame is a place. `none`: all are
 * the same.
 */
export type AggregationKind = "symbol" | "object" | "address" | "none";

export interface AggregationKeys {
  kind: AggregationKind;
  /** Row of each frame's place. */
  ofFrame: Int32Array;
  /** Symbol row, or -1. */
  symbol: Int32Array;
  /** Row of `profile.unnamed`, or -1: for code without a symbol, where symbols tell places apart. */
  unnamed: Int32Array;
  /** Object row, or -1. */
  object: Int32Array;
  /** Whether the place runs in kernel mode. */
  kernel: Uint8Array;
  /** Row of `profile.lines`, -1 for none; only where lines tell places apart. */
  line?: Int32Array;
  /** Names of the places that go by another name than their row of `unnamed` has in this profile. */
  names?: ReadonlyMap<number, string>;
}

/** The places of a profile's frames. */
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
  return { kind: "symbol", ofFrame, symbol, unnamed: code, object, kernel };
}

function byObject({ frames, objects }: Profile): AggregationKeys {
  const none = objects.length; // user; behind it kernel
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

/** The places, each told apart further by source line. The profile has to have `lines`. */
export function byLine({ lines }: Profile, places: AggregationKeys): AggregationKeys {
  if (!lines) throw new Error("byLine() needs a profile with lines");
  const table = new StackTable(); // a line under its place
  const ofFrame = places.ofFrame.map((place, frame) => table.intern(place, lines.ofFrame[frame]));
  const of = table.parent.values();
  return {
    kind: places.kind,
    ofFrame,
    symbol: of.map((place) => places.symbol[place]),
    unnamed: of.map((place) => places.unnamed[place]),
    object: of.map((place) => places.object[place]),
    kernel: Uint8Array.from(of, (place) => places.kernel[place]),
    line: table.frame.values(),
  };
}

/** The place's source line as perf and addr2line have it, `main.c:12`, `??:0` for none. */
export function placeLine({ lines }: Profile, { line }: AggregationKeys, place: number): string {
  const row = line?.[place] ?? -1;
  if (!lines || row < 0) return "??:0";
  const path = lines.paths[lines.file[row]];
  return `${path.slice(path.lastIndexOf("/") + 1)}:${lines.line[row]}`;
}

/**
 * What to call a place in a tree of calls: its symbol, and its line where lines tell places apart. Of a run of several
 * frames without a symbol (`joinsRun`) `libfoo.so (5 frames)`.
 */
export function placeLabel(profile: Profile, places: AggregationKeys, place: number, frames = 1): string {
  if (frames > 1) return `${placeObject(profile, places, place)} (${frames} frames)`;
  const name = placeName(profile, places, place);
  return places.line ? `${name} ${placeLine(profile, places, place)}` : name;
}

/** The name to show for a place: its symbol's, or what `unnamedName` makes of code without one. */
export function placeName(profile: Profile, places: AggregationKeys, place: number): string {
  const symbol = places.symbol[place];
  if (symbol >= 0) return profile.symbols.name[symbol];
  const row = places.unnamed[place];
  return places.names?.get(place) ??
    (row < 0 ? placeObject(profile, places, place) : unnamedName(profile, row));
}

/** The name to show for a place's object. */
export function placeObject(profile: Profile, places: AggregationKeys, place: number): string {
  const object = places.object[place];
  return object >= 0 ? profile.objects[object].name : "[unknown]";
}

/** The mode that a place runs in, as perf marks it: `[k]` in the kernel, `[g]` in a virtual machine, else `[.]`. */
export function placeMark({ objects }: Profile, { kernel, object }: AggregationKeys, place: number): string {
  if (kernel[place]) return "[k]";
  return object[place] >= 0 && objects[object[place]].kind === "guest" ? "[g]" : "[.]";
}

/**
 * Whether a frame and the only one that it called are shown as one: both are code of one object that has no symbols.
 * Functions with samples of their own stay, since they are what is looked for.
 */
export function joinsRun(places: AggregationKeys, outer: RunFrame, inner: RunFrame): boolean {
  if (places.symbol[outer.place] >= 0 || places.symbol[inner.place] >= 0) return false;
  if (outer.place === inner.place) return true;
  return !outer.hasSelf && !inner.hasSelf && places.object[outer.place] === places.object[inner.place] &&
    places.kernel[outer.place] === places.kernel[inner.place];
}

/** A frame that may be shown together with its neighbours. */
export interface RunFrame {
  place: number;
  /** There are samples that were taken in it. */
  hasSelf: boolean;
}
