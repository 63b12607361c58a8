/** Shares of time without a name as text for a terminal, and as docs/names.md. */

import type { Setting } from "../benchmark/setting.ts";

/** How much of a recording has no name in a report, in samples. */
export interface Shares {
  reader: string;
  samples: number;
  /** In functions that have no name, but rows of their own; undefined where there are no such rows. */
  functions?: number;
  /** In rows of addresses or of whole objects. */
  nameless: number;
}

/** All readers of the recording of a program. */
export interface NameRow {
  program: string;
  what: string;
  shares: Shares[];
}

function percent(part: number, { samples }: Shares): string {
  return samples === 0 ? "-" : `${(100 * part / samples).toFixed(1)}%`;
}

/** Renders one row for a terminal: a line for each reader. */
export function renderText({ program, what, shares }: NameRow): string {
  const lines = shares.map((share) => {
    const functions = share.functions === undefined ? "" : `, ${percent(share.functions, share)} by function`;
    return `  ${share.reader.padEnd(10)} ${
      percent(share.nameless, share).padStart(6)
    } of ${share.samples} without a name${functions}`;
  });
  return [`${program}: ${what}`, ...lines].join("\n");
}

/** Renders all rows as a Markdown page. */
export function renderMarkdown(
  rows: readonly NameRow[],
  left: ReadonlyMap<string, string>,
  setting: Setting,
): string {
  const [, ...perfs] = rows[0]?.shares ?? [];
  return [
    "# Names in stripped programs",
    "",
    "How much of the time that programs spend in user space has a name, where they are as their distribution ships them:",
    "without symbols and debug information. This page is written by `scripts/measure-names --markdown > docs/names.md`;",
    "`scripts/measure-names --help` lists the programs.",
    "",
    `- **When:** ${setting.date}`,
    `- **Machine:** ${setting.machine}`,
    `- **Versions:** ${setting.versions.join("; ")}`,
    "- **Method:** each program is recorded once (`pmuctl record -e cpu-clock:u`), and all report on the same file. No debug",
    "  symbols are installed. *Named* has a function's name. *By function* is code without a name in rows like",
    "  `ruby3.1+0x1a40`, one for each function. *Without* is in rows of addresses, or of all that is left of an object.",
    "",
    `| | samples | named | by function | without | ${
      perfs.map(({ reader }) => `${reader}: without`).join(" | ")
    } |`,
    `| --- |${" ---: |".repeat(4 + perfs.length)}`,
    ...rows.map(({ what, shares: [own, ...others] }) => {
      const named = own.samples - own.functions! - own.nameless;
      const cells = [named, own.functions!, own.nameless].map((part) => percent(part, own));
      return `| ${
        [what, own.samples, ...cells, ...others.map((each) => percent(each.nameless, each))].join(" | ")
      } |`;
    }),
    "",
    ...[...left].map(([what, why]) => `Left out: ${what}: ${why}.`),
  ].join("\n").trimEnd() + "\n";
}
