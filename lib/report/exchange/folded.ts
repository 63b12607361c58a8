/** Renders folded stacks: a line for each stack with its weight, for FlameGraph, inferno and speedscope. */

import { float64Column } from "../../base/bytes/column.ts";
import { printable } from "../../base/text/printable.ts";
import { isKernel, type Profile } from "../../profile/model/profile.ts";
import { type PathTree, ProfileQuery, type SampleCounts } from "../../profile/query/query.ts";
import { StackTable } from "../../profile/model/tables.ts";

/** Options of `renderFolded`. */
export interface FoldedOptions {
  /** Number on each line: the sum of periods (events, or ns for the clock events), or the number of samples. */
  weight: "period" | "samples";
  /**
   * Marks names in the kernel with `_[k]`, of JIT-compiled code with `_[j]` and of inlined functions with `_[i]`, which
   * flame graphs colour by.
   */
  marks: boolean;
}

/**
 * Yields lines `COMM;ROOT;...;LEAF WEIGHT` as bytes, in pieces of whole lines. They are sorted by command and path,
 * so equal profiles give equal files.
 *
 * In commands, blanks become `_`, as in stackcollapse-perf.pl. In all names, `;` becomes `:`, and control characters
 * are escaped, including line ends. Names are whole with their arguments, where inferno cuts them. All of the
 * profile's events are added up, so it should have one. Stacks of weight 0 are left out.
 */
export function* renderFolded(
  profile: Profile,
  { weight, marks }: FoldedOptions,
): Generator<Uint8Array<ArrayBuffer>> {
  const { samples, threads, objects } = profile;
  const suffixes = objects.map(({ kind }) => isKernel(kind) ? "_[k]" : kind === "jit" ? "_[j]" : "");
  const query = new ProfileQuery(profile);
  const names = frameNames(query.by(["sym"]), (name, object, isInlined) => {
    if (!marks || object < 0) return name;
    return name + (isInlined ? "_[i]" : suffixes[object]);
  });
  const paths = sortedPaths(query.paths(names.ofFrame), names);
  const comms = rankOfComms(profile.comms);

  const table = new StackTable(); // pairs of command and path
  const weights = float64Column();
  const column = weight === "period" ? samples.period : samples.count;
  for (let row = 0; row < column.length; row++) {
    const comm = comms.rank[threads.comm[samples.thread[row]]];
    const pair = table.intern(comm, paths.rank[paths.tree.ofStack[samples.stack[row]]]);
    if (pair === weights.length) weights.push(0);
    weights.data[pair] += column[row];
  }
  // Pairs are numbers, which sort faster than with a comparison function.
  const size = paths.rank.length || 1;
  const order = new Float64Array(weights.length);
  for (let pair = 0; pair < order.length; pair++) {
    order[pair] = table.parent.data[pair] * size + table.frame.data[pair];
  }
  order.sort();
  const writer = new FoldedWriter(paths, comms.name);
  for (const key of order) {
    const comm = Math.floor(key / size), rank = key % size;
    const sum = weights.data[table.intern(comm, rank)];
    if (sum > 0) writer.line(comm, rank, sum);
    if (writer.length >= PIECE) yield writer.take();
  }
  yield writer.take();
}

/** Distinct names of frames, and the row of each frame's name. */
interface FrameNames {
  name: string[];
  ofFrame: Int32Array;
}

/** Returns the names of frames. `decorate` may append to the name of code in an object (-1: none), inlined or not. */
function frameNames(
  counts: SampleCounts,
  decorate: (name: string, object: number, isInlined: boolean) => string,
): FrameNames {
  const { places } = counts;
  const name: string[] = [];
  const rows = new Map<string, number>();
  const ofPlace = Int32Array.from(places.symbol, (_, place) => {
    const text = decorate(counts.nameOf(place), places.object[place], places.inlined?.[place] === 1);
    let row = rows.get(text);
    if (row === undefined) rows.set(text, row = name.push(text) - 1);
    return row;
  });
  return { name, ofFrame: places.ofFrame.map((place) => ofPlace[place]) };
}

/** Tree of paths with names as bytes, and the order of its rows: each after its caller, siblings by name. */
interface SortedPaths {
  tree: PathTree;
  name: Uint8Array[];
  /** Position of each row in the order, and the row at each position. */
  rank: Int32Array;
  row: Int32Array;
  depth: Int32Array;
}

