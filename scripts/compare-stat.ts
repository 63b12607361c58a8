/**
 * What `pmuctl stat`, `hyperfine -N` and `perf stat -r` say of the wall time of the same commands, in rounds in which each
 * comes first in turn. Prints a table in Markdown: medians over all runs, the ratios of the medians of a round, and how
 * much a tool's own medians differ between rounds, which is the noise that the ratios are to be held against. Nothing
 * is asserted: on a busy machine the noise is what there is to see.
 */

import { parseArgs } from "@std/cli/parse-args";
import { median } from "simple-statistics";
import { formatQuantity } from "../lib/check/metrics/format_quantity.ts";

const ROOT = new URL("..", import.meta.url).pathname;
const PMUCTL = Deno.env.get("PMUCTL") ?? `${ROOT}scripts/pmuctl`;
const LOOP = `${ROOT}build/programs/loop`;
/** Of the loop: 4 instructions each, some 10 ms of them. */
const ROUNDS = 15_000_000;

interface Case {
  name: string;
  /** For the table. */
  what: string;
  argv: string[];
}

/** Times of runs, in ns, in the order of the runs. */
type Tool = (argv: readonly string[], runs: number, folder: string) => Promise<number[]>;

function cases(folder: string): Case[] {
  const one = (name: string, what: string, file: string | undefined, ...args: string[]): Case[] =>
    file ? [{ name, what, argv: [file, ...args] }] : [];
  return [
    ...one("true", "`true`", onPath("true")),
    ...one("loop10", "a loop, about 10 ms", LOOP, `${ROUNDS}`),
    ...one("loop100", "a loop, about 100 ms", LOOP, `${10 * ROUNDS}`),
    ...one("cc", "`cc -O1 -c` of 3 lines", onPath("cc"), "-O1", "-c", `${folder}/a.c`, "-o", `${folder}/a.o`),
    ...one("python", "`python3 -c pass`", python(), "-c", "pass"),
  ];
}

/** Where a program is, for perf looks into folders of its own before those of PATH. */
function onPath(name: string): string | undefined {
  return (Deno.env.get("PATH") ?? "").split(":").map((folder) => `${folder}/${name}`).find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}

/** The interpreter itself, for what PATH leads to may be a script that looks for it. */
function python(): string | undefined {
  const found = onPath("python3");
  if (!found) return undefined;
  const args = ["-c", "import sys; print(sys.executable, end='')"];
  return new TextDecoder().decode(new Deno.Command(found, { args }).outputSync().stdout);
}

/** All three run the command once before what counts. */
const TOOLS: Record<string, Tool> = {
  "pmuctl stat": async (argv, runs) => {
    const text = await output([PMUCTL, "stat", "--json", "-w", "1", "-r", `${runs}`, "--", ...argv]);
    return JSON.parse(text).commands[0].metrics.wall.samples;
  },
  hyperfine: async (argv, runs, folder) => {
    const file = `${folder}/hyperfine.json`;
    const command = argv.join(" "); // no word of the cases needs quotes
    await output([
      ...["hyperfine", "-N", "--style", "none", "-w", "1", "-r", `${runs}`, "--export-json", file],
      command,
    ]);
    const times: number[] = JSON.parse(await Deno.readTextFile(file)).results[0].times;
    return times.map((seconds) => 1e9 * seconds);
  },
  // what it prints is a mean; its table of the single runs has the median
  "perf stat": async (argv, runs, folder) => {
    const file = `${folder}/perf.txt`;
    await output([...argv]);
    await output(["perf", "stat", "--table", "-e", "task-clock", "-r", `${runs}`, "-o", file, ...argv]);
    const lines = (await Deno.readTextFile(file)).matchAll(/^\s*(\d+\.\d+) \([+-]\d+\.\d+\)/gm);
    return Array.from(lines, ([, seconds]) => 1e9 * Number(seconds));
  },
};

async function output(argv: string[]): Promise<string> {
  const [command, ...args] = argv;
  const { success, stdout, stderr } = await new Deno.Command(command, { args, stdin: "null" }).output();
  if (!success) throw new Error(`${argv.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** The times of each tool, by round. */
async function measure({ name, argv }: Case, rounds: number, runs: number, folder: string) {
  const times: Record<string, number[][]> = {};
  const order = Object.keys(TOOLS);
  for (let round = 0; round < rounds; round++) {
    for (const tool of order) {
      const taken = await TOOLS[tool](argv, runs, folder);
      if (taken.length !== runs) {
        throw new Error(`${tool} reported ${taken.length} times for ${runs} runs of ${name}`);
      }
      (times[tool] ??= []).push(taken);
    }
    order.push(order.shift()!);
    console.error(`${name} ${round + 1}/${rounds}`);
  }
  return times;
}

/** How far medians of one tool lie apart between rounds, as a part of their median. */
function spread(rounds: readonly number[][]): number {
  const medians = rounds.map((runs) => median(runs));
  return (Math.max(...medians) - Math.min(...medians)) / median(medians);
}

function line({ what }: Case, times: Record<string, number[][]>): string {
  const ours = times["pmuctl stat"];
  const pooled = Object.keys(TOOLS).map((tool) => median(times[tool].flat()));
  const ratios = ["hyperfine", "perf stat"].map((tool) => {
    const list = ours.map((runs, round) => median(runs) / median(times[tool][round]));
    const [low, high] = [Math.min(...list), Math.max(...list)];
    return `${median(list).toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`;
  });
  const noise = Math.max(...Object.values(times).map(spread));
  const cells = [
    what,
    ...pooled.map((value) => formatQuantity(value, "ns")),
    ...ratios,
    `${(100 * noise).toFixed(1)}%`,
  ];
  return `| ${cells.join(" | ")} |`;
}

const options = parseArgs(Deno.args, { string: ["rounds", "runs"] });
const rounds = Number(options.rounds ?? 5), runs = Number(options.runs ?? 30);
const wanted = options._.map(String);
const folder = await Deno.makeTempDir({ prefix: "pmuctl-compare-" });
try {
  await Deno.writeTextFile(
    `${folder}/a.c`,
    "#include <stdio.h>\nint main(int n, char **v) { for (int i = 0; i < n; i++) puts(v[i]); return 0; }\n",
  );
  const tools = Object.keys(TOOLS);
  console.log(
    `| ${rounds} rounds of ${runs} runs | ${
      tools.join(" | ")
    } | pmuctl / hyperfine | pmuctl / perf | noise |`,
  );
  console.log(`| --- |${" ---: |".repeat(tools.length + 3)}`);
  for (const one of cases(folder)) {
    if (wanted.length && !wanted.includes(one.name)) continue;
    console.log(line(one, await measure(one, rounds, runs, folder)));
  }
} finally {
  await Deno.remove(folder, { recursive: true });
}
