/**
 * Matching of functions between two profiles: a function has the same number in both, although each program was built,
 * installed and recorded on its own.
 */

import type { Grouping, Groups } from "../query/groups.ts";
import { type AggregationKeys, aggregationKeysOf, inlinedPlaces } from "../query/aggregation_keys.ts";
import type { Profile, ProfileObject } from "../model/profile.ts";
import { rangeName } from "../model/unnamed.ts";

/** Keys that may split the rows of two compared profiles. */
export type MatchKey = "comm" | "dso" | "sym";

/** Place in either profile. Members that are not among the keys are undefined. */
export interface MatchedPlace {
  object?: string;
  /** Symbol name without compiler suffixes; null if unknown. */
  symbol?: string | null;
  /** Name shown in place of a missing symbol: `libfoo.so+0x1a40`. */
  unnamed?: string;
  kernel: boolean;
}

/** Two objects with different names that are treated as one, because of the number of symbols that they share. */
export interface RenamedObject {
  a: string;
  b: string;
  symbols: number;
}

/** Groups and places of two profiles, numbered alike in both. */
export interface MatchedProfiles {
  a: Grouping;
  b: Grouping;
  /** Places, by number. */
  places: MatchedPlace[];
  /** Commands, by group number; a single "" if rows are not split by command. */
  comms: string[];
  renamed: RenamedObject[];
}

/**
 * Groups both profiles by `keys`, with the same numbers in both. Functions match when `unversionedObject` and
 * `unsuffixedSymbol` give them the same names. An object that only one profile has matches one that only the other has
 * if they share at least half of the symbols seen in the smaller one.
 */
export function matchFunctions(a: Profile, b: Profile, keys: readonly MatchKey[]): MatchedProfiles {
  const places: MatchedPlace[] = [];
  const renamed = renamedObjects(a, b);
  const ids = new Map<string, number>();
  // B first, because the names of the newer recording are shown
  const newNames = new Map(renamed.map((pair) => [pair.a, pair.b]));
  const builds = commonBuilds(a, b);
  const ofB = matchPlaces(b, { keys, builds, newNames: new Map() }, places, ids);
  const ofA = matchPlaces(a, { keys, builds, newNames }, places, ids);
  const comms: string[] = [];
  const commIds = new Map<string, number>();
  const groupsB = matchGroups(b, keys, comms, commIds, new Map());
  const groupsA = matchGroups(a, keys, comms, commIds, newCommNames(a, b, renamed));
  const finished = (profile: Profile, ofFrame: Int32Array, ofSample: Int32Array): Grouping => ({
    groups: groupsOf(keys, ofSample, comms.length),
    places: sharedPlaces(profile, ofFrame, places),
  });
  return { a: finished(a, ofA, groupsA), b: finished(b, ofB, groupsB), places, comms, renamed };
}

/** Strips the version from an object's name: `libc-2.31.so` and `libc.so.6` become `libc.so`. */
export function unversionedObject(name: string): string {
  if (name.startsWith("[JIT] tid ")) return "[JIT]";
  return name.replace(/ \(deleted\)$/, "").replace(/(-\d+(\.\d+)+)?\.so(\.\d+)*$/, ".so");
}

/** Strips what compilers append to the names of copies and parts of functions: `.constprop.0`, `.isra.0`, `.cold`. */
export function unsuffixedSymbol(name: string): string {
  return name.replace(
    /((\.(constprop|isra|part|cold|lto_priv|localalias|llvm)(\.\d+)*)| \[clone [^\]]*\])+$/,
    "",
  );
}

/** Returns the build ids of objects that are in both profiles. */
function commonBuilds(a: Profile, b: Profile): Set<string> {
  const inA = new Set(a.objects.map(({ buildId }) => buildId));
  return new Set(b.objects.map(({ buildId }) => buildId).filter((id) => id !== "" && inA.has(id)));
}

/** Rules that tell places apart. */
interface MatchRules {
  keys: readonly MatchKey[];
  /** Build ids of the objects in which the same offset means the same code. */
  builds: ReadonlySet<string>;
  /** Names in B of renamed objects, by their name in A. */
  newNames: ReadonlyMap<string, string>;
}

