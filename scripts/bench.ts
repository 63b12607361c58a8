/**
 * pmuctl against perf on the same work, as whole processes, one after the other in turn. Prints the
 * median of each and the median of the ratios of the pairs; with --json the same as one JSON object.
 * Nothing here is asserted: a benchmark informs, tests decide.
 */

import { parseArgs } from "@std/cli/parse-args";
import { spawn } from "../ffi/child.ts";
import { closeFd, createFile } from "../ffi/pmu.ts";
import { repeatRecording } from "./repeat-recording.ts";
import { writeLongRecording } from "../tests/perfdata/long_recording.ts";

const ROOT = new URL("..", import.meta.url).pathname;
const PMUCTL = Deno.env.get("PMUCTL") ?? `${ROOT}scripts/pmuctl`;
const DENO = Deno.env.get("PMUCTL_BENCH_DENO")!;

/** What one run took. Figures that a case does not measure are absent. */
interface Figures {
  wallMs: number;
  /** User and system time, of the process and of all it waited for. */
  cpuMs: number;
  maxRssMb: number;
  [extra: string]: number;
}

/** A side of a comparison: what to run, and what to find out afterwards. */
interface Side {
  name: string;
  argv: string[];
  after?: (stderr: string, wallMs: number) => Record<string, number> | Promise<Record<string, number>>;
}

interface Case {
  name: string;
  /** What is compared, for people. */
  what: string;
  /** Which figures to show. */
  figures: string[];
  /** What is missing to run it, and how to get it; undefined when nothing is. */
  missing?: () => string | undefined;
  prepare?: () => Promise<void>;
  ours: Side;
  theirs: Side;
  cleanUp?: () => void;
}

const folder = Deno.makeTempDirSync({ prefix: "pmuctl-bench-" });
const path = (name: string) => `${folder}/${name}`;
const spinner = `${ROOT}build/programs/threads`;

/** Runs the command to its end, its output in files. */
async function runOnce(side: Side): Promise<Figures> {
  const [out, err] = [path("stdout"), path("stderr")];
  const stdio = [createFile("/dev/null"), createFile(out), createFile(err)] as const;
  const child = spawn({ argv: side.argv, stdio: [...stdio] });
  const started = performance.now();
  await child.release();
  const exit = await child.wait();
  const wallMs = performance.now() - started;
  for (const fd of stdio) closeFd(fd);
  const stderr = Deno.readTextFileSync(err);
  if (exit.code !== 0) throw new Error(`${side.argv.join(" ")} ended with ${exit.code}: ${stderr}`);
  const { utimeNs, stimeNs, maxrssBytes } = exit.usage;
  return {
    wallMs,
    cpuMs: (utimeNs + stimeNs) / 1e6,
    maxRssMb: maxrssBytes / 1e6,
    ...await side.after?.(stderr, wallMs),
  };
}

const decoder = new TextDecoder();

function output(argv: string[]): string {
  const { stdout } = new Deno.Command(argv[0], { args: argv.slice(1), stderr: "null" }).outputSync();
  return decoder.decode(stdout);
}

/** Samples and lost records of a file, as perf counts them. */
function perfStats(file: string): Record<string, number> {
  const stats = output(["perf", "report", "-i", file, "--stats"]);
  const of = (name: string) =>
    Number(new RegExp(`^\\s*${name} events:\\s+(\\d+)`, "m").exec(stats)?.[1] ?? 0);
  const lost = /^# Total Lost Samples: (\d+)/m.exec(
    output(["perf", "report", "-i", file, "--stdio", "-g", "none"]),
  );
  return { samples: of("SAMPLE"), lost: Number(lost?.[1] ?? 0), fileKb: Deno.statSync(file).size / 1024 };
}

/** Processes that keep both CPUs busy in user and kernel while something else is timed. */
class Load {
  #children: Deno.ChildProcess[] = [];

  start() {
    // it ends by itself when this process was killed and could not end it
    const busy = `while kill -0 ${Deno.pid}; do ${spinner} 200; ls -R /usr/share >/dev/null 2>&1; done`;
    for (let i = 0; i < 2; i++) {
      this.#children.push(
        new Deno.Command("setsid", {
          args: ["sh", "-c", busy],
          stdin: "null",
          stdout: "null",
          stderr: "null",
        })
          .spawn(),
      );
    }
  }

  stop() {
    for (const child of this.#children) {
      try {
        new Deno.Command("kill", { args: ["--", `-${child.pid}`], stderr: "null" }).outputSync();
      } catch {
        // it has ended
      }
    }
  }
}

