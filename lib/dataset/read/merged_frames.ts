/** Frames and stacks of many recordings as tables of one profile. */

import { float64Column, int32Column } from "../../base/bytes/column.ts";
import { PairIndex } from "../../base/bytes/pair_index.ts";
import type { Profile, ProfileObject, ProfileObjectKind } from "../../profile/model/profile.ts";
import { StackTable } from "../../profile/model/tables.ts";
import { UnnamedTable } from "../../profile/model/unnamed.ts";
import { NO_OBJECT } from "../layout/schema.ts";
import { type DecodedLists, idListColumn, plainIdColumn } from "./columns.ts";
import type { ParquetFile } from "./parquet_file.ts";

/** Frames to keep. */
export interface FrameOptions {
  /** Keep inlined functions as frames of their own; else they are part of what they were inlined into. */
  inline: boolean;
  /** Keep only the innermost frame of each stack. */
  leafOnly: boolean;
  /** Keep source lines. */
  lines: boolean;
}

/** Frame as the dataset has it: rows of the tables of a profile. */
interface MergedFrame {
  object: number;
  symbol: number;
  unnamed: number;
  unresolved: number;
  address: number;
  line: number;
  inlined: boolean;
}

/** Reason why code has no symbol, without a number of samples. */
type Unresolved = Omit<Profile["unresolved"][number], "samples">;

/** Values, each once, by the text that tells them apart. */
class Interned<T> {
  readonly values: T[] = [];
  readonly #rows = new Map<string, number>();

  rowOf(key: string, make: () => T): number {
    let row = this.#rows.get(key);
    if (row === undefined) this.#rows.set(key, row = this.values.push(make()) - 1);
    return row;
  }
}

/** Tables of frames and stacks that grow with each file that is read. */
export class MergedFrames {
  readonly stacks = new StackTable();
  readonly #options: FrameOptions;
  readonly #frameIds = new PairIndex();
  readonly #known: MergedFrame[] = [];
  readonly #stackIds = new PairIndex();
  /** Row of `stacks` of each number of #stackIds. */
  readonly #rowOfStack = int32Column();
  readonly #objects = new Interned<ProfileObject>();
  readonly #symbols = new Interned<{ name: string; object: number }>();
  readonly #unresolved = new Interned<Unresolved>();
  readonly #paths = new Interned<string>();
  /** Lines, each on top of its file. */
  readonly #lines = new StackTable();
  readonly #unnamed = new UnnamedTable();
  /**
   * Frames of the profile: the known frame, on top of the one that it was inlined into; where inlined functions are no
   * frames of their own, on top of the row of its line.
   */
  readonly #rows = new StackTable();

  constructor(options: FrameOptions) {
    this.#options = options;
  }

  /** Returns the row of a stack; -1 if no file that was read has it. */
  rowOf(low: number, high: number): number {
    const number = this.#stackIds.find(low, high);
    return number < 0 ? -1 : this.#rowOfStack.data[number];
  }

