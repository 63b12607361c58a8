/** `pmuctl report`: where the time went. */

import { setColorEnabled } from "@std/fmt/colors";
import type { ByteInput } from "../base/bytes/byte_source.ts";
import { openInput } from "../base/files/file_bytes.ts";
import { EXIT, UsageError } from "../base/system/errors.ts";
import type { CommandSpec, Io, ParsedArgs } from "../cli/command.ts";
import { DEFAULT_FILE, openChosenInput } from "../cli/default_input.ts";
import { refuseSameFile, writeOutputFile } from "../cli/output_file.ts";
import { page, print } from "../cli/pager.ts";
import { withProgress } from "../cli/reading_progress.ts";
import { filterProfile, withEvents } from "../profile/query/filter.ts";
import { DEFAULT_SORT, parseSortKeys, SORT_KEYS } from "../profile/query/groups.ts";
import { type LoadOptions, loadProfile } from "../profile/load/load.ts";
import { type Profile, sampleCount } from "../profile/model/profile.ts";
import { heaviestFirst, mergeHybridEvents, selectEvents } from "../profile/query/shown_events.ts";
import { profileTotals } from "../profile/query/table.ts";
import {
  formatNamed,
  FORMATS,
  formatsWith,
  type OutputOptions,
  type ReportFormat,
} from "../report/formats.ts";
import { DEFAULT_REPORT, type ReportOptions } from "../report/shared/options.ts";
import {
  callerWarnings,
  comparedPart,
  FILTER_OPTIONS,
  filterWarnings,
  partOf,
  type ProfilePart,
  withWarnings,
} from "./report_filter.ts";
import { baseOf, FLAMEGRAPH_OPTIONS } from "./report_flamegraph.ts";
import { SYMBOL_FILE_OPTIONS, symbolFilesOf } from "./report_symbols.ts";
import { TPROF_OPTIONS, tprofOptionsOf } from "./report_tprof.ts";

const WEIGHTS = ["period", "samples"] as const;