const load = new Load();
/** Four threads on two CPUs for about a second, which leave their own wall time in ns in a file. */
const timed = [
  "sh",
  "-c",
  'began=$(date +%s%N); "$0" 2000; echo $(($(date +%s%N) - began)) >"$1"',
  spinner,
  path("took"),
];

const tookMs = () => Number(Deno.readTextFileSync(path("took"))) / 1e6;

/** What being recorded has added to the workload's time, against the same alone right afterwards. */
function overhead(): Record<string, number> {
  const workMs = tookMs();
  output(timed);
  const aloneMs = tookMs();
  return { workMs, aloneMs, addedPercent: 100 * (workMs / aloneMs - 1) };
}

function overheadCase(freq: number): Case {
  const args = ["record", "-q", "-F", String(freq), "-g", "-e", "cpu-clock"];
  return {
    name: `overhead-${freq}`,
    what: `record -F ${freq} -g: what it adds to the wall time of what is recorded`,
    figures: ["workMs", "aloneMs", "addedPercent"],
    ours: {
      name: "pmuctl record",
      argv: [PMUCTL, ...args, "-o", path("overhead.data"), "--", ...timed],
      after: overhead,
    },
    theirs: {
      name: "perf record",
      argv: ["perf", ...args, "-o", path("overhead-perf.data"), "--", ...timed],
      after: overhead,
    },
  };
}

const recordArgs = ["-F", "20000", "-a", "-g"];
const big = path("big.data");

function reportCase(name: string, what: string, ours: string[], theirs: string[]): Case {
  return {
    name: `report-${name}`,
    what: `report of the same perf file of a million samples, ${what}`,
    figures: ["wallMs", "cpuMs", "maxRssMb"],
    prepare: () => makeRecording(big, 27),
    ours: { name: "pmuctl report", argv: [PMUCTL, "report", ...ours, "-i", big] },
    theirs: { name: "perf report", argv: ["perf", "report", "--stdio", ...theirs, "-i", big] },
  };
}

/** Folded stacks of the same file, by us and by what others make of `perf script`: `command`, found as `peer` has it. */
function foldedCase(name: string, peer: Peer): Case {
  const { command, path: tool } = peer;
  return {
    name,
    what: `folded stacks of the same perf file of a million samples, by \`perf script | ${command}\``,
    figures: ["wallMs", "cpuMs", "maxRssMb"],
    missing: () => isFile(tool) ? undefined : `${tool} is not there: ${peer.remedy}`,
    prepare: () => makeRecording(big, 27),
    ours: { name: "pmuctl report", argv: [PMUCTL, "report", "--format", "folded", "-i", big] },
    theirs: {
      name: `perf script | ${command}`,
      argv: ["sh", "-c", 'perf script -i "$0" 2>/dev/null | "$@"', big, ...peer.runBy, tool],
    },
  };
}

/** A program of others that is fetched by whoever wants the comparison, and is no part of this repository. */
interface Peer {
  command: string;
  path: string;
  /** What runs it, when it is a script. */
  runBy: string[];
  remedy: string;
}

const peers = `${ROOT}build/peers/bin`;
const INFERNO: Peer = {
  command: "inferno-collapse-perf",
  path: Deno.env.get("INFERNO_COLLAPSE_PERF") ?? `${peers}/inferno-collapse-perf`,
  runBy: [],
  remedy: "cargo install inferno --version 0.11.21 --no-default-features --features cli --locked " +
    "--root build/peers, or name another with INFERNO_COLLAPSE_PERF",
};
const STACKCOLLAPSE: Peer = {
  command: "stackcollapse-perf.pl",
  path: Deno.env.get("STACKCOLLAPSE_PERF") ?? `${peers}/stackcollapse-perf.pl`,
  runBy: ["perl"],
  remedy:
    "put that of https://github.com/brendangregg/FlameGraph there, or name another with STACKCOLLAPSE_PERF",
};

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/**
 * The same tenth of a million samples, so many times over: time per sample and memory are to stay the same. Time per
 * sample is without what a file without any takes, and time per further sample what those take that a tenth of the
 * file does not have: the first ones are paid for with symbols to read and code to compile.
 */
