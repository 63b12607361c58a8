/** Formats rows as text, like cputrack (tasks) and cpustat (CPUs), or as JSON lines. Performs no I/O. */

import { JSON_SCHEMAS } from "../../base/text/json_schemas.ts";
import { greatest } from "../../base/bytes/lists.ts";
import { jsonText, printable } from "../../base/text/printable.ts";
import type { BindRow, CountColumn, CountValue, OverflowPlace } from "./row.ts";

/** Properties shared by all rows of a run. */
export interface RowTable {
  kind: "tasks" | "cpus";
  /** Columns of each set. */
  sets: readonly (readonly CountColumn[])[];
  /** Text of each set as the user wrote it, printed in rows when there are several sets. */
  specs: readonly string[];
  /** Time 0 of the rows, in ns of CLOCK_MONOTONIC. */
  startNs: bigint;
  /** Adds a column with the raw time stamp. */
  stamps: boolean;
}

const MIN_WIDTH = 9;
const LOST = "not counted";

/**
 * Returns the title line, with its newline. With several sets, columns are titled `pic0`, `pic1` ..., since each row
 * may have other events.
 */
export function headerText(table: RowTable): string {
  const heads = [
    "time".padStart(7),
    ...(table.stamps ? ["tsc(ns)".padStart(16)] : []),
    ...(table.kind === "tasks"
      ? ["pid".padStart(7), "lwp".padStart(7), "event".padStart(10)]
      : ["cpu".padStart(3), "event".padStart(5)]),
  ];
  const titles = titlesOf(table).map((title, i) => title.padStart(widthsOf(table)[i]));
  return printable([...heads, ...titles].join(" ")) + "\n";
}

/** Formats a row as a line of text, with its newline. */
export function rowText(row: BindRow, table: RowTable): string {
  const number = (value: number | undefined) => value === undefined ? "-" : String(value);
  const cells = [
    seconds(row, table).toFixed(3).padStart(7),
    ...(table.stamps ? [String(row.timeNs).padStart(16)] : []),
    ...(table.kind === "tasks"
      ? [number(row.pid).padStart(7), number(row.lwp).padStart(7), row.event.padStart(10)]
      : [number(row.cpu).padStart(3), row.event.padStart(5)]),
  ];
  const widths = widthsOf(table);
  const columns = table.sets[row.set ?? 0];
  const counts = row.counts?.map((count, i) => countText(count, columns[i])) ?? [];
  const comments = commentsOf(row, table);
  const filled = comments.length ? widths.map((_, i) => counts[i] ?? "") : counts;
  const line = [...cells, ...filled.map((text, i) => text.padStart(widths[i]))].join(" ");
  return printable(comments.length ? `${line} # ${comments.join("; ")}` : line.trimEnd()) + "\n";
}

/**
 * Formats a row as a line of JSON: `{schema, time, tsc?, pid, lwp | cpu, event, counts: [{name, count, unit}],
 * child?, command?, overflow?, spec?, remark?}`. `count` is null when unknown, and a string of digits above 2^53. An
 * estimate has `scaled: true` and `share`, the fraction of the time it was counted.
 */
export function rowJson(row: BindRow, table: RowTable): string {
  const several = table.sets.length > 1;
  return jsonText({
    schema: JSON_SCHEMAS.bindRow,
    time: Number(seconds(row, table).toFixed(6)),
    ...(table.stamps ? { tsc: exact(row.timeNs) } : {}),
    ...(table.kind === "tasks" ? { pid: row.pid ?? null, lwp: row.lwp ?? null } : { cpu: row.cpu }),
    event: row.event,
    ...(row.counts
      ? { counts: row.counts.map((count, i) => countJson(count, table.sets[row.set ?? 0][i])) }
      : {}),
    ...(row.child === undefined ? {} : { child: row.child }),
    ...(row.command === undefined ? {} : { command: row.command }),
    ...(row.overflow ? { overflow: overflowJson(row.overflow, table.sets[row.set ?? 0]) } : {}),
    ...(several && row.set !== undefined ? { spec: table.specs[row.set] } : {}),
    ...(row.remark ? { remark: row.remark } : {}),
  }) + "\n";
}

function seconds(row: BindRow, table: RowTable): number {
  return Number(row.timeNs - table.startNs) / 1e9;
}

function titlesOf({ sets }: RowTable): string[] {
  if (sets.length === 1) return sets[0].map((c) => c.unit ? `${c.name}(${c.unit})` : c.name);
  return Array.from({ length: greatest(sets.map((set) => set.length)) }, (_, i) => `pic${i}`);
}

function widthsOf(table: RowTable): number[] {
  return titlesOf(table).map((title) => Math.max(title.length, MIN_WIDTH));
}

function countText({ value, share }: CountValue, { scale }: CountColumn): string {
  if (value === undefined) return LOST;
  const text = scale === 1 ? String(value) : (Number(value) * scale).toFixed(2);
  return share === undefined ? text : `${text} (scaled, ${(100 * share).toFixed(0)}%)`;
}

function countJson({ value, share }: CountValue, { name, unit, scale }: CountColumn) {
  return {
    name,
    count: value === undefined ? null : exact(value),
    unit,
    ...(scale === 1 ? {} : { scale }),
    ...(share === undefined ? {} : { scaled: true, share: Number(share.toFixed(4)) }),
  };
}

function overflowText({ counter, text, object }: OverflowPlace, columns: readonly CountColumn[]): string {
  return `${columns[counter].name} at ${text}${object ? ` (${object})` : ""}`;
}

function overflowJson({ counter, pc, symbol, object }: OverflowPlace, columns: readonly CountColumn[]) {
  return {
    name: columns[counter].name,
    request: counter,
    pc,
    symbol: symbol ?? null,
    object: object ?? null,
  };
}

function exact(value: bigint): number | string {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : String(value);
}

function commentsOf(row: BindRow, table: RowTable): string[] {
  return [
    ...(row.child === undefined ? [] : [String(row.child)]),
    ...(row.command === undefined ? [] : [`'${row.command}'`]),
    ...(row.overflow ? [overflowText(row.overflow, table.sets[row.set ?? 0])] : []),
    ...(table.sets.length > 1 && row.set !== undefined ? [table.specs[row.set]] : []),
    ...(row.remark ? [row.remark] : []),
  ];
}
