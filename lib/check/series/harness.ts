/**
 * Benchmarks that another tool measures, run side by side: each run of the old and of the new command gives, for each
 * benchmark and metric in what it writes, one sample, the median of its values. The runs alternate, and are judged in
 * pairs, as those of commands are.
 */

import { thresholdFor } from "../baseline/config.ts";
import { median } from "simple-statistics";
import { removeQuietly } from "../../base/files/remove_quietly.ts";
import { temporaryFolder } from "../../base/files/temporary.ts";
import { once } from "../../base/system/once.ts";
import { BadInputError, CommandError, UnsupportedError } from "../../base/system/errors.ts";
import { quoteWords } from "../../cli/shell_words.ts";
import { CommandRunner } from "../../run/command_runner.ts";
import type { Executor, Step } from "../../run/schedule.ts";
import { DEFAULT_THRESHOLD, matchSamples } from "../foreign/compare_samples.ts";
import type { ForeignFormat } from "../foreign/foreign_formats.ts";
import { readForeign } from "../foreign/read_foreign.ts";
import type { BenchmarkSamples } from "../foreign/samples.ts";
import { decidingSources, type GatedMetric, NEW, OLD, runGate, type RunValues } from "../gate.ts";
import { type CheckRow, rowsOf, unmeasuredRow } from "../output/result.ts";
import { type BenchmarkOutcome, progress } from "./benchmark.ts";
import {
  type BenchmarkPlan,
  budgetLeft,
  type CheckContext,
  limitOf,
  SeriesBudget,
  SmallBudget,
  trialRound,
  withSetupOf,
} from "./series.ts";

/** Stands in a command for the file, or criterion's folder, that it is to write. */
const PLACEHOLDER = "{}";

/** Benchmark whose commands are harnesses of another tool. */
export interface HarnessPlan extends BenchmarkPlan {
  against: string[];
  from: ForeignFormat;
}

/** Returns whether the numbers of a plan come from what its commands write. */
export function isHarness(plan: BenchmarkPlan): plan is HarnessPlan {
  return plan.from !== undefined;
}

/** Runs both harnesses in turns, and judges all that both have measured. */
export async function checkHarness(plan: HarnessPlan, shared: CheckContext): Promise<BenchmarkOutcome> {
  const outcome: BenchmarkOutcome = { rows: [], notes: [], measured: { metrics: {} } };
  try {
    await withResultPaths(plan, async (placed) => {
      await withSetupOf(placed, shared, async () => {
        const context = { ...shared, note: once(shared.note), limit: limitOf(placed) };
        await new HarnessRuns(placed, context).judge(outcome);
      });
    });
  } catch (error) {
    if (!(error instanceof CommandError || error instanceof UnsupportedError)) throw error;
    const verdict = error instanceof SmallBudget ? "inconclusive" : "unmeasurable";
    const of = { benchmark: plan.name, comparedWith: "command" as const };
    outcome.rows = [unmeasuredRow(of, plan.from, error.message, verdict)];
  } finally {
    shared.io.status("");
  }
  return outcome;
}

/** Plan whose commands name the paths that they write to. */
export interface PlacedPlan extends HarnessPlan {
  /** Path of what each command writes, by command; undefined for its standard output. */
  results: readonly (string | undefined)[];
  /** File for standard output. */
  printed: string;
}

/** Does `work` on a plan in whose commands `{}` is the path of a file of ours, which is gone afterwards. */
export async function withResultPaths<T>(
  plan: HarnessPlan,
  work: (placed: PlacedPlan) => Promise<T>,
): Promise<T> {
  const folder = temporaryFolder("pmuctl-from-", "keep what the commands write");
  const place = (argv: readonly string[], path: string) => {
    const shell = argv[0] === "/bin/sh" && argv[1] === "-c" ? quoteWords([path]) : path;
    return argv.map((word) => word.replaceAll(PLACEHOLDER, word === argv[2] ? shell : path));
  };
  const names = (argv: readonly string[]) => argv.some((word) => word.includes(PLACEHOLDER));
  const paths = [`${folder}/old`, `${folder}/new`], { against, argv } = plan;
  try {
    return await work({
      ...plan,
      against: place(against, paths[OLD]),
      argv: place(argv, paths[NEW]),
      results: [against, argv].map((words, i) => names(words) ? paths[i] : undefined),
      printed: `${folder}/printed`,
    });
  } finally {
    removeQuietly(folder, { recursive: true });
  }
}

/** Benchmark and metric that both commands have, and the source under which runs have it. */
interface SharedMetric extends GatedMetric {
  benchmark: string;
  /** Keys of its values in the runs of either command. */
  keys: readonly [old: string, now: string];
  /** Whether all values so far were 0, of which there is no ratio. */
  isZero: boolean;
}

class HarnessRuns {
  readonly #plan: PlacedPlan;
  readonly #context: CheckContext;
  readonly #runner: CommandRunner;
  #shared: SharedMetric[] = [];

