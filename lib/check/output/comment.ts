/**
 * Result of a check as a comment on a pull request, in GitHub's Markdown: a short table, then why a verdict is what it
 * is, the symbols that grew, and what was measured on what. Every part has a share of the size that GitHub takes.
 */

import { counted } from "../../base/text/plural.ts";
import { markdownBlock, markdownCode, markdownText, withoutMiddle } from "../../base/text/markdown.ts";
import { escapeXml } from "../../base/text/xml.ts";
import { amountText, relativeChangeText } from "../../report/shared/amount.ts";
import { type Fingerprint, FINGERPRINT_KEYS } from "../baseline/fingerprint.ts";
import { formatQuantity } from "../metrics/format_quantity.ts";
import { METHODS, sourceName, verdictWord } from "./check_text.ts";
import { MARKS } from "./github.ts";
import {
  type CheckResult,
  type CheckRow,
  formatEstimate,
  formatPercent,
  formatThreshold,
  type GrownSymbols,
} from "./result.ts";

/** Characters of a whole comment at most. GitHub takes 65,536; the rest is for whoever posts it. */
export const MAX_COMMENT = 60_000;

/** Characters of each part at most, together less than MAX_COMMENT. */
const MAX_PART = { rows: 20_000, reasons: 9000, symbols: 14_000, notes: 4000, measured: 12_000 } as const;

/** Characters of a name, and of a sentence with names in it. */
const MAX_NAME = 120, MAX_SENTENCE = 600;

/** Subject of a check: this machine, or files of another tool. */
export type CheckedOn = { machine: Fingerprint } | { format: string; files: readonly string[] };

/** Formats the result. The comment has at most MAX_COMMENT characters, and says what was left out. */
export function checkComment(result: CheckResult, on: CheckedOn): string {
  const rows = result.rows.toSorted((a, b) => urgency(a) - urgency(b));
  const parts = [
    [`### pmuctl check: ${tallyOf(rows)}`],
    table(
      ["benchmark", "measured by", "verdict", "change", "interval"],
      rows.map(rowCells),
      { most: MAX_PART.rows, what: "result" },
    ),
    fitted(rows.flatMap(reasonLine), { most: MAX_PART.reasons, what: "reason" }),
    ...symbolParts(result),
    fitted(
      result.notes.map((note) => `> Note: ${markdownText(note, MAX_SENTENCE)}\n>`),
      { most: MAX_PART.notes, what: "note" },
    ),
    measuredPart(rows, on),
  ];
  return parts.filter((lines) => lines.length > 0).map((lines) => lines.join("\n")).join("\n\n") + "\n";
}

/** Returns how far up a row stands: what fails a build first. */
function urgency({ verdict, improved }: CheckRow): number {
  return ["regressed", "unmeasurable", "inconclusive", "pass"].indexOf(verdict) - (improved ? 0.5 : 0);
}

/** Returns how many rows have each verdict: `1 regressed, 3 pass`. */
function tallyOf(rows: readonly CheckRow[]): string {
  const counts = Map.groupBy(rows, verdictWord);
  return counts.size === 0
    ? "no result"
    : [...counts].map(([word, { length }]) => `${length} ${word}`).join(", ");
}

function rowCells(row: CheckRow): string[] {
  const { change, interval } = row.figures
    ? formatEstimate(row.figures, row.threshold)
    : { change: "", interval: "" };
  const verdict = `${MARKS[row.verdict]} ${verdictWord(row)}`;
  return [code(row.benchmark), code(sourceName(row)), verdict, change, interval];
}

function reasonLine(row: CheckRow): string[] {
  if (row.reason === undefined) return [];
  const what = `${code(row.benchmark)}, ${code(sourceName(row))}`;
  return [`- ${what}: ${markdownText(row.reason, MAX_SENTENCE)}`];
}

