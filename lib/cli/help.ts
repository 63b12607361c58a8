/** Help texts, rendered from the commands' tables, in lines that fit the terminal. */

import { EXIT } from "../base/system/errors.ts";
import { append, greatest } from "../base/bytes/lists.ts";
import { VERSION } from "../base/system/version.ts";
import { wrap } from "../base/text/wrap.ts";
import { allOptions } from "./args.ts";
import type { CommandSpec, OptionSpec } from "./command.ts";

/** Columns that the explanation of an option gets at least: below that it stands under the option. */
const MIN_TEXT = 36;
/** Longer lines are hard to read, however wide the terminal is. */
const MAX_WIDTH = 110;

/** The exit statuses that are pmuctl's own, and what each says. */
export const EXIT_STATUSES: readonly (readonly [status: number, meaning: string])[] = [
  [EXIT.ok, "done"],
  [EXIT.regressed, "a check regressed"],
  [EXIT.usage, "usage"],
  [EXIT.unsupported, "not permitted or not supported here"],
  [EXIT.badInput, "bad input"],
  [EXIT.inconclusive, "inconclusive"],
  [EXIT.bug, "a bug in pmuctl"],
];
/** The statuses that are not pmuctl's own. */
export const COMMAND_STATUS =
  "With a command to run and nothing else wrong, it is the status of that command.";

/** Returns the page for `pmuctl COMMAND --help`, in lines of at most `width` columns where words allow it. */
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

/** Returns the page for `pmuctl --help`: the commands, a line each. */
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
    // an option that is longer than its column has the line for itself
    const beside = first.length > indent || first.endsWith(left) ? [first.trimEnd()] : [];
    const rest = beside.length > 0 ? text : text.slice(1);
    return [
      ...beside,
      ...(beside.length > 0 ? [] : [first + text[0]]),
      ...rest.map((line) => " ".repeat(indent) + line),
    ];
  });
}

/** Where a usage line may be broken: between words, and not inside brackets. */
const BRACKETS = /(?<=\S) (?=\S)(?![^[(]*[\])])/;
