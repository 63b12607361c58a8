/** Implementation of `pmuctl diff`: shows what changed from one profile to another. */

import { setColorEnabled } from "@std/fmt/colors";
import { EXIT, UsageError } from "../base/system/errors.ts";
import type { CommandSpec, Io, ParsedArgs } from "../cli/command.ts";
import { refuseSameFile, writeOutputFile } from "../cli/output_file.ts";
import { page, print } from "../cli/pager.ts";
import { DEFAULT_DIFF_KEYS, DIFF_ORDERS, diffProfiles, type MatchKey } from "../profile/compare/diff.ts";
import { NORMALIZATIONS } from "../profile/request/normalization.ts";
import { parseSortKeys } from "../profile/request/sort_keys.ts";
import type { Profile } from "../profile/model/profile.ts";
import { ProfileQuery } from "../profile/query/query.ts";
import { renderDiffJson } from "../report/json/diff_json.ts";
import { renderDiffText } from "../report/text/diff_text.ts";
import { renderFlamegraph } from "../report/flame/flamegraph.ts";
import { hostSymbolFiles } from "../symbols/files/host_files.ts";
import type { SymbolFiles } from "../symbols/files/symbol_files.ts";
import { DATASET_OPTIONS, type DatasetInput, datasetInputs } from "./dataset_input.ts";
import { keyAndValue } from "./label.ts";
import { openDatasetSource, openNamedSource } from "./profile_source.ts";
import { comparedPart, FILTER_OPTIONS, partOf, type ProfilePart } from "./report_filter.ts";
import { isInverted, NORMALIZE_OPTION, ORIENTATION_OPTIONS } from "./report_flamegraph.ts";
import { FETCH_OPTIONS, fetcherOf } from "./report_symbols.ts";

const FORMATS = ["text", "json", "flamegraph"] as const;
const PERCENT_LIMIT = 0.1;
const KEYS: readonly MatchKey[] = ["comm", "dso", "sym"];

/** The `diff` command. */
export const command: CommandSpec = {
  name: "diff",
  summary: "compare two profiles by symbol: what takes more, what takes less, what is new",
  usage: [
    "[--normalize HOW] [--by KEYS] [FILTER]... [--json | --format FORMAT] [-o FILE] A B",
    "--old KEY=VALUE --new KEY=VALUE [OPTION]... DATASET",
  ],
  options: [
    NORMALIZE_OPTION,
    {
      name: "by",
      value: "KEYS",
      values: KEYS,
      list: true,
      help: `compare by any of ${KEYS} (default: ${DEFAULT_DIFF_KEYS})`,
    },
    {
      name: "sort",
      value: "ORDER",
      values: DIFF_ORDERS,
      help: "sort by 'delta' (change of self, the default), 'self' or 'total'",
    },
    { name: "event", short: "e", value: "EVENT", help: "compare only this event" },
    {
      name: "percent-limit",
      value: "PCT",
      help: `hide rows below PCT percent in both (default: ${PERCENT_LIMIT})`,
    },
    ...FILTER_OPTIONS.filter(({ name }) => name !== "percentage"),
    ...DATASET_OPTIONS,
    {
      name: "old",
      value: "KEY=VALUE",
      help: "of a dataset, compare recordings with this label, as in release=1.3",
    },
    { name: "new", value: "KEY=VALUE", help: "of a dataset, compare them with recordings with this label" },
    { name: "json", help: "print all rows as JSON" },
    {
      name: "format",
      value: "FORMAT",
      values: FORMATS,
      help: `print in FORMAT: ${FORMATS.join(", ")} (default: text)`,
    },
    ...ORIENTATION_OPTIONS,
    { name: "negate", help: "draw the older recording, A, to show what is gone" },
    { name: "output", short: "o", value: "FILE", help: "write the result to a file" },
    { name: "full-names", help: "don't shorten names or cut lines to fit the terminal" },
    { name: "no-pager", help: "don't show long output on a terminal through $PAGER (less)" },
    { name: "no-demangle", help: "show C++ and Rust names as the compiler wrote them" },
    ...FETCH_OPTIONS,
    { name: "no-unwind", help: "leave copies of stacks (--call-graph dwarf) unread, which is faster" },
    {
      name: "force",
      help: "compare a damaged file up to the damage, and use programs that may have changed since",
    },
  ],
  groups: [
    {
      title: "what to compare",
      options: [
        "event",
        "by",
        "normalize",
        "sort",
        "percent-limit",
        "no-demangle",
        "debuginfod",
        "no-debuginfod",
        "no-unwind",
        "full-names",
        "force",
      ],
    },
    {
      title: "which samples",
      options: ["comms", "dsos", "symbols", "symbol-filter", "pid", "tid", "cpu", "kernel", "time"],
    },
    {
      title: "which samples of a dataset",
      options: ["old", "new", ...DATASET_OPTIONS.map(({ name }) => name)],
    },
    { title: "output", options: ["format", "json", "output", "no-pager"] },
    { title: "for --format flamegraph", options: ["upright", "inverted", "negate"] },
  ],
  examples: [
    "pmuctl record -g -o old.data -- ./app.old && pmuctl record -g -o new.data -- ./app.new",
    "pmuctl diff old.data new.data",
    "pmuctl diff --format flamegraph -o diff.svg old.data new.data",
    "pmuctl diff --old release=1.3 --new release=1.4 --service nginx /data/profiles",
  ],
  maxPositionals: 2,
  operands: "file",
  run,
};

