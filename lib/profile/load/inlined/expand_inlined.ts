/**
 * Frames of inlined functions: a frame whose code was inlined becomes several, as if the functions had been called.
 *
 *     stack before:  main+0x40 <- run+0x1c                 where run+0x1c is in sort, which was inlined into all
 *     stack after:   main+0x40 <- run <- all <- sort       which was inlined into run
 */

import { float64Column, int32Column } from "../../../base/bytes/column.ts";
import type { Profile, ProfileLines } from "../../model/profile.ts";
import { StackTable } from "../../model/tables.ts";
import type { Inlined } from "./inlined_frames.ts";

/**
 * Returns the profile with a frame for each inlined function, on top of the one that it was inlined into. Samples are
 * in the innermost one. The same profile if nothing was inlined. Functions of an object that are shown by the same name
 * become one symbol: instances of a generic function differ in their linkage names, and code has dozens.
 * @param names to show for `inlined.functions`.
 */
export function expandInlined(profile: Profile, inlined: Inlined, names: readonly string[]): Profile {
  if (!inlined.ofFrame.some((chain) => chain >= 0)) return profile;
  const symbols = { name: [...profile.symbols.name], object: [...profile.symbols.object] };
  const symbolOf = inlinedSymbols(inlined, names, symbols);
  const expanded = expandFrames(profile, inlined, symbolOf), { start, end } = profile.symbols;
  const count = symbols.name.length;
  return {
    ...profile,
    symbols: {
      name: symbols.name,
      object: Int32Array.from(symbols.object),
      ...start && end ? { start: extended(start, count), end: extended(end, count) } : {},
    },
    frames: expanded.frames,
    ...expandStacks(profile, expanded),
    lines: profile.lines && expandLines(profile.lines, inlined, expanded),
  };
}

/** Returns the addresses of symbols with NaN for further ones. */
function extended(addresses: Float64Array, count: number): Float64Array {
  const all = new Float64Array(count).fill(NaN);
  all.set(addresses);
  return all;
}

/** Adds inlined functions to symbols; returns the symbol of each. */
function inlinedSymbols(
  { functions }: Inlined,
  names: readonly string[],
  symbols: { name: string[]; object: number[] },
): number[] {
  const known = new Map<string, number>();
  return functions.map(({ object }, row) => {
    const key = `${object} ${names[row]}`;
    let symbol = known.get(key);
    if (symbol === undefined) {
      known.set(key, symbol = symbols.name.push(names[row]) - 1);
      symbols.object.push(object);
    }
    return symbol;
  });
}

/** Bytes of memory of a frame and of a stack after expansion. */
const FRAME_BYTES = 32, STACK_BYTES = 8;

/**
 * Returns the bytes of memory that expandInlined() needs for what it adds.
 * @param frameOfStack frame of each stack.
 */
export function expansionBytes({ ofFrame, parent }: Inlined, frameOfStack: Int32Array): number {
  const depth = new Int32Array(parent.length); // of each chain; what it was inlined into comes first
  for (let chain = 0; chain < depth.length; chain++) {
    depth[chain] = parent[chain] < 0 ? 1 : depth[parent[chain]] + 1;
  }
  let bytes = 0;
  for (const chain of ofFrame) if (chain >= 0) bytes += depth[chain] * FRAME_BYTES;
  for (const frame of frameOfStack) if (ofFrame[frame] >= 0) bytes += depth[ofFrame[frame]] * STACK_BYTES;
  return bytes;
}

/** Frames after expansion. Those of a frame's inlined functions are together, innermost last. */
interface Expanded {
  frames: Profile["frames"];
  /** First row of each frame's inlined functions, and behind the last; equal if there are none. */
  from: Int32Array;
  to: Int32Array;
  /** Chain of each row; -1 for frames that are not of inlined functions. */
  chain: Int32Array;
}

