/** Implementation of `pmuctl report`: shows where the time went. */

import { setColorEnabled } from "@std/fmt/colors";
import { EXIT, UsageError } from "../base/system/errors.ts";
import type { CommandSpec, Io, ParsedArgs } from "../cli/command.ts";
import { refuseSameFile, writeOutputFile } from "../cli/output_file.ts";
import { newPage } from "../cli/browser/pages_folder.ts";
import { page, print } from "../cli/pager.ts";
import { DEFAULT_SORT, parseSortKeys, SORT_KEYS } from "../profile/request/sort_keys.ts";
import type { LoadOptions } from "../profile/request/load_options.ts";
import { type Profile, sampleCount } from "../profile/model/profile.ts";
import { ProfileQuery } from "../profile/query/query.ts";
import {
  formatNamed,
  formatOfFile,
  FORMATS,
  formatsWith,
  type OutputOptions,
  type ReportFormat,
} from "../report/formats.ts";
import { DEFAULT_REPORT, type ReportOptions } from "../report/shared/options.ts";
import { DATASET_OPTIONS, datasetInput } from "./dataset_input.ts";
import { INPUT_OPTION, namedRecording } from "./recording_input.ts";
import { openNamedSource, openSource, type ProfileSource } from "./profile_source.ts";
import {
  callerWarnings,
  comparedPart,
  FILTER_OPTIONS,
  filterWarnings,
  namedEvents,
  partIn,
  partOf,
  type ProfilePart,
  withWarnings,
} from "./report_filter.ts";
import { baseOf, FLAMEGRAPH_OPTIONS, isInverted } from "./report_flamegraph.ts";
import { CODE_COUNT, codeSource } from "./report_code.ts";
import { cacheFolder } from "../symbols/files/cache_folder.ts";
import type { SymbolFiles } from "../symbols/files/symbol_files.ts";
import { fetcherOf, SYMBOL_FILE_OPTIONS, symbolFilesOf } from "./report_symbols.ts";
import { TPROF_OPTIONS, tprofOptionsOf } from "./report_tprof.ts";

const WEIGHTS = ["period", "samples"] as const;

