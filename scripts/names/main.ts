/**
 * Measures how much of the time of programs without symbols has a name: records each once, and reads the recording with
 * pmuctl and with perf. Prints the shares, with --markdown as docs/names.md.
 */

import { parseArgs } from "@std/cli/parse-args";
import { PERFS, PMUCTL } from "../benchmark/peers.ts";
import { setting } from "../benchmark/setting.ts";
import { leave, measureEach, namedPrograms } from "../stacks/each_program.ts";
import { LANGUAGES } from "../stacks/languages.ts";
import { command, lacks, LONG_MS, type Program, run, SERVER_SECONDS, SOURCES } from "../stacks/program.ts";
import { SERVERS } from "../stacks/servers.ts";
import { type NameRow, renderMarkdown, renderText, type Shares } from "./tables.ts";

/** Samples per second of CPU time. */
const FREQUENCY = "1999";
/** Programs of Debian's that measure-stacks has, too. */
const DEBIANS = ["python", "ruby", "sqlite3", "cc1plus", "postgres", "php"];
const USAGE = "usage: scripts/measure-names [--markdown] [--keep FOLDER] [PROGRAM]...";

const PROGRAMS: readonly Program[] = [
  ...DEBIANS.map((name) => [...LANGUAGES, ...SERVERS].find((program) => program.name === name)!),
  {
    name: "go",
    what: "Go, stripped",
    missing: lacks("golang-go", "go"),
    make: async (folder) => {
      await run("go", "build", "-ldflags=-s -w", "-o", `${folder}/program`, `${SOURCES}work.go`);
      return command(`${folder}/program`, LONG_MS);
    },
  },
  {
    name: "fzf",
    what: "fzf, a Go program of Debian's",
    missing: lacks("fzf", "fzf"),
    make: () =>
      Promise.resolve(command("sh", "-c", "for i in 1 2 3 4 5; do seq 3000000 | fzf -f 1234; done")),
  },
];

/** Returns the shares in pmuctl's report. */
async function pmuctlShares(file: string): Promise<Shares> {
  const { events: [{ rows }] } = JSON.parse(await run(PMUCTL, "report", "--json", "-i", file));
  const shares: Shares = { reader: "pmuctl", samples: 0, functions: 0, nameless: 0 };
  for (const { symbol, unnamed, self: { count } } of rows) {
    shares.samples += count;
    if (symbol !== null) continue;
    if (/\+0x[0-9a-f]+$/.test(unnamed)) shares.functions! += count;
    else shares.nameless += count;
  }
  return shares;
}

/** Returns the shares in a perf's report. */
async function perfShares(path: string, version: string, file: string): Promise<Shares> {
  const options = ["--stdio", "-n", "-g", "none", "-t", "\t", "--percent-limit", "0", "--no-children"];
  const text = await run(path, "report", "-i", file, ...options, "--sort", "sym,dso");
  const shares: Shares = { reader: `perf ${version}`, samples: 0, nameless: 0 };
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const [, count, name] = line.split("\t").map((cell) => cell.trim());
    shares.samples += Number(count);
    if (/^\[.\] (0x[0-9a-f]+|[0-9a-f]{16}|\[unknown\])$/.test(name)) shares.nameless += Number(count);
  }
  return shares;
}

async function measure({ name, what, make }: Program, folder: string): Promise<NameRow> {
  const own = `${folder}/${name}`, file = `${own}/perf.data`;
  Deno.mkdirSync(own, { recursive: true });
  const target = await make(own);
  try {
    const recorded = target.pids
      ? ["-p", target.pids.join(","), "--duration", `${SERVER_SECONDS}`]
      : ["--", ...target.command!];
    await run(PMUCTL, "record", "-q", "-e", "cpu-clock:u", "-F", FREQUENCY, "-o", file, ...recorded);
  } finally {
    await target.stop?.();
  }
  const shares = [await pmuctlShares(file)];
  for (const { path, version } of PERFS) shares.push(await perfShares(path, version, file));
  return { program: name, what, shares };
}

const args = parseArgs(Deno.args, {
  boolean: ["markdown", "help"],
  string: ["keep"],
  unknown: (option) => {
    if (option.startsWith("-")) leave(`there is no option ${option}: ${USAGE}`);
  },
});
if (args.help) {
  console.log([
    USAGE,
    "--keep keeps the recordings in a folder. PMUCTL_BENCH_PERF names a second perf to compare with.",
    "programs:",
    ...PROGRAMS.map(({ name, what }) => `  ${name}: ${what}`),
  ].join("\n"));
  Deno.exit(0);
}
const programs = namedPrograms(PROGRAMS, args._.map(String));

const where = setting();
const folder = args.keep ?? Deno.makeTempDirSync({ prefix: "pmuctl-names-" });
const rows: NameRow[] = [];
try {
  const left = await measureEach(programs, async (program) => {
    const row = await measure(program, folder);
    rows.push(row);
    (args.markdown ? console.error : console.log)(renderText(row));
  });
  if (args.markdown) console.log(renderMarkdown(rows, left, where).trimEnd());
} finally {
  if (args.keep === undefined) Deno.removeSync(folder, { recursive: true });
}
