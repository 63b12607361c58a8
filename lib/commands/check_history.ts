/** BenchmarkHistory of `pmuctl check`: what it is compared with, and what it is added to. */

import type { StoredBenchmark } from "../check/baseline/baseline.ts";
import { type Fingerprint, fingerprintDifferences } from "../check/baseline/fingerprint.ts";
import type { BenchmarkSamples } from "../check/foreign/samples.ts";
import { appendHistory, tryHistory } from "../check/history/append_history.ts";
import { entriesOfBranch, storedInHistory } from "../check/history/history_baseline.ts";
import { type HistoryEntry, historyLine } from "../check/history/history_line.ts";
import { type BenchmarkHistory, readHistory } from "../check/history/read_history.ts";
import { type Commit, readCommit } from "../check/history/repository.ts";
import type { MeasuredBenchmark } from "../check/series/benchmark.ts";
import type { BenchmarkPlan } from "../check/series/series.ts";
import { exists } from "../base/files/exists.ts";
import { DEFAULT_WARMUPS, type HistoryRequest } from "./check_options.ts";

/** A history that is open for a check. */
export class CheckHistory {
  readonly #file: string;
  readonly #commit: Commit;
  readonly #branch: string | undefined;
  readonly #machine: Fingerprint;
  readonly #entries: HistoryEntry[];
  /** Remedy where it has no measurements of a benchmark: none, because those of this run will be there. */
  readonly remedy = "";
  /** Notes on lines that cannot be read, a sentence each. */
  readonly notes: string[];

  private constructor(
    { file, branch }: HistoryRequest,
    { commit, machine, history }: { commit: Commit; machine: Fingerprint; history: BenchmarkHistory },
  ) {
    this.#file = file;
    this.#commit = commit;
    this.#branch = branch ?? commit.branch;
    this.#machine = machine;
    this.#entries = entriesOfBranch(history, this.#branch, commit);
    this.notes = history.notes;
  }

  /**
   * Opens a history, before anything is measured. Throws UnsupportedError when it cannot be appended to, BadInputError when
   * it cannot be read.
   */
  static async open(
    request: HistoryRequest,
    machine: Fingerprint,
    env: (name: string) => string | undefined,
  ): Promise<CheckHistory> {
    const history = exists(request.file, Deno.statSync)
      ? readHistory(request.file)
      : { entries: [], notes: [] };
    tryHistory(request.file);
    return new CheckHistory(request, { commit: await readCommit(request.file, env), machine, history });
  }

  /** Name in messages of what is compared with. */
  get name(): string {
    return `${this.#file} of ${this.#branch === undefined ? "no branch" : `branch ${this.#branch}`}`;
  }

  /** Returns earlier measurements of a benchmark, best first. */
  stored(benchmark: string): StoredBenchmark[] {
    return storedInHistory(this.#entries, benchmark);
  }

  /** Returns the newest samples on this machine of each benchmark of another tool. */
  samples(from: string): BenchmarkSamples[] {
    const found = new Map<string, BenchmarkSamples>();
    for (const entry of this.#entries) {
      if (entry.from !== from || fingerprintDifferences(entry.machine, this.#machine).length > 0) continue;
      for (const [metric, { unit, samples }] of Object.entries(entry.metrics)) {
        const key = JSON.stringify([entry.benchmark, metric]);
        if (!found.has(key)) found.set(key, { benchmark: entry.benchmark, metric, unit, values: samples });
      }
    }
    return [...found.values()];
  }

  /** Adds what was measured of a benchmark; nothing when there are no samples. Throws UnsupportedError. */
  async add(
    { name, argv, warmups, input }: BenchmarkPlan,
    { metrics, wall }: MeasuredBenchmark,
  ): Promise<void> {
    if (Object.keys(metrics).length === 0) return;
    await this.#append([{
      ...{ benchmark: name, command: argv, metrics, wall, input },
      warmups: warmups === DEFAULT_WARMUPS ? undefined : warmups,
    }]);
  }

  /** Adds what another tool has measured. Throws UnsupportedError. */
  async addSamples(from: string, all: readonly BenchmarkSamples[]): Promise<void> {
    if (all.length === 0) return;
    const benchmarks = Map.groupBy(all, ({ benchmark }) => benchmark);
    await this.#append([...benchmarks].map(([benchmark, rows]) => ({
      ...{ benchmark, from },
      metrics: Object.fromEntries(
        rows.map(({ metric, unit, values }) => [metric, { rung: metric, unit, samples: values }]),
      ),
    })));
  }

  async #append(measured: readonly Omit<HistoryEntry, "time" | "machine" | keyof Commit>[]): Promise<void> {
    const time = Date.now();
    const lines = measured.map((each) =>
      historyLine({ time, ...this.#commit, machine: this.#machine, ...each })
    );
    await appendHistory(this.#file, lines);
  }
}
