/** From a profile to the tables people read: weight by command, object and symbol; who called what. */

import { float64Column } from "../base/column.ts";
import { isKernel, type Profile } from "./profile.ts";
import { StackTable } from "./tables.ts";

/** How much: samples, and the sum of their periods. */
export interface Weight {
  count: number;
  period: number;
}

/**
 * Places: what a frame counts as when frames are added up. A frame with a symbol counts as that
 * symbol; one without counts as "unresolved in its object". `ofFrame` maps frame rows to place rows.
 */
export interface Places {
  ofFrame: Int32Array;
  /** Symbol row, or -1. */
  symbol: Int32Array;
  /** Object row, or -1. */
  object: Int32Array;
  /** Whether the place runs in kernel mode. */
  kernel: Uint8Array;
}

/** The places of a profile's frames. */
export function placesOf(profile: Profile): Places {
  const { frames, symbols, objects } = profile;
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
  return { ofFrame, symbol, object, kernel };
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

/** One row of the overhead table. */
export interface OverheadRow {
  /** Row of `profile.comms`. */
  comm: number;
  place: number;
  /** Samples that were in the place itself. */
  self: Weight;
  /** Samples with the place anywhere in their stack, each once however often it recurs. */
  total: Weight;
  /** Rows of `profile.samples` behind `self`. */
  samples: number[];
}

/** What else to find out besides self. */
export interface OverheadOptions {
  /** Leave `total` at nothing: it takes a walk through every stack. */
  selfOnly?: boolean;
}

/** Weight by command and place for one event, heaviest self first (then total, then order of appearance). */
export function overhead(
  profile: Profile,
  places: Places,
  event: number,
  { selfOnly = false }: OverheadOptions = {},
): OverheadRow[] {
  const { samples, stacks, threads } = profile;
  const { ofFrame } = places;
  const placeCount = places.symbol.length;
  const rows: OverheadRow[] = [];
  // by command: row + 1 of each place
  const rowOf: Int32Array[] = profile.comms.map(() => new Int32Array(0));
  const rowFor = (comm: number, place: number) => {
    if (rowOf[comm].length === 0) rowOf[comm] = new Int32Array(placeCount);
    const known = rowOf[comm][place];
    if (known > 0) return rows[known - 1];
    const row: OverheadRow = {
      comm,
      place,
      self: { count: 0, period: 0 },
      total: { count: 0, period: 0 },
      samples: [],
    };
    rowOf[comm][place] = rows.push(row);
    return row;
  };
  // the last sample row in which each place was seen, so that recursion counts once
  const seenIn = new Int32Array(placeCount).fill(-1);
  for (let s = 0; s < samples.stack.length; s++) {
    if (samples.event[s] !== event) continue;
    const comm = threads.comm[samples.thread[s]];
    const count = samples.count[s], period = samples.period[s];
    const leaf = rowFor(comm, ofFrame[stacks.frame[samples.stack[s]]]);
    leaf.self.count += count;
    leaf.self.period += period;
    leaf.samples.push(s);
    if (selfOnly) continue;
    for (let node = samples.stack[s]; node >= 0; node = stacks.parent[node]) {
      const place = ofFrame[stacks.frame[node]];
      if (seenIn[place] === s) continue;
      seenIn[place] = s;
      const row = rowFor(comm, place);
      row.total.count += count;
      row.total.period += period;
    }
  }
  return rows.sort((a, b) =>
    b.self.period - a.self.period || b.total.period - a.total.period || b.total.count - a.total.count
  );
}

/** A node of a caller tree: a place, the weight that passed through it here, and who called it. */
export interface CallerNode extends Weight {
  place: number;
  callers: CallerNode[];
}

/**
 * Who called the leaf of each row's samples: the trees of callers, from the immediate ones up to the roots,
 * heaviest first at each level. Callers that less than `leastPeriod` came through are left out.
 */
export function callerTrees(
  profile: Profile,
  places: Places,
  rows: readonly OverheadRow[],
  leastPeriod = 0,
): CallerNode[][] {
  const { samples, stacks } = profile;
  // all trees in one table of (parent, place), where a negative parent stands for a row; only what is
  // heavy enough becomes an object in the end
  const table = new StackTable();
  const count = float64Column();
  const period = float64Column();
  rows.forEach((row, index) => {
    for (const s of row.samples) {
      let parent = -1 - index;
      for (let stack = stacks.parent[samples.stack[s]]; stack >= 0; stack = stacks.parent[stack]) {
        parent = table.intern(parent, places.ofFrame[stacks.frame[stack]]);
        if (parent === count.length) {
          count.push(0);
          period.push(0);
        }
        count.data[parent] += samples.count[s];
        period.data[parent] += samples.period[s];
      }
    }
  });
  const trees: CallerNode[][] = rows.map(() => []);
  const nodes = new Map<number, CallerNode>();
  for (let n = 0; n < count.length; n++) {
    if (period.data[n] < leastPeriod) continue; // and so are all the callers behind it
    const node = { place: table.frame.data[n], count: count.data[n], period: period.data[n], callers: [] };
    const parent = table.parent.data[n];
    (parent < 0 ? trees[-1 - parent] : nodes.get(parent)!.callers).push(node);
    nodes.set(n, node);
  }
  for (const level of [...trees, ...Array.from(nodes.values(), (node) => node.callers)]) {
    level.sort((a, b) => b.period - a.period);
  }
  return trees;
}
