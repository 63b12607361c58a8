/** Shares of whole stacks as text for a terminal, and as docs/stacks.md. */

import type { Setting } from "../benchmark/setting.ts";
import type { Row, Share } from "./measure.ts";

/** Kinds of broken stacks that are printed for a program and a recorder. */
const MAX_BREAKS = 15;

/** Returns a share in percent, which is 100 only where no stack is broken. */
export function percent({ samples, whole }: Share): string {
  if (samples === 0) return "-";
  const tenths = Math.round(1000 * whole / samples);
  return `${((tenths === 1000 && whole < samples ? 999 : tenths) / 10).toFixed(1)}%`;
}

/** Renders one row for a terminal: a line for each recorder. */
export function renderText({ program, what, shares }: Row): string {
  const lines = shares.map((share) =>
    `  ${share.recorder.padEnd(18)}${percent(share).padStart(7)} of ${String(share.samples).padStart(6)}` +
    `  ${(share.size / 1e6).toFixed(1).padStart(7)} MB`
  );
  return [`${program}: ${what}`, ...lines].join("\n");
}

/** Renders the kinds of broken stacks of a row, with an example of each. */
export function renderBreaks({ program, what, shares }: Row): string {
  const lines = [`${program}: ${what}`];
  for (const share of shares) {
    lines.push("", `${share.recorder}: ${percent(share)} of ${share.samples} whole`);
    const kinds = [...share.breaks].sort(([, a], [, b]) => b.count - a.count);
    for (const [kind, { count, example }] of kinds.slice(0, MAX_BREAKS)) {
      lines.push(`  ${count}: ${kind}`, `      ${example}`);
    }
    if (kinds.length > MAX_BREAKS) lines.push(`  and ${kinds.length - MAX_BREAKS} more kinds`);
  }
  return lines.join("\n") + "\n";
}

/** Renders all rows as a Markdown page. */
export function renderMarkdown(
  rows: readonly Row[],
  left: ReadonlyMap<string, string>,
  setting: Setting,
): string {
  const recorders = rows[0]?.shares.map(({ recorder }) => recorder) ?? [];
  const sizes = recorders.map((_, i) => rows.reduce((sum, { shares }) => sum + shares[i].size, 0) / 1e6);
  return [
    "# Whole call stacks",
    "",
    "How many samples have a whole call stack: one that goes back to where the process or the thread began. This page is",
    "written by `scripts/measure-stacks --markdown > docs/stacks.md`; `scripts/measure-stacks --help` lists the programs.",
    "",
    `- **When:** ${setting.date}, load average ${setting.load.toFixed(1)} at the start`,
    `- **Machine:** ${setting.machine}`,
    `- **Versions:** ${setting.versions.join("; ")}`,
    "- **Method:** each program is recorded by each recorder in turn, under the same load, at 999 samples per second of CPU",
    "  time in user space (`-e cpu-clock:u`). `perf script` prints the stacks: for pmuctl the newest perf, for each perf",
    "  itself. A stack counts as whole if its outermost frame is in `main`, in the code of the C library or the language that",
    "  starts programs and threads, or at a program's entry. Samples without a part in user space are left out. A perf far",
    "  behind the other is measured up to three times, and its best counts.",
    "",
    `| | ${recorders.join(" | ")} |`,
    `| --- |${" ---: |".repeat(recorders.length)}`,
    ...rows.map(({ what, shares }) =>
      `| ${what} | ${
        shares.map((share) => share.failure ? "failed" : `${percent(share)} of ${share.samples}`).join(" | ")
      } |`
    ),
    `| size of all files | ${sizes.map((size) => `${size.toFixed(1)} MB`).join(" | ")} |`,
    "",
    ...rows.flatMap(({ what, shares }) =>
      shares.flatMap(({ recorder, failure }) =>
        failure ? [`Failed: ${recorder} on ${what}: ${failure}.`] : []
      )
    ),
    ...[...left].map(([what, why]) => `Left out: ${what}: ${why}.`),
  ].join("\n").trimEnd() + "\n";
}