/** Returns a collapsed part for each benchmark with a profile, as many as fit. */
function symbolParts({ where, grown = {} }: CheckResult): string[][] {
  const parts: string[][] = [];
  let left: number = MAX_PART.symbols;
  const names = Object.keys(where);
  for (const [i, name] of names.entries()) {
    const lines = Object.hasOwn(grown, name)
      ? details(`${codeHtml(name)}: symbols that grew`, symbolLines(grown[name]))
      : details(`${codeHtml(name)}: where it went`, [
        markdownBlock(withoutMiddle(where[name], MAX_SENTENCE)),
      ]);
    left -= sizeOf(lines);
    if (left < 0) return [...parts, [`and the profiles of ${counted(names.length - i, "more benchmark")}`]];
    parts.push(lines);
  }
  return parts;
}

function symbolLines({ event, unit, symbols }: GrownSymbols): string[] {
  if (symbols.length === 0) return ["No symbol grew by more than sampling alone may explain."];
  const cells = symbols.map(({ symbol, object, before, now }) => [
    relativeChangeText(now - before, unit),
    amountText(before, unit),
    amountText(now, unit),
    code(symbol),
    object === undefined ? "" : code(object),
  ]);
  return table([`grew, ${markdownText(event, MAX_NAME)}`, "before", "now", "symbol", "object"], cells, {
    most: MAX_PART.symbols / 2,
    what: "symbol",
  });
}

/** Returns the collapsed part of numbers behind the verdicts, and of the machine or the files. */
function measuredPart(rows: readonly CheckRow[], on: CheckedOn): string[] {
  const titles = [
    "benchmark",
    "measured by",
    "median before",
    "median now",
    "allowed",
    "noise floor",
    "runs",
  ];
  const numbers = table(
    titles,
    rows.map((row) => [code(row.benchmark), code(sourceName(row)), ...numberCells(row)]),
    { most: MAX_PART.measured - 3000, what: "result" },
  );
  const facts = "machine" in on
    ? FINGERPRINT_KEYS.map((key) => `- ${key}: ${code(on.machine[key])}`)
    : on.files.map((file, i) =>
      `- ${i === 0 ? "old" : "new"} ${markdownText(on.format)} file: ${code(file)}`
    );
  return details("What was measured, and on what", [...numbers, "", ...facts]);
}

function numberCells({ figures, unit, threshold }: CheckRow): string[] {
  const allowed = threshold === undefined ? "" : formatThreshold(threshold);
  if (!figures) return ["", "", allowed, "", ""];
  const { runs, method, confidence } = figures;
  return [
    formatQuantity(figures.old, unit),
    formatQuantity(figures.new, unit),
    allowed,
    formatPercent(figures.noise),
    `${runs.old} and ${runs.new}, ${METHODS[method]}, confidence ${(100 * confidence).toFixed(2)}%`,
  ].map((text) => markdownText(text, MAX_NAME));
}

/** Returns a collapsed part. Its summary is HTML, as Markdown is not read there. */
function details(summary: string, lines: readonly string[]): string[] {
  return [`<details><summary>${summary}</summary>`, "", ...lines, "", "</details>"];
}

function code(name: string): string {
  return markdownCode(name, MAX_NAME);
}

function codeHtml(name: string): string {
  return `<code>${escapeXml(withoutMiddle(name, MAX_NAME).replace(/\s/g, " "))}</code>`;
}

/** Limit of a list: its characters, and the noun for what is left out. */
interface Limit {
  most: number;
  what: string;
}

/** Returns a table of as many rows as fit; none without rows. */
function table(titles: readonly string[], rows: readonly (readonly string[])[], limit: Limit): string[] {
  if (rows.length === 0) return [];
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(titles), line(titles.map(() => "---")), ...fitted(rows.map(line), limit)];
}

/** Returns as many lines as fit, and then how many more there are. */
function fitted(lines: readonly string[], { most, what }: Limit): string[] {
  let left = most;
  const fits = lines.findIndex((line) => (left -= line.length + 1) < 0);
  return fits < 0
    ? [...lines]
    : [...lines.slice(0, fits), "", `and ${counted(lines.length - fits, `more ${what}`)}`];
}

function sizeOf(lines: readonly string[]): number {
  return lines.reduce((sum, line) => sum + line.length + 1, 0);
}
