/**
 * Tables of Go that give a value to each address of a function: its line, its file, or what was inlined there. Each is a
 * list of pairs that ends with a step of 0:
 *
 *     varint (zigzag) step of the value, which starts at -1; varint how many quanta it holds for
 */

import { lastAtOrBefore } from "../../base/bytes/ascending.ts";
import { float64Column, int32Column } from "../../base/bytes/column.ts";
import { LineReader } from "../dwarf/dwarf_line_header.ts";
import { type Cost, WORK } from "../object/limits.ts";
import type { ByteWindows } from "../object/windows.ts";

/** Bytes that are read at once, and most bytes of a pair. */
const WINDOW = 4096, PAIR = 20;
/** Bytes of memory of a pair, of one while its table is unpacked, and of a table besides. */
const PAIR_BYTES = 12, UNPACKING_BYTES = 48, TABLE_BYTES = 300;
/** Pairs whose memory is charged at once. */
const CHARGED = 256;

/** Values of a function's addresses. */
export class PcValues {
  readonly #ends: Float64Array;
  readonly #values: Int32Array;

  /** @param ends ascending; a value holds from the end before it up to its own. */
  constructor(ends: Float64Array, values: Int32Array) {
    this.#ends = ends;
    this.#values = values;
  }

  /** Returns the value at an offset from the function's first address, -1 if there is none. */
  at(offset: number): number {
    return this.#values[lastAtOrBefore(this.#ends, offset) + 1] ?? -1;
  }
}

/** All tables of a program. Each is unpacked when it is first asked for. */
export class PcValueTables {
  readonly #bytes: ByteWindows;
  readonly #littleEndian: boolean;
  readonly #quantum: number;
  readonly #cost: Cost;
  readonly #unpacked = new Map<number, PcValues>();

  /** @param quantum bytes that steps between addresses are multiples of. */
  constructor(bytes: ByteWindows, littleEndian: boolean, quantum: number, cost: Cost) {
    this.#bytes = bytes;
    this.#littleEndian = littleEndian;
    this.#quantum = quantum;
    this.#cost = cost;
  }

  /** Returns the table at an offset. Throws LimitError. */
  table(at: number): PcValues {
    let table = this.#unpacked.get(at);
    if (table === undefined) this.#unpacked.set(at, table = this.#unpack(at));
    return table;
  }

  #unpack(at: number): PcValues {
    const ends = float64Column(16), values = int32Column(16), cost = this.#cost;
    let from = at, r = this.#window(from);
    for (let end = 0, value = -1;;) {
      if (r.pos > WINDOW - PAIR) {
        cost.work(r.pos * WORK.lineProgram);
        r = this.#window(from += r.pos);
      }
      const step = r.uleb();
      if (step === 0 && ends.length > 0) break;
      value += step % 2 === 1 ? ~(step >>> 1) : step >>> 1;
      end += r.uleb() * this.#quantum;
      if (ends.length % CHARGED === 0) cost.hold(CHARGED * UNPACKING_BYTES);
      ends.push(end);
      values.push(value);
    }
    cost.work(r.pos * WORK.lineProgram);
    cost.release(Math.ceil(ends.length / CHARGED) * CHARGED * UNPACKING_BYTES);
    cost.hold(TABLE_BYTES + ends.length * PAIR_BYTES);
    return new PcValues(ends.values().slice(), values.values().slice());
  }

  #window(at: number): LineReader {
    return new LineReader(this.#bytes.window(at, WINDOW), this.#littleEndian);
  }
}
