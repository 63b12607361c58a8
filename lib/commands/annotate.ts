/** Implementation of `pmuctl annotate`: shows where in a function the samples are. */

import { setColorEnabled } from "@std/fmt/colors";
import { annotateNamed } from "../annotate/annotate_named.ts";
import { renderAnnotationJson } from "../annotate/annotate_json.ts";
import { renderAnnotation } from "../annotate/annotate_text.ts";
import { EXIT, UsageError } from "../base/system/errors.ts";
import type { CommandSpec, Io, ParsedArgs } from "../cli/command.ts";
import { openChosenInput } from "../cli/default_input.ts";
import { refuseSameFile, writeOutputFile } from "../cli/output_file.ts";
import { page, print } from "../cli/pager.ts";
import { withProgress } from "../cli/reading_progress.ts";
import { loadProfile } from "../profile/load/load.ts";
import { sampleCount } from "../profile/model/profile.ts";
import { ProfileQuery } from "../profile/query/query.ts";
import type { ObjectInfo } from "../symbols/object/objects.ts";
import type { Symbolizer } from "../symbols/symbolizer.ts";
import { INPUT_OPTION } from "./recording_input.ts";
import { comparedPart, FILTER_OPTIONS, namedEvents, partOf } from "./report_filter.ts";
import { fetcherOf, SYMBOL_FILE_OPTIONS, symbolFilesOf } from "./report_symbols.ts";

const SYNTAXES = ["att", "intel"] as const;
/** Filters that `annotate` has: SYMBOL chooses the function. */
const FILTERS = ["comms", "dsos", "pid", "tid", "cpu", "time"];

/** The `annotate` command. */
export const command: CommandSpec = {
  name: "annotate",
  summary: "show where in a function the samples are, by instruction and source line",
  usage: ["[FILTER]... [--source | --no-source] [--json] [-o FILE] [-i FILE] [SYMBOL]"],
  options: [
    INPUT_OPTION,
    {
      name: "event",
      short: "e",
      value: "EVENT",
      help: "count the samples of this event (default: the one with most)",
    },
    { name: "source", help: "show source lines alone" },
    { name: "no-source", help: "show instructions alone" },
    {
      name: "disassembler-style",
      short: "M",
      value: "STYLE",
      values: SYNTAXES,
      help: "write x86's assembly in this style: att (the default) or intel",
    },
    ...FILTER_OPTIONS.filter(({ name }) => FILTERS.includes(name)),
    ...SYMBOL_FILE_OPTIONS,
    { name: "json", help: "print all as JSON" },
    { name: "output", short: "o", value: "FILE", help: "write the result to a file" },
    { name: "no-pager", help: "don't show long output on a terminal through $PAGER (less)" },
    { name: "no-demangle", help: "show C++ and Rust names as the compiler wrote them" },
    {
      name: "force",
      short: "f",
      help: "annotate a damaged file up to the damage, and use programs that may have changed since",
    },
  ],
  groups: [
    {
      title: "what to read",
      options: ["input", "symfs", "vmlinux", "kallsyms", "debuginfod", "no-debuginfod", "force"],
    },
    { title: "what to show", options: ["source", "no-source", "disassembler-style", "no-demangle"] },
    { title: "which samples", options: ["event", ...FILTERS] },
    { title: "output", options: ["json", "output", "no-pager"] },
  ],
  examples: ["pmuctl annotate", "pmuctl annotate -d libc.so.6 malloc"],
  maxPositionals: 1,
  run,
};

async function run(args: ParsedArgs, io: Io): Promise<number> {
  const [name] = args.positionals;
  if (name?.trim() === "") {
    throw new UsageError(
      "annotate: the function's name is empty: leave it out for the one with most samples",
    );
  }
  if (args.has("source") && args.has("no-source")) {
    throw new UsageError("annotate: --source and --no-source exclude each other: use one of them");
  }
  const part = partOf(args), syntax = args.choice("disassembler-style", SYNTAXES);
  const fetcher = await fetcherOf(args, io);
  const { file, input } = await openChosenInput(args.text("input"), io);
  const output = args.text("output") === "-" ? undefined : args.text("output");
  if (output !== undefined) refuseSameFile(output, file);
  const files = symbolFilesOf(args, fetcher);
  let seen: { objects: readonly ObjectInfo[]; symbolizer: Symbolizer } | undefined;
  const loaded = await withProgress(input, io, (input) =>
    loadProfile(input, files, {
      mangled: args.has("no-demangle"),
      force: args.has("force"),
      leafOnly: true,
      mergeCpus: !part.cpus,
      within: part.within,
      places: true,
      seeObjects: (objects, symbolizer) => seen = { objects, symbolizer },
    }));
  const event = args.text("event");
  const ofEvents = namedEvents(new ProfileQuery(loaded), event === undefined ? [] : [event]);
  const profile = comparedPart(ofEvents, part, false);
  if (args.has("json")) { // as in report; text has all warnings at its top
    const said = profile.meta.warnings.length - ofEvents.profile.meta.warnings.length;
    for (const warning of profile.meta.warnings.slice(0, said)) io.err(`pmuctl: warning: ${warning}`);
  }
  const annotation = await annotateNamed(profile, {
    event: (sampleCount(profile) > 0 ? new ProfileQuery(profile) : ofEvents).heaviestEvents()[0] ?? 0,
    name,
    unfiltered: ofEvents.profile,
    ...seen!,
    files,
    syntax,
    mangled: args.has("no-demangle"),
    sourceOnly: args.has("source"),
    noSource: args.has("no-source"),
  });
  const onTerminal = io.stdoutIsTerminal && output === undefined;
  setColorEnabled(onTerminal && !io.env("NO_COLOR"));
  const view = {
    sourceOnly: args.has("source"),
    noSource: args.has("no-source"),
    width: onTerminal ? io.columns : undefined,
  };
  const content = args.has("json") ? renderAnnotationJson(annotation) : renderAnnotation(annotation, view);
  if (output !== undefined) writeOutputFile(output, content);
  else if (args.has("json")) print(content, io);
  else await page(content, io, { cut: true, paged: !args.has("no-pager") });
  return EXIT.ok;
}