async function run(args: ParsedArgs, io: Io): Promise<number> {
  const [sideA, sideB] = sidesOf(args), names = { a: sideA.name, b: sideB.name };
  const order = args.choice("sort", DIFF_ORDERS) ?? "delta";
  const options = {
    keys: keysOf(args),
    normalize: args.choice("normalize", NORMALIZATIONS),
    event: args.text("event"),
  };
  const percentLimit = args.number("percent-limit", { min: 0, max: 100 }) ?? PERCENT_LIMIT;
  const part = partOf(args);
  const format = formatOf(args);
  const output = args.text("output") === "-" ? undefined : args.text("output");
  if (output !== undefined) { for (const { file } of [sideA, sideB]) refuseSameFile(output, file); }
  if (format === "flamegraph" && args.text("output") === undefined && io.stdoutIsTerminal) {
    throw new UsageError(
      "diff: --format flamegraph is not for a terminal: write it to a file with -o diff.svg",
    );
  }
  const files = { force: args.has("force"), fetcher: await fetcherOf(args, io) };
  const load = (side: DiffSide) => loadPart(side, hostSymbolFiles(files), part, { args, io });
  const a = await load(sideA);
  const b = await load(sideB);
  const onTerminal = io.stdoutIsTerminal && output === undefined;
  const color = onTerminal && !io.env("NO_COLOR");
  setColorEnabled(color);
  const render = (): Iterable<string> => {
    switch (format) {
      case "text": {
        const width = onTerminal && !args.has("full-names") ? io.columns : Infinity;
        return renderDiffText(diffProfiles(a, b, options), { names, order, percentLimit, width, color });
      }
      case "json":
        return renderDiffJson(diffProfiles(a, b, options), { names, order });
      case "flamegraph": {
        const { normalize = "none", event } = options;
        const [old, now] = [a, b].map((profile) => {
          const named = new ProfileQuery(profile).select(event === undefined ? [] : [event], "heaviest");
          return "unknown" in named ? profile : named.profile; // told by whoever looks for it in both
        });
        const base = { profile: old, name: names.a, normalize, negate: args.has("negate") };
        return [renderFlamegraph(now, { inverted: isInverted(args), event, base })];
      }
    }
  };
  const content = render();
  if (output !== undefined) writeOutputFile(output, content);
  else if (format !== "text") print(content, io);
  else await page(content, io, { cut: !args.has("full-names"), paged: !args.has("no-pager") });
  return EXIT.ok;
}