function sortedPaths(tree: PathTree, names: FrameNames): SortedPaths {
  const { parent, what } = tree;
  const encoder = new TextEncoder();
  const texts = names.name.map((name) => printable(name).replaceAll(";", ":"));
  // Sorts names as if followed by `;`, since some characters precede it.
  const place = new Int32Array(texts.length);
  const keys = texts.map((text) => text + ";");
  [...keys.keys()].sort((a, b) => keys[a] < keys[b] ? -1 : keys[a] > keys[b] ? 1 : 0)
    .forEach((name, at) => place[name] = at);

  const rows = parent.length;
  // Children by caller (row 0 stands for none), then each caller's by name.
  const start = new Int32Array(rows + 2);
  for (let row = 0; row < rows; row++) start[parent[row] + 2]++;
  for (let at = 1; at < start.length; at++) start[at] += start[at - 1];
  const child = new Int32Array(rows);
  const next = start.slice();
  for (let row = 0; row < rows; row++) child[next[parent[row] + 1]++] = row;
  for (let at = 0; at <= rows; at++) {
    if (start[at + 1] - start[at] > 1) {
      child.subarray(start[at], start[at + 1]).sort((a, b) => place[what[a]] - place[what[b]]);
    }
  }
  const rank = new Int32Array(rows), row = new Int32Array(rows), depth = new Int32Array(rows);
  const stack = Array.from(child.subarray(start[0], start[1])).reverse();
  for (let at = 0; stack.length > 0; at++) {
    const node = stack.pop()!;
    rank[node] = at;
    row[at] = node;
    depth[node] = parent[node] < 0 ? 0 : depth[parent[node]] + 1;
    for (let i = start[node + 2] - 1; i >= start[node + 1]; i--) stack.push(child[i]);
  }
  return { tree, name: texts.map((text) => encoder.encode(text)), rank, row, depth };
}

/** Returns commands in the order of their printed names. Equal ones are merged. */
function rankOfComms(comms: readonly string[]): { rank: Int32Array; name: string[] } {
  const shown = comms.map((comm) => printable(comm).replace(/[\s;]/g, "_"));
  const name = [...new Set(shown)].sort((a, b) => a + ";" < b + ";" ? -1 : 1);
  const rank = new Map(name.map((comm, at) => [comm, at]));
  return { rank: Int32Array.from(shown, (comm) => rank.get(comm)!), name };
}

const SEMICOLON = 0x3b;
/** Approximate size of a piece in bytes. */
const PIECE = 1 << 20;
/** Bytes to reserve after a path: a blank, a number of at most 22 characters, and a newline. */
const TAIL_BYTES = 24;

/** Writer of lines in the order of paths. Reuses the part of the previous line that a path has in common with it. */
class FoldedWriter {
  readonly #paths: SortedPaths;
  readonly #comms: readonly string[];
  readonly #encoder = new TextEncoder();
  #out = new Uint8Array(PIECE);
  #length = 0;
  /** Current line; for each depth, the row there and where it ends. */
  #line = new Uint8Array(1 << 12);
  readonly #rows: number[] = [];
  readonly #ends: number[] = [];
  #comm = -1;
  #commEnd = 0;
  /** Rows to append to the line, innermost first. */
  readonly #added: number[] = [];

  constructor(paths: SortedPaths, comms: readonly string[]) {
    this.#paths = paths;
    this.#comms = comms;
  }

  /** Writes a path below a command, and its weight. */
  line(comm: number, rank: number, weight: number) {
    if (comm !== this.#comm) this.#startComm(comm);
    const length = this.#extendTo(this.#paths.row[rank]);
    if (this.#length + length + TAIL_BYTES > this.#out.length) {
      this.#out = grown(this.#out, this.#length + length + TAIL_BYTES);
    }
    this.#out.set(this.#line.subarray(0, length), this.#length);
    this.#length += length;
    const tail = ` ${weight}\n`;
    for (let i = 0; i < tail.length; i++) this.#out[this.#length++] = tail.charCodeAt(i);
  }

  /** Bytes of the lines not yet taken. */
  get length(): number {
    return this.#length;
  }

  /** Returns the lines written since the previous call. */
  take(): Uint8Array<ArrayBuffer> {
    const lines = this.#out.slice(0, this.#length);
    this.#length = 0;
    return lines;
  }

  #startComm(comm: number) {
    const name = this.#encoder.encode(this.#comms[comm]);
    if (name.length > this.#line.length) this.#line = grown(this.#line, name.length);
    this.#line.set(name);
    this.#comm = comm;
    this.#commEnd = name.length;
    this.#rows.length = 0;
  }

  /** Makes the line that of `row`, and returns its length. */
  #extendTo(row: number): number {
    const { tree: { parent, what }, depth, name } = this.#paths;
    const rows = this.#rows, ends = this.#ends, added = this.#added;
    added.length = 0;
    let node = row;
    while (node >= 0 && !(depth[node] < rows.length && rows[depth[node]] === node)) {
      added.push(node);
      node = parent[node];
    }
    rows.length = node < 0 ? 0 : depth[node] + 1;
    let end = rows.length === 0 ? this.#commEnd : ends[rows.length - 1];
    for (let i = added.length - 1; i >= 0; i--) {
      const bytes = name[what[added[i]]];
      if (end + 1 + bytes.length > this.#line.length) this.#line = grown(this.#line, end + 1 + bytes.length);
      this.#line[end] = SEMICOLON;
      this.#line.set(bytes, end + 1);
      end += 1 + bytes.length;
      ends[rows.length] = end;
      rows.push(added[i]);
    }
    return end;
  }
}

function grown(from: Uint8Array<ArrayBuffer>, least: number): Uint8Array<ArrayBuffer> {
  const to = new Uint8Array(Math.max(from.length * 2, least));
  to.set(from);
  return to;
}
