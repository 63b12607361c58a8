/** Help texts, rendered from the commands' tables. */

import { VERSION } from "../base/version.ts";
import { allOptions } from "./args.ts";
import type { Command } from "./command.ts";

/** The page for `pmuctl COMMAND --help`. */
export function commandHelp(command: Command): string {
  const rows = allOptions(command).map((o) => {
    const short = o.short ? `-${o.short}, ` : "    ";
    const value = o.bare !== undefined ? `[=${o.value}]` : o.value ? ` ${o.value}` : "";
    return [`${short}--${o.name}${value}`, o.help + (o.repeat ? " (repeatable)" : "")];
  });
  const lines = [
    `pmuctl ${command.name}: ${command.summary}`,
    "",
    ...command.usage.map((u, i) => `${i ? "      " : "usage:"} pmuctl ${command.name} ${u}`.trimEnd()),
    "",
    "options:",
    ...columns(rows),
  ];
  for (const { title, rows } of command.lists ?? []) lines.push("", `${title}:`, ...columns(rows));
  if (command.examples?.length) lines.push("", "examples:", ...command.examples.map((e) => `  ${e}`));
  return lines.join("\n") + "\n";
}

/** The page for `pmuctl --help`: the commands, a line each. */
export function overview(commands: readonly Command[]): string {
  return [
    `pmuctl ${VERSION}: CPU performance counters and profiles on Linux`,
    "",
    "usage: pmuctl COMMAND [OPTION]... [TARGET]",
    "",
    "commands:",
    ...columns(commands.map((c) => [c.name, c.summary])),
    "",
    "'pmuctl COMMAND --help' tells more.",
    "Exit status: 0 done, 1 a check regressed, 2 usage, 3 not permitted or not supported here, 4 bad input,",
    "5 inconclusive, 70 a bug in pmuctl;",
    "with a command to run and nothing else wrong, the command's own status.",
  ].join("\n") + "\n";
}

function columns(rows: readonly (readonly string[])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
