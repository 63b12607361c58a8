/** Entry point of pmuctl: dispatches to the commands. Has the program's only catch-all and only exit. */

import { callerArgs, takeCaller } from "./lib/base/system/caller.ts";
import { EXIT, UsageError, UserError } from "./lib/base/system/errors.ts";
import { dropLauncherEnvironment } from "./lib/base/system/launcher.ts";
import { unforeseenRefusal } from "./lib/base/system/system_error.ts";
import { VERSION } from "./lib/base/system/version.ts";
import type { UnknownOption } from "./lib/cli/args.ts";
import type { CommandSpec, Io, ParsedArgs } from "./lib/cli/command.ts";
import { OutputClosed, processIo } from "./lib/cli/io.ts";
import { settleSignals } from "./lib/cli/runtime_signals.ts";

/** Commands, each in a module loaded on demand: `--version` loads none of them. */
const COMMANDS: Record<string, () => Promise<{ command: CommandSpec }>> = {
  record: () => import("./lib/commands/record.ts"),
  report: () => import("./lib/commands/report.ts"),
  annotate: () => import("./lib/commands/annotate.ts"),
  script: () => import("./lib/commands/script.ts"),
  analyze: () => import("./lib/commands/analyze.ts"),
  diff: () => import("./lib/commands/diff.ts"),
  bundle: () => import("./lib/commands/bundle.ts"),
  export: () => import("./lib/commands/export.ts"),
  "fleet-sql": () => import("./lib/commands/fleet_sql.ts"),
  bind: () => import("./lib/commands/bind.ts"),
  sample: () => import("./lib/commands/sample.ts"),
  preset: () => import("./lib/commands/preset.ts"),
  restart: () => import("./lib/commands/restart.ts"),
  enable: () => import("./lib/commands/enable.ts"),
  disable: () => import("./lib/commands/disable.ts"),
  unbind: () => import("./lib/commands/unbind.ts"),
  sets: () => import("./lib/commands/sets.ts"),
  stat: () => import("./lib/commands/stat.ts"),
  check: () => import("./lib/commands/check.ts"),
  trend: () => import("./lib/commands/trend.ts"),
  "list-events": () => import("./lib/commands/list_events.ts"),
  info: () => import("./lib/commands/info.ts"),
  attrlist: () => import("./lib/commands/attrlist.ts"),
  completions: () => import("./lib/commands/completions.ts"),
};

/** Internal commands, which pmuctl or scripts call; not in the help. */
const INTERNAL: typeof COMMANDS = {
  "fetch-files": () => import("./lib/commands/fetch_files.ts"),
  "hold-set": () => import("./lib/commands/hold_set.ts"),
  complete: () => import("./lib/commands/complete.ts"),
  manual: () => import("./lib/commands/manual.ts"),
};

/** Loads the tables of all commands, in the order of the help. */
async function allCommands(): Promise<CommandSpec[]> {
  return await Promise.all(Object.values(COMMANDS).map(async (load) => (await load()).command));
}

async function dispatch(argv: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = argv;
  if (name === "--version" || name === "-V" || name === "version") {
    io.out(`pmuctl ${VERSION}\n`);
    return EXIT.ok;
  }
  settleSignals();
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    if (rest.length) return await dispatch([rest[0], "--help"], io);
    const { overview } = await import("./lib/cli/help.ts");
    const text = overview(await allCommands(), io.columns);
    if (name !== undefined) {
      io.out(text);
      return EXIT.ok;
    }
    for (const line of text.trimEnd().split("\n")) io.err(line);
    return EXIT.usage;
  }
  if (name === "list") return await dispatch(["list-events", ...rest], io); // perf's name for it
  const table = Object.hasOwn(INTERNAL, name) ? INTERNAL : COMMANDS;
  const load = Object.hasOwn(table, name) ? table[name] : await unknownCommand(name);
  const [{ command }, { parseCommandLine }] = await Promise.all([load(), import("./lib/cli/args.ts")]);
  const args = await explainForeign(() => parseCommandLine(command, rest));
  if (args.has("help")) {
    const { commandHelp } = await import("./lib/cli/help.ts");
    io.out(commandHelp(command, io.columns));
    return EXIT.ok;
  }
  return await command.run(args, io, allCommands);
}

/** Parses a command line; for an option of another tool, throws UsageError with pmuctl's counterpart. */
async function explainForeign(parse: () => ParsedArgs): Promise<ParsedArgs> {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof UsageError && "written" in error)) throw error;
    const { foreignOption } = await import("./lib/cli/foreign_words.ts");
    const { command, written } = error as UnknownOption;
    const hint = foreignOption(command, written);
    throw hint === undefined ? error : new UsageError(`${command} has no option ${written}: ${hint}`);
  }
}

async function unknownCommand(name: string): Promise<never> {
  const { foreignCommand } = await import("./lib/cli/foreign_words.ts");
  const hint = foreignCommand(name);
  if (hint !== undefined) throw new UsageError(`unknown command '${name}': ${hint}`);
  const { nearest } = await import("./lib/base/text/nearest.ts");
  const [near] = nearest(name, Object.keys(COMMANDS), 1);
  throw new UsageError(
    `unknown command '${name}'` + (near ? `; did you mean '${near}'?` : ": see 'pmuctl --help'"),
  );
}

async function main(): Promise<number> {
  const io = processIo();
  // an unhandled error: by default the runtime would print a trace and exit with 1, "regressed" to check
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    Deno.exit(reportError(event.reason, io));
  });
  addEventListener("error", (event) => {
    event.preventDefault();
    Deno.exit(reportError(event.error, io));
  });
  takeCaller();
  dropLauncherEnvironment();
  try {
    const status = await dispatch(callerArgs(), io);
    io.flush();
    return status;
  } catch (error) {
    try {
      io.flush(); // results found before the error are still the user's
    } catch {
      // report the first error only
    }
    return reportError(error, io);
  }
}

/** Reports on standard error what ended the program; returns its exit status. */
function reportError(error: unknown, io: Io): number {
  if (error instanceof OutputClosed) return 141; // 128 + SIGPIPE, as a C program would end here
  const known = error instanceof UserError ? error : unforeseenRefusal(error);
  if (known) {
    io.err(`pmuctl: ${known.message}`);
  } else {
    const what = error instanceof Error ? error.message : String(error);
    io.err(`pmuctl: internal error: ${what}: this is a bug in pmuctl (set PMUCTL_DEBUG=1 to see where)`);
  }
  if (known !== error && io.env("PMUCTL_DEBUG") && error instanceof Error) {
    for (const line of error.stack?.split("\n") ?? []) io.err(line);
  }
  return known?.status ?? EXIT.bug;
}

Deno.exit(await main());
