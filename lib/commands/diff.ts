/** `pmuctl diff`: what changed from one profile to another. */

import { setColorEnabled } from "@std/fmt/colors";
import { openInput } from "../base/file_bytes.ts";
import { EXIT, UsageError } from "../base/errors.ts";
import type { Command, Io, ParsedArgs } from "../cli/command.ts";
import { page } from "../cli/pager.ts";
import type { AlikeKey } from "../profile/alike.ts";
import { DEFAULT_DIFF_KEYS, DIFF_ORDERS, diffProfiles, NORMALIZATIONS } from "../profile/diff.ts";
import { filterProfile } from "../profile/filter.ts";
import { parseSortKeys } from "../profile/groups.ts";
import { withProgress } from "../cli/reading_progress.ts";
import { loadProfile } from "../profile/load.ts";
import type { Profile } from "../profile/profile.ts";
import { renderDiffJson } from "../report/diff_json.ts";
import { renderDiffText } from "../report/diff_text.ts";
import { hostSymbolFiles } from "../symbols/host_files.ts";
import { FILTER_OPTIONS, type Part, partOf } from "./report_filter.ts";

const PERCENT_LIMIT = 0.1;
const KEYS: readonly AlikeKey[] = ["comm", "dso", "sym"];

export const command: Command = {
  name: "diff",
  summary: "compare two profiles, symbol by symbol: what takes more, what takes less, what is new",
  usage: ["[--normalize HOW] [--by KEYS] [FILTER]... [--json] A B"],
  options: [
    {
      name: "normalize",
      value: "HOW",
      help: "B's weights: none (as recorded, the default), or to A's duration, samples or share",
    },
    { name: "by", value: "KEYS", help: `what rows are of: any of ${KEYS} (default: ${DEFAULT_DIFF_KEYS})` },
    {
      name: "sort",
      value: "ORDER",
      help: "delta: most changed self first (the default); self or total: heaviest",
    },
    { name: "event", short: "e", value: "EVENT", help: "compare this event alone" },
    {
      name: "percent-limit",
      value: "PCT",
      help: `leave out rows below this share in both (default: ${PERCENT_LIMIT})`,
    },
    ...FILTER_OPTIONS.filter(({ name }) => name !== "percentage"),
    { name: "json", help: "all rows as JSON" },
    { name: "no-pager", help: "print long output on a terminal as it is, not through $PAGER (less)" },
    { name: "no-demangle", help: "C++ and Rust names as the compiler wrote them" },
    { name: "force", help: "compare what comes before damage in a file" },
  ],
  examples: [
    "pmuctl record -g -o old.data -- ./app.old && pmuctl record -g -o new.data -- ./app.new",
    "pmuctl diff old.data new.data",
  ],
  maxPositionals: 2,
  run,
};

async function run(args: ParsedArgs, io: Io): Promise<number> {
  const [fileA, fileB] = args.positionals;
  if (fileB === undefined) throw new UsageError("diff: two files are wanted: pmuctl diff OLD NEW");
  if (fileA === "-" && fileB === "-") throw new UsageError("diff: only one of the two can be standard input");
  const names = { a: fileA, b: fileB };
  const order = args.choice("sort", DIFF_ORDERS) ?? "delta";
  const options = {
    keys: keysOf(args),
    normalize: args.choice("normalize", NORMALIZATIONS),
    event: args.text("event"),
  };
  const percentLimit = args.number("percent-limit", { min: 0, max: 100 }) ?? PERCENT_LIMIT;
  const part = partOf(args);
  const a = await load(fileA, part, args, io);
  const b = await load(fileB, part, args, io);
  const diff = diffProfiles(a, b, options);
  if (args.has("json")) {
    io.out(renderDiffJson(diff, { names, order }));
    return EXIT.ok;
  }
  const color = io.stdoutIsTerminal && !io.env("NO_COLOR");
  setColorEnabled(color);
  const width = io.stdoutIsTerminal ? io.columns : Infinity;
  const text = renderDiffText(diff, { names, order, percentLimit, width, color });
  if (args.has("no-pager")) io.out(text);
  else await page(text, io);
  return EXIT.ok;
}

function keysOf(args: ParsedArgs): AlikeKey[] | undefined {
  const text = args.text("by");
  return text === undefined ? undefined : parseSortKeys(text).map((key) => {
    if ((KEYS as readonly string[]).includes(key)) return key as AlikeKey;
    throw new UsageError(
      `--by '${text}': '${key}' is not the same in two recordings: any of ${KEYS} is wanted`,
    );
  });
}

async function load(file: string, part: Part, args: ParsedArgs, io: Io): Promise<Profile> {
  const loading = {
    mangled: args.has("no-demangle"),
    force: args.has("force"),
    mergeCpus: !part.cpus,
    mergeThreads: !part.filter?.pids && !part.filter?.tids,
    within: part.within,
  };
  const loaded = await withProgress(
    openInput(file),
    io,
    (input) => loadProfile(input, hostSymbolFiles(), loading),
  );
  const all = part.cpus ? filterProfile(loaded, { cpus: part.cpus }) : loaded;
  return part.filter ? filterProfile(all, part.filter) : all;
}