  constructor(plan: PlacedPlan, context: CheckContext) {
    this.#plan = plan;
    this.#context = context;
    const { standing, stopper, note, limit } = context;
    const { prepare, input, allowedStatuses } = plan;
    const jobs = [plan.against, plan.argv].map((argv) => ({
      name: quoteWords(argv),
      argv,
      ...(prepare ? { prepare } : {}),
    }));
    this.#runner = new CommandRunner(jobs, {
      ...{ standing, stopper, note, limit, input, allowedStatuses },
      requestedEvents: [],
      output: { file: plan.printed },
    });
  }

  /** Adds rows and notes to `outcome`. Throws CommandError when a command fails, UnsupportedError for what it writes. */
  async judge(outcome: BenchmarkOutcome): Promise<void> {
    const begun = performance.now(), budget = new SeriesBudget(), plan = this.#plan;
    try {
      const first: BenchmarkSamples[][] = [[], []];
      const roundMs = await trialRound(plan, async (command) => {
        await this.#runner.prepare({ command });
        first[command] = await this.#run(command) ?? [];
      });
      const of = { benchmark: plan.name, comparedWith: "command" as const };
      outcome.stopSignal = this.#runner.stopSignal;
      if (outcome.stopSignal !== undefined) {
        outcome.rows = [unmeasuredRow(of, plan.from, "stopped before it was decided", "inconclusive")];
        return;
      }
      outcome.notes.push(...this.#share(first));
      const executor: Executor<RunValues> = {
        prepare: (step) => budget.within(() => this.#runner.prepare(step)),
        run: (step) => budget.within(() => this.#valuesOf(step)),
      };
      const limits = {
        warmups: Math.max(0, plan.warmups - 1), // the trial was one
        maxRuns: plan.maxRuns,
        ...budgetLeft(plan, begun),
        roundMs,
      };
      const gates = await runGate(this.#shared, decidingSources(this.#shared), limits, {
        executor,
        now: () => performance.now(),
        stopped: () => this.#runner.stopSignal !== undefined,
        isOver: () => budget.isOver,
        seed: crypto.getRandomValues(new Int32Array(1))[0],
        onRound: progress(plan, this.#context.io),
      });
      outcome.stopSignal ??= this.#runner.stopSignal;
      const rows = rowsOf(of, gates, plan.budgetMs);
      outcome.rows = rows.map((row, i) => this.#named(row, this.#shared[i]));
      outcome.foreign = gates.gates.flatMap(({ samples }, i) => {
        const { benchmark, metric, source } = this.#shared[i];
        return samples.new.length === 0
          ? []
          : [{ benchmark, metric, unit: source.unit, values: samples.new }];
      });
    } finally {
      this.#runner.close();
    }
  }

  /** Finds what both commands have. Returns notes on the rest. Throws UnsupportedError when there is nothing. */
  #share(first: readonly BenchmarkSamples[][]): string[] {
    const { metrics, thresholds, name, prefix } = this.#plan;
    const { pairs, alone } = matchSamples(first[OLD], first[NEW], metrics);
    if (pairs.length === 0) {
      throw new UnsupportedError({
        attempt: `compare what the two commands of '${name}' have measured`,
        cause: `they have no benchmark and metric${
          metrics.length ? ` (${metrics.join(", ")})` : ""
        } in common`,
      });
    }
    this.#shared = pairs.map(([before, after]) => {
      const { benchmark, metric, unit } = after;
      const threshold = thresholdFor(thresholds, metric) ?? DEFAULT_THRESHOLD;
      const source = {
        name: `${metric} of '${benchmark}'`,
        kind: "run" as const,
        unit,
        steady: unit !== "ns",
        threshold,
      };
      const keys = [keyOf(before), keyOf(after)] as const;
      return {
        benchmark: prefix ? `${name}/${benchmark}` : benchmark,
        metric,
        source,
        threshold,
        keys,
        isZero: true,
      };
    });
    return alone.map(([{ benchmark, metric }, side]) =>
      `${benchmark}: only the ${side} command measures ${metric} of it`
    );
  }

  /** Runs a command, and returns what it has measured; undefined when the user stopped it. */
  async #run(command: number): Promise<BenchmarkSamples[] | undefined> {
    const { results, from, printed, against, argv } = this.#plan;
    const path = results[command];
    if (path !== undefined) removeQuietly(path, { recursive: true }); // of the run before
    const run = await this.#runner.run({ command });
    if (run === undefined) return undefined;
    const words = quoteWords([against, argv][command]);
    try {
      return readForeign(from, path ?? printed, path === undefined ? "its standard output" : path);
    } catch (error) {
      if (!(error instanceof BadInputError)) throw error;
      const remedy = path === undefined
        ? `${PLACEHOLDER} in the command names a file to write instead`
        : undefined;
      throw new UnsupportedError({
        attempt: `take ${from} results from '${words}'`,
        cause: error.message,
        ...(remedy === undefined ? {} : { remedy }),
      });
    }
  }

  async #valuesOf({ command }: Step): Promise<RunValues | undefined> {
    const samples = await this.#run(command);
    if (samples === undefined) return undefined;
    const medians = new Map(samples.map((each) => [keyOf(each), median(each.values)]));
    return new Map(this.#shared.flatMap((metric) => {
      const value = medians.get(metric.keys[command]);
      if (value !== 0) metric.isZero = false;
      return value === undefined ? [] : [[metric.source.name, value] as const];
    }));
  }

  #named(row: CheckRow, { benchmark, metric, isZero }: SharedMetric): CheckRow {
    const named = { ...row, benchmark, metric, rung: metric };
    // none before, and none now
    return isZero && row.verdict === "unmeasurable"
      ? { ...named, verdict: "pass", reason: undefined }
      : named;
  }
}

function keyOf({ benchmark, metric }: BenchmarkSamples): string {
  return JSON.stringify([benchmark, metric]);
}