/**
 * Returns the place number of each frame, and adds new places to `into`. Functions without names stay apart in objects
 * of the same build; in other objects they are one place.
 */
function matchPlaces(
  profile: Profile,
  { keys, builds, newNames }: MatchRules,
  into: MatchedPlace[],
  ids: Map<string, number>,
): Int32Array {
  const bySymbol = keys.includes("sym"), byObject = keys.includes("dso");
  const own = aggregationKeysOf(profile, bySymbol ? "symbol" : byObject ? "object" : "none");
  const { from, to } = profile.unnamed;
  const extents = new Map<number, Extent>();
  const idOf = Int32Array.from(own.symbol, (row, place) => {
    const object = profile.objects[own.object[place]];
    const name = object?.name ?? "[unknown]", plain = unversionedObject(name);
    const symbol = row >= 0 ? unsuffixedSymbol(profile.symbols.name[row]) : null;
    const code = own.unnamed[place];
    const isFunction = code >= 0 && to[code] < from[code] && builds.has(object.buildId);
    const key = [
      byObject ? newNames.get(plain) ?? plain : "",
      bySymbol ? symbol !== null ? `+${symbol}` : isFunction ? `@${object.buildId} ${from[code]}` : "-" : "",
      own.kernel[place],
      own.inlined?.[place] ?? 0,
    ].join("\0");
    let id = ids.get(key);
    if (id === undefined) {
      ids.set(key, id = into.length);
      into.push({
        ...(byObject ? { object: plain === "[JIT]" ? plain : name } : {}),
        ...(bySymbol ? { symbol } : {}),
        kernel: own.kernel[place] === 1,
      });
      if (code >= 0) extents.set(id, { object, from: from[code], to: from[code] });
    }
    const extent = extents.get(id); // places that the other profile added first keep their names
    if (extent !== undefined) {
      extent.from = Math.min(extent.from, from[code]);
      extent.to = Math.max(extent.to, from[code], to[code] >= from[code] ? to[code] : from[code]);
    }
    return id;
  });
  for (const [id, { object, from, to }] of extents) into[id].unnamed = rangeName(object, from, to);
  return own.ofFrame.map((place) => idOf[place]);
}

/** Addresses seen in code without a symbol. */
interface Extent {
  object: ProfileObject | undefined;
  from: number;
  to: number;
}

/** Returns the group number of each sample row: that of its command, or 0. */
function matchGroups(
  { samples, threads, comms }: Profile,
  keys: readonly MatchKey[],
  into: string[],
  ids: Map<string, number>,
  newNames: ReadonlyMap<string, string>,
): Int32Array {
  const idOf = comms.map((comm) => {
    const name = keys.includes("comm") ? newNames.get(comm) ?? comm : "";
    let id = ids.get(name);
    if (id === undefined) {
      ids.set(name, id = into.length);
      into.push(name);
    }
    return id;
  });
  return samples.thread.map((thread) => idOf[threads.comm[thread]]);
}

/** Longest command name that the kernel keeps (TASK_COMM_LEN, less the NUL at the end). */
const COMM_LENGTH = 15;

/** Maps commands of A to commands of B, where both are named after a program that was renamed. */
function newCommNames(a: Profile, b: Profile, renamed: readonly RenamedObject[]): Map<string, string> {
  const inA = new Set(a.comms), inB = new Set(b.comms);
  return new Map(renamed.flatMap((pair): [string, string][] => {
    const [commA, commB] = [pair.a.slice(0, COMM_LENGTH), pair.b.slice(0, COMM_LENGTH)];
    return inA.has(commA) && !inB.has(commA) && inB.has(commB) && !inA.has(commB) ? [[commA, commB]] : [];
  }));
}

function groupsOf(keys: readonly MatchKey[], ofSample: Int32Array, count: number): Groups {
  const example = new Int32Array(count).fill(-1); // stays -1 for groups that only the other profile has
  for (let s = ofSample.length - 1; s >= 0; s--) example[ofSample[s]] = s;
  return { keys: keys.filter((key) => key === "comm"), ofSample, example };
}

/**
 * Makes the aggregation keys of one profile from the shared places. Its rows are examples: a shared place may stand for
 * several symbols of a profile.
 */
