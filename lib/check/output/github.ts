/** Result of a check for GitHub Actions: annotations in the log, and a summary of the step. */

import { append } from "../../base/bytes/lists.ts";
import { markdownBlock, markdownCode, markdownText } from "../../base/text/markdown.ts";
import { printable, printableLines } from "../../base/text/printable.ts";
import { changeOf, detailLines, sourceName, verdictWord } from "./check_text.ts";
import { formatQuantity } from "../metrics/format_quantity.ts";
import { type CheckResult, type CheckRow, formatEstimate, formatPercent, formatThreshold } from "./result.ts";

/** Signs of the verdicts. */
export const MARKS = { pass: "✅", regressed: "❌", inconclusive: "❔", unmeasurable: "⚠️" } as const;

/**
 * Returns an annotation for each metric that did not pass: an error when it fails the build, otherwise a warning.
 * `file` is the file to show it at, the config. Source: GitHub's "Workflow commands for GitHub Actions".
 */
export function githubAnnotations(
  { rows }: CheckResult,
  { strict, file }: { strict: boolean; file?: string },
): string[] {
  return rows.filter(({ verdict }) => verdict !== "pass").map((row) => {
    const isError = row.verdict !== "inconclusive" || strict;
    const change = changeOf(row);
    const properties = [
      ...(file === undefined ? [] : [`file=${property(printable(file))}`]),
      `title=${property(`pmuctl check: ${printable(row.benchmark)}`)}`,
    ];
    const verdict = `${sourceName(row)} ${row.verdict}${change === undefined ? "" : `: ${change}`}`;
    const text = [verdict, ...detailLines(row)].join("\n");
    return `::${isError ? "error" : "warning"} ${properties.join(",")}::${data(text)}`;
  });
}

/** Formats Markdown for $GITHUB_STEP_SUMMARY. */
export function stepSummary({ rows, notes, where }: CheckResult): string {
  const lines = [
    "### pmuctl check",
    "",
    "| | benchmark | measured by | change | interval | median before | median now | allowed | noise floor |",
    "| --- | --- | --- | ---: | --- | ---: | ---: | ---: | ---: |",
    ...rows.map(rowLine),
    "",
  ];
  for (const row of rows.filter(({ reason }) => reason !== undefined)) {
    const what = `${markdownCode(row.benchmark)}, ${markdownText(sourceName(row))}`;
    lines.push(`- ${what}: ${markdownText(row.reason!)}`);
  }
  for (const [benchmark, text] of Object.entries(where)) {
    lines.push("", `#### ${markdownCode(benchmark)}: where it went`, "", markdownBlock(text));
  }
  if (notes.length) append(lines, ["", ...notes.map((note) => `> ${markdownText(note)}`)]);
  return lines.join("\n") + "\n";
}

function rowLine(row: CheckRow): string {
  const { figures, unit, threshold } = row;
  const allowed = threshold === undefined ? "" : formatThreshold(threshold);
  const cells = [
    `${MARKS[row.verdict]} ${verdictWord(row)}`,
    markdownCode(row.benchmark),
    markdownText(sourceName(row)),
  ];
  if (figures) {
    const { change, interval } = formatEstimate(figures, threshold);
    const medians = [figures.old, figures.new].map((value) => markdownText(formatQuantity(value, unit)));
    cells.push(change, interval, ...medians, allowed, formatPercent(figures.noise));
  } else cells.push("", "", "", "", allowed, "");
  return `| ${cells.join(" | ")} |`;
}

/** Escapes as the runner expects: escapeData() and escapeProperty() of @actions/core. */
function data(text: string): string {
  return printableLines(text).replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function property(text: string): string {
  return data(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
