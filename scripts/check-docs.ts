/**
 * Checks the documentation of the files that a reader enters a room by: `check-docs.ts [ROOT]`. By `deno doc --lint` all
 * that they export has a doc comment, each member too, and a type, and refers to no type that is not exported. Every file
 * of the program is given to it, so that a type counts as exported whichever file it comes from. Prints each violation as
 * `FILE:LINE: RULE`, and exits with 1 when there are any.
 */

import { programFiles } from "./sources.ts";
import { counted } from "../lib/base/text/plural.ts";

/** Entry files: where each room is asked for what it does. */
export const ENTRIES: readonly string[] = [
  "main.ts",
  "ffi/pmu.ts",
  "lib/events/resolve.ts",
  "lib/perfdata/read/reader.ts",
  "lib/perfdata/format/writer.ts",
  "lib/symbols/symbolizer.ts",
  "lib/profile/request/load_options.ts",
  "lib/profile/load/load.ts",
  "lib/profile/model/profile.ts",
  "lib/profile/query/query.ts",
  "lib/profile/compare/diff.ts",
  "lib/profile/compare/stack_comparison.ts",
  "lib/dataset/write/export_profile.ts",
  "lib/dataset/read/load_dataset.ts",
  "lib/dataset/sql/fleet_sql.ts",
  "lib/report/formats.ts",
  "lib/annotate/annotate.ts",
  "lib/annotate/annotate_named.ts",
  "lib/counters/bind_sets.ts",
  "lib/counters/tasks/bind_tasks.ts",
  "lib/counters/cpus/bind_cpus.ts",
  "lib/record/session.ts",
  "lib/run/command_runner.ts",
  "lib/check/gate.ts",
  "lib/check/series/benchmark.ts",
  "lib/cli/args.ts",
  "lib/cli/command.ts",
];

/** A finding of `deno doc --lint`. */
interface Finding {
  /** Path as it was given. */
  path: string;
  line: number;
  rule: string;
}

/**
 * Parses what `deno doc --lint` prints without colors, a paragraph for each finding:
 *
 *     error[missing-jsdoc]: exported symbol is missing JSDoc documentation
 *       --> /path/to/file.ts:63:3
 */
export function parseFindings(text: string): Finding[] {
  const found = text.matchAll(/^error\[[\w-]+\]: (.*)\n *--> (.*):(\d+):\d+$/gm);
  return Array.from(found, ([, rule, path, line]) => ({ path, line: Number(line), rule }));
}

/** Runs `deno doc --lint` over these files below `root`. Throws where it could not read them. */
function lint(root: string, files: readonly string[]): Finding[] {
  const { stderr } = new Deno.Command(`${root}/scripts/deno`, {
    args: ["doc", "--lint", ...files],
    cwd: root,
    env: { NO_COLOR: "1" },
    stdout: "null",
    stderr: "piped",
  }).outputSync();
  const text = new TextDecoder().decode(stderr), found = parseFindings(text);
  const total = Number(/^error: Found (\d+) documentation lint errors?\.$/m.exec(text)?.[1] ?? 0);
  if (/^error: (?!Found)/m.test(text) || found.length !== total) throw new Error(`deno doc --lint: ${text}`);
  return found;
}

if (import.meta.main) {
  const root = Deno.args[0] ?? new URL("..", import.meta.url).pathname.replace(/\/$/, "");
  const files = [...programFiles(root)].filter((path) => path.endsWith(".ts"));
  const gone = ENTRIES.filter((path) => !files.includes(path)).map((path) => `${path}:1: is not there`);
  const found = lint(root, files).map((finding) => ({
    ...finding,
    path: finding.path.replace(`${root}/`, ""),
  }))
    .filter(({ path }) => ENTRIES.includes(path)).map(({ path, line, rule }) => `${path}:${line}: ${rule}`);
  for (const line of [...gone, ...found]) console.error(line);
  console.log(
    `${counted(ENTRIES.length, "entry file")}, ${counted(gone.length + found.length, "violation")}`,
  );
  if (gone.length + found.length > 0) Deno.exit(1);
}