  /** Adds the frames of a file. */
  async addFrames(file: ParquetFile): Promise<void> {
    const numbers = this.#numbersIn(file);
    if (numbers.some((number) => number >= this.#known.length)) await this.#addNew(file, numbers);
    const [starts, ends] = await Promise.all(
      ["start_address", "end_address"].map((name) => file.column(name)),
    );
    // all code of an object that is in no function is one frame, from the lowest address in any recording to the highest
    numbers.forEach((number, row) => {
      if (typeof ends[row] !== "number") return;
      const { object, unnamed } = this.#known[number];
      if (unnamed >= 0) this.#unnamed.ofObject(object, starts[row], ends[row]);
    });
  }

  /** Returns the number of each frame in a file. New ones have those from the number of known frames on, in their order. */
  #numbersIn(file: ParquetFile): Int32Array {
    const numbers = int32Column();
    for (let group = 0; group < file.metadata.row_groups.length; group++) {
      const { low, high } = plainIdColumn(file.chunk(group, "frame_id"));
      for (let row = 0; row < low.length; row++) numbers.push(this.#frameIds.numberOf(low[row], high[row]));
    }
    return numbers.values();
  }

  async #addNew(file: ParquetFile, numbers: Int32Array): Promise<void> {
    const names = [...FRAME_COLUMNS, "start_address", "end_address"];
    const columns = await Promise.all(names.map((name) => file.column(name)));
    numbers.forEach((number, row) => {
      if (number !== this.#known.length) return;
      const values = names.map((name, i) => [name, columns[i][row]]);
      this.#known.push(this.#merged(Object.fromEntries(values)));
    });
  }

  #merged(row: FrameRow): MergedFrame {
    const { start_address: start, end_address: end } = row;
    const { kind, object: name, path, build_id: buildId, function: symbol, inlined } = row;
    const object = kind === NO_OBJECT ? -1 : this.#objects.rowOf(
      JSON.stringify([kind, name, path, buildId]),
      () => ({ name, path, kind, buildId }),
    );
    const from = start ?? 0;
    return {
      object,
      symbol: symbol === undefined || symbol === null ? -1 : this.#symbols.rowOf(
        JSON.stringify([object, symbol, inlined, start]),
        () => ({ name: symbol, object }),
      ),
      unnamed: typeof symbol === "string"
        ? -1
        : typeof end === "number"
        ? this.#unnamed.ofObject(object, from, end)
        : this.#unnamed.ofFunction(object, from),
      unresolved: row.cause
        ? this.#unresolved.rowOf(JSON.stringify([object, row.cause]), () => ({
          object: name,
          cause: row.cause!,
          remedy: row.remedy ?? "",
        }))
        : -1,
      address: from,
      line: this.#options.lines && row.file
        ? this.#lines.intern(this.#paths.rowOf(row.file, () => row.file!), row.line ?? 0)
        : -1,
      inlined,
    };
  }

  /** Adds the stacks of a row group of which `isWanted` says so. The frames must have been added before. */
  addStacks(file: ParquetFile, group: number, isWanted: (low: number, high: number) => boolean): void {
    const ids = plainIdColumn(file.chunk(group, "stack_id"));
    let lists: DecodedLists | undefined;
    for (let row = 0; row < ids.length; row++) {
      const low = ids.low[row], high = ids.high[row];
      if (!isWanted(low, high) || this.#stackIds.find(low, high) >= 0) continue;
      lists ??= idListColumn(file.chunk(group, "frame_ids"));
      this.#stackIds.numberOf(low, high);
      this.#rowOfStack.push(this.#stackOf(lists, row === 0 ? 0 : lists.ends[row - 1], lists.ends[row]));
    }
  }

  /** Interns the stack of the ids [from, to), which are from the root on. */
  #stackOf({ ids }: DecodedLists, from: number, to: number): number {
    const { inline, leafOnly } = this.#options;
    let stack = -1, below = -1;
    for (let i = from; i < to; i++) {
      const number = this.#numberOf(ids, i);
      const { inlined, line } = this.#known[number];
      if (inlined && below < 0) throw new Error("a stack begins with an inlined function");
      if (inline) below = this.#rows.intern(inlined ? below : -1, number);
      else {
        // the code that runs is that of the innermost inlined function, and so is its line
        let shown = line;
        for (; i + 1 < to && this.#known[this.#numberOf(ids, i + 1)].inlined; i++) {
          shown = this.#known[this.#numberOf(ids, i + 1)].line;
        }
        below = this.#rows.intern(shown, number);
      }
      stack = this.stacks.intern(leafOnly ? -1 : stack, below);
    }
    if (stack < 0) throw new Error("a stack has no frames");
    return stack;
  }

  #numberOf({ low, high }: DecodedLists["ids"], row: number): number {
    const number = this.#frameIds.find(low[row], high[row]);
    if (number < 0) throw new Error("a stack has a frame that is not in the table of frames");
    return number;
  }

  /** Returns the tables of the profile. */
  tables(): Pick<Profile, "objects" | "symbols" | "frames" | "unnamed" | "stacks" | "lines"> & {
    reasons: readonly Unresolved[];
  } {
    const below = this.#rows.parent.values(), known = this.#known, number = this.#rows.frame.values();
    const column = (value: (frame: MergedFrame) => number) => number.map((row) => value(known[row]));
    const address = float64Column();
    for (const row of number) address.push(known[row].address);
    const { lines, inline } = this.#options;
    return {
      objects: this.#objects.values,
      symbols: {
        name: this.#symbols.values.map(({ name }) => name),
        object: Int32Array.from(this.#symbols.values, ({ object }) => object),
      },
      frames: {
        object: column(({ object }) => object),
        address: address.values(),
        symbol: column(({ symbol }) => symbol),
        unnamed: column(({ unnamed }) => unnamed),
        unresolved: column(({ unresolved }) => unresolved),
        ...inline && below.some((row) => row >= 0) ? { inlinedInto: below } : {},
      },
      unnamed: this.#unnamed.columns(),
      stacks: { parent: this.stacks.parent.values(), frame: this.stacks.frame.values() },
      reasons: this.#unresolved.values,
      ...lines
        ? {
          lines: {
            ofFrame: inline ? column(({ line }) => line) : below,
            file: this.#lines.parent.values(),
            line: this.#lines.frame.values(),
            paths: this.#paths.values,
          },
        }
        : {},
    };
  }
}

/** Columns of the table `frames` that say what a frame is. */
const FRAME_COLUMNS: readonly string[] = [
  ...["function", "object", "path", "build_id", "kind", "inlined", "file", "line", "cause", "remedy"],
];

/** Row of the table `frames`. */
interface FrameRow {
  function: string | null | undefined;
  object: string;
  path: string;
  build_id: string;
  kind: ProfileObjectKind | typeof NO_OBJECT;
  inlined: boolean;
  file: string | null;
  line: number | null;
  cause: string | null;
  remedy: string | null;
  start_address: number | null;
  end_address: number | null;
}
