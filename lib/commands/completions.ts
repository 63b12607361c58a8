/** `pmuctl completions`: the script by which a shell completes pmuctl's command lines. */

import { EXIT, UsageError } from "../base/system/errors.ts";
import type { CommandSpec, Io, ParsedArgs } from "../cli/command.ts";

/** Loads the maker of the script for each shell. */
const SHELLS: Readonly<Record<string, () => Promise<(commands: readonly CommandSpec[]) => string>>> = {
  bash: async () => (await import("../cli/completions/bash.ts")).bashCompletions,
  zsh: async () => (await import("../cli/completions/zsh.ts")).zshCompletions,
  fish: async () => (await import("../cli/completions/fish.ts")).fishCompletions,
};
const NAMES = Object.keys(SHELLS);

/** Table and code of the command. */
export const command: CommandSpec = {
  name: "completions",
  summary: "print the script that completes pmuctl's command lines in a shell",
  usage: [NAMES.join("|")],
  options: [],
  examples: [
    'eval "$(pmuctl completions bash)"   # in ~/.bashrc',
    "source <(pmuctl completions zsh)    # in ~/.zshrc",
    "pmuctl completions fish >~/.config/fish/completions/pmuctl.fish",
  ],
  maxPositionals: 1,
  operands: NAMES,
  run,
};

async function run(
  args: ParsedArgs,
  io: Io,
  commands: () => Promise<readonly CommandSpec[]>,
): Promise<number> {
  const [shell] = args.positionals;
  if (shell === undefined || !Object.hasOwn(SHELLS, shell)) {
    const given = shell === undefined ? "completions" : `completions '${shell}'`;
    throw new UsageError(`${given}: expected the name of a shell: ${NAMES.join(", ")}`);
  }
  const make = await SHELLS[shell]();
  io.out(make(await commands()));
  return EXIT.ok;
}
