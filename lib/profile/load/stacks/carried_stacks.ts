/**
 * Unwound stacks that a recording carries beside the copies that they were unwound from, so that a report needs no
 * program for them: tables of WAYS, sampleColumns() and FRAMES. Samples follow each other as the reader delivers them; a report
 * that leaves some out passes over theirs.
 */

import type { SampleCursor } from "../../../perfdata/read/reader.ts";
import { float64Column, int32Column } from "../../../base/bytes/column.ts";
import { type BlockLayout, BlockReader, BlockWriter, damaged } from "../../../symbols/bundle/blocks.ts";
import type { ObjectInfo, ObjectTable } from "../../../symbols/object/objects.ts";
import type { ProfileStacks } from "../../model/profile.ts";
import { StackTable } from "../../model/tables.ts";
import { CutStacks, REASONS } from "./cut_stacks.ts";
import type { StackCopies } from "./stack_copies.ts";
import type { Unreadable } from "./unwind_objects.ts";
import { longerCopies, MAX_FRAMES, type UserStacks } from "./user_stacks.ts";

const TWO_32 = 4294967296;
/** Rows for a sample whose stack has no frames, and for one that has no stack to unwind. */
const NO_FRAME = -1, NO_STACK = -2;

/** A way in which stacks end early. */
interface CutFacts {
  /** One of END, or OTHER_MACHINE. */
  end: number;
  /** Bytes of the copy. */
  room: number;
  /** Key of the object that they end in, and why it could not be read. */
  object?: string;
  unreadable?: Unreadable;
}

/** Columns of the ways in which stacks end early: a JSON text each, CutFacts. */
const WAYS = { facts: "strings" } as const satisfies BlockLayout;
/** Columns of the frames: address, and row of the frame that called it, always a lower one; -1 for the outermost. */
const FRAMES = { addresses: "doubles", parents: [NO_FRAME, 2 ** 31] } as const satisfies BlockLayout;

/**
 * Returns the columns of the samples: time as the reader counts it, NaN if it has none; thread; row of the innermost frame,
 * NO_FRAME, or NO_STACK; row of the way in which the stack ends, of so many `ways`, -1 if it is whole.
 */
function sampleColumns(ways: number) {
  return {
    times: "doubles",
    threads: [-(2 ** 31), 2 ** 31],
    stackOf: [NO_STACK, 2 ** 31],
    cutOf: [-1, ways],
  } as const satisfies BlockLayout;
}

/** Unwinder that takes note of its results, for a bundle. */
export class LoggedStacks implements UserStacks {
  readonly #copies: StackCopies;
  readonly #times = float64Column();
  readonly #threads = int32Column();
  readonly #stackOf = int32Column();
  readonly #cutOf = int32Column();
  readonly #stacks = new StackTable();
  readonly #addresses: number[] = [];
  readonly #rowOfAddress = new Map<number, number>();
  readonly #cuts: (CutFacts & { last?: ObjectInfo; error?: StackCopies["cutError"] })[] = [];
  readonly #rowOfCut = new Map<string, number>();

  constructor(copies: StackCopies) {
    this.#copies = copies;
  }

  get words(): Uint32Array {
    return this.#copies.words;
  }

  get count(): number {
    return this.#copies.count;
  }

  get cut(): number {
    return this.#copies.cut;
  }

  unwind(c: SampleCursor): boolean {
    const isUnwound = this.#copies.unwind(c);
    this.#times.push(c.time);
    this.#threads.push(c.tid);
    this.#stackOf.push(isUnwound ? this.#stack() : NO_STACK);
    this.#cutOf.push(isUnwound && this.cut >= 0 ? this.#cut() : -1);
    return isUnwound;
  }

  summary(): ProfileStacks {
    return this.#copies.summary();
  }

  close(): void {
    this.#copies.close();
  }

  /** Returns the payload of the block with all results. Call it after the last sample. */
  payload(): Uint8Array {
    const cuts = this.#cuts.map(({ last, error, ...facts }) => {
      const unreadable = last && this.#copies.unreadable(last, error);
      return JSON.stringify({ ...facts, ...last ? { object: placeKey(last), unreadable } : {} });
    });
    return new BlockWriter().table(WAYS, { facts: cuts }).table(sampleColumns(cuts.length), {
      times: this.#times.values(),
      threads: this.#threads.values(),
      stackOf: this.#stackOf.values(),
      cutOf: this.#cutOf.values(),
    }).table(FRAMES, {
      addresses: Float64Array.from(this.#stacks.frame.values(), (row) => this.#addresses[row]),
      parents: this.#stacks.parent.values(),
    }).payload();
  }

  #stack(): number {
    const { words, count } = this.#copies;
    let row = NO_FRAME;
    for (let at = 2 * count - 2; at >= 0; at -= 2) {
      row = this.#stacks.intern(row, this.#address(words[at], words[at + 1]));
    }
    return row;
  }

  #address(low: number, high: number): number {
    const address = high * TWO_32 + low;
    let row = this.#rowOfAddress.get(address);
    if (row === undefined) this.#rowOfAddress.set(address, row = this.#addresses.push(address) - 1);
    return row;
  }

  #cut(): number {
    const { cutEnd: end, cutRoom: room, cutObject: last, cutError: error } = this.#copies;
    const key = `${end} ${room} ${last?.id ?? -1}`;
    let row = this.#rowOfCut.get(key);
    if (row === undefined) this.#rowOfCut.set(key, row = this.#cuts.push({ end, room, last, error }) - 1);
    return row;
  }
}

