/**
 * The tables inside an HTML report: what its page needs to show any part of the profile, and no more. The report
 * makes them (pack.ts), the page's program reads them (select.ts); both know them from here.
 */

import type { ProfileObjectKind } from "../../profile/model/profile.ts";
import { ColumnReader, ColumnWriter } from "./bytes.ts";

/** What is text, or small enough to be JSON. */
export interface PageTexts {
  /** Time of the first sample in ns of the recording's clock, as decimal digits; "" when samples have no times. */
  start: string;
  /** Length of a bucket of time, in ns; 0 when samples have no times. */
  bucketNs: number;
  /** `unit` is that of the weights. */
  events: { name: string; rate: string; unit: "ns" | "events" }[];
  objects: { name: string; kind: ProfileObjectKind }[];
  /** Of symbols, of code without one, and of commands. */
  names: string[];
  comms: string[];
}

/** A place in the role of `object` that stands for a command: the root of all its stacks. */
export const COMMAND = -2;

export interface PageTables extends PageTexts {
  /**
   * Functions, code without a symbol, and commands. `named` is 0 where there is no symbol; `object` is
   * -1 where nothing was mapped and COMMAND for a command; `kernel` is 1 for code that runs in kernel mode.
   */
  places: { name: Int32Array; named: Int32Array; object: Int32Array; kernel: Int32Array };
  /** A prefix tree of places: parents come first, -1 is none. Every root is a command. */
  stacks: { parent: Int32Array; place: Int32Array };
  /** Threads by their ids and names. */
  threads: { pid: Int32Array; tid: Int32Array; comm: Int32Array };
  /** What samples are alike in. */
  rows: { event: Int32Array; thread: Int32Array; cpu: Int32Array; stack: Int32Array };
  /** Samples of one row in one bucket, by bucket: how many, and their weights. */
  cells: { row: Int32Array; count: Float64Array; period: Float64Array };
  /**
   * The first cell of each bucket, and the end. Bucket 0 has the samples without a time, bucket n those from
   * (n - 1) * bucketNs after the start on.
   */
  bucketStart: Int32Array;
}

/** Buckets of time there are; 0 when samples have no times. */
export function bucketCount({ bucketStart }: PageTables): number {
  return bucketStart.length - 2;
}

/** The tables as bytes, which compress well. */
export function encodeTables(tables: PageTables): Uint8Array<ArrayBuffer> {
  const { places, stacks, threads, rows, cells, bucketStart } = tables;
  const { start, bucketNs, events, objects, names, comms } = tables;
  const out = new ColumnWriter();
  const texts: PageTexts = { start, bucketNs, events, objects, names, comms };
  out.text(JSON.stringify(texts));
  for (const column of [places.name, places.named, places.object, places.kernel]) out.column(column);
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

/** What `encodeTables` made bytes of. */
export function decodeTables(bytes: Uint8Array): PageTables {
  const from = new ColumnReader(bytes);
  // properties are evaluated in the order they are written in, which is that of the bytes
  return {
    ...JSON.parse(from.text()) as PageTexts,
    places: { name: from.ints(), named: from.ints(), object: from.ints(), kernel: from.ints() },
    stacks: { parent: from.ints(true), place: from.ints() },
    threads: { pid: from.ints(true), tid: from.ints(true), comm: from.ints(true) },
    rows: { event: from.ints(), thread: from.ints(), cpu: from.ints(), stack: from.ints(true) },
    cells: { row: from.ints(true), count: from.doubles(), period: from.doubles() },
    bucketStart: from.ints(true),
  };
}
