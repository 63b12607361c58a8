/** Recording, counting and starting, each beside perf. */

import { type Case, inFolder } from "./case.ts";
import { type Perf, PERFS, PMUCTL } from "./peers.ts";
import { load } from "./recording.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const DENO = Deno.env.get("PMUCTL_BENCH_DENO") ?? "deno";
const spinner = `${ROOT}build/programs/threads`;
const decoder = new TextDecoder();

function output(argv: readonly string[]): string {
  const { stdout } = new Deno.Command(argv[0], { args: argv.slice(1), stderr: "null" }).outputSync();
  return decoder.decode(stdout);
}

/** Returns the number of samples of a file, as the perf on PATH counts them. */
export function perfSampleCount(file: string): number {
  const stats = output(["perf", "report", "-i", file, "--stats"]);
  return Number(/^\s*SAMPLE events:\s+(\d+)/m.exec(stats)?.[1] ?? 0);
}

/** Returns samples and losses of a file, as our report counts them: perf takes minutes for a large one with stacks. */
function fileStats(file: string): Record<string, number> {
  const json = output([PMUCTL, "report", "-i", file, "--no-unwind", "--format", "json"]);
  const { meta: { lost, ledger: { total } } } = JSON.parse(json);
  return { samples: total.sample, lost, fileKb: Deno.statSync(file).size / 1024 };
}

/** Four threads on two CPUs for about a second, which leave their own wall time in ns in a file. */
const timed = [
  "sh",
  "-c",
  'began=$(date +%s%N); "$0" 2000; echo $(($(date +%s%N) - began)) >"$1"',
  spinner,
  inFolder("took"),
];

const tookMs = () => Number(Deno.readTextFileSync(inFolder("took"))) / 1e6;

/** Returns what being recorded has added to the workload's time, against the same alone right afterwards. */
function overhead(): Record<string, number> {
  const workMs = tookMs();
  output(timed);
  const aloneMs = tookMs();
  return { workMs, aloneMs, addedPercent: 100 * (workMs / aloneMs - 1) };
}

/** How callers are found: by frame pointers, or whole stacks, which pmuctl unwinds while it records. */
const WAYS = {
  fp: { ours: "fp", theirs: "fp", what: "callers by frame pointers" },
  stacks: {
    ours: "auto",
    theirs: "dwarf",
    what: "whole stacks: pmuctl writes callers, perf copies of 8 KiB",
  },
} as const;
type Way = keyof typeof WAYS;

function overheadCase(way: Way, freq: number, perf: Perf): Case {
  const { ours, theirs, what } = WAYS[way];
  const args = (
    graph: string,
  ) => ["record", "-q", "-F", String(freq), "--call-graph", graph, "-e", "cpu-clock"];
  return {
    name: `overhead-${way}-${freq}-${perf.version}`,
    what: `record -F ${freq}, ${what}: what it adds to the wall time of what is recorded`,
    figures: ["workMs", "aloneMs", "addedPercent"],
    ours: {
      name: "pmuctl",
      argv: [PMUCTL, ...args(ours), "-o", inFolder("overhead.data"), "--", ...timed],
      after: overhead,
    },
    theirs: {
      name: `perf ${perf.version}`,
      argv: [perf.path, ...args(theirs), "-N", "-o", inFolder("overhead-perf.data"), "--", ...timed],
      after: overhead,
    },
  };
}

/** A recording of everything by pmuctl, and by another program, while programs of many kinds keep the CPUs busy. */
function recordCase(
  { name, what, freq, graph, theirs }: {
    name: string;
    what: string;
    freq: number;
    graph: string;
    theirs: { name: string; argv: (file: string) => string[] };
  },
): Case {
  const [own, other] = [inFolder("ours.data"), inFolder("theirs.data")];
  return {
    name,
    what: `record -F ${freq} -a, both CPUs busy, 5 s: the recorder's own cost; ${what}`,
    figures: ["cpuMs", "maxRssMb", "samples", "lost", "fileKb"],
    prepare: () => Promise.resolve(load.startVaried()),
    ours: { name: "pmuctl", argv: ownRecording(freq, graph, own), after: () => fileStats(own) },
    theirs: { name: theirs.name, argv: theirs.argv(other), after: () => fileStats(other) },
    cleanUp: () => load.stop(),
  };
}