/** Stacks that a recording carries. */
export class CarriedStacks implements UserStacks {
  readonly words = new Uint32Array(2 * MAX_FRAMES);
  count = 0;
  cut = -1;
  readonly #table: ObjectTable;
  readonly #cuts: CutStacks;
  readonly #ways: CutFacts[];
  /** Objects by row of #ways, once they have been looked for. */
  readonly #lasts: (ObjectInfo | undefined)[] = [];
  readonly #unreadable = new Map<ObjectInfo, Unreadable>();
  readonly #times: Float64Array;
  readonly #threads: Int32Array;
  readonly #stackOf: Int32Array;
  readonly #cutOf: Int32Array;
  readonly #addresses: Float64Array;
  readonly #parents: Int32Array;
  readonly #depths: Int32Array;
  #next = 0;
  #unwound = 0;

  /** Reads the payload of a block. Throws BadInputError if it is damaged. */
  constructor(payload: Uint8Array, table: ObjectTable) {
    const r = new BlockReader(payload), { facts } = r.table(WAYS);
    this.#ways = Array.from({ length: facts.length }, (_, row) => cutFacts(facts.text(row)));
    const samples = r.table(sampleColumns(facts.length)), frames = r.table(FRAMES);
    this.#times = samples.times;
    this.#threads = samples.threads;
    this.#stackOf = samples.stackOf;
    this.#cutOf = samples.cutOf;
    this.#addresses = frames.addresses;
    this.#parents = frames.parents;
    if (this.#stackOf.some((row) => row >= this.#parents.length)) throw damaged();
    this.#depths = depthsOf(this.#parents);
    this.#table = table;
    this.#cuts = new CutStacks(table, {
      longer: longerCopies,
      unreadable: (object) => this.#unreadable.get(object) ?? { cause: "", remedy: "" },
    });
  }

  unwind(c: SampleCursor): boolean {
    const sample = this.#find(c);
    this.count = 0;
    this.cut = -1;
    if (sample < 0 || this.#stackOf[sample] === NO_STACK) return false;
    const innermost = this.#stackOf[sample];
    // each frame but the first takes a return address of the copy: so many frames take no longer than unwinding them
    if (innermost >= 0 && this.#depths[innermost] > Math.min(MAX_FRAMES, c.size / 8 + 2)) return false;
    for (let row = innermost, to = 0; row >= 0; row = this.#parents[row]) {
      const address = this.#addresses[row];
      this.words[to++] = address;
      this.words[to++] = address / TWO_32;
      this.count++;
    }
    this.#unwound++;
    if (this.#cutOf[sample] >= 0) this.cut = this.#cutAs(this.#cutOf[sample]);
    return true;
  }

  summary(): ProfileStacks {
    return this.#cuts.summary(this.#unwound);
  }

  close(): void {}

  /** Returns the number of a sample, -1 if it is unknown; those before it are passed over. */
  #find({ time, tid }: SampleCursor): number {
    const times = this.#times;
    while (this.#next < times.length) {
      const at = this.#next++;
      if (this.#threads[at] === tid && (times[at] === time || (times[at] !== times[at] && time !== time))) {
        return at;
      }
    }
    return -1;
  }

  #cutAs(row: number): number {
    const { end, room, object, unreadable } = this.#ways[row];
    let last = this.#lasts[row];
    if (last === undefined && object !== undefined) {
      last = this.#lasts[row] = this.#table.rows.find((each) => placeKey(each) === object);
      if (last && unreadable) this.#unreadable.set(last, unreadable);
    }
    return this.#cuts.cut(end, last, room);
  }
}

/** Returns the number of frames from each one out. Throws BadInputError if a frame was not called by a lower row. */
function depthsOf(parents: Int32Array): Int32Array {
  const depths = new Int32Array(parents.length);
  parents.forEach((parent, row) => {
    if (parent >= row) throw damaged();
    depths[row] = parent < 0 ? 1 : depths[parent] + 1;
  });
  return depths;
}

/** Returns a key of an object that does not change while its recording is read, as build ids may. */
function placeKey({ kind, path, pid, mapped }: ObjectInfo): string {
  return [kind, pid, mapped?.device ?? "", `${mapped?.inode ?? ""}`, path].join("\0");
}

function cutFacts(text: string): CutFacts {
  let facts: unknown;
  try {
    facts = JSON.parse(text);
  } catch {
    throw damaged();
  }
  const { end, room, object = "", unreadable } = (facts ?? {}) as Partial<CutFacts>;
  const texts = [object, unreadable?.cause ?? "", unreadable?.remedy ?? ""];
  const isSound = Number.isInteger(end) && end! > 0 && end! < REASONS && Number.isSafeInteger(room) &&
    room! >= 0 &&
    texts.every((each) => typeof each === "string");
  if (!isSound) throw damaged();
  return facts as CutFacts;
}
