/** Operating curves as docs/check-accuracy.md. */

import type { Setting } from "../benchmark/setting.ts";
import type { Verdicts } from "./replay.ts";
import type { Workload } from "./workloads.ts";

/** Verdicts on one workload with one effect. */
export interface Row {
  metric: string;
  workload: string;
  loaded: boolean;
  /** Percent by which the new command takes longer. */
  percent: number;
  /** Change of the CPU time of the least disturbed runs, if the work was longer, rather than the times multiplied. */
  realChange?: number;
  verdicts: Verdicts;
}

/** Facts about the series that all rows are of. */
export interface Recorded {
  setting: Setting;
  quick: boolean;
  budgetS: number;
  /** Time in ms of a run of each workload, undisturbed. */
  runMs: number;
  /** Seconds of each series of equal commands. */
  seriesS: number;
  workloads: readonly Workload[];
  /** Load averages over a minute, least and greatest, and rounds, least and greatest of a series, without our load and with it. */
  quiet: { load: [number, number]; rounds: [number, number] };
  loaded: { load: [number, number]; rounds: [number, number] };
}

/** Columns of a table, and the cell of each in a row; those of wall times also say what CPU time decided. */
const COLUMNS: readonly [string, (row: Row) => string | number, metric?: string][] = [
  ["workload", ({ workload }) => workload],
  ["new command", effectText],
  ["checks", ({ verdicts }) => verdicts.checks],
  ["regressed", ({ verdicts }) => verdicts.regressed],
  ["improved", ({ verdicts }) => verdicts.improved],
  ["pass", ({ verdicts }) => verdicts.pass],
  ["inconclusive", ({ verdicts }) => verdicts.inconclusive],
  ["decided by CPU time", ({ verdicts }) => verdicts.byStandIn, "wall"],
  ["runs", ({ verdicts }) => Math.round(verdicts.runs)],
  ["seconds", ({ verdicts }) => verdicts.seconds.toFixed(1)],
];

function effectText({ percent, realChange }: Row): string {
  if (percent === 0) return "the same";
  if (realChange === undefined) return `${percent}% longer`;
  return `${percent}% more work (CPU time ${realChange < 0 ? "" : "+"}${(100 * realChange).toFixed(1)}%)`;
}

function table(metric: string, rows: readonly Row[]): string[] {
  const columns = COLUMNS.filter(([, , only]) => only === undefined || only === metric);
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;
  return [
    line(columns.map(([title]) => title)),
    line(columns.map((_, at) => at < 2 ? "---" : "---:")),
    ...rows.map((row) => line(columns.map(([, cellOf]) => cellOf(row)))),
  ];
}

function range([least, greatest]: [number, number], digits: number): string {
  return `${least.toFixed(digits)} to ${greatest.toFixed(digits)}`;
}

/** Renders the page. */
export function renderMarkdown(rows: readonly Row[], recorded: Recorded): string {
  const { setting, quick, budgetS, runMs, seriesS, workloads, quiet, loaded } = recorded;
  const equal = rows.filter(({ percent }) => percent === 0);
  const sum = (of: readonly Row[], key: "checks" | "regressed" | "improved" | "inconclusive") =>
    of.reduce((total, { verdicts }) => total + verdicts[key], 0);
  const alarms = sum(equal, "regressed") + sum(equal, "improved");
  const five = rows.filter((row) => row.percent === 5 && row.loaded && row.realChange === undefined);
  const share = (part: number, whole: number) => whole === 0 ? "-" : `${(100 * part / whole).toFixed(2)}%`;
  return [
    "# How often check is right",
    "",
    "What `pmuctl check --against` says of commands whose truth is known, on a machine that other work keeps busy. This page is",
    `written by \`scripts/operating-curve --${
      quick ? "quick" : "full"
    } > docs/check-accuracy.md\`; [check.md](check.md#how-it-is-decided)`,
    "says how it decides.",
    "",
    `- **False alarms:** ${alarms} of ${
      sum(equal, "checks")
    } checks of equal commands said \`regressed\` or \`improved\``,
    `  (${share(alarms, sum(equal, "checks"))}).`,
    `- **Inconclusive** of commands that are 5% slower, loaded, within the budget: ${
      sum(five, "inconclusive")
    } of ${sum(five, "checks")}`,
    `  (${share(sum(five, "inconclusive"), sum(five, "checks"))}).`,
    `- **When:** ${setting.date}, load average ${setting.load.toFixed(1)} at the start`,
    `- **Machine:** ${setting.machine}`,
    `- **Versions:** ${setting.versions[0]}`,
    `- **Workloads**, of about ${runMs} ms a run: ${
      workloads.map(({ name, what }) => `\`${name}\` ${what}`).join("; ")
    }.`,
    `- **Method:** each series is ${seriesS} s of real runs in rounds of two, as \`check\` makes them, with their wall time, CPU time and`,
    "  context switches. Checks are replayed on it: the code that decides in `check` gets the runs in their order, from a round",
    "  that is drawn, with the budget below, and old and new drawn for each round. So checks of one series share runs, and are",
    "  less different from each other than checks of different hours. Effects are put in by multiplying the times of the new",
    "  command's runs. In rows of more work it did that much more instead, in a shorter series and with half the budget; by how",
    "  much this took longer, the CPU time of the least disturbed tenth of the runs tells.",
    `- **Budget:** ${budgetS} s, thresholds by default (2%), so commands that are 2% longer are at the threshold itself: no number of`,
    "  runs decides these.",
    "- **Loaded** means: bursts of one to three busy shells, 0.1 to 3 s long, with pauses as long between them",
    `  (\`scripts/accuracy/load.ts\`), beside whatever else ran here: load averages of ${
      range(loaded.load, 1)
    }, and`,
    `  ${range(loaded.rounds, 0)} rounds in a series.`,
    `- **Quiet** means only that no load of ours ran: load averages of ${range(quiet.load, 1)}, and ${
      range(quiet.rounds, 0)
    } rounds in a`,
    "  series. Whether other work ran is for these numbers to tell.",
    "",
    "Runs (of each command) and seconds are medians over all checks of a row, also of those that ended undecided.",
    "",
    ...["wall", "task-clock"].flatMap((metric) =>
      [false, true].flatMap((isLoaded) => {
        const of = rows.filter((row) => row.metric === metric && row.loaded === isLoaded);
        if (of.length === 0) return [];
        return [`## \`-m ${metric}\`, ${isLoaded ? "loaded" : "quiet"}`, "", ...table(metric, of), ""];
      })
    ),
  ].join("\n").trimEnd() + "\n";
}