const FOR_5_SECONDS = ["--", "sleep", "5"];

function ownRecording(freq: number, graph: string, file: string): string[] {
  const args = ["-q", "--keep-rate", "-e", "cpu-clock", "-F", String(freq), "-a", "--call-graph", graph];
  return [PMUCTL, "record", ...args, "-o", file, ...FOR_5_SECONDS];
}

function againstPerf(way: Way, freq: number, { path, version }: Perf): Case {
  const { ours, theirs, what } = WAYS[way];
  const args = ["record", "-q", "-N", "-e", "cpu-clock", "-F", String(freq), "-a", "--call-graph", theirs];
  return recordCase({
    name: `record-${way}-${freq}-${version}`,
    what,
    freq,
    graph: ours,
    theirs: {
      name: `perf ${version}`,
      argv: (file) => [path, ...args, "-o", file, ...FOR_5_SECONDS],
    },
  });
}

/** Whole stacks against callers by frame pointers, both by pmuctl. */
function againstFramePointers(freq: number): Case {
  return recordCase({
    name: `record-stacks-or-fp-${freq}`,
    what: "whole stacks against callers by frame pointers, which are few where programs do not keep them",
    freq,
    graph: "auto",
    theirs: { name: "pmuctl, frame pointers", argv: (file) => ownRecording(freq, "fp", file) },
  });
}

const START_FIGURES = ["wallMs", "cpuMs", "maxRssMb"];

function startCases(perf: Perf): Case[] {
  const counted = ["-e", "task-clock,page-faults", "--", "true"];
  return [
    {
      name: `record-true-${perf.version}`,
      what: "record -- true",
      figures: START_FIGURES,
      ours: { name: "pmuctl", argv: [PMUCTL, "record", "-q", "-o", inFolder("true.data"), "--", "true"] },
      theirs: {
        name: `perf ${perf.version}`,
        argv: [
          perf.path,
          "record",
          "-q",
          "-N",
          "-e",
          "cpu-clock",
          "-o",
          inFolder("true-perf.data"),
          "--",
          "true",
        ],
      },
    },
    {
      name: `bind-true-${perf.version}`,
      what: "counts of `true`: bind against perf stat",
      figures: START_FIGURES,
      ours: { name: "pmuctl bind", argv: [PMUCTL, "bind", ...counted] },
      theirs: { name: `perf ${perf.version} stat`, argv: [perf.path, "stat", ...counted] },
    },
  ];
}

/** All cases that record, count or only start. */
export const RECORD_CASES: readonly Case[] = [
  ...PERFS.map((perf) => againstPerf("fp", 20000, perf)),
  ...[1000, 4000, 20000].flatMap((freq) => PERFS.map((perf) => againstPerf("stacks", freq, perf))),
  ...[1000, 4000].map(againstFramePointers),
  ...PERFS.map((perf) => overheadCase("fp", 1000, perf)),
  ...[1000, 4000].flatMap((freq) => PERFS.map((perf) => overheadCase("stacks", freq, perf))),
  ...PERFS.flatMap(startCases),
  {
    name: "start",
    what: "pmuctl --version against `deno run` of an empty file",
    figures: START_FIGURES,
    prepare: () => Deno.writeTextFile(inFolder("empty.ts"), ""),
    ours: { name: "pmuctl --version", argv: [PMUCTL, "--version"] },
    theirs: { name: "deno run", argv: [DENO, "run", inFolder("empty.ts")] },
  },
];
