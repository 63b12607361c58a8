/** The completion script for bash 4.4 or newer. */

import { allOptions } from "../args.ts";
import type { CommandSpec, OptionSpec, ValueKind } from "../command.ts";
import script from "./pmuctl.bash" with { type: "text" };
import { offeredOptions, quoted, valueKind, writtenNames } from "./words.ts";

/** Returns how the script says to itself what a value can be: a kind, `words A B`, or `list A B`. */
function encoded(kind: ValueKind | undefined, list = false): string {
  if (kind === undefined) return "nothing";
  return typeof kind === "string" ? kind : [list ? "list" : "words", ...kind].join(" ");
}

/** Returns the arm of the case statement for an option that takes a value. */
function valueArm(command: CommandSpec, option: OptionSpec): string {
  const names = writtenNames(option).map((name) => quoted(`${command.name} ${name}`)).join(" | ");
  // a value that may be left out stands behind `=` only
  const glued = option.bare === undefined ? "" : "glued=1 ";
  return `    ${names}) ${glued}values=${quoted(encoded(valueKind(option), option.list))} ;;`;
}

/** Returns the arm of the case statement for a command. */
function commandArm(command: CommandSpec): string {
  const operands = command.takesCommand ? "command" : encoded(command.operands);
  const options = offeredOptions(command).map(({ name }) => `--${name}`);
  return `    ${command.name}) operands=${quoted(operands)} options=${quoted(options.join(" "))} ;;`;
}

/** Returns the script, for these commands. */
export function bashCompletions(commands: readonly CommandSpec[]): string {
  const names = commands.map(({ name }) => name);
  const values = commands.flatMap((command) =>
    allOptions(command).filter(({ value }) => value).map((option) => valueArm(command, option))
  );
  return [
    "# bash completion for pmuctl, made by 'pmuctl completions bash'",
    "# shellcheck shell=bash disable=SC2034,SC2086,SC2206,SC2207",
    "",
    `_pmuctl_commands=${quoted(names.join(" "))}`,
    "",
    "# _pmuctl_command COMMAND: sets `operands` and `options`; fails where there is no such command.",
    "_pmuctl_command() {",
    "  case $1 in",
    ...commands.map(commandArm),
    `    help) operands=${quoted(encoded(names))} options= ;;`,
    "    *) return 1 ;;",
    "  esac",
    "}",
    "",
    "# _pmuctl_values COMMAND OPTION: sets `values` to what the option's value can be, and `glued` where it may be left",
    "# out; fails where the option takes none.",
    "_pmuctl_values() {",
    "  glued=",
    '  case "$1 $2" in',
    ...values,
    "    *) return 1 ;;",
    "  esac",
    "}",
    "",
    script,
  ].join("\n");
}
