/**
 * Times pmuctl and the tools that people use for the same work, as whole processes, one after the other in turn. Prints the
 * median of each and the ratios of the pairs; with --json or --markdown the same as JSON, or as docs/performance.md.
 * Nothing here is asserted: a benchmark informs, tests decide.
 */

import { parseArgs } from "@std/cli/parse-args";
import { folder, type Result, runCase } from "./case.ts";
import { RECORD_CASES } from "./record_cases.ts";
import { load } from "./recording.ts";
import { REPORT_CASES } from "./report_cases.ts";
import { setting } from "./setting.ts";
import { renderMarkdown, renderText } from "./tables.ts";

const CASES = [...RECORD_CASES, ...REPORT_CASES];
const USAGE = "usage: scripts/bench [--json | --markdown] [--pairs N] [CASE]...";

/** Ends with this status, before anything is measured. */
function leave(status: number): never {
  Deno.removeSync(folder, { recursive: true });
  Deno.exit(status);
}

/** Returns the cases that `words` name: by their whole name, or by what comes before a perf's version. */
function chosen(words: readonly string[]) {
  const isOf = (name: string, word: string) => name === word || name.replace(/-\d+\.\d+$/, "") === word;
  const unknown = words.filter((word) => !CASES.some(({ name }) => isOf(name, word)));
  if (unknown.length) {
    console.error(`no case ${unknown.join(", ")}: there are ${CASES.map(({ name }) => name).join(", ")}`);
    leave(2);
  }
  return CASES.filter(({ name }) => words.length === 0 || words.some((word) => isOf(name, word)));
}

const args = parseArgs(Deno.args, {
  boolean: ["json", "markdown", "help"],
  string: ["pairs"],
  default: { pairs: "7" },
  unknown: (option) => {
    if (!option.startsWith("-")) return;
    console.error(`there is no option ${option}: ${USAGE}`);
    leave(2);
  },
});
if (args.help) {
  console.log([
    USAGE,
    "PMUCTL_BENCH_PERF names a second perf to compare with; a CASE without a version is run for each perf.",
    "cases:",
    ...CASES.map(({ name, what }) => `  ${name}: ${what}`),
  ].join("\n"));
  leave(0);
}
if (!(Number(args.pairs) >= 1)) {
  console.error(`--pairs ${args.pairs} is not a number of pairs: ${USAGE}`);
  leave(2);
}
const cases = chosen(args._.map(String));
const where = setting();
const results: Result[] = [];
try {
  for (const each of cases) {
    const missing = each.missing?.();
    if (missing) {
      console.error(`${each.name}: left out: ${missing}`);
      continue;
    }
    const result = await runCase(each, Number(args.pairs));
    results.push(result);
    (args.json || args.markdown ? console.error : console.log)(renderText(result));
  }
  if (args.json) console.log(JSON.stringify({ schema: "pmuctl.bench/1", ...where, results }, null, 1));
  if (args.markdown) console.log(renderMarkdown(results, where).trimEnd());
} finally {
  load.stop();
  Deno.removeSync(folder, { recursive: true });
}
