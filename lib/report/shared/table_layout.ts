/**
 * Lays out tables of the text report: for a pipe with whole cells, for a terminal within its width.
 *
 *     Overhead  Samples  Command  Object               Symbol
 *       26.02%       51  app      libc.so.6            [.] __memcmp_evex_movbe
 *        8.67%       17  app      …-quite-a-long-name  [.] std::__insertion_sort<…>(…)
 */

import { displayWidth, fit, fitFromLeft, padEnd } from "../../base/text/width.ts";
import type { SortKey } from "../../profile/request/sort_keys.ts";
import { type CellText, INLINED_MARK, TITLES } from "./columns.ts";
import { foldName } from "./fold_name.ts";

/** Widths of cells on a terminal, in columns: the maximum, and the minimum if there is not enough room. */
const ROOM: Record<Exclude<SortKey, "sym">, readonly [most: number, least: number]> = {
  comm: [16, 7],
  pid: [24, 12],
  tid: [24, 12],
  cpu: [4, 4],
  dso: [32, 10],
  srcline: [40, 14],
  event: [32, 12],
};
/** Columns of the mark before a symbol: `[k] `. */
const MARK = 4;
/** Minimum width of symbols in columns, even if that makes lines wider than the terminal. */
const MIN_SYMBOL_WIDTH = 24;

/** Column of numbers. */
export interface NumberColumn {
  title: string;
  width: number;
  /** Order in which columns are dropped to make room for symbols, lowest first; undefined for columns that stay. */
  yields?: number;
}

/** Row that a table is laid out for. */
export interface PlacedRow {
  group: number;
  place: number;
}

/** Content of a table. */
export interface TableContent<R extends PlacedRow> {
  rows: readonly R[];
  numbers: readonly NumberColumn[];
  /** Returns the texts in a row's columns of numbers, as wide as those or wider. */
  figures(row: R): readonly string[];
  keys: readonly SortKey[];
  text: CellText;
}

/** Layout of a table. */
export interface TableLayout<R extends PlacedRow> {
  /** Lines above the table, in place of columns with only one value. */
  above: string[];
  /** Width of each column of numbers; 0 for dropped ones. */
  widths: number[];
  title: string;
  line(row: R): string;
}

interface KeyColumn {
  key: SortKey;
  /** Width of the widest cell, capped by the column's maximum. */
  natural: number;
  wide: number;
  /** Whether it is the last column, which may be as wide as its cells. */
  last: boolean;
}

/**
 * Lays out a table. Without a width (Infinity), each column is as wide as its widest cell. On a terminal, symbols get
 * the remaining width, and up to half of the whole if they need it. To make room for them, columns with only one
 * value move above the table, then other cells are shortened, then columns of numbers are dropped.
 */
export function layTable<R extends PlacedRow>(content: TableContent<R>, width: number): TableLayout<R> {
  const { keys, rows, text, numbers } = content;
  const columns = keys.map((key, i): KeyColumn => {
    const last = i === keys.length - 1 && key !== "cpu";
    const most = width === Infinity || key === "sym" ? width : ROOM[key][0];
    const natural = last && width === Infinity ? 0 : widest(key, rows, text, most);
    const wide = key === "sym" && width < Infinity
      ? Math.min(usual(rows, text, natural), width >> 1)
      : natural;
    return { key, last, natural, wide };
  });
  const widths = numbers.map(({ width }) => width);
  const table = { columns, widths, above: [] as string[] };
  if (width < Infinity) fitTable(table, content, width);
  return layoutOf(content, table);
}

interface Fitting {
  columns: KeyColumn[];
  widths: number[];
  above: string[];
}

/** Makes a table as wide as the terminal, or as narrow as possible. */
function fitTable<R extends PlacedRow>(table: Fitting, content: TableContent<R>, width: number): void {
  const { rows, text, numbers } = content;
  const over = () => {
    const before = table.widths.reduce((sum, wide) => wide > 0 ? sum + wide + 1 : sum, 1);
    return before + table.columns.reduce((sum, { wide }) => sum + wide + 2, -2) - width;
  };
  for (const column of table.columns) {
    if (over() <= 0 || column.key === "sym" || table.columns.length === 1 || rows.length < 2) continue;
    const cell = text(column.key, rows[0]);
    if (!rows.every((row) => text(column.key, row) === cell)) continue;
    table.columns = table.columns.filter((one) => one !== column);
    table.above.push(`${TITLES[column.key]}: ${cell.trim()}`);
  }
  const last = table.columns.at(-1);
  if (last && last.key !== "cpu") last.last = true;
  if (over() > 0) table.widths = tightWidths(content);
  shrink(table.columns, over());
  const yielding = [...numbers.keys()].filter((i) => numbers[i].yields !== undefined)
    .sort((a, b) => numbers[a].yields! - numbers[b].yields!);
  const gone = new Set<string>();
  for (const i of yielding) {
    if (over() <= 0) break;
    table.widths[i] = 0;
    gone.add(numbers[i].title);
  }
  if (gone.size > 0) {
    table.above.push(`No room for ${[...gone].join(", ")}: widen the terminal, or --full-names`);
  }
  const symbols = table.columns.find(({ key }) => key === "sym");
  if (symbols) symbols.wide = Math.min(symbols.natural, Math.max(MIN_SYMBOL_WIDTH, symbols.wide - over()));
}

