/**
 * Ids of functions and stacks for links to a page: they depend on names alone, so that a link means the same in the
 * page of another recording, or nothing at all.
 */

import { nameOf, objectNameOf } from "./calls.ts";
import type { PageTables } from "./tables.ts";

/** Two 32-bit halves of an id for each row of a table. */
interface Hashes {
  high: Uint32Array;
  low: Uint32Array;
}

const ofPlaces = new WeakMap<PageTables, Hashes>(), ofStacks = new WeakMap<PageTables, Hashes>();

/** Returns the id of a place: 16 hexadecimal digits. */
export function placeId(tables: PageTables, place: number): string {
  return idText(placeHashes(tables), place);
}

/** Returns the place with this id; -1 when there is none. */
export function findPlace(tables: PageTables, id: string): number {
  return findId(placeHashes(tables), id);
}

/** Returns the id of a stack: of its places from the outermost on. */
export function stackId(tables: PageTables, stack: number): string {
  return idText(stackHashes(tables), stack);
}

/** Returns the stack with this id; -1 when there is none. */
export function findStack(tables: PageTables, id: string): number {
  return findId(stackHashes(tables), id);
}

function idText({ high, low }: Hashes, row: number): string {
  return [high, low].map((half) => half[row].toString(16).padStart(8, "0")).join("");
}

function findId({ high, low }: Hashes, id: string): number {
  if (!/^[0-9a-f]{16}$/.test(id)) return -1;
  const [wantedHigh, wantedLow] = [parseInt(id.slice(0, 8), 16), parseInt(id.slice(8), 16)];
  for (let row = high.indexOf(wantedHigh); row >= 0; row = high.indexOf(wantedHigh, row + 1)) {
    if (low[row] === wantedLow) return row;
  }
  return -1;
}

/** Hashes all that tells places apart. */
function placeHashes(tables: PageTables): Hashes {
  let hashes = ofPlaces.get(tables);
  if (hashes) return hashes;
  const { named, kernel, inlined, object, name } = tables.places, size = name.length;
  hashes = { high: new Uint32Array(size), low: new Uint32Array(size) };
  for (let place = 0; place < size; place++) {
    const flags = named[place] + 2 * kernel[place] + 4 * inlined[place] + (object[place] < 0 ? 8 : 0);
    const text = `${flags}\0${nameOf(tables, place)}\0${objectNameOf(tables, place)}`;
    let a = 0x811c9dc5, b = 0x9747b28c;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      a = Math.imul(a ^ code, 0x01000193);
      b = Math.imul(b ^ code, 0x5bd1e995) ^ b >>> 15;
    }
    hashes.high[place] = a;
    hashes.low[place] = b;
  }
  ofPlaces.set(tables, hashes);
  return hashes;
}

/** Hashes each stack from its caller's hash and its place's. */
function stackHashes(tables: PageTables): Hashes {
  let hashes = ofStacks.get(tables);
  if (hashes) return hashes;
  const { stacks: { parent, place } } = tables, size = parent.length;
  const places = placeHashes(tables);
  const high = new Uint32Array(size), low = new Uint32Array(size);
  for (let stack = 0; stack < size; stack++) {
    const caller = parent[stack];
    const a = caller < 0 ? 0 : high[caller], b = caller < 0 ? 0 : low[caller];
    high[stack] = Math.imul(a ^ a >>> 13, 0x85ebca6b) + places.high[place[stack]];
    low[stack] = Math.imul(b ^ b >>> 16, 0xc2b2ae35) + places.low[place[stack]] + 1;
  }
  hashes = { high, low };
  ofStacks.set(tables, hashes);
  return hashes;
}
