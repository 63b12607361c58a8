/** Baselines of `pmuctl check`: finds what a benchmark is compared with in a file or a history, or why it cannot be. */

import { BadInputError } from "../base/system/errors.ts";
import { readNamedText } from "../base/files/file_bytes.ts";
import { append } from "../base/bytes/lists.ts";
import { counted } from "../base/text/plural.ts";
import {
  type Baseline,
  parseBaseline,
  pinnedDifferences,
  type PinnedRuns,
  type StoredBenchmark,
} from "../check/baseline/baseline.ts";
import { type Fingerprint, fingerprintDifferences, VALGRIND_KEYS } from "../check/baseline/fingerprint.ts";
import { BEST, isOfValgrind } from "../check/metrics/metric_sources.ts";
import { type BenchmarkPlan, pinnedRunsOf } from "../check/series/series.ts";
import type { ParsedArgs } from "../cli/command.ts";
import { quoteWords } from "../cli/shell_words.ts";
import { DEFAULT_WARMUPS } from "./check_options.ts";

/** Earlier measurements: a baseline file, or a branch of a history. */
export interface Measurements {
  /** Name in messages. */
  name: string;
  /** Remedy where it has no measurements of a benchmark. */
  remedy: string;
  /** Returns those of a benchmark, best first. */
  stored(benchmark: string): readonly StoredBenchmark[];
}

/** Reads a baseline file. Throws BadInputError. */
export function measurementsIn(file: string): Measurements {
  const baseline = readBaseline(file);
  return {
    name: file,
    remedy: ": measure it with --update",
    stored: (name) => Object.hasOwn(baseline, name) ? [baseline[name]] : [],
  };
}

/** Measurements that a benchmark is compared with, if there are any, and the metrics to compare. */
export interface Compared {
  stored: StoredBenchmark | undefined;
  metrics: string[];
  /** Notes about permitted mismatches. */
  notes: string[];
}

/** Returns what a benchmark is compared with, and by which metrics: those of the plan, or of the baseline. */
export function comparisonOf(plan: BenchmarkPlan, stored: StoredBenchmark | undefined): Compared {
  const metrics = plan.metrics.length ? plan.metrics : stored ? Object.keys(stored.metrics) : [BEST];
  return { stored, metrics, notes: [] };
}

/** Returns the best measurements that a benchmark can be compared with, or the obstacle to that. */
export async function comparable(
  plan: BenchmarkPlan,
  baseline: Measurements,
  { machine, args }: { machine: Fingerprint; args: ParsedArgs },
): Promise<Compared & { obstacle?: string }> {
  const candidates = baseline.stored(plan.name);
  const found: (Compared & { obstacle?: string })[] = [];
  const asksPinned = candidates.some(({ metrics }) =>
    Object.values(metrics).some(({ rung }) => isOfValgrind(rung))
  );
  const pinned = asksPinned ? await pinnedRunsOf(plan) : undefined;
  for (const stored of candidates.length > 0 ? candidates : [undefined]) {
    const compared = comparisonOf(plan, stored);
    const comparison = { ...compared, machine, pinned, from: baseline, args };
    const obstacle = baselineObstacle(plan, comparison, compared.notes);
    found.push({ ...compared, obstacle });
    if (obstacle === undefined && compared.notes.length === 0) break;
  }
  return found.find(({ obstacle, notes }) => obstacle === undefined && notes.length === 0) ??
    found.find(({ obstacle }) => obstacle === undefined) ?? found[0];
}

/** A benchmark's baseline, and what to compare it with. */
interface Comparison {
  metrics: readonly string[];
  /** Undefined when the baseline does not have the benchmark. */
  stored: StoredBenchmark | undefined;
  machine: Fingerprint;
  /** Conditions of runs under valgrind here; undefined when nothing was measured by it. */
  pinned: PinnedRuns | undefined;
  from: Measurements;
  args: ParsedArgs;
}

/**
 * Returns why a benchmark cannot be compared with the baseline; undefined when it can. Adds a note about a permitted
 * mismatch.
 */
function baselineObstacle(
  plan: BenchmarkPlan,
  { metrics, stored, machine, pinned, from, args }: Comparison,
  notes: string[],
): string | undefined {
  if (!stored) return `${from.name} has no '${plan.name}'${from.remedy}`;
  const missing = metrics.find((metric) => !Object.hasOwn(stored.metrics, metric));
  if (missing !== undefined) return `${from.name} has no ${missing} of '${plan.name}'${from.remedy}`;
  if (!isSameCommand(stored.command, plan.argv)) {
    return `the baseline measured another command, ${
      quoteWords(stored.command)
    }: measure this one with --update`;
  }
  const otherSetting = settingObstacle(plan, stored);
  if (otherSetting !== undefined) return otherSetting;
  const ofValgrind = metrics.filter((metric) => isOfValgrind(stored.metrics[metric].rung));
  const keys = ofValgrind.length === metrics.length ? VALGRIND_KEYS : undefined;
  const differing = fingerprintDifferences(stored.machine, machine, keys);
  if (pinned !== undefined && ofValgrind.length > 0) {
    append(differing, pinnedDifferences(stored.metrics[ofValgrind[0]].pinned, pinned));
  }
  if (differing.length === 0) return undefined;
  if (!args.has("allow-mismatch")) {
    return `the baseline was measured under other conditions (${
      differing.join("; ")
    }): write one here with --update, use --against, ` +
      "or allow differences of conditions and command together with --allow-mismatch";
  }
  notes.push(
    `${plan.name}: the baseline was measured under other conditions (${
      differing.join("; ")
    }): a change may come from ` +
      "these as well as from the command (--allow-mismatch)",
  );
  return undefined;
}

/** Returns why runs of a plan compare with nothing in its baseline, whose runs were warmer, or read something else. */
function settingObstacle({ warmups, input }: BenchmarkPlan, stored: StoredBenchmark): string | undefined {
  const before = stored.warmups ?? DEFAULT_WARMUPS;
  if (before !== warmups) {
    return `the baseline was measured after ${counted(before, "warm-up run")}, not ${warmups}: ` +
      `give -w ${before}, or measure it again with --update`;
  }
  if (stored.input === input) return undefined;
  const option = stored.input === undefined
    ? "leave --input out"
    : `give --input ${quoteWords([stored.input])}`;
  return `the baseline was measured ${
    stored.input === undefined ? "without input" : `with ${stored.input} as input`
  }: ` +
    `${option}, or measure it again with --update`;
}

/** Returns whether two commands are the same, word for word. */
export function isSameCommand(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((word, i) => word === other[i]);
}

/** Reads a baseline file. Throws BadInputError. */
export function readBaseline(file: string): Baseline {
  const text = readNamedText(file);
  if (typeof text === "string") return parseBaseline(file, text);
  const cause = text.kind === "missing" ? "no such file" : text.cause;
  throw new BadInputError(`cannot read the baseline ${file}: ${cause}: make one with --update`);
}