function formatOf(args: ParsedArgs): typeof FORMATS[number] {
  const format = args.choice("format", FORMATS);
  if (args.has("json") && format !== undefined && format !== "json") {
    throw new UsageError(`diff: --json and --format ${format} exclude each other: use one of them`);
  }
  const chosen = args.has("json") ? "json" : format ?? "text";
  const foreign = chosen === "flamegraph"
    ? ["by", "sort", "percent-limit"].find((name) => args.has(name))
    : ["upright", "inverted", "negate"].find((name) => args.has(name));
  if (foreign) throw new UsageError(`diff: --${foreign} conflicts with --format ${chosen}: leave it out`);
  return chosen;
}

function keysOf(args: ParsedArgs): MatchKey[] | undefined {
  const text = args.text("by");
  return text === undefined ? undefined : parseSortKeys(text).map((key) => {
    if ((KEYS as readonly string[]).includes(key)) return key as MatchKey;
    throw new UsageError(
      `--by '${text}': '${key}' differs between recordings; expected any of ${KEYS}`,
    );
  });
}

/** Recording or dataset to compare. */
interface DiffSide {
  /** Name to show. */
  name: string;
  file: string;
  /** Dataset and the part of it to compare; undefined for a recording. */
  dataset?: DatasetInput;
}

/** Returns the two sides: two files or datasets, or one dataset with two labels. Throws UsageError. */
function sidesOf(args: ParsedArgs): [DiffSide, DiffSide] {
  const [fileA, fileB = fileA] = args.positionals, labels = [args.text("old"), args.text("new")];
  const isOne = args.positionals.length === 1 && labels.every((label) => label !== undefined);
  if (fileA === undefined || (args.positionals.length === 1 && !isOne)) {
    throw new UsageError(
      "diff: expected two files: pmuctl diff OLD NEW, or a dataset: pmuctl diff --old release=1.3 --new release=1.4 DATASET",
    );
  }
  if (fileA === "-" && fileB === "-") {
    throw new UsageError("diff: only one of the two files can be standard input");
  }
  const datasets = datasetInputs("diff", [fileA, fileB], args);
  const [a, b] = [fileA, fileB].map((file, side): DiffSide => {
    const dataset = datasets[side], label = labels[side];
    if (label === undefined) return { name: file, file, dataset };
    const option = side === 0 ? "old" : "new";
    if (dataset === undefined) {
      throw new UsageError(`diff: --${option} chooses recordings of a dataset, and ${file} is none`);
    }
    const [key, value] = keyAndValue(label, option);
    const selection = {
      ...dataset.selection,
      labels: new Map([...dataset.selection.labels ?? [], [key, value]]),
    };
    return { name: `${file} (${label})`, file, dataset: { path: dataset.path, selection } };
  });
  return [a, b];
}

/** Loads the compared part of a profile. */
async function loadPart(
  { name, file, dataset }: DiffSide,
  files: SymbolFiles,
  part: ProfilePart,
  { args, io }: { args: ParsedArgs; io: Io },
): Promise<Profile> {
  const loading = {
    mangled: args.has("no-demangle"),
    force: args.has("force"),
    noUnwind: args.has("no-unwind"),
    mergeCpus: !part.cpus,
    mergeThreads: !part.filter?.pids && !part.filter?.tids,
    mergeAddresses: true,
    within: part.within,
    inline: args.text("format") === "flamegraph", // as in report's
  };
  const source = dataset ? openDatasetSource(dataset) : openNamedSource(file, undefined, io);
  const profile = await source.load(files, loading);
  const asksCallers = args.text("format") === "flamegraph" || args.text("sort") === "total";
  const compared = comparedPart(new ProfileQuery(profile), part, asksCallers);
  if (args.has("json") || (args.has("format") && args.text("format") !== "text")) {
    const added = compared.meta.warnings.length - profile.meta.warnings.length;
    for (const warning of compared.meta.warnings.slice(0, added)) {
      io.err(`pmuctl: warning: ${name}: ${warning}`);
    }
  }
  return compared;
}
