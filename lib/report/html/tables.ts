/**
 * Tables inside an HTML report, from which its page can show any part of the profile. pack.ts makes them while the report
 * is written; select.ts reads them in the browser.
 */

import type { ProfileObjectKind } from "../../profile/model/profile.ts";
import { type ColumnLayout, type ColumnsOf, decodeColumns, encodeColumns } from "./bytes.ts";

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
const TABLES = {
  /**
   * Functions, code without a symbol, and commands. `named` is 0 where there is no symbol; `object` is
   * -1 where nothing was mapped and COMMAND for a command; `kernel` is 1 for code that runs in kernel mode, and
   * `inlined` for functions inlined into their callers.
   */
  places: { name: "ints", named: "ints", object: "ints", kernel: "ints", inlined: "ints" },
  /** Prefix tree of places: callers come first, and each root (`parent` -1) is a command. */
  stacks: { parent: "differences", place: "ints" },
  /** Threads, by ids and name. */
  threads: { pid: "differences", tid: "differences", comm: "differences" },
  /** Distinct combinations that samples have. */
  rows: { event: "ints", thread: "ints", cpu: "ints", stack: "differences" },
  /** Samples of a row in a bucket of time, in the order of buckets: their number and weight. */
  cells: { row: "differences", count: "doubles", period: "doubles" },
  /**
   * First cell of each bucket, and behind them the number of cells. Bucket 0 has the samples without a time, bucket n
   * those from (n - 1) * bucketNs after the start.
   */
  bucketStart: "differences",
} as const satisfies ColumnLayout;

/** Tables of a page, and their texts. */
export type PageTables = PageTexts & ColumnsOf<typeof TABLES>;

/** Returns the number of buckets of time; 0 when samples have no times. */
export function bucketCount({ bucketStart }: PageTables): number {
  return bucketStart.length - 2;
}

/** Encodes tables as bytes that compress well. */
export function encodeTables(tables: PageTables): Uint8Array<ArrayBuffer> {
  const { start, bucketNs, columnBuckets, events, objects, names, comms } = tables;
  const texts: PageTexts = { start, bucketNs, columnBuckets, events, objects, names, comms };
  return encodeColumns(texts, tables, TABLES);
}

/** Decodes what encodeTables() made. */
export function decodeTables(bytes: Uint8Array): PageTables {
  return decodeColumns<PageTexts, typeof TABLES>(bytes, TABLES);
}
