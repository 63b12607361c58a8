/** Options of `pmuctl report` for the sources of symbols. */

import { UsageError, UserError } from "../base/system/errors.ts";
import { giveUpNetwork } from "../base/system/no_network.ts";
import type { Io, OptionSpec, ParsedArgs } from "../cli/command.ts";
import { hostSymbolFiles } from "../symbols/files/host_files.ts";
import type { FileFetcher, SymbolFiles } from "../symbols/files/symbol_files.ts";

/** Options for files that are not on this machine. */
export const FETCH_OPTIONS: readonly OptionSpec[] = [
  {
    name: "debuginfod",
    value: "URL",
    repeat: true,
    help: "fetch missing debug files from this server (default: those in $DEBUGINFOD_URLS, if set)",
  },
  { name: "no-debuginfod", help: "fetch nothing, even if $DEBUGINFOD_URLS is set" },
];

/** Options that name sources of symbols. */
export const SYMBOL_FILE_OPTIONS: readonly OptionSpec[] = [
  {
    name: "symfs",
    value: "DIR",
    help: "find programs below DIR, a copy of the recorded machine's root",
  },
  {
    name: "vmlinux",
    value: "FILE",
    help: "take kernel symbols from a vmlinux file",
  },
  { name: "kallsyms", value: "FILE", help: "take kernel symbols from a copy of /proc/kallsyms" },
  ...FETCH_OPTIONS,
];

/**
 * Returns the fetcher of debug files from the servers that the user named, by option or in DEBUGINFOD_URLS. If there are
 * none, gives up the network for the rest of this process, and returns undefined. Throws UsageError, BadInputError.
 */
export async function fetcherOf(args: ParsedArgs, io: Io): Promise<FileFetcher | undefined> {
  const fetcher = await askedFetcher(args, io);
  if (fetcher === undefined) giveUpNetwork();
  return fetcher;
}

async function askedFetcher(args: ParsedArgs, io: Io): Promise<FileFetcher | undefined> {
  const named = args.texts("debuginfod");
  if (args.has("no-debuginfod")) {
    if (named.length === 0) return undefined;
    throw new UsageError("--debuginfod and --no-debuginfod exclude each other: use one of them");
  }
  if (named.length === 0 && !io.env("DEBUGINFOD_URLS")) return undefined;
  const { debugServers } = await import("../symbols/debuginfod/servers.ts");
  let found: ReturnType<typeof debugServers>;
  try {
    found = debugServers(named, io.env);
  } catch (error) {
    if (named.length > 0 || !(error instanceof UserError)) throw error;
    // the variables are those of the user's shell, and may be meant for other programs
    io.err(`pmuctl: warning: debug files are not fetched: ${error.message}`);
    return undefined;
  }
  for (const problem of found?.unusable ?? []) io.err(`pmuctl: warning: ${problem}`);
  const { debuginfodFolder } = await import("../symbols/files/debuginfod_cache.ts");
  const folder = debuginfodFolder();
  if (found === undefined || found.servers.urls.length === 0) return undefined;
  if (folder === undefined) {
    io.err(
      "pmuctl: warning: debug files are not fetched: no folder for them: set DEBUGINFOD_CACHE_PATH, or HOME",
    );
    return undefined;
  }
  const { DebugFetcher } = await import("../symbols/debuginfod/debug_fetcher.ts");
  const { catchInterrupt } = await import("../cli/signals.ts");
  const { fetchingNotes } = await import("../cli/reading_progress.ts");
  return new DebugFetcher({
    servers: found.servers,
    folder,
    // some distributions set the variable in all shells, and the file has more than 500 MB
    fetchesKernel: named.length > 0,
    interruption: catchInterrupt,
    onProgress: fetchingNotes(io),
  });
}

/** Returns the sources of symbols. Throws BadInputError when a named file cannot be read. */
export function symbolFilesOf(args: ParsedArgs, fetcher?: FileFetcher): SymbolFiles {
  return hostSymbolFiles({
    root: args.text("symfs")?.replace(/\/+$/, ""),
    vmlinux: args.text("vmlinux"),
    kallsyms: args.text("kallsyms"),
    force: args.has("force"),
    fetcher,
  });
}