/** Returns the width of the widest cell under a key, at most `most`. */
function widest(key: SortKey, rows: readonly PlacedRow[], text: CellText, most: number): number {
  let wide = TITLES[key].length;
  for (let row = 0; row < rows.length && wide < most; row++) {
    wide = Math.max(wide, displayWidth(text(key, rows[row])));
  }
  return Math.min(wide, Math.max(TITLES[key].length, most));
}

/** Share of rows whose symbols get all the room they need, at the cost of other columns. */
const USUAL = 0.95;

/**
 * Returns the width that most symbols fit in, at most `natural`: a few long names, which can be folded, are no reason to
 * shorten the object of every row.
 */
function usual(rows: readonly PlacedRow[], text: CellText, natural: number): number {
  const widths = Int32Array.from(rows, (row) => displayWidth(text("sym", row))).sort();
  return Math.min(natural, Math.max(MIN_SYMBOL_WIDTH, widths[Math.ceil(USUAL * widths.length) - 1] ?? 0));
}

/** Returns the widths of columns of numbers without excess blanks. */
function tightWidths<R extends PlacedRow>({ rows, numbers, figures }: TableContent<R>): number[] {
  const widths = numbers.map(({ title }) => title.length);
  for (const row of rows) {
    figures(row).forEach((figure, i) => widths[i] = Math.max(widths[i], figure.trimStart().length));
  }
  return widths;
}

/** Narrows columns by `over` in total, the widest ones first, down to their minimums. */
function shrink(columns: readonly KeyColumn[], over: number): void {
  for (; over > 0; over--) {
    let widest: KeyColumn | undefined;
    for (const column of columns) {
      if (column.key === "sym" || column.wide <= ROOM[column.key][1]) continue;
      if (widest === undefined || column.wide > widest.wide) widest = column;
    }
    if (widest === undefined) return;
    widest.wide--;
  }
}

function layoutOf<R extends PlacedRow>(
  { numbers, figures, text }: TableContent<R>,
  { columns, widths, above }: Fitting,
): TableLayout<R> {
  const line = (figures: readonly string[], cells: readonly string[]) => {
    const shown = figures.map((figure, i) => figure.trimStart().padStart(widths[i])).filter((_, i) =>
      widths[i]
    );
    return `${shown.join(" ")}  ${cells.join("  ")}`;
  };
  const set = ({ key, wide, last }: KeyColumn, cell: string) =>
    key === "cpu" ? cell.padStart(wide) : last ? cell : padEnd(cell, wide);
  return {
    above,
    widths,
    title: line(numbers.map(({ title }) => title), columns.map((column) => set(column, TITLES[column.key]))),
    line: (row) =>
      line(figures(row), columns.map((column) => set(column, shortCell(column, text(column.key, row))))),
  };
}

/** Columns of a symbol's column from which on names are cut so that the mark of inlined functions fits. */
const MIN_MARKED = 24;

/** Shortens a cell to its column. A symbol in the last column is folded as far as possible. */
function shortCell({ key, wide, last }: KeyColumn, cell: string): string {
  if (wide === 0 || displayWidth(cell) <= wide) return cell;
  if (key === "dso" || key === "srcline") return shortObject(cell, wide);
  if (key !== "sym") return fit(cell, wide);
  const end = cell.endsWith(INLINED_MARK) && wide >= MIN_MARKED ? INLINED_MARK : "";
  const room = wide - MARK - end.length;
  const name = foldName(cell.slice(MARK, cell.length - end.length), room);
  return cell.slice(0, MARK) + (last && end === "" ? name : fit(name, room)) + end;
}

/**
 * Shortens the name of a file to `width` columns: removes its folders, then a library's version, then its start.
 * Leaves names such as `[kernel.kallsyms]` alone.
 */
export function shortObject(name: string, width: number): string {
  if (displayWidth(name) <= width) return name;
  if (/^\[[^\]]*\]$/.test(name)) return `${fit(name, width - 1)}]`;
  const file = name.slice(name.lastIndexOf("/") + 1);
  if (file !== name && displayWidth(file) + 2 <= width) {
    // Keep as many of the last folders as fit.
    const folders = name.split("/").slice(0, -1);
    let path = file;
    for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
      const longer = `${next}/${path}`;
      if (displayWidth(longer) + 2 > width) break;
      path = longer;
    }
    return `…/${path}`;
  }
  if (displayWidth(file) <= width) return file;
  const library = /^(.*\.so)\.[\d.]+$/.exec(file)?.[1];
  return library !== undefined && displayWidth(library) < width
    ? `${library}…`
    : fitFromLeft(library ?? file, width);
}
