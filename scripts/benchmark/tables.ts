/** Results of benchmarks as text for a terminal, and as docs/performance.md. */

import type { Result, Summary } from "./case.ts";
import type { Setting } from "./setting.ts";

/** Units of figures; others are plain numbers. */
const UNITS: Record<string, string> = {
  wallMs: "wall, ms",
  cpuMs: "CPU, ms",
  maxRssMb: "memory, MB",
  fileKb: "file, KiB",
  workMs: "workload recorded, ms",
  aloneMs: "workload alone, ms",
  addedPercent: "added, %",
  nsPerSample: "ns per sample",
  nsPerFurtherSample: "ns per further sample",
};

const label = ({ figure }: Summary) => UNITS[figure] ?? figure;
const ratio = (value: number) => Number.isFinite(value) ? value.toFixed(2) : "-";
const range = ({ ratio: middle, least, greatest }: Summary) =>
  Number.isFinite(middle) ? `${ratio(middle)} (${ratio(least)} to ${ratio(greatest)})` : "-";

/** Renders one result as a table for a terminal. */
export function renderText(result: Result): string {
  const rows = [["", result.ours, result.theirs, "theirs / ours (range)"]];
  for (const each of result.figures) {
    rows.push([label(each), each.ours.toFixed(1), each.theirs.toFixed(1), range(each)]);
  }
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const lines = rows.map((row) =>
    row.map((cell, column) => column ? cell.padStart(widths[column]) : cell.padEnd(widths[column])).join("  ")
  );
  return [`${result.name}: ${result.what} (${result.pairs} pairs, medians)`, ...lines, ""].join("\n");
}

/** Renders all results as a Markdown page. */
export function renderMarkdown(results: readonly Result[], setting: Setting): string {
  const head = [
    "# Performance",
    "",
    "pmuctl beside the tools that people use for the same work. This page is written by",
    "`scripts/bench --markdown > docs/performance.md`; `scripts/bench --help` lists the cases.",
    "",
    `- **When:** ${setting.date}, load average ${setting.load.toFixed(1)} at the start`,
    `- **Machine:** ${setting.machine}`,
    `- **Versions:** ${setting.versions.join("; ")}`,
    "- **Method:** whole processes, in turn, after one run of each that fills the caches. Each figure is the median",
    "  of the runs. A ratio is theirs divided by ours, above 1 where pmuctl takes less: the median of the pairs, with",
    "  the least and the greatest.",
    "- **Recording:** reports read the same file, made by `perf record -F 20000 -a -g` while a compiler, interpreters,",
    "  shells and the usual tools run (`scripts/benchmark/recording.ts`).",
    "",
  ];
  const sections = results.flatMap((result) => [
    `## ${result.name}`,
    "",
    `${result.what[0].toUpperCase()}${result.what.slice(1)} (${result.pairs} pairs).`,
    "",
    `| | ${result.ours} | ${result.theirs.replaceAll("|", "\\|")} | theirs / ours |`,
    "| --- | ---: | ---: | ---: |",
    ...result.figures.map((each) =>
      `| ${label(each)} | ${each.ours.toFixed(1)} | ${each.theirs.toFixed(1)} | ${range(each)} |`
    ),
    "",
  ]);
  return [...head, ...sections].join("\n").trimEnd() + "\n";
}
