/** `pmuctl report`: where the time went. */

import { setColorEnabled } from "@std/fmt/colors";
import { openInput } from "../base/file_bytes.ts";
import { EXIT, UsageError } from "../base/errors.ts";
import type { Command, Io, ParsedArgs } from "../cli/command.ts";
import { loadProfile } from "../profile/load.ts";
import { renderJson } from "../report/json.ts";
import { renderText } from "../report/text.ts";
import { hostSymbolFiles } from "../symbols/host_files.ts";

const DEFAULT_INPUT = "perf.data";
/** Rows and callers below this share, in percent, are added up in one line unless asked for. */
const DEFAULT_PERCENT_LIMIT = 0.05;

export const command: Command = {
  name: "report",
  summary: "show where the time went, by command, object and symbol",
  usage: ["[-g] [--json] [-i FILE | FILE]"],
  options: [
    {
      name: "input",
      short: "i",
      value: "FILE",
      help: `what to read, - for a pipe (default: ${DEFAULT_INPUT})`,
    },
    { name: "call-graph", short: "g", help: "show the callers of each symbol" },
    {
      name: "percent-limit",
      value: "PCT",
      help: `leave out rows and callers below this share (default: ${DEFAULT_PERCENT_LIMIT})`,
    },
    { name: "json", help: "all rows as JSON" },
    { name: "no-demangle", help: "C++ and Rust names as the compiler wrote them" },
    { name: "force", help: "report what comes before damage in the file" },
  ],
  examples: ["pmuctl report -g", "perf record -o - -- make | pmuctl report -i -"],
  maxPositionals: 1,
  run,
};

async function run(args: ParsedArgs, io: Io): Promise<number> {
  const [positional] = args.positionals;
  const named = args.text("input");
  if (named !== undefined && positional !== undefined) {
    throw new UsageError(`report: one file at a time: -i ${named}, or ${positional}`);
  }
  const percentLimit = args.number("percent-limit", { min: 0, max: 100 }) ?? DEFAULT_PERCENT_LIMIT;
  const profile = await loadProfile(openInput(named ?? positional ?? DEFAULT_INPUT), hostSymbolFiles(), {
    mangled: args.has("no-demangle"),
    force: args.has("force"),
    leafOnly: !args.has("call-graph") && !args.has("json"),
  });
  if (args.has("json")) {
    io.out(renderJson(profile));
    return EXIT.ok;
  }
  const color = io.stdoutIsTerminal && !io.env("NO_COLOR");
  setColorEnabled(color);
  io.out(renderText(profile, {
    callGraph: args.has("call-graph"),
    percentLimit,
    width: io.stdoutIsTerminal ? io.columns : Infinity,
    color,
  }));
  return EXIT.ok;
}
