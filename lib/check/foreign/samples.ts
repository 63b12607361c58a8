/** Samples that another tool has measured: what the parsers give, and what `check --from` compares. */

import type { MetricUnit } from "../metrics/metrics.ts";

/** Samples of a metric of a benchmark. For all metrics, less is better. */
export interface BenchmarkSamples {
  benchmark: string;
  /** Name of the metric, as the tool has it. */
  metric: string;
  unit: MetricUnit;
  /** Values in ns, bytes, or the unit. */
  values: number[];
}

/** Samples by benchmark and metric, in the order in which they come. */
export class BenchmarkTable {
  readonly #rows = new Map<string, BenchmarkSamples>();

  /** Adds values to a benchmark's metric. */
  add(benchmark: string, metric: string, unit: MetricUnit, values: readonly number[]): void {
    const key = JSON.stringify([benchmark, metric]);
    let row = this.#rows.get(key);
    if (row === undefined) this.#rows.set(key, row = { benchmark, metric, unit, values: [] });
    for (const value of values) row.values.push(value);
  }

  get rows(): BenchmarkSamples[] {
    return [...this.#rows.values()];
  }
}

/** Nanoseconds of each unit of time that the tools write. It inherits nothing: a file may name its unit `constructor`. */
export const NS: Readonly<Record<string, number>> = Object.assign(Object.create(null), {
  ...{ ns: 1, us: 1e3, "µs": 1e3, "μs": 1e3, ms: 1e6, s: 1e9 },
  ...{ min: 60e9, hr: 3600e9, day: 86_400e9 },
});
