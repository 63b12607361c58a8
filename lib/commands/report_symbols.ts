/** Options of `pmuctl report` for the sources of symbols. */

import type { OptionSpec, ParsedArgs } from "../cli/command.ts";
import { hostSymbolFiles } from "../symbols/files/host_files.ts";
import type { SymbolFiles } from "../symbols/files/symbol_files.ts";

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
];

/** Returns the sources of symbols. Throws BadInputError when a named file cannot be read. */
export function symbolFilesOf(args: ParsedArgs): SymbolFiles {
  return hostSymbolFiles({
    root: args.text("symfs")?.replace(/\/+$/, ""),
    vmlinux: args.text("vmlinux"),
    kallsyms: args.text("kallsyms"),
    force: args.has("force"),
  });
}
