/** The completion script for fish 3.1 or newer. */

import { allOptions } from "../args.ts";
import type { CommandSpec, OptionSpec, ValueKind } from "../command.ts";
import script from "./pmuctl.fish" with { type: "text" };
import { offeredOptions, valueKind, writtenNames } from "./words.ts";

/** Offers for a value, by its kind: an argument of -a, which it expands when it is asked. */
const OFFERS: Readonly<Record<Extract<ValueKind, string>, string>> = {
  file: "(__fish_complete_path)",
  folder: "(__fish_complete_directories)",
  event: "(__pmuctl_ask event)",
  set: "(__pmuctl_ask set)",
  pmu: "(__pmuctl_ask pmu)",
  process: "(__pmuctl_list (__fish_complete_pids))",
  command: "(__fish_complete_command)",
};

function offer(kind: ValueKind | undefined, list = false): string {
  if (kind === undefined) return "";
  if (typeof kind === "string") return OFFERS[kind];
  return list ? `(__pmuctl_list ${kind.join(" ")})` : kind.join(" ");
}

/** Returns a text as one word of fish, whose single quotes know two escapes. */
function word(text: string): string {
  return `'${text.replace(/['\\]/g, "\\$&")}'`;
}

function optionLine(command: CommandSpec, option: OptionSpec): string {
  const offered = option.value === undefined ? "" : offer(valueKind(option), option.list);
  return [
    `complete -c pmuctl -n ${word(`__pmuctl_in ${command.name}`)}`,
    ...option.short ? [`-s ${option.short}`] : [],
    `-l ${option.name}`,
    // a value that may be left out stands behind `=` only, which fish offers of itself
    ...option.value === undefined ? [] : [option.bare === undefined ? "-x" : "-f"],
    ...offered ? [`-a ${word(offered)}`] : [],
    `-d ${word(option.help)}`,
  ].join(" ");
}

function commandLines(command: CommandSpec): string[] {
  const operands = command.takesCommand ? "" : offer(command.operands);
  return [
    ...offeredOptions(command).map((option) => optionLine(command, option)),
    ...operands ? [`complete -c pmuctl -n ${word(`__pmuctl_in ${command.name}`)} -a ${word(operands)}`] : [],
  ];
}

function valuedArm(command: CommandSpec): string {
  const names = allOptions(command).filter(({ value, bare }) => value && bare === undefined).flatMap(
    writtenNames,
  );
  return `        case ${command.name}\n            echo ${names.join(" ")}`;
}

/** Returns the script, for these commands. */
export function fishCompletions(commands: readonly CommandSpec[]): string {
  const runners = commands.filter(({ takesCommand }) => takesCommand);
  const names = commands.map(({ name }) => name).join(" ");
  const first = "complete -c pmuctl -n __fish_is_first_token";
  return [
    "# fish completion for pmuctl, made by 'pmuctl completions fish'",
    "",
    `set -g __pmuctl_runners ${runners.map(({ name }) => name).join(" ")}`,
    "",
    "# __pmuctl_valued COMMAND: prints the options whose value is the next word.",
    "function __pmuctl_valued",
    "    switch $argv[1]",
    ...runners.map(valuedArm),
    "    end",
    "end",
    "",
    script,
    `${first} -s h -l help -d 'show the commands'`,
    `${first} -s V -l version -d 'show the version'`,
    ...commands.map(({ name, summary }) => `${first} -a ${name} -d ${word(summary)}`),
    `${first} -a help -d 'show the options of a command'`,
    `complete -c pmuctl -n '__pmuctl_in help' -a ${word(names)}`,
    ...commands.flatMap(commandLines),
    "",
  ].join("\n");
}
