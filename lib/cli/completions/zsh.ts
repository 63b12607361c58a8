/** The completion script for zsh, by its own `_arguments`. */

import type { CommandSpec, OptionSpec, ValueKind } from "../command.ts";
import script from "./pmuctl.zsh" with { type: "text" };
import { offeredOptions, quoted, valueKind, writtenNames } from "./words.ts";

/** Actions of `_arguments` for a value, by its kind. */
const ACTIONS: Readonly<Record<Extract<ValueKind, string>, string>> = {
  file: "_files",
  folder: "_files -/",
  event: "_pmuctl_event",
  set: "_pmuctl_set",
  pmu: "_pmuctl_pmu",
  process: "_sequence _pids",
  command: "_cmdstring",
};

function action(kind: ValueKind | undefined, list = false): string {
  if (kind === undefined) return "";
  if (typeof kind === "string") return ACTIONS[kind];
  return list ? `_values -s , value ${kind.join(" ")}` : `(${kind.join(" ")})`;
}

/** Returns an option's specs for `_arguments`, one for each of its names. */
function optionSpecs(option: OptionSpec): string[] {
  const names = writtenNames(option);
  const before = option.repeat ? "*" : names.length > 1 ? `(${names.join(" ")})` : "";
  const text = option.help.replace(/[\\[\]]/g, "\\$&");
  return names.map((name) => {
    if (option.value === undefined) return `${before}${name}[${text}]`;
    const glue = option.bare !== undefined ? "=-" : name.startsWith("--") ? "=" : "+";
    const colons = option.bare !== undefined ? "::" : ":";
    return `${before}${name}${glue}[${text}]${colons}${option.value}:${
      action(valueKind(option), option.list)
    }`;
  });
}

function commandArm(command: CommandSpec): string[] {
  const operands = command.takesCommand
    ? ["(-)1:command:_command_names -e", "*::arguments:_normal"]
    : command.maxPositionals
    ? [`*:${command.name}:${action(command.operands)}`]
    : [];
  const specs = [...offeredOptions(command).flatMap(optionSpecs), ...operands];
  return [
    `    ${command.name})`,
    `      _arguments -s -S${command.takesCommand ? " -A '-*'" : ""} \\`,
    specs.map((spec) => `        ${quoted(spec)}`).join(" \\\n"),
    "      ;;",
  ];
}

/** Returns the script, for these commands. */
export function zshCompletions(commands: readonly CommandSpec[]): string {
  return [
    "#compdef pmuctl",
    "# zsh completion for pmuctl, made by 'pmuctl completions zsh'",
    "",
    "_pmuctl_commands() {",
    "  local -a commands=(",
    ...commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary.replace(/[\\:]/g, "\\$&")}`)}`),
    `    ${quoted("help:show the options of a command")}`,
    "  )",
    "  _describe -t commands command commands",
    "}",
    "",
    "_pmuctl_words() {",
    "  case $1 in",
    ...commands.flatMap(commandArm),
    "    help) _arguments '1: :_pmuctl_commands' ;;",
    "  esac",
    "}",
    "",
    script,
  ].join("\n");
}
