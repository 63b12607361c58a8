/** Recording, counting and starting, each beside perf. */

import { type Case, inFolder } from "./case.ts";
import { type Perf, PERFS, PMUCTL } from "./peers.ts";
import { load, RECORD_ARGS } from "./recording.ts";

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

/** Returns samples and lost records of a file, as the perf on PATH counts them, and the file's size. */
function perfStats(file: string): Record<string, number> {
  const lost = /^# Total Lost Samples: (\d+)/m.exec(
    output(["perf", "report", "-i", file, "--stdio", "-g", "none"]),
  );
  return {
    samples: perfSampleCount(file),
    lost: Number(lost?.[1] ?? 0),
    fileKb: Deno.statSync(file).size / 1024,
  };
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

function overheadCase(freq: number, perf: Perf): Case {
  const args = ["record", "-q", "-F", String(freq), "-g", "-e", "cpu-clock"];
  return {
    name: `overhead-${freq}-${perf.version}`,
    what: `record -F ${freq} -g: what it adds to the wall time of what is recorded`,
    figures: ["workMs", "aloneMs", "addedPercent"],
    ours: {
      name: "pmuctl",
      argv: [PMUCTL, ...args, "-o", inFolder("overhead.data"), "--", ...timed],
      after: overhead,
    },
    theirs: {
      name: `perf ${perf.version}`,
      argv: [perf.path, ...args, "-o", inFolder("overhead-perf.data"), "--", ...timed],
      after: overhead,
    },
  };
}

function recordCase(perf: Perf): Case {
  const [ours, theirs] = [inFolder("ours.data"), inFolder("perf.data")];
  const command = ["--", "sleep", "5"];
  return {
    name: `record-${perf.version}`,
    what: "record -F 20000 -a -g, both CPUs busy, 5 s: the recorder's own cost",
    figures: ["cpuMs", "samples", "lost", "fileKb"],
    prepare: () => Promise.resolve(load.start([`${spinner} 200`, "ls -R /usr/share"])),
    ours: {
      name: "pmuctl",
      argv: [
        PMUCTL,
        "record",
        "-q",
        "--keep-rate",
        "-e",
        "cpu-clock",
        ...RECORD_ARGS,
        "-o",
        ours,
        ...command,
      ],
      after: () => perfStats(ours),
    },
    theirs: {
      name: `perf ${perf.version}`,
      argv: [perf.path, "record", "-q", "-N", "-e", "cpu-clock", ...RECORD_ARGS, "-o", theirs, ...command],
      after: () => perfStats(theirs),
    },
    cleanUp: () => load.stop(),
  };
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
        argv: [perf.path, "record", "-q", "-e", "cpu-clock", "-o", inFolder("true-perf.data"), "--", "true"],
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
  ...PERFS.map(recordCase),
  ...[100, 1000, 5000].flatMap((freq) => PERFS.map((perf) => overheadCase(freq, perf))),
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