export const command: CommandSpec = {
  name: "report",
  summary: "show where the time went, by command, object and symbol",
  usage: [
    "[-s KEYS] [-g | -G] [--children] [FILTER]... [--json] [-i FILE | FILE]",
    "--format FORMAT [-o FILE] [FILTER]... [-i FILE | FILE]",
    "--stats [--json] [-i FILE | FILE]",
  ],
  options: [
    {
      name: "input",
      short: "i",
      value: "FILE",
      help:
        `file to read, - for standard input (default: standard input if it is a pipe, else ${DEFAULT_FILE})`,
    },
    {
      name: "sort",
      short: "s",
      value: "KEYS",
      values: SORT_KEYS,
      list: true,
      help: `what a row stands for: any of ${SORT_KEYS.join(", ")} (default: ${DEFAULT_SORT.join(",")})`,
    },
    { name: "children", help: "count what a symbol called with it: sort by total instead of self" },
    { name: "stdio", help: "text: the default" },
    { name: "show-nr-samples", short: "n", help: "a column with the number of samples: always there" },
    { name: "header", help: "where and when it was recorded: always shown" },
    { name: "no-children", help: "sort by self (the default)" },
    { name: "call-graph", short: "g", help: "show the callers of each row" },
    { name: "call-tree", short: "G", help: "show a call tree from the roots down, instead of rows" },
    { name: "group", help: "show several events side by side in one table" },
    { name: "show-total-period", help: "add a column with the number of events, or ns for clock events" },
    { name: "ledger", help: "show how many samples were written and lost on each CPU, and why" },
    {
      name: "percent-limit",
      value: "PCT",
      help:
        `leave out rows and callers below this share in percent (default: ${DEFAULT_REPORT.percentLimit})`,
    },
    {
      name: "lines",
      help:
        "also split by source line, in programs built with -g; inlined code counts for the function it was put into",
    },
    ...FILTER_OPTIONS,
    {
      name: "event",
      value: "EVENT",
      repeat: true,
      help: "show this event only, by the name that the report gives it",
    },
    { name: "json", help: "write all rows as JSON, with their trees for -g and -G" },
    {
      name: "format",
      value: "FORMAT",
      values: FORMATS.map(({ name }) => name),
      help: "what to write, see below (default: text)",
    },
    { name: "output", short: "o", value: "FILE", help: "write the report to a file" },
    {
      name: "weight",
      value: "WHAT",
      values: WEIGHTS,
      help: "number behind each stack: period (the default) or samples",
    },
    { name: "annotate", help: "mark names in the kernel with _[k], and run-time code with _[j]" },
    ...FLAMEGRAPH_OPTIONS,
    ...SYMBOL_FILE_OPTIONS,
    ...TPROF_OPTIONS,
    { name: "full-names", help: "don't fold or shorten names, or cut lines, to fit the terminal" },
    { name: "no-pager", help: "don't show long output on a terminal through $PAGER (less)" },
    { name: "no-demangle", help: "show C++ and Rust names as the compiler wrote them" },
    {
      name: "no-unwind",
      help: "leave copies of stacks (--call-graph dwarf) unread: faster, without callers in user space",
    },
    { name: "stats", help: "count records by type and event, instead of samples by symbol" },
    {
      name: "force",
      short: "f",
      help: "report what comes before damage in the file, and use programs that may have changed since",
    },
  ],
  groups: [
    { title: "what to read", options: ["input", "symfs", "vmlinux", "kallsyms", "no-unwind", "force"] },
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
    { title: "output", options: ["format", "json", "output", "no-pager"] },
    { title: "for --format folded", options: ["weight", "annotate"] },
    { title: "for --format flamegraph", options: ["title", "inverted", "base", "normalize", "negate"] },
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
  const [positional] = args.positionals;
  const named = args.text("input");
  if (named !== undefined && positional !== undefined) {
    throw new UsageError(`report: one file at a time: -i ${named}, or ${positional}`);
  }
  const format = formatOf(args);
  const output = outputOf(args, format, io);
  const part = partOf(args);
  const compared = baseOf(args);
  const view = viewOf(args, io.stdoutIsTerminal && output === undefined, io);
  const { file, input } = await openChosenInput(named ?? positional, io);
  if (output !== undefined) refuseSameFile(output, file);
  const options = {
    ...view,
    tprof: tprofOptionsOf(args, file, view.width),
    weight: args.choice("weight", WEIGHTS) ?? "period",
    annotate: args.has("annotate"),
    flamegraph: { inverted: args.has("inverted"), title: args.text("title") },
  };
  const keys = format.keys(options);
  if (args.has("stats")) {
    const { printStats } = await import("./report_stats.ts");
    return await printStats(input, args, io);
  }
  const lines = args.has("lines") || keys.includes("srcline");
  const loading: LoadOptions = {
    mangled: args.has("no-demangle"),
    force: args.has("force"),
    noUnwind: args.has("no-unwind"),
    leafOnly: !format.callers(options),
    // a filter goes by readable names, and makes the shares of what it leaves larger
    readableFrom:
      format.name === "text" && !format.callers(options) && !part.within && !part.cpus && !part.filter
        ? options.percentLimit
        : undefined,
    // what no row and no filter goes by is merged as it is read, and costs neither time nor memory
    mergeCpus: !keys.includes("cpu") && !part.cpus,
    mergeThreads: !keys.includes("pid") && !keys.includes("tid") && !part.filter?.pids && !part.filter?.tids,
    mergeAddresses: !format.addresses,
    times: format.times,
    lines,
    within: part.within,
  };
  const load = (from: ByteInput) =>
    withProgress(from, io, (input) => loadProfile(input, symbolFilesOf(args), loading));
  const loaded = await load(input);
  const ofEvents = namedEvents(loaded, args.texts("event"), format);
  const { all, profile } = chosenPart(ofEvents, part, format, io);
  const whole = profileTotals(part.absolute ? all : profile);
  const base = compared && {
    ...compared,
    profile: comparedPart(baseEvents(await load(openInput(compared.name)), args.texts("event")), part, true),
  };
  setColorEnabled(options.color);
  const render = await format.renderer();
  const flamegraph = { ...options.flamegraph, base };
  const content = render(warned(profile, ofEvents, { part, format, options }, io), {
    ...options,
    whole,
    flamegraph,
  });
  if (output !== undefined) writeOutputFile(output, content);
  else if (format.reader !== "people") print(content, io);
  else {
    await page(content, io, { cut: !args.has("full-names"), paged: !args.has("no-pager") });
  }
  return EXIT.ok;
}

function formatOf(args: ParsedArgs): ReportFormat {
  const format = args.choice("format", FORMATS.map(({ name }) => name));
  if (args.has("json") && format !== undefined && format !== "json") {
    throw new UsageError(`report: --json and --format ${format} exclude each other`);
  }
  const chosen = args.has("json") ? "json" : format ?? "text";
  for (const { name } of command.options) {
    const knowing = formatsWith(name);
    if (args.has(name) && knowing.length > 0 && !knowing.includes(chosen)) {
      throw new UsageError(`report: --${name} goes with --format ${knowing.join(" or ")}, not ${chosen}`);
    }
  }
  return formatNamed(chosen);
}

/** The file to write; undefined for standard output. */
function outputOf(args: ParsedArgs, { name, reader, fileName }: ReportFormat, io: Io): string | undefined {
  const output = args.text("output");
  if (output !== undefined && args.has("stats")) throw new UsageError("report: --stats has no -o: use >");
  if (output !== undefined && output !== "-") return output;
  if (reader === "file" && output === undefined && io.stdoutIsTerminal) {
    throw new UsageError(
      `report: --format ${name} is not for a terminal: -o ${fileName} writes it to a file`,
    );
  }
}

/** The profile of the events named, or of all. Throws UsageError when there is no such event. */
function namedEvents(
  profile: Profile,
  names: readonly string[],
  { events = "recorded" }: ReportFormat,
): Profile {
  const named = selectEvents(profile, names, events);
  if (!("unknown" in named)) return named;
  const { unknown: [missing], known } = named;
  throw new UsageError(`--event ${missing}: the recording has ${known.join(", ") || "no events"}`);
}

/** The events of the profile that another is compared with; those named where it has them. */
function baseEvents(profile: Profile, names: readonly string[]): Profile {
  const named = selectEvents(profile, names, "heaviest");
  return "unknown" in named ? mergeHybridEvents(profile) : named;
}

/**
 * What is left by CPU, and what of that by the other filters, both of the events that the format shows. Warns where it
 * leaves out events that have samples.
 */
function chosenPart(
  named: Profile,
  part: ProfilePart,
  { name, events: choice = "recorded" }: ReportFormat,
  io: Io,
): { all: Profile; profile: Profile } {
  const all = part.cpus ? filterProfile(named, { cpus: part.cpus }) : named;
  const profile = part.filter ? filterProfile(all, part.filter) : all;
  if (choice === "recorded") return { all, profile };
  const order = heaviestFirst(sampleCount(profile) > 0 ? profile : all);
  const events = choice === "heaviest" ? order.slice(0, 1) : order;
  const nameOf = (event: number) => profile.events[event].name;
  const others = order.slice(events.length).filter((event) => sampleCount(profile, event) > 0);
  if (others.length > 0) {
    const list = others.map((event) => `--event ${nameOf(event)}`).join(", ");
    io.err(`pmuctl: warning: --format ${name} shows one event, ${nameOf(events[0])}; others: ${list}`);
  }
  return { all: withEvents(all, events), profile: withEvents(profile, events) };
}

/**
 * The profile with what there is to say of how it was asked for, in its warnings: of callers that were not recorded, and
 * of filters that match nothing. Formats that are not read at once, or show no warnings, have them on standard error.
 */
function warned(
  profile: Profile,
  named: Profile,
  { part, format, options }: { part: ProfilePart; format: ReportFormat; options: OutputOptions },
  io: Io,
): Profile {
  const asksCallers = (format.asksCallers ?? format.callers)(options);
  const said = [
    ...(asksCallers ? callerWarnings(profile) : []),
    ...filterWarnings(named, profile, part),
  ];
  const shown = withWarnings(profile, said);
  const told = format.withoutWarnings ? shown.meta.warnings : format.name === "text" ? [] : said;
  for (const warning of told) io.err(`pmuctl: warning: ${warning}`);
  return shown;
}

function viewOf(args: ParsedArgs, onTerminal: boolean, io: Io): ReportOptions {
  for (const [one, other] of [["children", "no-children"], ["call-graph", "call-tree"]]) {
    if (args.has(one) && args.has(other)) {
      throw new UsageError(`report: --${one} and --${other} exclude each other`);
    }
  }
  const text = args.text("sort");
  const sort = text === undefined ? DEFAULT_SORT : parseSortKeys(text);
  if (args.has("group") && args.has("call-graph")) {
    throw new UsageError("report: --group has no room for callers: leave -g out, or --group");
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
