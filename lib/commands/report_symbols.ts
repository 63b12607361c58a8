/** The options of `pmuctl report` that say where symbols are read from. */

import type { OptionSpec, ParsedArgs } from "../cli/command.ts";
import { hostSymbolFiles } from "../symbols/files/host_files.ts";
import type { SymbolFiles } from "../symbols/files/symbol_files.ts";

export const SYMBOL_FILE_OPTIONS: readonly OptionSpec[] = [
  {
    name: "symfs",
    value: "DIR",
    help: "look for programs below DIR, a copy of the recorded machine's root",
  },
  {
    name: "vmlinux",
    value: "FILE",
    help: "take the kernel's symbols from its own file",
  },
  { name: "kallsyms", value: "FILE", help: "take the kernel's symbols from a copy of its /proc/kallsyms" },
];

/** Throws BadInputError when a file that was named cannot be read. */
export function symbolFilesOf(args: ParsedArgs): SymbolFiles {
  return hostSymbolFiles({
    root: args.text("symfs")?.replace(/\/+$/, ""),
    vmlinux: args.text("vmlinux"),
    kallsyms: args.text("kallsyms"),
    force: args.has("force"),
  });
}
