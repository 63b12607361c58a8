/**
 * Summary of a command's counts and times, as text like perf stat's and as JSON: the output of `bind` when no event
 * was requested.
 */

import { JSON_SCHEMAS } from "../base/text/json_schemas.ts";
import { greatest } from "../base/bytes/lists.ts";
import { jsonText, printable } from "../base/text/printable.ts";
import { groupDigits } from "../base/text/plural.ts";
import { countsUserOnly } from "../events/modifiers.ts";
import type { EventCount, MeasuredRun } from "./measured_run.ts";

/** Events to count, in the order of the lines. */
export const SUMMARY_EVENTS =
  "task-clock,context-switches,cpu-migrations,page-faults,cycles,instructions,branches,branch-misses";

/** Run of a command, with its counts. */
export interface RunSummary {
  argv: readonly string[];
  run: Pick<MeasuredRun, "code" | "wallNs" | "usage" | "counts">;
  /** Names that the events of SUMMARY_EVENTS were measured as, such as `cycles:u`. */
  measured: ReadonlyMap<string, string>;
  /** Reasons why events were not counted, by event name. */
  absent: ReadonlyMap<string, string>;
}

/** Ratio that says more than the count alone. */
interface Ratio {
  value: number;
  unit: string;
}

/** Formats lines of counts with their ratios, then times, then what was not counted, each reason once. */
export function summaryText(summary: RunSummary): string {
  const { run: { wallNs, usage, counts }, measured, absent } = summary;
  const lines = [...counts].map(([name, count]) => {
    const clock = name === "task-clock";
    const value = clock ? `${(count.value / 1e6).toFixed(2)} ms` : groupDigits(Math.round(count.value));
    const ratio = ratioOf(name, summary);
    const share = count.running < 1
      ? `  (scaled, counted ${(100 * count.running).toFixed(0)}% of the time)`
      : "";
    const comment = ratio ? `# ${ratioText(ratio)}` : "";
    return [value, measured.get(name) ?? name, `${comment}${share}`] as const;
  });
  const widths = [
    greatest([14, ...lines.map(([value]) => value.length)]),
    greatest([16, ...lines.map(([, name]) => name.length)]),
  ];
  let text = `\n ${printable(summary.argv.join(" "))}\n\n`;
  for (const [value, name, comment] of lines) {
    // "ms" stands where other lines have spaces, so that the digits line up
    const cell = value.endsWith(" ms") ? value : `${value}   `;
    text += printable(`${cell.padStart(widths[0] + 3)}  ${name.padEnd(widths[1])}  ${comment}`.trimEnd()) +
      "\n";
  }
  text += "\n";
  for (const [ns, what] of [[wallNs, "elapsed"], [usage.utimeNs, "user"], [usage.stimeNs, "sys"]] as const) {
    text += `${`${(ns / 1e9).toFixed(6)} s `.padStart(widths[0] + 3)}  ${what}\n`;
  }
  const reasons = Map.groupBy(absent, ([, reason]) => reason);
  if (reasons.size > 0) text += "\n";
  for (const [reason, events] of reasons) {
    text += printable(`not counted: ${events.map(([name]) => name).join(", ")}: ${reason}`) + "\n";
  }
  return text;
}

/**
 * Formats an object: `{schema, command, exit, seconds, user, sys, counts: [{name, count, unit, share?, ratio?,
 * ratioUnit?}], absent}`.
 */
export function summaryJson(summary: RunSummary): string {
  const { argv, run: { code, wallNs, usage, counts }, measured, absent } = summary;
  return jsonText({
    schema: JSON_SCHEMAS.bindSummary,
    command: argv,
    exit: code,
    seconds: wallNs / 1e9,
    user: usage.utimeNs / 1e9,
    sys: usage.stimeNs / 1e9,
    counts: [...counts].map(([name, { value, running }]) => {
      const ratio = ratioOf(name, summary);
      return {
        name: measured.get(name) ?? name,
        count: value,
        unit: name === "task-clock" ? "ns" : "",
        ...(running < 1 ? { scaled: true, share: running } : {}),
        ...(ratio ? { ratio: ratio.value, ratioUnit: ratio.unit } : {}),
      };
    }),
    absent: Object.fromEntries(absent),
  }) + "\n";
}

/** Returns the ratio of a count: CPUs used, GHz, per cycle, % of branches; for any other, per second of CPU time. */
function ratioOf(name: string, { run: { wallNs, counts }, measured }: RunSummary): Ratio | undefined {
  const count = counts.get(name)!;
  // a count in user mode cannot be compared with one that includes the kernel
  const sameModes = (other: string) =>
    countsUserOnly(measured.get(name) ?? "") === countsUserOnly(measured.get(other) ?? "");
  const per = (other: string, unit: string, factor = 1): Ratio | undefined => {
    const base = sameModes(other) ? counts.get(other) : undefined;
    return base && isCounted(base) && isCounted(count)
      ? { value: factor * count.value / base.value, unit }
      : undefined;
  };
  switch (name) {
    case "task-clock":
      return wallNs > 0 ? { value: count.value / wallNs, unit: "CPUs used" } : undefined;
    case "cycles":
      return per("task-clock", "GHz");
    case "instructions":
      return per("cycles", "per cycle");
    case "branch-misses":
      return per("branches", "% of all branches", 100);
    default:
      return per("task-clock", "per second of CPU time", 1e9);
  }
}

/** Returns whether a count may be divided by: it is not 0, and was on a counter. */
function isCounted({ value, running }: EventCount): boolean {
  return value > 0 && running > 0;
}

function ratioText({ value, unit }: Ratio): string {
  if (unit.startsWith("%")) return `${value.toFixed(2)}${unit}`;
  if (unit !== "per second of CPU time") return `${value.toFixed(3)} ${unit}`;
  const [divisor, letter] = value >= 1e9
    ? [1e9, " G"]
    : value >= 1e6
    ? [1e6, " M"]
    : value >= 1e3
    ? [1e3, " K"]
    : [1, ""];
  return `${(value / divisor).toFixed(value >= 100 || divisor > 1 ? 1 : 3)}${letter} ${unit}`;
}
