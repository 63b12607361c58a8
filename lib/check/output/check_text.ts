/** Result of a check as text for people. */

import { bold, green, red, yellow } from "@std/fmt/colors";
import { printable } from "../../base/text/printable.ts";
import { wrap } from "../../base/text/wrap.ts";
import { append } from "../../base/bytes/lists.ts";
import { formatQuantity } from "../metrics/format_quantity.ts";
import { BEST } from "../metrics/metric_sources.ts";
import {
  type ChangeFigures,
  type CheckResult,
  type CheckRow,
  formatEstimate,
  formatPercent,
  formatThreshold,
} from "./result.ts";
import type { Verdict } from "../statistics/verdict.ts";

const COLORS: Record<Verdict, (text: string) => string> = {
  pass: green,
  regressed: red,
  inconclusive: yellow,
  unmeasurable: yellow,
};

/** Descriptions of the methods. */
export const METHODS: Record<ChangeFigures["method"], string> = {
  "signed-rank": "change of pairs of runs",
  sign: "median change of pairs of runs",
  "block-bootstrap": "against the baseline's runs",
  "rank-sum": "change by ranks",
  range: "all runs nearly equal",
};

/** Options of checkText(). */
export interface CheckTextOptions {
  colors: boolean;
  /** Width in columns of lines of prose; Infinity does not wrap them. */
  width?: number;
}

/** Formats two lines for each metric: the verdict, and the numbers behind it. Lines are wrapped to the terminal. */
export function checkText(result: CheckResult, { colors, width = Infinity }: CheckTextOptions): string {
  const lines = result.rows.flatMap((row) => {
    const word = verdictWord(row);
    const shown = colors ? bold(COLORS[row.verdict](word)) : word;
    const head = `${shown}${" ".repeat(Math.max(1, 14 - word.length))}${printable(row.benchmark)}: ${
      sourceName(row)
    }`;
    const change = changeOf(row);
    return [change === undefined ? head : `${head} ${change}`, ...detailLines(row).map((line) => `  ${line}`)]
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

/** Returns `regressed`, `pass`, or `improved`, which is also a pass. */
export function verdictWord({ verdict, improved }: CheckRow): string {
  return improved ? "improved" : verdict;
}

/** Returns the name of the source that measured the row, or of the metric when none did. */
export function sourceName({ metric, rung }: CheckRow): string {
  return rung === undefined && metric === BEST ? "the best metric" : printable(rung ?? metric);
}

/** Formats the change of a row with its interval, `+5.1% (+4.2% to +6.0%)`; undefined when it has none. */
export function changeOf({ figures, threshold }: CheckRow): string | undefined {
  if (!figures) return undefined;
  const { change, interval } = formatEstimate(figures, threshold);
  return `${change} (${interval})`;
}

/**
 * Methods whose change is the ratio of the two medians, so that an arrow from one to the other shows the same change. For the
 * others the medians are another number than the change, and are called so.
 */
const OF_MEDIANS: readonly ChangeFigures["method"][] = ["range", "block-bootstrap"];

/** Formats the medians: `51.3 ms -> 53.0 ms` where the change is theirs, else `medians 51.3 ms and 53.0 ms`. */
function mediansText({ old, new: now, method }: ChangeFigures, unit: CheckRow["unit"]): string {
  const [before, after] = [formatQuantity(old, unit), formatQuantity(now, unit)];
  return OF_MEDIANS.includes(method) ? `${before} -> ${after}` : `medians ${before} and ${after}`;
}

/** Returns the details of a verdict, a line each. */
export function detailLines({ figures, unit, threshold, reason }: CheckRow): string[] {
  const lines: string[] = [];
  if (figures) {
    const { runs, method, noise, confidence } = figures;
    lines.push(
      `${mediansText(figures, unit)}; allowed ${formatThreshold(threshold!)}, ` +
        `noise floor ${formatPercent(noise)}; ${runs.old} and ${runs.new} runs, ${METHODS[method]}, ` +
        `confidence ${(100 * confidence).toFixed(2)}%`,
    );
  }
  if (reason !== undefined) lines.push(printable(reason));
  return lines;
}
