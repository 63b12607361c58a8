/** Places: what a frame counts as when frames are added up. */

import { isKernel, type Profile } from "./profile.ts";
import { StackTable } from "./tables.ts";

/**
 * What tells places apart. `symbol`: a frame with a symbol counts as that symbol, one without as "unresolved in
 * its object". `object`: objects of one name are one place. `address`: every frame is a place. `none`: all are
 * the same.
 */
export type PlaceKind = "symbol" | "object" | "address" | "none";

export interface Places {
  kind: PlaceKind;
  /** Row of each frame's place. */
  ofFrame: Int32Array;
  /** Symbol row, or -1. */
  symbol: Int32Array;
  /** Object row, or -1. */
  object: Int32Array;
  /** Whether the place runs in kernel mode. */
  kernel: Uint8Array;
  /** Row of `profile.lines`, -1 for none; only where lines tell places apart. */
  line?: Int32Array;
}

/** The places of a profile's frames. */
export function placesOf(profile: Profile, kind: PlaceKind = "symbol"): Places {
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
        object: Int32Array.of(-1),
        kernel: new Uint8Array(1),
      };
  }
}

function bySymbol({ frames, symbols, objects }: Profile): Places {
  // symbols first, then for each object (and none: user, kernel) the place of its unresolved frames
  const unresolvedBase = symbols.name.length;
  const noneUser = unresolvedBase + objects.length;
  const size = noneUser + 2;
  const symbol = new Int32Array(size).fill(-1);
  const object = new Int32Array(size).fill(-1);
  const kernel = new Uint8Array(size);
  for (let s = 0; s < unresolvedBase; s++) {
    symbol[s] = s;
    object[s] = symbols.object[s];
  }
  for (let o = 0; o < objects.length; o++) object[unresolvedBase + o] = o;
  for (let p = 0; p < noneUser; p++) kernel[p] = isKernel(objects[object[p]].kind) ? 1 : 0;
  kernel[noneUser + 1] = 1;
  const ofFrame = new Int32Array(frames.object.length);
  for (let f = 0; f < ofFrame.length; f++) {
    if (frames.symbol[f] >= 0) ofFrame[f] = frames.symbol[f];
    else if (frames.object[f] >= 0) ofFrame[f] = unresolvedBase + frames.object[f];
    else ofFrame[f] = frames.address[f] < 0 ? noneUser + 1 : noneUser;
  }
  return { kind: "symbol", ofFrame, symbol, object, kernel };
}

function byObject({ frames, objects }: Profile): Places {
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
  return { kind: "object", ofFrame, symbol: new Int32Array(none + 2).fill(-1), object, kernel };
}

function byAddress({ frames, objects }: Profile): Places {
  const { object, symbol, address } = frames;
  const kernel = Uint8Array.from(
    object,
    (o, frame) => (o >= 0 ? isKernel(objects[o].kind) : address[frame] < 0) ? 1 : 0,
  );
  return { kind: "address", ofFrame: Int32Array.from(object.keys()), symbol, object, kernel };
}

/** The places, each told apart further by source line. The profile has to have `lines`. */
export function byLine({ lines }: Profile, places: Places): Places {
  if (!lines) throw new Error("byLine() needs a profile with lines");
  const table = new StackTable(); // a line under its place
  const ofFrame = places.ofFrame.map((place, frame) => table.intern(place, lines.ofFrame[frame]));
  const of = table.parent.values();
  return {
    kind: places.kind,
    ofFrame,
    symbol: of.map((place) => places.symbol[place]),
    object: of.map((place) => places.object[place]),
    kernel: Uint8Array.from(of, (place) => places.kernel[place]),
    line: table.frame.values(),
  };
}

/** The place's source line as perf and addr2line have it, `main.c:12`, `??:0` for none. */
export function placeLine({ lines }: Profile, { line }: Places, place: number): string {
  const row = line?.[place] ?? -1;
  if (!lines || row < 0) return "??:0";
  const path = lines.paths[lines.file[row]];
  return `${path.slice(path.lastIndexOf("/") + 1)}:${lines.line[row]}`;
}

/** What to call a place in a tree of calls: its symbol, and its line where lines tell places apart. */
export function placeLabel(profile: Profile, places: Places, place: number): string {
  const name = placeName(profile, places, place);
  return places.line ? `${name} ${placeLine(profile, places, place)}` : name;
}

/** The name to show for a place's symbol. */
export function placeName(profile: Profile, places: Places, place: number): string {
  const symbol = places.symbol[place];
  return symbol >= 0 ? profile.symbols.name[symbol] : "[unresolved]";
}

/** The name to show for a place's object. */
export function placeObject(profile: Profile, places: Places, place: number): string {
  const object = places.object[place];
  return object >= 0 ? profile.objects[object].name : "[unknown]";
}

/** The mode that a place runs in, as perf marks it: `[k]` in the kernel, `[g]` in a virtual machine, else `[.]`. */
export function placeMark({ objects }: Profile, { kernel, object }: Places, place: number): string {
  if (kernel[place]) return "[k]";
  return object[place] >= 0 && objects[object[place]].kind === "guest" ? "[g]" : "[.]";
}
