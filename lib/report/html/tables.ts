/**
 * Tables inside an HTML report, from which its page can show any part of the profile. pack.ts makes them while the report
 * is written; select.ts reads them in the browser.
 */

import type { ProfileObjectKind } from "../../profile/model/profile.ts";
import { ColumnReader, ColumnWriter } from "./bytes.ts";

/** Texts of the tables, and what is small enough to be JSON. */
export interface PageTexts {
  /** Time of the first sample in ns of the recording's clock, as decimal digits; "" when samples have no times. */
  start: string;
  /** Length of a bucket of time, in ns; 0 when samples have no times. */
  bucketNs: number;
  /** Number of buckets in a column of the heat map, such as a second; 0 when samples have no times. */
  columnBuckets: number;
  /** Events that were sampled; `unit` is that of their weights. */
  events: { name: string; rate: string; unit: "ns" | "events" }[];
  /** Mapped files and the like. */
  objects: { name: string; kind: ProfileObjectKind }[];
  /** Names of symbols, of code without a symbol, and of commands. */
  names: string[];
  /** Names of threads. */
  comms: string[];
}

/** Value of `places.object` for a command, which is the root of all its stacks. */
export const COMMAND = -2;

/** Tables of a page. Columns of one table are of one length, and refer to others by row. */
export interface PageTables extends PageTexts {
  /**
   * Functions, code without a symbol, and commands. `named` is 0 where there is no symbol; `object` is
   * -1 where nothing was mapped and COMMAND for a command; `kernel` is 1 for code that runs in kernel mode, and
   * `inlined` for functions inlined into their callers.
   */
  places: {
    name: Int32Array;
    named: Int32Array;
    object: Int32Array;
    kernel: Int32Array;
    inlined: Int32Array;
  };
  /** Prefix tree of places: callers come first, and each root (`parent` -1) is a command. */
  stacks: { parent: Int32Array; place: Int32Array };
  /** Threads, by ids and name. */
  threads: { pid: Int32Array; tid: Int32Array; comm: Int32Array };
  /** Distinct combinations that samples have. */
  rows: { event: Int32Array; thread: Int32Array; cpu: Int32Array; stack: Int32Array };
  /** Samples of a row in a bucket of time, in the order of buckets: their number and weight. */
  cells: { row: Int32Array; count: Float64Array; period: Float64Array };
  /**
   * First cell of each bucket, and behind them the number of cells. Bucket 0 has the samples without a time, bucket n
   * those from (n - 1) * bucketNs after the start.
   */
  bucketStart: Int32Array;
}

/** Returns the number of buckets of time; 0 when samples have no times. */
export function bucketCount({ bucketStart }: PageTables): number {
  return bucketStart.length - 2;
}

/** Encodes tables as bytes that compress well. */
export function encodeTables(tables: PageTables): Uint8Array<ArrayBuffer> {
  const { places, stacks, threads, rows, cells, bucketStart } = tables;
  const { start, bucketNs, columnBuckets, events, objects, names, comms } = tables;
  const out = new ColumnWriter();
  const texts: PageTexts = { start, bucketNs, columnBuckets, events, objects, names, comms };
  out.text(JSON.stringify(texts));
  for (const column of [places.name, places.named, places.object, places.kernel, places.inlined]) {
    out.column(column);
  }
  out.column(stacks.parent, true);
  out.column(stacks.place);
  for (const column of [threads.pid, threads.tid, threads.comm]) out.column(column, true);
  for (const column of [rows.event, rows.thread, rows.cpu]) out.column(column);
  out.column(rows.stack, true);
  out.column(cells.row, true);
  out.column(cells.count);
  out.column(cells.period);
  out.column(bucketStart, true);
  return out.bytes();
}

/** Decodes what encodeTables() made. */
export function decodeTables(bytes: Uint8Array): PageTables {
  const from = new ColumnReader(bytes);
  // properties are evaluated in the order they are written in, which is the order of the bytes
  return {
    ...JSON.parse(from.text()) as PageTexts,
    places: {
      name: from.ints(),
      named: from.ints(),
      object: from.ints(),
      kernel: from.ints(),
      inlined: from.ints(),
    },
    stacks: { parent: from.ints(true), place: from.ints() },
    threads: { pid: from.ints(true), tid: from.ints(true), comm: from.ints(true) },
    rows: { event: from.ints(), thread: from.ints(), cpu: from.ints(), stack: from.ints(true) },
    cells: { row: from.ints(true), count: from.doubles(), period: from.doubles() },
    bucketStart: from.ints(true),
  };
}
