/** Implementation of `pmuctl script`: prints samples one by one. */

import { EXIT, UsageError } from "../base/system/errors.ts";
import type { CommandSpec, Io, ParsedArgs } from "../cli/command.ts";
import { openChosenInput } from "../cli/default_input.ts";
import { refuseSameFile, writeOutputFile } from "../cli/output_file.ts";
import { page, print } from "../cli/pager.ts";
import { withProgress } from "../cli/reading_progress.ts";
import { loadProfile } from "../profile/load/load.ts";
import { ProfileQuery } from "../profile/query/query.ts";
import {
  DEFAULT_SCRIPT_FIELDS,
  parseScriptFields,
  renderScript,
  SCRIPT_FIELDS,
  type ScriptField,
  type ScriptOptions,
} from "../report/text/script.ts";
import { renderScriptJson } from "../report/json/script_json.ts";
import { INPUT_OPTION, namedRecording } from "./recording_input.ts";
import { comparedPart, FILTER_OPTIONS, namedEvents, partOf } from "./report_filter.ts";
import { fetcherOf, SYMBOL_FILE_OPTIONS, symbolFilesOf } from "./report_symbols.ts";

/** The `script` command. */
export const command: CommandSpec = {
  name: "script",
  summary: "print the samples one by one, as perf script does",
  usage: ["[-F FIELDS] [FILTER]... [--json] [-o FILE] [-i FILE | FILE]"],
  options: [
    INPUT_OPTION,
    {
      name: "fields",
      short: "F",
      value: "FIELDS",
      values: SCRIPT_FIELDS,
      list: true,
      help: `print FIELDS, any of ${SCRIPT_FIELDS.join(", ")}, or change the default: +srcline,-period ` +
        `(default: ${DEFAULT_SCRIPT_FIELDS.join(",")})`,
    },
    { name: "hide-call-graph", short: "G", help: "leave out callers: a line for each sample" },
    { name: "ns", help: "print times to the nanosecond" },
    { name: "reltime", help: "print times since the first sample" },
    { name: "deltatime", help: "print times since the sample before" },
    { name: "json", help: "print each sample as JSON in a line of its own" },
    ...FILTER_OPTIONS.filter(({ name }) => name !== "percentage"),
    { name: "event", short: "e", value: "EVENT", repeat: true, help: "print only this event" },
    { name: "lines", help: "with --json, add source files and lines, in programs built with -g" },
    { name: "no-inline", help: "leave out inlined functions" },
    ...SYMBOL_FILE_OPTIONS,
    { name: "output", short: "o", value: "FILE", help: "write the samples to a file" },
    { name: "no-pager", help: "don't show long output on a terminal through $PAGER (less)" },
    { name: "no-demangle", help: "print C++ and Rust names as the compiler wrote them" },
    {
      name: "no-unwind",
      help: "leave copies of stacks (--call-graph dwarf) unread: faster, without callers in user space",
    },
    {
      name: "force",
      short: "f",
      help: "print a damaged file up to the damage, and use programs that may have changed since",
    },
  ],
  groups: [
    {
      title: "what to read",
      options: ["input", "symfs", "vmlinux", "kallsyms", "debuginfod", "no-debuginfod", "no-unwind", "force"],
    },
    {
      title: "what to print",
      options: [
        ...["fields", "hide-call-graph", "ns", "reltime", "deltatime"],
        ...["lines", "no-inline", "no-demangle"],
      ],
    },
    {
      title: "which samples",
      options: ["event", "comms", "dsos", "symbols", "symbol-filter", "pid", "tid", "cpu", "kernel", "time"],
    },
    { title: "output", options: ["json", "output", "no-pager"] },
  ],
  examples: ["pmuctl script | head -30", "pmuctl script --json --time 10%-20% | jq .stack[0].symbol"],
  maxPositionals: 1,
  operands: "file",
  run,
};

async function run(args: ParsedArgs, io: Io): Promise<number> {
  const named = namedRecording("script", args);
  const options = optionsOf(args);
  const part = partOf(args);
  const fetcher = await fetcherOf(args, io);
  const { file, input } = await openChosenInput(named, io);
  const output = args.text("output") === "-" ? undefined : args.text("output");
  if (output !== undefined) refuseSameFile(output, file);
  const loaded = await withProgress(input, io, (input) =>
    loadProfile(input, symbolFilesOf(args, fetcher), {
      mangled: args.has("no-demangle"),
      force: args.has("force"),
      noUnwind: args.has("no-unwind"),
      lines: args.has("lines") || options.fields.has("srcline"),
      inline: !args.has("no-inline"),
      within: part.within,
      places: true,
      texts: args.has("json") || options.fields.has("trace"),
      times: true,
      untimed: true,
    }));
  const profile = comparedPart(namedEvents(new ProfileQuery(loaded), args.texts("event")), part, false);
  for (const warning of profile.meta.warnings) io.err(`pmuctl: warning: ${warning}`);
  const content = args.has("json") ? renderScriptJson(profile) : renderScript(profile, options);
  if (output !== undefined) writeOutputFile(output, content);
  else if (args.has("json")) print(content, io);
  else await page(content, io, { cut: false, paged: !args.has("no-pager") });
  return EXIT.ok;
}

function optionsOf(args: ParsedArgs): ScriptOptions {
  const text = args.text("fields");
  if (args.has("json") && text !== undefined) {
    throw new UsageError("script: --json has all fields: leave -F out");
  }
  if (args.has("lines") && !args.has("json")) {
    throw new UsageError("script: --lines is for --json: use -F +srcline");
  }
  const foreign = ["hide-call-graph", "ns", "reltime", "deltatime"].find((name) => args.has(name));
  if (args.has("json") && foreign !== undefined) {
    throw new UsageError(`script: --${foreign} and --json exclude each other: use one of them`);
  }
  if (args.has("reltime") && args.has("deltatime")) {
    throw new UsageError("script: --reltime and --deltatime exclude each other: use one of them");
  }
  const fields = text === undefined
    ? { fields: new Set(DEFAULT_SCRIPT_FIELDS), named: new Set<ScriptField>() }
    : parseScriptFields(text);
  return {
    ...fields,
    hideCallers: args.has("hide-call-graph"),
    nanoseconds: args.has("ns"),
    since: args.has("reltime") ? "first" : args.has("deltatime") ? "previous" : undefined,
  };
}
