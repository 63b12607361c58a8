/** Rows of counts, in the manner of cputrack: time, process, event, and a column for each counter. */

import type { CommandTotals, Total } from "./totals.ts";

const NOT_COUNTED = "not counted";

/** A header and the `total` row, each line ended. */
export function totalRows({ seconds, pid, totals }: CommandTotals): string {
  const titles = totals.map((t) => t.unit ? `${t.name}(${t.unit})` : t.name);
  const cells = totals.map((t) => t.count === undefined ? NOT_COUNTED : String(t.count));
  const widths = titles.map((title, i) => Math.max(title.length, cells[i].length, 9));
  const line = (time: string, process: string, event: string, columns: string[]) =>
    [time.padStart(7), process.padStart(7), event.padEnd(5), ...columns.map((c, i) => c.padStart(widths[i]))]
      .join(" ") + "\n";
  return line("time", "pid", "event", titles) + line(seconds.toFixed(3), String(pid), "total", cells);
}

/** The row as one line of JSON. `count` is null where the event was not counted. */
export function totalJson({ seconds, pid, totals }: CommandTotals): string {
  const counts = totals.map((t) => ({ ...t, count: t.count ?? null }));
  return JSON.stringify({ time: seconds, pid, event: "total", counts }) + "\n";
}

/** What to tell about counts that are not exact, a sentence each. */
export function countWarnings(totals: readonly Total[]): string[] {
  return totals.flatMap(({ name, count, enabledNs, runningNs }) => {
    if (count === undefined) {
      return [`${name} was not counted: it never got a counter; count fewer events at once`];
    }
    if (runningNs >= enabledNs) return [];
    const share = (100 * runningNs / enabledNs).toFixed(0);
    return [`${name} is scaled: it was counted ${share}% of the time; count fewer events at once`];
  });
}
