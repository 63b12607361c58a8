/** A comparison of two profiles as text: what they are, then what changed most. */

import { bold, dim, green, red, yellow } from "@std/fmt/colors";
import {
  type Change,
  type DiffOrder,
  diffOrder,
  type DiffRow,
  type EventDiff,
  type ProfileDiff,
  shareOf,
} from "../profile/diff.ts";
import { sides } from "../profile/comparable.ts";
import { sampleCount } from "../profile/profile.ts";
import { weightUnit } from "../profile/unit.ts";
import { amountText, changeText } from "./amount.ts";
import { type CellText, fit, setCells } from "./columns.ts";

export interface DiffTextOptions {
  /** What A and B are called: the names of their files. */
  names: { a: string; b: string };
  order: DiffOrder;
  /** Leave out rows below this share in both, in percent. */
  percentLimit: number;
  /** Cut lines to this many columns; Infinity leaves them whole. */
  width: number;
  color: boolean;
}

/** The whole comparison; ends with a newline. Changes that chance may have made have a ~ before them. */
export function renderDiffText(diff: ProfileDiff, options: DiffTextOptions): string {
  const lines = header(diff, options);
  for (const event of diff.events) lines.push("", ...eventSection(diff, event, options));
  return lines.map((line) => line.trimEnd()).join("\n") + "\n";
}

function header({ a, b, notes }: ProfileDiff, { names, color }: DiffTextOptions): string[] {
  const rows = sides(a, b).map(([side, profile]): [string, string] => {
    const { command, seconds } = profile.meta;
    const parts = [
      side === "A" ? names.a : names.b,
      command || "(command not recorded)",
      `${sampleCount(profile)} samples${seconds >= 0 ? ` over ${seconds.toFixed(3)} s` : ""}`,
    ];
    return [side, parts.join(", ")];
  });
  rows.push(...notes.map((note): [string, string] => ["note", note]));
  return rows.map(([name, value]) => {
    const line = `${name.padEnd(9)}${value}`;
    return !color ? line : name === "note" ? yellow(line) : dim(line.slice(0, 9)) + line.slice(9);
  });
}

/** How B's weights were made comparable, for people. */
export function normalizationText({ normalize, factor }: EventDiff): string {
  if (normalize === "none") return "weights as recorded";
  const of = { duration: "duration", samples: "number of samples", share: "weight" }[normalize];
  return `B's weights times ${Number(factor.toPrecision(4))}, to the same ${of}`;
}

function eventSection(diff: ProfileDiff, event: EventDiff, options: DiffTextOptions): string[] {
  const { names: { a, b }, rows, factor } = event;
  const { color, width, percentLimit } = options;
  const unit = weightUnit(b);
  const wholeB = event.b.period * factor;
  const ratio = event.a.period > 0 ? 100 * (wholeB / event.a.period - 1) : NaN;
  const percents = Number.isFinite(ratio) ? ` (${signed(ratio, 1)}%)` : "";
  const name = a === b ? a : `${a} against ${b}`;
  const lines = [
    `${name}: ${amountText(event.a.period, unit)} to ${amountText(wholeB, unit)}${percents}, ${
      normalizationText(event)
    }`,
  ];
  if (rows.length === 0) return [...lines, "No samples in either."];

  const of = options.order === "total" ? "total" : "self";
  const sorted = rows.toSorted(diffOrder(options.order, factor));
  const shown = sorted.filter((row) =>
    Math.max(shareOf(row.a[of], event.a), shareOf(row.b[of], event.b)) >= percentLimit
  );
  const calls = rows.some((row) =>
    row.a.total.count !== row.a.self.count || row.b.total.count !== row.b.self.count
  );
  const cells = setCells(diff.keys, shown.map((_, place) => ({ group: 0, place })), rowTexts(shown), width);
  const totals = calls ? " Total A  Total B " : "";
  const title = fit(`     Change    Share   Self A   Self B ${totals} ${cells.title}`, width);
  lines.push(color ? bold(title) : title);
  shown.forEach((row, i) => {
    const figures = [
      changeCell(row[of], unit),
      signed(row[of].share, 2).padStart(8),
      ...shares(row, "self", event),
      ...(calls ? shares(row, "total", event) : []),
    ];
    const line = fit(`${figures.join(" ")}  ${cells.lines[i]}`, width);
    lines.push(color ? tinted(line, row[of]) : line);
  });
  const left = rows.length - shown.length;
  if (left > 0) {
    const rest = `${left} more row${left > 1 ? "s" : ""} below ${percentLimit}% in both`;
    lines.push(`${" ".repeat(11)} ${rest} (--percent-limit 0 shows all)`);
  }
  return lines;
}

function changeCell(change: Change, unit: "ns" | "events"): string {
  const text = changeText(change.weight, unit);
  return (mayBeChance(change) ? `~${text}` : text).padStart(11);
}

/** Whether sampling alone may have made the change: it is below two standard deviations. */
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
    const { comm, object, symbol, kernel } = rows[place];
    if (key === "comm") return comm ?? "";
    return key === "dso" ? object ?? "" : `${kernel ? "[k]" : "[.]"} ${symbol ?? "[unresolved]"}`;
  };
}
