/** Implementation of `pmuctl export`: adds recordings to a dataset of Parquet files. */

import { openInput } from "../base/files/file_bytes.ts";
import { EXIT, UsageError } from "../base/system/errors.ts";
import { counted } from "../base/text/plural.ts";
import type { CommandSpec, Io, ParsedArgs } from "../cli/command.ts";
import { withProgress } from "../cli/reading_progress.ts";
import { refuseOtherFolder } from "../dataset/layout/partitions.ts";
import { EXPORT_LOADING, type ExportedRecording, exportProfile } from "../dataset/write/export_profile.ts";
import { loadProfile } from "../profile/load/load.ts";
import type { SymbolFiles } from "../symbols/files/symbol_files.ts";
import { keyAndValue } from "./label.ts";
import { fetcherOf, SYMBOL_FILE_OPTIONS, symbolFilesOf } from "./report_symbols.ts";

/** The `export` command. */
export const command: CommandSpec = {
  name: "export",
  summary: "add recordings to a dataset of Parquet files, for reports over many machines",
  usage: ["[--label KEY=VALUE]... [OPTION]... -o DATASET RECORDING..."],
  options: [
    {
      name: "output",
      short: "o",
      value: "DIR",
      values: "folder",
      help: "add to the dataset in DIR, or make one there",
    },
    { name: "label", value: "KEY=VALUE", repeat: true, help: "label the recordings, as in release=1.4" },
    {
      name: "service",
      value: "NAME",
      help: "count all samples for this service (default: each process's name)",
    },
    {
      name: "host",
      value: "NAME",
      help: "file the recordings under this host (default: the one that they name)",
    },
    { name: "revision", value: "REV", help: "note the revision of the source that was recorded" },
    { name: "lines", help: "also keep source lines, in programs built with -g" },
    { name: "no-inline", help: "count inlined functions for the function that they were inlined into" },
    ...SYMBOL_FILE_OPTIONS,
    { name: "no-demangle", help: "keep C++ and Rust names as the compiler wrote them" },
    { name: "no-unwind", help: "leave copies of stacks (--call-graph dwarf) unread, which is faster" },
    {
      name: "force",
      short: "f",
      help: "export a damaged file up to the damage, and use programs that may have changed since",
    },
    { name: "quiet", short: "q", help: "print errors only" },
  ],
  examples: [
    "pmuctl export perf.data -o /data/profiles --label release=1.4",
    "pmuctl report /data/profiles --service nginx --since 7d",
  ],
  maxPositionals: Infinity,
  operands: "file",
  run,
};

async function run(args: ParsedArgs, io: Io): Promise<number> {
  const dataset = args.text("output")?.replace(/(?<=.)\/+$/, "");
  if (dataset === undefined) throw new UsageError("export: name the dataset with -o DIR");
  if (args.positionals.length === 0) throw new UsageError("export: name the recordings to export");
  refuseOtherFolder(dataset);
  const options = {
    dataset,
    labels: labelsOf(args.texts("label")),
    service: nameOf(args, "service"),
    host: nameOf(args, "host"),
    revision: nameOf(args, "revision"),
  };
  const files = notingEnd(symbolFilesOf(args, await fetcherOf(args, io)));
  const loading = {
    ...EXPORT_LOADING,
    mangled: args.has("no-demangle"),
    force: args.has("force"),
    noUnwind: args.has("no-unwind"),
    lines: args.has("lines"),
    inline: !args.has("no-inline"),
  };
  const note = args.has("quiet") ? () => {} : (line: string) => io.err(`pmuctl: ${line}`);
  for (const source of args.positionals) {
    const input = openInput(source);
    const profile = await withProgress(input, io, (input) => loadProfile(input, files, loading));
    for (const warning of profile.meta.warnings) note(`warning: ${source}: ${warning}`);
    const modified = input.modified ?? Date.now() / 1000;
    // where the recording says nothing of its end, that is the time of its file
    const ended = files.ended === modified ? undefined : files.ended;
    note(noteOf(source, exportProfile(profile, { ...options, source, ended, modified }), dataset));
  }
  return EXIT.ok;
}

/** Takes note of when the recording ended whose symbols are asked for. */
function notingEnd(files: SymbolFiles): SymbolFiles & { ended?: number } {
  const noting: SymbolFiles & { ended?: number } = {
    ...files,
    setMachine(machine) {
      noting.ended = machine.ended;
      files.setMachine?.(machine);
    },
  };
  return noting;
}

/** Says what has become of a recording. */
function noteOf(
  source: string,
  { added, samples, bytes, timeSource }: ExportedRecording,
  dataset: string,
): string {
  if (!added) return `${source} is in ${dataset} already`;
  const size = Object.values(bytes).reduce((sum, each) => sum + each, 0);
  const times = {
    clock: "",
    end: "",
    file: ", with the time of its file, as it does not relate its clock to the time of day",
    none: ", without times, as it has none",
  }[timeSource];
  return `added ${source} to ${dataset}: ${counted(samples, "sample")} in ${
    Math.ceil(size / 1024)
  } KiB${times}`;
}

/** Most labels of a recording, and most letters of a name. */
const MAX_LABELS = 64, MAX_NAME = 256;

/** Parses labels. Throws UsageError. */
function labelsOf(texts: readonly string[]): ReadonlyMap<string, string> {
  const labels = new Map<string, string>();
  for (const [key, value] of texts.map((text) => keyAndValue(text))) {
    if (labels.has(key)) {
      throw new UsageError(`--label ${key} is given twice: a recording has one value of each label`);
    }
    labels.set(key, value);
  }
  if (labels.size > MAX_LABELS) throw new UsageError(`--label: a recording has ${MAX_LABELS} labels at most`);
  return labels;
}

/** Returns the value of an option that is a name. Throws UsageError for one that is too long. */
function nameOf(args: ParsedArgs, option: string): string | undefined {
  const name = args.text(option);
  if (name !== undefined && name.length > MAX_NAME) {
    throw new UsageError(`--${option}: expected a name of at most ${MAX_NAME} letters`);
  }
  return name;
}
