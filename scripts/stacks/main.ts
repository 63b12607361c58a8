/**
 * Measures how many call stacks are whole: records programs of many kinds with pmuctl and with perf, and judges all by the
 * same rule. Prints the shares, with --markdown as docs/stacks.md; --breaks writes down where the broken ones end.
 */

import { parseArgs } from "@std/cli/parse-args";
import { setting } from "../benchmark/setting.ts";
import { COMPILED } from "./compiled.ts";
import { leave, measureEach, namedPrograms } from "./each_program.ts";
import { LANGUAGES } from "./languages.ts";
import { measure, type Row } from "./measure.ts";
import { run, SOURCES } from "./program.ts";
import { recorders } from "./recorders.ts";
import { FoundRootCode, libraryRoots } from "./root_code.ts";
import { SERVERS } from "./servers.ts";
import { renderBreaks, renderMarkdown, renderText } from "./tables.ts";

const PROGRAMS = [...COMPILED, ...LANGUAGES, ...SERVERS];
const USAGE = "usage: scripts/measure-stacks [--markdown] [--breaks FOLDER] [--only RECORDER] [PROGRAM]...";

const args = parseArgs(Deno.args, {
  boolean: ["markdown", "help"],
  string: ["breaks", "only"],
  unknown: (option) => {
    if (option.startsWith("-")) leave(`there is no option ${option}: ${USAGE}`);
  },
});
if (args.help) {
  console.log([
    USAGE,
    "--breaks writes a file for each program: where its broken stacks end. --only leaves out recorders whose names do",
    "not contain RECORDER. PMUCTL_BENCH_PERF names a second perf to compare with, PMUCTL_STACKS_PYTHON a Python of 3.12",
    "or newer.",
    "programs:",
    ...PROGRAMS.map(({ name, what }) => `  ${name}: ${what}`),
  ].join("\n"));
  Deno.exit(0);
}
const programs = namedPrograms(PROGRAMS, args._.map(String));
const all = recorders().filter(({ name }) => name.includes(args.only ?? ""));
if (all.length === 0) {
  leave(`no recorder ${args.only}: there are ${recorders().map(({ name }) => name).join(", ")}`);
}

const where = setting();
const folder = Deno.makeTempDirSync({ prefix: "pmuctl-stacks-" });
const rows: Row[] = [];
const say = args.markdown ? console.error : console.log;
if (args.breaks) Deno.mkdirSync(args.breaks, { recursive: true });
try {
  await run("cc", "-O2", "-pthread", `${SOURCES}roots.c`, "-o", `${folder}/roots`);
  const code = new FoundRootCode(await libraryRoots(`${folder}/roots`));
  const left = await measureEach(programs, async (program) => {
    const own = `${folder}/${program.name}`;
    Deno.mkdirSync(own);
    const row = await measure(program, all, own, code);
    rows.push(row);
    say(renderText(row));
    if (args.breaks) Deno.writeTextFileSync(`${args.breaks}/${program.name}.txt`, renderBreaks(row));
  });
  if (args.markdown) console.log(renderMarkdown(rows, left, where).trimEnd());
} finally {
  Deno.removeSync(folder, { recursive: true });
}
