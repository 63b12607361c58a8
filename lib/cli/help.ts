/** Help texts, rendered from the commands' tables, with lines that fit the terminal. */

import { EXIT } from "../base/system/errors.ts";
import { append, greatest } from "../base/bytes/lists.ts";
import { VERSION } from "../base/system/version.ts";
import { wrap } from "../base/text/wrap.ts";
import { allOptions } from "./args.ts";
import type { CommandSpec, OptionSpec } from "./command.ts";

/** Least width of an option's description; in narrower terminals it starts below the option. */
const MIN_TEXT = 36;
/** Limit on the width of lines: longer ones are hard to read on any terminal. */
const MAX_WIDTH = 110;

/** Exit statuses of pmuctl itself, with their meanings. */
export const EXIT_STATUSES: readonly (readonly [status: number, meaning: string])[] = [
  [EXIT.ok, "success"],
  [EXIT.regressed, "a check regressed"],
  [EXIT.usage, "wrong usage"],
  [EXIT.unsupported, "not permitted or not supported here"],
  [EXIT.badInput, "bad input"],
  [EXIT.inconclusive, "inconclusive"],
  [EXIT.bug, "a bug in pmuctl"],
];
/** Explanation of the other statuses. */
export const COMMAND_STATUS =
  "After running a command without an error of its own, pmuctl exits with the command's status.";

/** Returns the page of `pmuctl COMMAND --help`, in lines of at most `width` columns where words allow it. */
export function commandHelp(command: CommandSpec, width = 80): string {
  const across = Math.min(width, MAX_WIDTH);
  const lines = [
    ...wrap(`pmuctl ${command.name}: ${command.summary}`, across, ""),
    "",
    ...command.usage.flatMap((u, i) =>
      wrap(
        `${i ? "      " : "usage:"} pmuctl ${command.name} ${u}`.trimEnd(),
        across,
        " ".repeat(15),
        BRACKETS,
      )
    ),
  ];
  for (const { title, options } of groupsOf(command)) {
    append(lines, ["", `${title}:`, ...columns(options.map(optionRow), across)]);
  }
  for (const { title, rows } of command.lists ?? []) {
    append(lines, ["", `${title}:`, ...columns(rows, across)]);
  }
  if (command.examples?.length) append(lines, ["", "examples:", ...command.examples.map((e) => `  ${e}`)]);
  return lines.join("\n") + "\n";
}

/** Returns the page of `pmuctl --help`: one line per command. */
export function overview(commands: readonly CommandSpec[], width = 80): string {
  const across = Math.min(width, MAX_WIDTH);
  return [
    `pmuctl ${VERSION}: CPU performance counters and profiles on Linux`,
    "",
    "usage: pmuctl COMMAND [OPTION]... [TARGET]",
    "",
    "commands:",
    ...columns(commands.map((c) => [c.name, c.summary]), across),
    "",
    ...wrap("'pmuctl COMMAND --help' shows the options of a command.", across, ""),
    ...wrap(
      `Exit status: ${
        EXIT_STATUSES.map(([status, meaning]) => `${status} ${meaning}`).join(", ")
      }. ${COMMAND_STATUS}`,
      across,
      "",
    ),
  ].join("\n") + "\n";
}

/** Returns the options by purpose, hidden ones left out; those in no group, --help among them, at the end. */
export function groupsOf(command: CommandSpec): { title: string; options: OptionSpec[] }[] {
  const left = new Map(allOptions(command).map((option) => [option.name, option]));
  for (const name of command.hidden ?? []) left.delete(name);
  const groups = (command.groups ?? []).map(({ title, options }) => ({
    title,
    options: options.flatMap((name) => {
      const option = left.get(name);
      left.delete(name);
      return option ?? [];
    }),
  }));
  return [...groups, { title: groups.length ? "other options" : "options", options: [...left.values()] }]
    .filter(({ options }) => options.length > 0);
}

function optionRow(option: OptionSpec): [string, string] {
  const short = option.short ? `-${option.short}, ` : "    ";
  return [`${short}--${option.name}${shownValue(option)}`, explanation(option)];
}

/** Returns how an option's value stands behind its name: ` HZ`, `[=WHEN]`, or nothing for a flag. */
export function shownValue({ value, bare }: OptionSpec): string {
  return bare !== undefined ? `[=${value}]` : value ? ` ${value}` : "";
}

/** Returns what an option means, and whether it may be given more than once. */
export function explanation({ help, repeat }: OptionSpec): string {
  return help + (repeat ? " (repeatable)" : "");
}

function columns(rows: readonly (readonly [string, string] | readonly string[])[], width: number): string[] {
  const widest = greatest(rows.map(([left]) => left.length));
  const indent = Math.min(widest + 4, Math.max(width - MIN_TEXT, 8));
  return rows.flatMap(([left, right]) => {
    const text = wrap(right, width - indent, "");
    const first = `  ${left}`.padEnd(indent);
    // an option longer than its column gets its own line
    const beside = first.length > indent || first.endsWith(left) ? [first.trimEnd()] : [];
    const rest = beside.length > 0 ? text : text.slice(1);
    return [
      ...beside,
      ...(beside.length > 0 ? [] : [first + text[0]]),
      ...rest.map((line) => " ".repeat(indent) + line),
    ];
  });
}

/**
 * Break points of usage lines: between words, but not inside brackets, between an option and its value, or in the
 * command behind `--`.
 */
const BRACKETS = /(?<=\S)(?<!\s-- .*)(?:(?<!(?:^|[\s[(])--?[\w-]*) | (?=[[(|]))(?=\S)(?![^[(]*[\])])/;
