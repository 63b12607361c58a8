/**
 * Baseline: measurements of benchmarks, kept in a file for later checks. It is JSON with sorted keys and a line for
 * each list of samples, so that git shows changes as the lines they affect. docs/check.md describes the format.
 */

import { BadInputError } from "../../base/system/errors.ts";
import { type Fingerprint, FINGERPRINT_KEYS } from "./fingerprint.ts";
import { JsonShape } from "./shape.ts";

/** Name and version of the format. The version changes when the meaning does. */
export const BASELINE_SCHEMA = "pmuctl-baseline/1";

/** Measurements of a metric. */
export interface StoredMetric {
  /** Name of the source that measured it. Only numbers from the same source are compared. */
  rung: string;
  /** Samples of all runs, in order. */
  samples: number[];
  /** Samples of the calibration workload beside each run, for sources that depend on the machine's speed. */
  gauge?: number[];
  /** Conditions of runs under valgrind, on which counts depend in place of the machine. */
  pinned?: PinnedRuns;
}

/** Conditions of runs under valgrind. */
export interface PinnedRuns {
  libc: string;
  /** Names of the variables in the environment, in order. */
  environment: string[];
}

/** Returns the differences between the conditions of a baseline's runs and of those here. */
export function pinnedDifferences(baseline: PinnedRuns | undefined, here: PinnedRuns): string[] {
  if (baseline === undefined) return ["the environment was not pinned in the baseline, and is here"];
  const libc = baseline.libc === here.libc
    ? []
    : [`libc: ${baseline.libc} in the baseline, ${here.libc} here`];
  const names = (list: readonly string[], other: readonly string[]) =>
    list.filter((name) => !other.includes(name)).join(", ") || "none";
  const isSame = baseline.environment.join() === here.environment.join();
  const environment = isSame ? [] : [
    `variables: ${names(baseline.environment, here.environment)} only in the baseline, ` +
    `${names(here.environment, baseline.environment)} only here`,
  ];
  return [...libc, ...environment];
}

/** Measurements of a benchmark, and the machine they were made on. */
export interface StoredBenchmark {
  command: string[];
  machine: Fingerprint;
  /** Metrics by requested name. */
  metrics: Record<string, StoredMetric>;
  /** Rounds before those that counted, and the file that commands read; absent for one, and for none. */
  warmups?: number;
  input?: string;
  /** Wall times in ns of some runs, for a note when no metric uses them; absent in older files. */
  wall?: number[];
}

/** Benchmarks by name. */
export type Baseline = Record<string, StoredBenchmark>;

/** Parses a baseline file. Throws BadInputError with the place of the error. */
export function parseBaseline(file: string, text: string): Baseline {
  const root = JsonShape.parse(file, text);
  const schema = root.need(Object.fromEntries(root.entries()), "schema");
  if (schema.text() !== BASELINE_SCHEMA) {
    throw new BadInputError(
      `${file}: it has schema '${schema.text()}', but this pmuctl reads '${BASELINE_SCHEMA}': create a new one with --update`,
    );
  }
  const members = root.members(["schema", "benchmarks"]);
  return Object.fromEntries(
    root.need(members, "benchmarks").entries().map(([name, shape]) => [name, benchmarkOf(shape)]),
  );
}

function benchmarkOf(shape: JsonShape): StoredBenchmark {
  const members = shape.members(["command", "machine", "metrics", "wall", "warmups", "input"]);
  const machine = shape.need(members, "machine");
  const parts = machine.members(FINGERPRINT_KEYS);
  return {
    command: shape.need(members, "command").list().map((word) => word.text({ mayBeEmpty: true })),
    machine: Object.fromEntries(
      FINGERPRINT_KEYS.map((key) => [key, machine.need(parts, key).text()]),
    ) as unknown as Fingerprint,
    metrics: Object.fromEntries(
      shape.need(members, "metrics").entries().map(([name, metric]) => [name, metricOf(metric)]),
    ),
    ...(members.wall ? { wall: samplesOf(members.wall) } : {}),
    ...(members.warmups ? { warmups: members.warmups.number({ min: 0, integer: true }) } : {}),
    ...(members.input ? { input: members.input.text() } : {}),
  };
}

function metricOf(shape: JsonShape): StoredMetric {
  const members = shape.members(["rung", "samples", "gauge", "pinned"]);
  const samples = samplesOf(shape.need(members, "samples"));
  const gauge = members.gauge && samplesOf(members.gauge);
  const pinned = members.pinned && pinnedOf(members.pinned);
  return {
    ...{ rung: shape.need(members, "rung").text(), samples },
    ...(gauge ? { gauge } : {}),
    ...(pinned ? { pinned } : {}),
  };
}

function pinnedOf(shape: JsonShape): PinnedRuns {
  const members = shape.members(["libc", "environment"]);
  return {
    libc: shape.need(members, "libc").text(),
    environment: shape.need(members, "environment").list().map((name) => name.text()),
  };
}

function samplesOf(shape: JsonShape): number[] {
  const samples = shape.list().map((sample) => sample.number({ above: 0 }));
  return samples.length > 0 ? samples : shape.refuse("a list of at least one number");
}

/** Formats a baseline file. */
export function renderBaseline(benchmarks: Baseline): string {
  return sorted({ schema: BASELINE_SCHEMA, benchmarks }, "") + "\n";
}

/** Formats JSON with object members sorted by name, and each list on one line. */
function sorted(value: unknown, indent: string): string {
  if (Array.isArray(value)) return `[${value.map((item) => JSON.stringify(item)).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const inner = `${indent}  `;
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => a < b ? -1 : 1)
    .map(([key, member]) => `${inner}${JSON.stringify(key)}: ${sorted(member, inner)}`);
  return members.length === 0 ? "{}" : `{\n${members.join(",\n")}\n${indent}}`;
}
