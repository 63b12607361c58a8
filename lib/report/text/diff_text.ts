/** Renders a comparison of two profiles as text: what they are, then what changed most. */

import { counted } from "../../base/text/plural.ts";
import { bold, dim, green, red, yellow } from "@std/fmt/colors";
import { printable } from "../../base/text/printable.ts";
import { wrap } from "../../base/text/wrap.ts";
import {
  type Change,
  type DiffOrder,
  diffOrder,
  type DiffRow,
  type EventDiff,
  type ProfileDiff,
  shareOf,
} from "../../profile/compare/diff.ts";
import { sampleCount, weightUnit } from "../../profile/model/profile.ts";
import { amountText, relativeChangeText } from "../shared/amount.ts";
import type { CellText } from "../shared/columns.ts";
import { layTable, type NumberColumn } from "../shared/table_layout.ts";

/** Options of `renderDiffText`. */
export interface DiffTextOptions {
  /** Names of A and B: their files. */
  names: { a: string; b: string };
  order: DiffOrder;
  /** Share in percent; rows below it on both sides are left out. */
  percentLimit: number;
  /** Width to fold names and wrap prose to, in columns. Infinity keeps everything whole. Lines are never cut. */
  width: number;
  color: boolean;
}

/** Yields the comparison line by line, with newlines. A ~ marks changes that may be due to chance. */
export function* renderDiffText(diff: ProfileDiff, options: DiffTextOptions): Generator<string> {
  for (const line of diffLines(diff, options)) yield line.trimEnd() + "\n";
}

function* diffLines(diff: ProfileDiff, options: DiffTextOptions): Generator<string> {
  yield* header(diff, options);
  for (const event of diff.events) {
    yield "";
    yield* eventSection(diff, event, options);
  }
}

function* header({ a, b, notes }: ProfileDiff, { names, color, width }: DiffTextOptions): Generator<string> {
  for (const [side, { meta, ...profile }] of [["A", a], ["B", b]] as const) {
    const seconds = meta.seconds >= 0 ? ` over ${meta.seconds.toFixed(3)} s` : "";
    const parts = [
      side === "A" ? names.a : names.b,
      meta.command || "(command not recorded)",
      `${sampleCount({ meta, ...profile })} samples${seconds}`,
    ];
    const name = side.padEnd(9);
    yield* wrap((color ? dim(name) : name) + printable(parts.join(", ")), width, " ".repeat(9));
  }
  for (const note of notes) {
    for (const line of wrap("note".padEnd(9) + printable(note), width, " ".repeat(9))) {
      yield color ? yellow(line) : line;
    }
  }
}

/** Describes how B's weights were made comparable. */
function normalizationText({ normalize, factor }: EventDiff): string {
  if (normalize === "none") return "weights as recorded";
  const of = { duration: "duration", samples: "number of samples", share: "weight" }[normalize];
  return `B's weights times ${Number(factor.toPrecision(4))}, to the same ${of}`;
}

function* eventSection(diff: ProfileDiff, event: EventDiff, options: DiffTextOptions): Generator<string> {
  const { names: { a, b }, rows, factor } = event;
  const { color, width, percentLimit } = options;
  const unit = weightUnit(b);
  const wholeB = event.b.period * factor;
  const ratio = event.a.period > 0 ? 100 * (wholeB / event.a.period - 1) : NaN;
  const percents = Number.isFinite(ratio) ? ` (${signed(ratio, 1)}%)` : "";
  const name = printable(a === b ? a : `${a} against ${b}`);
  const change = `${amountText(event.a.period, unit)} to ${amountText(wholeB, unit)}${percents}`;
  yield* wrap(`${name}: ${change}, ${normalizationText(event)}`, width, "  ");
  if (rows.length === 0) {
    yield "No samples in either.";
    return;
  }

  const of = options.order === "total" ? "total" : "self";
  const sorted = rows.toSorted(diffOrder(options.order, factor));
  const shown = sorted.filter((row) =>
    Math.max(shareOf(row.a[of], event.a), shareOf(row.b[of], event.b)) >= percentLimit
  );
  const calls = rows.some((row) =>
    row.a.total.count !== row.a.self.count || row.b.total.count !== row.b.self.count
  );
  const places = shown.map((row, place) => ({ row, group: 0, place }));
  const layout = layTable({
    rows: places,
    numbers: numberColumns(of, calls),
    figures: ({ row }: typeof places[number]) => [
      changeCell(row[of], unit),
      signed(row[of].share, 2).padStart(8),
      ...shares(row, "self", event),
      ...(calls ? shares(row, "total", event) : []),
    ],
    keys: diff.keys,
    text: rowTexts(shown),
  }, width);
  for (const line of layout.above) yield color ? dim(line) : line;
  yield color ? bold(layout.title) : layout.title;
  for (const row of places) {
    const line = layout.line(row);
    yield color ? tinted(line, row.row[of]) : line;
  }
  const left = rows.length - shown.length;
  if (left > 0) {
    const rest = `${counted(left, "more row")} below ${percentLimit}% in both`;
    yield `${" ".repeat(11)} ${rest} (--percent-limit 0 shows all)`;
  }
  if (shown.some((row) => mayBeChance(row[of]))) {
    const legend = "~ sampling alone may explain this change";
    yield color ? dim(legend) : legend;
  }
}

/**
 * Returns the columns of numbers. The first to be dropped are the shares that rows are not sorted by, then those of
 * both sides.
 */
function numberColumns(of: "self" | "total", calls: boolean): NumberColumn[] {
  const yields = { self: of === "self" ? undefined : 0, total: of === "total" ? undefined : 0 };
  return [
    { title: "Change", width: 11 },
    { title: "Share", width: 8, yields: 1 },
    ...["Self A", "Self B"].map((title) => ({ title, width: 8, yields: yields.self })),
    ...(calls ? ["Total A", "Total B"].map((title) => ({ title, width: 8, yields: yields.total })) : []),
  ];
}

function changeCell(change: Change, unit: "ns" | "events"): string {
  const text = relativeChangeText(change.weight, unit);
  return (mayBeChance(change) ? `~${text}` : text).padStart(11);
}

/** Tells whether sampling alone may explain the change: it is below two standard deviations. */
function mayBeChance({ weight, noise }: Change): boolean {
  return weight !== 0 && Math.abs(weight) < 2 * noise;
}

function shares(row: DiffRow, of: "self" | "total", event: EventDiff): string[] {
  const share = (side: "a" | "b") => `${shareOf(row[side][of], event[side]).toFixed(2)}%`.padStart(8);
  return [
    row.presence === "new" ? "new".padStart(8) : share("a"),
    row.presence === "gone" ? "gone".padStart(8) : share("b"),
  ];
}

function tinted(line: string, change: Change): string {
  if (mayBeChance(change) || change.weight === 0) return line;
  return change.weight > 0 ? red(line) : green(line);
}

function signed(number: number, decimals: number): string {
  const text = number.toFixed(decimals);
  return Number(text) > 0 ? `+${text}` : text.replace(/^-(?=[0.]+$)/, "");
}

function rowTexts(rows: readonly DiffRow[]): CellText {
  return (key, { place }) => {
    const { comm, object, symbol, unnamed, kernel } = rows[place];
    if (key === "comm") return printable(comm ?? "");
    return key === "dso"
      ? printable(object ?? "")
      : `${kernel ? "[k]" : "[.]"} ${printable(symbol ?? unnamed ?? "")}`;
  };
}
