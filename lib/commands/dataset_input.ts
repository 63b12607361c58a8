/** Options of reports over a dataset, and its profile. */

import { UsageError } from "../base/system/errors.ts";
import type { OptionSpec, ParsedArgs } from "../cli/command.ts";
import { isDataset } from "../dataset/layout/partitions.ts";
import type { DatasetSelection } from "../dataset/read/selection.ts";
import type { LoadOptions } from "../profile/request/load_options.ts";
import type { Profile } from "../profile/model/profile.ts";
import { splitNames } from "../profile/request/function_names.ts";
import { keyAndValue } from "./label.ts";
import { parseWallTime } from "./wall_time.ts";

/** Options that choose samples of a dataset. */
export const DATASET_OPTIONS: readonly OptionSpec[] = [
  { name: "host", value: "LIST", help: "of a dataset, keep these hosts, separated by commas" },
  { name: "service", value: "LIST", help: "of a dataset, keep these services" },
  { name: "label", value: "KEY=VALUE", repeat: true, help: "of a dataset, keep recordings with this label" },
  {
    name: "since",
    value: "TIME",
    help:
      "of a dataset, keep samples from TIME on: 2026-11-30, 2026-11-30T14:05, or 7d, 12h, 30m ago; in UTC",
  },
  { name: "until", value: "TIME", help: "of a dataset, keep samples before TIME" },
];

/** Options that a dataset has no use for, and what to do instead. */
const FOR_RECORDINGS: readonly (readonly [option: string, instead: string])[] = [
  ["time", "use --since and --until"],
  ["stats", "it has samples, and no other records"],
  ["annotate", "it has no code"],
  ...["symfs", "vmlinux", "kallsyms", "debuginfod", "no-demangle", "no-unwind"].map((name) =>
    [name, "give it to 'pmuctl export', which finds the names"] as const
  ),
];

/** Dataset to read, and what of it. */
export interface DatasetInput {
  path: string;
  selection: DatasetSelection;
}

/**
 * Returns the dataset that `named` is; undefined for a recording. Throws UsageError for options of the one that are given with
 * the other.
 */
export function datasetInput(
  command: string,
  named: string | undefined,
  args: ParsedArgs,
): DatasetInput | undefined {
  return datasetInputs(command, [named], args)[0];
}

/** Returns the dataset that each of these is; undefined for a recording. Throws UsageError as datasetInput() does. */
export function datasetInputs(
  command: string,
  names: readonly (string | undefined)[],
  args: ParsedArgs,
): (DatasetInput | undefined)[] {
  const dataset = names.find((name) => name !== undefined && isDataset(name));
  const recording = names.findIndex((name) => name === undefined || !isDataset(name));
  if (dataset === undefined) {
    const option = DATASET_OPTIONS.find(({ name }) => args.has(name));
    if (option === undefined) return names.map(() => undefined);
    throw new UsageError(
      `${command}: --${option.name} chooses samples of a dataset, and ${
        names[0] ?? "the input"
      } is none: name a folder that ` +
        "'pmuctl export' has written",
    );
  }
  for (const [option, instead] of FOR_RECORDINGS) {
    if (args.has(option) && (recording < 0 || option === "time")) {
      throw new UsageError(
        `${command}: --${option} is for recordings, and ${dataset} is a dataset: ${instead}`,
      );
    }
  }
  if (args.text("format") === "tprof") {
    throw new UsageError(
      `${command}: --format tprof shows addresses, and ${dataset} is a dataset, which has none`,
    );
  }
  const selection = selectionOf(args);
  return names.map((name) =>
    name !== undefined && isDataset(name) ? { path: name.replace(/(?<=.)\/+$/, ""), selection } : undefined
  );
}

/** Returns the samples that the options choose. Throws UsageError. */
export function selectionOf(args: ParsedArgs): DatasetSelection {
  const names = (option: string) => {
    const text = args.text(option);
    return text === undefined ? undefined : new Set(splitNames(text));
  };
  const time = (option: string) => {
    const text = args.text(option);
    return text === undefined ? undefined : parseWallTime(`--${option}`, text, Date.now());
  };
  const since = time("since"), until = time("until"), labels = args.texts("label");
  if (since !== undefined && until !== undefined && since >= until) {
    throw new UsageError(`--since ${args.text("since")} is not before --until ${args.text("until")}`);
  }
  return {
    hosts: names("host"),
    services: names("service"),
    labels: labels.length > 0 ? new Map(labels.map((text) => keyAndValue(text))) : undefined,
    since,
    until,
  };
}

/** Loads the profile of a dataset, with warnings about what was chosen. Throws BadInputError. */
export async function loadDatasetProfile(
  { path, selection }: DatasetInput,
  loading: LoadOptions,
): Promise<Profile> {
  const { loadDataset } = await import("../dataset/read/load_dataset.ts");
  const { profile, recordings, hosts } = await loadDataset(path, {
    selection,
    inline: loading.inline ?? false,
    leafOnly: loading.leafOnly ?? false,
    lines: loading.lines ?? false,
    mergeCpus: loading.mergeCpus ?? false,
    mergeThreads: loading.mergeThreads ?? false,
    times: loading.times ?? false,
  });
  const warnings: string[] = [];
  if (recordings === 0) {
    warnings.push(`no sample of ${path} is of the chosen hosts, services, labels and times`);
  }
  if (hosts > 1 && !loading.mergeThreads) {
    warnings.push(
      `processes and threads of ${hosts} hosts are told apart by their ids alone: choose one with --host`,
    );
  }
  if (loading.lines && recordings > 0 && !profile.lines?.ofFrame.some((line) => line >= 0)) {
    warnings.push("the dataset has no source lines: export with --lines to have them");
  }
  return { ...profile, meta: { ...profile.meta, warnings: [...warnings, ...profile.meta.warnings] } };
}
