/** A check's result for people. */

import { bold, green, red, yellow } from "@std/fmt/colors";
import { printable } from "../../base/text/printable.ts";
import { wrap } from "../../base/text/wrap.ts";
import { append } from "../../base/bytes/lists.ts";
import { formatQuantity } from "../metrics/format_quantity.ts";
import {
  type ChangeFigures,
  type CheckResult,
  type CheckRow,
  formatPercent,
  formatSignedPercent,
} from "./result.ts";
import type { Verdict } from "../statistics/verdict.ts";

const COLORS: Record<Verdict, (text: string) => string> = {
  pass: green,
  regressed: red,
  inconclusive: yellow,
  unmeasurable: yellow,
};

/** How each method is told. */
const METHODS: Record<ChangeFigures["method"], string> = {
  "signed-rank": "pairs of runs",
  "block-bootstrap": "against the baseline's runs",
  range: "all runs alike",
};

export interface CheckTextOptions {
  colors: boolean;
  /** Columns that lines of prose have; Infinity leaves them whole. */
  width?: number;
}

/** Two lines for each metric: the verdict, and the numbers behind it; on a terminal in lines that fit it. */
export function checkText(result: CheckResult, { colors, width = Infinity }: CheckTextOptions): string {
  const lines = result.rows.flatMap((row) => {
    const word = verdictWord(row);
    const shown = colors ? bold(COLORS[row.verdict](word)) : word;
    const head = `${shown}${" ".repeat(Math.max(1, 14 - word.length))}${printable(row.benchmark)}: ${
      sourceName(row)
    }`;
    const change = row.figures ? ` ${formatChange(row.figures)}` : "";
    return [head + change, ...detailLines(row).map((line) => `  ${line}`)]
      .flatMap((line) => wrap(line, width, "    "));
  });
  for (const [benchmark, text] of Object.entries(result.where)) {
    lines.push("", `${printable(benchmark)}: where it went`, "", text.trimEnd());
  }
  if (result.notes.length) {
    append(lines, [
      "",
      ...result.notes.flatMap((note) => wrap(`note: ${printable(note)}`, width, "  ")),
    ]);
  }
  return lines.join("\n") + "\n";
}

/** `regressed`, `pass`, or `improved`, which is a pass, too. */
export function verdictWord({ verdict, improved }: CheckRow): string {
  return improved ? "improved" : verdict;
}

/** What it was measured by, or what was to be measured. */
export function sourceName({ metric, rung }: CheckRow): string {
  return printable(rung ?? metric);
}

/** `+5.1% (+4.2% to +6.0%)` */
export function formatChange({ change, low, high }: ChangeFigures): string {
  return `${formatSignedPercent(change)} (${formatSignedPercent(low)} to ${formatSignedPercent(high)})`;
}

/** What is behind a verdict, a line each. */
export function detailLines({ figures, unit, threshold, reason }: CheckRow): string[] {
  const lines: string[] = [];
  if (figures) {
    const { runs, method, noise, confidence } = figures;
    lines.push(
      `${formatQuantity(figures.old, unit)} -> ${formatQuantity(figures.new, unit)}; allowed ${
        formatSignedPercent(threshold! / 100)
      }, ` +
        `noise floor ${formatPercent(noise)}; ${runs.old} and ${runs.new} runs, ${METHODS[method]}, ` +
        `confidence ${(100 * confidence).toFixed(2)}%`,
    );
  }
  if (reason !== undefined) lines.push(printable(reason));
  return lines;
}