function sharedPlaces(
  { frames }: Profile,
  ofFrame: Int32Array,
  shared: readonly MatchedPlace[],
): AggregationKeys {
  const symbol = new Int32Array(shared.length).fill(-1);
  const unnamed = new Int32Array(shared.length).fill(-1);
  const object = new Int32Array(shared.length).fill(-1);
  ofFrame.forEach((place, frame) => {
    symbol[place] = frames.symbol[frame];
    unnamed[place] = frames.unnamed[frame];
    object[place] = frames.object[frame];
  });
  return {
    kind: "symbol",
    ofFrame,
    symbol,
    unnamed,
    object,
    kernel: Uint8Array.from(shared, (p) => p.kernel ? 1 : 0),
    inlined: inlinedPlaces(frames, ofFrame, shared.length),
    names: new Map(shared.flatMap(({ unnamed }, place) => unnamed === undefined ? [] : [[place, unnamed]])),
  };
}

/** Symbols that every program has, and so are no sign that two programs are the same. */
const EVERYWHERE = new Set(["main", "_start", "_init", "_fini", "__libc_csu_init"]);

/**
 * Number of objects of one profile beyond which a shared symbol is no sign of which one was renamed. Bounds the work:
 * each symbol of A is looked up in no more objects of B.
 */
const MAX_HOLDERS = 32;

/**
 * Pairs the objects that were renamed between the two profiles, most common symbols first; each is in at most one pair.
 */
function renamedObjects(a: Profile, b: Profile): RenamedObject[] {
  const ofA = fileSymbols(a), ofB = fileSymbols(b);
  const onlyA = withoutCommon([...ofA].filter(([name]) => !ofB.has(name)));
  const onlyB = withoutCommon([...ofB].filter(([name]) => !ofA.has(name)));
  const holders = holdersOf(onlyB);
  const pairs: RenamedObject[] = [];
  for (const [nameA, symbolsA] of onlyA) {
    const common = new Map<number, number>();
    for (const symbol of symbolsA) {
      for (const object of holders.get(symbol) ?? []) common.set(object, (common.get(object) ?? 0) + 1);
    }
    for (const [object, symbols] of [...common].sort(([p], [q]) => p - q)) {
      const [nameB, symbolsB] = onlyB[object];
      if (2 * symbols >= Math.min(symbolsA.size, symbolsB.size)) pairs.push({ a: nameA, b: nameB, symbols });
    }
  }
  pairs.sort((p, q) => q.symbols - p.symbols);
  const taken = new Set<string>();
  return pairs.filter(({ a, b }) => {
    if (taken.has(`a${a}`) || taken.has(`b${b}`)) return false;
    taken.add(`a${a}`).add(`b${b}`);
    return true;
  });
}

type FileSymbols = [name: string, symbols: Set<string>];

/** Maps each symbol to the numbers of the objects that have it. */
function holdersOf(objects: readonly FileSymbols[]): Map<string, number[]> {
  const holders = new Map<string, number[]>();
  objects.forEach(([, symbols], object) => {
    for (const symbol of symbols) {
      const of = holders.get(symbol);
      if (of) of.push(object);
      else holders.set(symbol, [object]);
    }
  });
  return holders;
}

/** Drops the symbols that more than MAX_HOLDERS objects have. */
function withoutCommon(objects: readonly FileSymbols[]): FileSymbols[] {
  const holders = holdersOf(objects);
  return objects.map(([name, symbols]) => [
    name,
    new Set([...symbols].filter((symbol) => holders.get(symbol)!.length <= MAX_HOLDERS)),
  ]);
}

/** Maps each program and library to the symbols that were seen in it. */
function fileSymbols({ symbols, objects }: Profile): Map<string, Set<string>> {
  const seen = new Map<string, Set<string>>();
  for (const { name, kind } of objects) if (kind === "file") seen.set(unversionedObject(name), new Set());
  symbols.name.forEach((name, row) => {
    const symbol = unsuffixedSymbol(name);
    if (!EVERYWHERE.has(symbol)) seen.get(unversionedObject(objects[symbols.object[row]].name))?.add(symbol);
  });
  return seen;
}