function linearCase(name: string, many: number, few: number): Case {
  const short = path("short-real.data");
  const fileOf = (times: number) => path(`times-${times}.data`);
  const argvOf = (times: number) => [PMUCTL, "report", "-g", "-i", fileOf(times)];
  const tenthOf = (times: number) => Math.floor(times / 10);
  const side = (times: number): Side => ({
    name: `${times / 10} M`,
    argv: argvOf(times),
    after: async (_, wallMs) => {
      const each = perfStats(short).samples;
      const nsBeyond = async (fewer: number) => {
        const start = await runOnce({ name: "", argv: argvOf(fewer) });
        return (wallMs - start.wallMs) * 1e6 / (each * (times - fewer));
      };
      return {
        samples: each * times,
        nsPerSample: await nsBeyond(0),
        nsPerFurtherSample: await nsBeyond(tenthOf(times)),
      };
    },
  });
  return {
    name: `report-${name}`,
    what: `report -g of the same stacks, ${many / 10} against ${few / 10} million samples`,
    figures: ["samples", "wallMs", "nsPerSample", "nsPerFurtherSample", "maxRssMb"],
    prepare: async () => {
      await makeRecording(short, 2.6);
      for (const times of new Set([many, few, tenthOf(few), 0])) repeatRecording(short, fileOf(times), times);
    },
    ours: side(many),
    theirs: side(few),
    cleanUp: () => Deno.removeSync(fileOf(many)),
  };
}

const CASES: Case[] = [
  {
    name: "record",
    what: "record -F 20000 -a -g, both CPUs busy, 5 s: the recorder's own cost",
    figures: ["cpuMs", "samples", "lost", "fileKb"],
    prepare: () => Promise.resolve(load.start()),
    ours: {
      name: "pmuctl record",
      argv: [
        PMUCTL,
        "record",
        "-q",
        "--keep-rate",
        ...recordArgs,
        "-o",
        path("ours.data"),
        "--",
        "sleep",
        "5",
      ],
      after: () => perfStats(path("ours.data")),
    },
    theirs: {
      name: "perf record",
      argv: [
        "perf",
        "record",
        "-q",
        "-e",
        "cpu-clock",
        ...recordArgs,
        "-o",
        path("perf.data"),
        "--",
        "sleep",
        "5",
      ],
      after: () => perfStats(path("perf.data")),
    },
    cleanUp: () => load.stop(),
  },
  ...[100, 1000, 5000].map(overheadCase),
  reportCase("flat", "flat", [], ["--no-children", "-g", "none"]),
  reportCase("tree", "with callers", ["-g"], ["--no-children", "-g", "graph,0.5,callee"]),
  reportCase("tree-default", "with call trees, as perf does it unless told otherwise", ["-g"], ["-g"]),
  foldedCase("folded", INFERNO),
  foldedCase("folded-perl", STACKCOLLAPSE),
  linearCase("linear-1m", 10, 1),
  linearCase("linear-10m", 100, 10),
  {
    name: "report-memory",
    what:
      "report -g of 5,000,000 samples against 100,000 of the same stacks: memory does not grow with samples",
    figures: ["maxRssMb", "wallMs"],
    prepare: () => {
      writeLongRecording(path("short.data"), 100_000);
      writeLongRecording(path("long.data"), 5_000_000);
      return Promise.resolve();
    },
    ours: { name: "5,000,000", argv: [PMUCTL, "report", "-g", "-i", path("long.data")] },
    theirs: { name: "100,000", argv: [PMUCTL, "report", "-g", "-i", path("short.data")] },
    cleanUp: () => Deno.removeSync(path("long.data")),
  },
  {
    name: "start",
    what: "pmuctl --version against `deno run` of an empty file",
    figures: ["wallMs", "cpuMs", "maxRssMb"],
    prepare: () => Deno.writeTextFile(path("empty.ts"), ""),
    ours: { name: "pmuctl --version", argv: [PMUCTL, "--version"] },
    theirs: { name: "deno run", argv: [DENO, "run", path("empty.ts")] },
  },
  {
    name: "record-true",
    what: "record -- true",
    figures: ["wallMs", "cpuMs", "maxRssMb"],
    ours: { name: "pmuctl record", argv: [PMUCTL, "record", "-q", "-o", path("true.data"), "--", "true"] },
    theirs: {
      name: "perf record",
      argv: ["perf", "record", "-q", "-e", "cpu-clock", "-o", path("true-perf.data"), "--", "true"],
    },
  },
  {
    name: "bind-true",
    what: "bind -- true",
    figures: ["wallMs", "cpuMs", "maxRssMb"],
    ours: { name: "pmuctl bind", argv: [PMUCTL, "bind", "-e", "task-clock,page-faults", "--", "true"] },
    theirs: { name: "perf stat", argv: ["perf", "stat", "-e", "task-clock,page-faults", "--", "true"] },
  },
];

