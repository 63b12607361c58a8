/** Baselines from a history: what a benchmark took on a branch. */

import type { StoredBenchmark } from "../baseline/baseline.ts";
import { isSteady } from "../metrics/metric_sources.ts";
import type { BenchmarkHistory } from "./read_history.ts";
import type { HistoryEntry } from "./history_line.ts";
import type { Commit } from "./repository.ts";

/** Entries of a benchmark that are tried as its baseline: those of other machines between them are passed over. */
const MAX_TRIED = 200;

/**
 * Returns the entries of a branch that `now` can be compared with, best first: the newest ones of commits, then of uncommitted
 * changes. Those of the commit that is measured come last, or a second try of a regressed commit would pass.
 */
export function entriesOfBranch(
  history: BenchmarkHistory,
  branch: string | undefined,
  now: Commit,
): HistoryEntry[] {
  const rankOf = ({ commit, dirty }: HistoryEntry) =>
    !now.dirty && commit !== undefined && commit === now.commit ? 2 : dirty ? 1 : 0;
  return history.entries.filter((entry) => entry.branch === branch).reverse()
    .sort((a, b) => rankOf(a) - rankOf(b));
}

/**
 * Returns the measurements of a benchmark of pmuctl's own runs in these entries, best first. Times without those of the
 * calibration workload, which runs side by side have not, are left out: nothing tells a change of the machine in them.
 */
export function storedInHistory(entries: readonly HistoryEntry[], benchmark: string): StoredBenchmark[] {
  const stored: StoredBenchmark[] = [];
  for (const entry of entries) {
    if (entry.benchmark !== benchmark || entry.command === undefined) continue;
    const { command, machine, metrics, wall, warmups, input } = entry;
    const usable = Object.entries(metrics).filter(([, { rung, samples, gauge }]) =>
      (gauge !== undefined || isSteady(rung)) && [...samples, ...(gauge ?? [])].every((value) => value > 0)
    );
    if (usable.length === 0) continue;
    stored.push({
      ...{ command, machine, metrics: Object.fromEntries(usable) },
      ...(wall?.every((value) => value > 0) ? { wall } : {}),
      ...(warmups === undefined ? {} : { warmups }),
      ...(input === undefined ? {} : { input }),
    });
    if (stored.length === MAX_TRIED) break;
  }
  return stored;
}