function expandFrames(
  { frames }: Profile,
  { ofFrame, parent, function: functionOf }: Inlined,
  symbolOf: readonly number[],
): Expanded {
  const count = frames.object.length;
  const object = int32Column(count), address = float64Column(count), symbol = int32Column(count);
  const unnamed = int32Column(count), unresolved = int32Column(count), inlinedInto = int32Column(count);
  const chains = int32Column(count), ip = float64Column(count), offset = float64Column(count);
  const add = (from: number, own: { symbol: number; unnamed: number; into: number; chain: number }) => {
    object.push(frames.object[from]);
    address.push(frames.address[from]);
    unresolved.push(frames.unresolved[from]);
    symbol.push(own.symbol);
    unnamed.push(own.unnamed);
    chains.push(own.chain);
    if (frames.ip && frames.offset) {
      ip.push(frames.ip[from]);
      offset.push(frames.offset[from]);
    }
    return inlinedInto.push(own.into);
  };
  for (let frame = 0; frame < count; frame++) {
    add(frame, { symbol: frames.symbol[frame], unnamed: frames.unnamed[frame], into: -1, chain: -1 });
  }
  const from = new Int32Array(count), to = new Int32Array(count);
  for (let frame = 0; frame < count; frame++) {
    const outwards: number[] = [];
    for (let chain = ofFrame[frame]; chain >= 0; chain = parent[chain]) outwards.push(chain);
    from[frame] = object.length;
    let into = frame;
    for (const chain of outwards.reverse()) {
      into = add(frame, { symbol: symbolOf[functionOf[chain]], unnamed: -1, into, chain });
    }
    to[frame] = object.length;
  }
  return {
    frames: {
      object: object.values(),
      address: address.values(),
      symbol: symbol.values(),
      unnamed: unnamed.values(),
      unresolved: unresolved.values(),
      inlinedInto: inlinedInto.values(),
      ...frames.ip && frames.offset ? { ip: ip.values(), offset: offset.values() } : {},
    },
    from,
    to,
    chain: chains.values(),
  };
}

function expandStacks(
  { stacks, samples }: Profile,
  { from, to }: Expanded,
): Pick<Profile, "stacks" | "samples"> {
  const parent = int32Column(), frame = int32Column();
  const push = (caller: number, row: number) => {
    parent.push(caller);
    return frame.push(row);
  };
  const innermost = new Int32Array(stacks.parent.length);
  for (let stack = 0; stack < innermost.length; stack++) {
    const caller = stacks.parent[stack], own = stacks.frame[stack];
    let last = push(caller < 0 ? -1 : innermost[caller], own);
    for (let row = from[own]; row < to[own]; row++) last = push(last, row);
    innermost[stack] = last;
  }
  return {
    stacks: { parent: parent.values(), frame: frame.values() },
    samples: { ...samples, stack: samples.stack.map((stack) => innermost[stack]) },
  };
}

/**
 * Moves lines inwards: the line of an address is that of the innermost function there; each other function is at the call
 * that was inlined.
 */
function expandLines(
  lines: ProfileLines,
  inlined: Inlined,
  { frames, from, to, chain }: Expanded,
): ProfileLines {
  const rows = new StackTable(); // a line on top of its file
  for (let row = 0; row < lines.line.length; row++) rows.intern(lines.file[row], lines.line[row]);
  const paths = [...lines.paths];
  const pathIds = new Map(paths.map((path, id) => [path, id]));
  const pathOf = inlined.paths.map((path) => {
    if (!pathIds.has(path)) pathIds.set(path, paths.push(path) - 1);
    return pathIds.get(path)!;
  });
  const callRow = (row: number) => {
    const path = inlined.callPath[chain[row]];
    return path < 0 ? -1 : rows.intern(pathOf[path], inlined.callLine[chain[row]]);
  };
  const ofFrame = new Int32Array(frames.object.length).fill(-1);
  for (let frame = 0; frame < from.length; frame++) {
    let last = frame;
    for (let row = from[frame]; row < to[frame]; row++) {
      ofFrame[last] = callRow(row);
      last = row;
    }
    ofFrame[last] = lines.ofFrame[frame];
  }
  return { ofFrame, file: rows.parent.values(), line: rows.frame.values(), paths };
}