/** A recording by perf of a busy system with call chains, made once, that both sides report on. */
async function makeRecording(file: string, seconds: number): Promise<void> {
  try {
    Deno.statSync(file);
    return;
  } catch {
    load.start();
  }
  await new Deno.Command("perf", {
    args: ["record", "-q", "-e", "cpu-clock", ...recordArgs, "-o", file, "--", "sleep", String(seconds)],
    stderr: "null",
  }).output();
  load.stop();
}

const median = (values: number[]) => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

async function runCase(each: Case, pairs: number) {
  await each.prepare?.();
  const runs: { ours: Figures; theirs: Figures }[] = [];
  try {
    await runOnce(each.ours); // warm-up: page cache, code cache
    await runOnce(each.theirs);
    for (let i = 0; i < pairs; i++) {
      runs.push({ ours: await runOnce(each.ours), theirs: await runOnce(each.theirs) });
    }
  } finally {
    each.cleanUp?.();
  }
  return {
    name: each.name,
    what: each.what,
    ours: each.ours.name,
    theirs: each.theirs.name,
    pairs,
    figures: each.figures.map((figure) => ({
      figure,
      ours: median(runs.map((run) => run.ours[figure])),
      theirs: median(runs.map((run) => run.theirs[figure])),
      ratio: median(runs.map((run) => run.ours[figure] / run.theirs[figure])),
    })),
  };
}

type Result = Awaited<ReturnType<typeof runCase>>;

function table(result: Result): string {
  const rows = [["", result.ours, result.theirs, "ratio"]];
  for (const { figure, ours, theirs, ratio } of result.figures) {
    rows.push([figure, ours.toFixed(1), theirs.toFixed(1), Number.isFinite(ratio) ? ratio.toFixed(2) : "-"]);
  }
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const lines = rows.map((row) =>
    row.map((cell, column) => column ? cell.padStart(widths[column]) : cell.padEnd(widths[column])).join("  ")
  );
  return [`${result.name}: ${result.what} (${result.pairs} pairs, medians)`, ...lines, ""].join("\n");
}

/** Ends with this status, before anything is measured. */
function leave(status: number): never {
  Deno.removeSync(folder, { recursive: true });
  Deno.exit(status);
}

const USAGE = "usage: scripts/bench [--json] [--pairs N] [CASE]...";
const args = parseArgs(Deno.args, {
  boolean: ["json", "help"],
  string: ["pairs"],
  default: { pairs: "5" },
  unknown: (option) => {
    if (!option.startsWith("-")) return;
    console.error(`there is no option ${option}: ${USAGE}`);
    leave(2);
  },
});
if (args.help) {
  console.log([USAGE, "cases:", ...CASES.map(({ name, what }) => `  ${name}: ${what}`)].join("\n"));
  leave(0);
}
if (!(Number(args.pairs) >= 1)) {
  console.error(`--pairs ${args.pairs} is no number of pairs: ${USAGE}`);
  leave(2);
}
const wanted = args._.map(String);
const unknown = wanted.filter((name) => !CASES.some((each) => each.name === name));
if (unknown.length) {
  console.error(`no case ${unknown.join(", ")}: there are ${CASES.map((each) => each.name).join(", ")}`);
  leave(2);
}
const results: Result[] = [];
try {
  for (const each of CASES.filter((each) => wanted.length === 0 || wanted.includes(each.name))) {
    const missing = each.missing?.();
    if (missing) {
      console.error(`${each.name}: left out: ${missing}`);
      continue;
    }
    const result = await runCase(each, Number(args.pairs));
    results.push(result);
    if (!args.json) console.log(table(result));
  }
  if (args.json) console.log(JSON.stringify(results, null, 1));
} finally {
  load.stop();
  Deno.removeSync(folder, { recursive: true });
}