/** The `report` command. */
export const command: CommandSpec = {
  name: "report",
  summary: "show where the time went, by command, object and symbol",
  usage: [
    "[-s KEYS] [-g | -G] [--children] [FILTER]... [--json] [-i FILE | FILE]",
    "--format FORMAT [-o FILE] [FILTER]... [-i FILE | FILE]",
    "--stats [--json] [-i FILE | FILE]",
    "[--host LIST] [--service LIST] [--since TIME] [--until TIME] [OPTION]... DATASET",
  ],
  options: [
    INPUT_OPTION,
    {
      name: "sort",
      short: "s",
      value: "KEYS",
      values: SORT_KEYS,
      list: true,
      help: `aggregate by KEYS, any of ${SORT_KEYS.join(", ")} (default: ${DEFAULT_SORT.join(",")})`,
    },
    { name: "children", help: "include in each symbol what it called: sort by total instead of self" },
    { name: "stdio", help: "accepted for perf's sake: text is the default" },
    {
      name: "show-nr-samples",
      short: "n",
      help: "accepted for perf's sake: the number of samples is always shown",
    },
    { name: "header", help: "accepted for perf's sake: the header is always shown" },
    { name: "no-children", help: "sort by self (the default)" },
    { name: "call-graph", short: "g", help: "show the callers of each row" },
    { name: "call-tree", short: "G", help: "show a call tree from the roots down instead of rows" },
    { name: "group", help: "show several events side by side in one table" },
    { name: "show-total-period", help: "add a column with the number of events, in ns for clock events" },
    { name: "ledger", help: "show how many samples were written and lost on each CPU, and why" },
    {
      name: "percent-limit",
      value: "PCT",
      help: `hide rows and callers below PCT percent (default: ${DEFAULT_REPORT.percentLimit})`,
    },
    {
      name: "lines",
      help: "also split by source line, in programs built with -g",
    },
    {
      name: "inline",
      help: "show inlined functions, in programs built with -g (the default where callers are shown)",
    },
    { name: "no-inline", help: "count inlined functions for the function that they were inlined into" },
    ...FILTER_OPTIONS,
    ...DATASET_OPTIONS,
    {
      name: "event",
      value: "EVENT",
      repeat: true,
      help: "show only this event, by its name in the report",
    },
    { name: "json", help: "print all rows as JSON, with trees for -g and -G" },
    {
      name: "format",
      value: "FORMAT",
      values: FORMATS.map(({ name }) => name),
      help: "print in FORMAT, see below (default: text)",
    },
    {
      name: "output",
      short: "o",
      value: "FILE",
      help: "write the report to a file; its ending chooses the format",
    },
    { name: "open", help: "open the report in a browser, as a page unless --format flamegraph" },
    {
      name: "weight",
      value: "WHAT",
      values: WEIGHTS,
      help: "count 'period' (the default) or 'samples' for each stack",
    },
    {
      name: "marks",
      help: "mark kernel functions with _[k], JIT-compiled ones with _[j], and inlined ones with _[i]",
    },
    {
      name: "annotate",
      value: "N",
      help:
        `put the code of the N hottest functions into the page, with source that all may read (default: ${CODE_COUNT}; 0: none)`,
    },
    ...FLAMEGRAPH_OPTIONS,
    ...SYMBOL_FILE_OPTIONS,
    ...TPROF_OPTIONS,
    { name: "full-names", help: "don't shorten names or cut lines to fit the terminal" },
    { name: "no-pager", help: "don't show long output on a terminal through $PAGER (less)" },
    { name: "no-demangle", help: "show C++ and Rust names as the compiler wrote them" },
    {
      name: "no-unwind",
      help: "leave copies of stacks (--call-graph dwarf) unread: faster, without callers in user space",
    },
    { name: "stats", help: "count records by type and event instead of samples by symbol" },
    {
      name: "force",
      short: "f",
      help: "report a damaged file up to the damage, and use programs that may have changed since",
    },
  ],
  groups: [
    {
      title: "what to read",
      options: [
        ...["input", "symfs", "vmlinux", "kallsyms", "debuginfod", "no-debuginfod", "no-unwind", "force"],
      ],
    },
    {
      title: "what to show",
      options: [
        ...[
          "sort",
          "call-graph",
          "call-tree",
          "children",
          "no-children",
          "lines",
          "inline",
          "no-inline",
          "group",
          "show-total-period",
        ],
        ...["percent-limit", "no-demangle", "full-names", "ledger", "stats"],
      ],
    },
    {
      title: "which samples",
      options: [
        ...["event", "comms", "dsos", "symbols", "symbol-filter", "pid", "tid", "cpu", "kernel", "time"],
        "percentage",
      ],
    },
    { title: "which samples of a dataset", options: DATASET_OPTIONS.map(({ name }) => name) },
    { title: "output", options: ["format", "json", "output", "open", "no-pager"] },
    { title: "for --format html", options: ["annotate"] },
    { title: "for --format folded", options: ["weight", "marks"] },
    {
      title: "for --format flamegraph",
      options: ["title", "upright", "inverted", "base", "normalize", "negate"],
    },
    {
      title: "for --format tprof",
      options: ["merge-cpus", "merge-threads", "merge-processes", "per-symbol"],
    },
  ],
  hidden: ["stdio", "show-nr-samples", "header"],
  lists: [{ title: "formats", rows: FORMATS.map(({ name, what }) => [name, what]) }],
  examples: ["pmuctl report -g", "pmuctl record -g -- make | pmuctl report"],
  maxPositionals: 1,
  operands: "file",
  run,
};

