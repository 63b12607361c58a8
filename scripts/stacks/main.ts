/**
 * Measures how many call stacks are whole: records programs of many kinds with pmuctl and with perf, and judges all by the
 * same rule. Prints the shares, with --markdown as docs/stacks.md; --breaks writes down where the broken ones end.
 */

import { parseArgs } from "@std/cli/parse-args";
import { setting } from "../benchmark/setting.ts";
import { COMPILED } from "./compiled.ts";
import { LANGUAGES } from "./languages.ts";
import { measure, type Row } from "./measure.ts";
import { run, SOURCES } from "./program.ts";
import { recorders } from "./recorders.ts";
import { FoundRootCode, libraryRoots } from "./root_code.ts";
import { SERVERS } from "./servers.ts";
import { renderBreaks, renderMarkdown, renderText } from "./tables.ts";

const PROGRAMS = [...COMPILED, ...LANGUAGES, ...SERVERS];
const USAGE = "usage: scripts/measure-stacks [--markdown] [--breaks FOLDER] [--only RECORDER] [PROGRAM]...";

function leave(why: string): never {
  console.error(why);
  Deno.exit(2);
}

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
const words = args._.map(String);
const unknown = words.filter((word) => !PROGRAMS.some(({ name }) => name === word));
if (unknown.length > 0) {
  leave(`no program ${unknown.join(", ")}: there are ${PROGRAMS.map(({ name }) => name).join(", ")}`);
}
const all = recorders().filter(({ name }) => name.includes(args.only ?? ""));
if (all.length === 0) {
  leave(`no recorder ${args.only}: there are ${recorders().map(({ name }) => name).join(", ")}`);
}

const where = setting();
const folder = Deno.makeTempDirSync({ prefix: "pmuctl-stacks-" });
const rows: Row[] = [], left = new Map<string, string>();
const say = args.markdown ? console.error : console.log;
if (args.breaks) Deno.mkdirSync(args.breaks, { recursive: true });
try {
  await run("cc", "-O2", "-pthread", `${SOURCES}roots.c`, "-o", `${folder}/roots`);
  const code = new FoundRootCode(await libraryRoots(`${folder}/roots`));
  for (const program of PROGRAMS.filter(({ name }) => words.length === 0 || words.includes(name))) {
    const own = `${folder}/${program.name}`;
    Deno.mkdirSync(own);
    try {
      const missing = program.missing();
      if (missing !== undefined) throw new Error(missing);
      const row = await measure(program, all, own, code);
      rows.push(row);
      say(renderText(row));
      if (args.breaks) Deno.writeTextFileSync(`${args.breaks}/${program.name}.txt`, renderBreaks(row));
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      left.set(program.what, error.message);
      console.error(`${program.name}: left out: ${error.message}`);
    }
  }
  if (args.markdown) console.log(renderMarkdown(rows, left, where).trimEnd());
} finally {
  Deno.removeSync(folder, { recursive: true });
}