async function run(args: ParsedArgs, io: Io): Promise<number> {
  const named = namedRecording("report", args);
  const format = formatOf(args);
  if (args.has("open") && (args.text("output") === "-" || args.has("stats"))) {
    throw new UsageError("report: --open needs a file for the browser: leave out -o - and --stats");
  }
  const output = args.has("open") ? args.text("output") ?? pageFor(format) : outputOf(args, format, io);
  const dataset = datasetInput("report", named, args);
  const part = partOf(args);
  const compared = baseOf(args);
  const view = viewOf(args, io.stdoutIsTerminal && output === undefined, io);
  const browser = args.has("open") ? await waitingBrowser(output!, io) : undefined;
  const fetcher = await fetcherOf(args, io);
  const source = await openSource(dataset, named, io), { file } = source;
  if (output !== undefined) refuseSameFile(output, file);
  const options = {
    ...view,
    tprof: tprofOptionsOf(args, file, view.width),
    weight: args.choice("weight", WEIGHTS) ?? "period",
    marks: args.has("marks"),
    flamegraph: { inverted: isInverted(args), title: args.text("title") },
  };
  if (args.has("stats")) {
    const { printStats } = await import("./report_stats.ts");
    return await printStats(source.input!, args, io);
  }
  const code = dataset ? undefined : codeSource(args, format, io), files = symbolFilesOf(args, fetcher);
  const loading = { ...loadOptionsOf(args, part, format, options), ...code?.loading };
  const load = async (from: ProfileSource, files: SymbolFiles) =>
    new ProfileQuery(await from.load(files, loading));
  const loaded = await load(source, files);
  const ofEvents = namedEvents(loaded, args.texts("event"), format.events);
  const { all, kept, read } = chosenPart(ofEvents, part, format, io);
  const whole = (part.absolute ? all : kept).totals();
  const loadBase = (name: string) => load(openNamedSource(name, dataset, io), symbolFilesOf(args, fetcher));
  const base = compared && { ...compared, profile: await basePart(loadBase(compared.name), args, part) };
  setColorEnabled(options.color);
  const render = await format.renderer();
  const flamegraph = { ...options.flamegraph, base };
  const content = render(warned(kept.profile, ofEvents, { part: read, format, options }, io), {
    ...options,
    whole,
    flamegraph,
    code: await code?.of(kept.profile, files),
  });
  if (output !== undefined) {
    writeOutputFile(output, content);
    if (args.has("open")) {
      io.err(`pmuctl: wrote ${output}${await browser?.open() ? "" : ": open it in a browser"}`);
    }
  } else if (format.reader !== "people") print(content, io);
  else {
    await page(content, io, { cut: !args.has("full-names"), paged: !args.has("no-pager") });
  }
  return EXIT.ok;
}

/** Returns what to load of the recording for a format: no more than its rows and the filters need. */
function loadOptionsOf(
  args: ParsedArgs,
  part: ProfilePart,
  format: ReportFormat,
  options: OutputOptions,
): LoadOptions {
  const keys = format.keys(options);
  const lines = args.has("lines") || keys.includes("srcline");
  return {
    mangled: args.has("no-demangle"),
    force: args.has("force"),
    noUnwind: args.has("no-unwind"),
    leafOnly: !format.callers(options),
    // filters match readable names, and raise the shares of what they keep
    readableFrom:
      format.name === "text" && !format.callers(options) && !part.within && !part.cpus && !part.filter
        ? options.percentLimit
        : undefined,
    // merge while reading what no row and no filter distinguishes, to save time and memory
    mergeCpus: !keys.includes("cpu") && !part.cpus,
    mergeThreads: !keys.includes("pid") && !keys.includes("tid") && !part.filter?.pids && !part.filter?.tids,
    mergeAddresses: !format.addresses,
    times: format.times,
    lines,
    inline: !format.withoutInlined && !args.has("no-inline") &&
      (args.has("inline") || (format.asksCallers ?? format.callers)(options)),
    within: part.within,
  };
}

function formatOf(args: ParsedArgs): ReportFormat {
  const format = args.choice("format", FORMATS.map(({ name }) => name));
  if (args.has("json") && format !== undefined && format !== "json") {
    throw new UsageError(`report: --json and --format ${format} exclude each other: use one of them`);
  }
  const output = args.text("output"), ofFile = output === undefined ? undefined : formatOfFile(output);
  const guessed = ofFile ?? (args.has("open") ? "html" : undefined);
  const chosen = args.has("json") ? "json" : format ?? guessed ?? "text";
  if (args.has("open") && chosen !== "html" && chosen !== "flamegraph") {
    throw new UsageError(`report: --open shows a page or a flame graph, not ${chosen}: leave --open out`);
  }
  if (args.has("annotate") && chosen === "folded") {
    throw new UsageError("report: --annotate is for pages: --marks adds _[k] and the like to folded names");
  }
  for (const { name } of command.options) {
    const knowing = formatsWith(name);
    if (args.has(name) && knowing.length > 0 && !knowing.includes(chosen)) {
      throw new UsageError(`report: --${name} needs --format ${knowing.join(" or ")}, not ${chosen}`);
    }
  }
  return formatNamed(chosen);
}

/** Returns a new file in a folder of the user's, for the browser. */
function pageFor({ name }: ReportFormat): string {
  return newPage(cacheFolder(), name === "html" ? "html" : "svg");
}

/** Starts the user's browser, which waits until the file is written; undefined if there is none. */
async function waitingBrowser(output: string, io: Io) {
  const { WaitingBrowser } = await import("../cli/browser/waiting_browser.ts");
  return WaitingBrowser.start(output.startsWith("/") ? output : `${Deno.cwd()}/${output}`, io.env);
}

/** Returns the file to write; undefined for standard output. */
function outputOf(args: ParsedArgs, { name, reader, fileName }: ReportFormat, io: Io): string | undefined {
  const output = args.text("output");
  if (output !== undefined && args.has("stats")) {
    throw new UsageError("report: --stats and -o exclude each other: use > FILE");
  }
  if (output !== undefined && output !== "-") return output;
  if (reader === "file" && output === undefined && io.stdoutIsTerminal) {
    throw new UsageError(
      `report: --format ${name} is not for a terminal: write it to a file with -o ${fileName}`,
    );
  }
}

/** Returns the part of a base to compare with: the named events, where it has them; all events otherwise. */
async function basePart(
  loading: Promise<ProfileQuery>,
  args: ParsedArgs,
  part: ProfilePart,
): Promise<Profile> {
  const query = await loading, named = query.select(args.texts("event"), "heaviest");
  return comparedPart("unknown" in named ? query.mergeHybridEvents() : named, part, true);
}

/**
 * Filters the events that the format shows: `all` by CPU alone, `kept` by every filter; `read` is the part as partIn() has
 * it. Warns when a format that
 * shows fewer events leaves out some that have samples.
 */
function chosenPart(
  named: ProfileQuery,
  part: ProfilePart,
  { name, events: choice = "recorded" }: ReportFormat,
  io: Io,
): { all: ProfileQuery; kept: ProfileQuery; read: ProfilePart } {
  const read = partIn(named, part), { cpus, filter } = read;
  const all = cpus ? named.filter({ cpus }) : named;
  const kept = filter ? all.filter(filter) : all, { profile } = kept;
  if (choice === "recorded") return { all, kept, read };
  const order = (sampleCount(profile) > 0 ? kept : all).heaviestEvents();
  const events = choice === "heaviest" ? order.slice(0, 1) : order;
  const nameOf = (event: number) => profile.events[event].name;
  const others = order.slice(events.length).filter((event) => sampleCount(profile, event) > 0);
  if (others.length > 0) {
    const list = others.map((event) => `--event ${nameOf(event)}`).join(", ");
    io.err(`pmuctl: warning: --format ${name} shows one event, ${nameOf(events[0])}; others: ${list}`);
  }
  return { all: all.withEvents(events), kept: kept.withEvents(events), read };
}

/**
 * Adds warnings about the request to the profile: of callers that were not recorded, and of filters that match nothing.
 * Formats for files, and those without warnings, have them on standard error.
 */
function warned(
  profile: Profile,
  named: ProfileQuery,
  { part, format, options }: { part: ProfilePart; format: ReportFormat; options: OutputOptions },
  io: Io,
): Profile {
  const asksCallers = (format.asksCallers ?? format.callers)(options);
  const said = [
    ...(asksCallers ? callerWarnings(profile) : []),
    ...filterWarnings(named, profile, part),
  ];
  const shown = withWarnings(profile, said);
  const onStandardError = format.withoutWarnings ? shown.meta.warnings : format.name === "text" ? [] : said;
  for (const warning of onStandardError) io.err(`pmuctl: warning: ${warning}`);
  return shown;
}

function viewOf(args: ParsedArgs, onTerminal: boolean, io: Io): ReportOptions {
  for (
    const [one, other] of [["children", "no-children"], ["call-graph", "call-tree"], ["inline", "no-inline"]]
  ) {
    if (args.has(one) && args.has(other)) {
      throw new UsageError(`report: --${one} and --${other} exclude each other: use one of them`);
    }
  }
  const text = args.text("sort");
  const sort = text === undefined ? DEFAULT_SORT : parseSortKeys(text);
  if (args.has("group") && args.has("call-graph")) {
    throw new UsageError("report: --group and -g exclude each other: use one of them");
  }
  return {
    sort: args.has("lines") && !sort.includes("srcline") ? [...sort, "srcline"] : sort,
    children: args.has("children"),
    tree: args.has("call-graph") ? "callers" : args.has("call-tree") ? "calls" : "none",
    sideBySide: args.has("group"),
    showPeriod: args.has("show-total-period"),
    ledger: args.has("ledger"),
    percentLimit: args.number("percent-limit", { min: 0, max: 100 }) ?? DEFAULT_REPORT.percentLimit,
    width: onTerminal && !args.has("full-names") ? io.columns : Infinity,
    color: onTerminal && !io.env("NO_COLOR"),
  };
}
