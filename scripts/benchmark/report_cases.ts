/** Reports of one recording of a busy system, each beside what the same report takes others. */

import type { Case, Side } from "./case.ts";
import { inFolder, runOnce } from "./case.ts";
import { type Folder, INFERNO, missingFolder, type Perf, PERFS, PMUCTL, STACKCOLLAPSE } from "./peers.ts";
import { big, BIG_SECONDS, COPY_ARGS, makeRecording } from "./recording.ts";
import { repeatRecording } from "./repeat_recording.ts";
import { writeLongRecording } from "../../tests/perfdata/long_recording.ts";
import { perfSampleCount } from "./record_cases.ts";

const FIGURES = ["wallMs", "cpuMs", "maxRssMb"];

/** A report that both print. */
interface Report {
  name: string;
  what: string;
  ours: string[];
  /** Arguments of `perf report`, or the shell's command line for another program, with the file in "$0" and perf in "$1". */
  theirs: string[] | string;
}

/**
 * Inlined functions are left out by both: perf asks addr2line about every address, which takes it many minutes where the C
 * library's debug information is installed.
 */
const REPORTS: readonly Report[] = [
  { name: "flat", what: "flat", ours: [], theirs: ["--no-children", "-g", "none"] },
  {
    name: "callers",
    what: "with the callers of each row",
    ours: ["-g", "--no-inline"],
    theirs: ["--no-children", "--no-inline", "-g", "graph,0.5,callee"],
  },
  {
    name: "children",
    what: "with what each function called added to it, and call trees",
    ours: ["-g", "--children", "--no-inline"],
    theirs: ["--children", "--no-inline", "-g", "graph,0.5,caller"],
  },
  {
    name: "json",
    what:
      "for programs: our JSON, their flat rows with all figures, separated by commas (perf has no JSON report)",
    ours: ["--format", "json"],
    theirs: ["--no-children", "-g", "none", "-t", ",", "-F", "overhead,sample,period,comm,dso,sym"],
  },
  {
    name: "pprof",
    what:
      "as a pprof profile: ours whole, theirs the text that converters to pprof read (`perf script`) alone",
    ours: ["--format", "pprof", "--no-inline", "-o", inFolder("out.pb.gz")],
    theirs: '"$1" script --no-inline -i "$0" >/dev/null 2>&1',
  },
];

function reportCase({ name, what, ours, theirs }: Report, perf: Perf): Case {
  const argv = typeof theirs === "string"
    ? ["sh", "-c", theirs, big, perf.path]
    : [perf.path, "report", "--stdio", ...theirs, "-i", big];
  return {
    name: `report-${name}-${perf.version}`,
    what: `report of the same million samples, ${what}`,
    figures: FIGURES,
    prepare: () => makeRecording(big, BIG_SECONDS),
    ours: { name: "pmuctl", argv: [PMUCTL, "report", ...ours, "-i", big] },
    theirs: { name: `perf ${perf.version}`, argv },
  };
}

/** Returns the case of folded stacks, by us and by what a folder makes of `perf script`. */
function foldedCase(name: string, folder: Folder, perf: Perf): Case {
  const { command, path, runBy } = folder;
  return {
    name: `${name}-${perf.version}`,
    what: `folded stacks of the same million samples`,
    figures: FIGURES,
    missing: () => missingFolder(folder),
    prepare: () => makeRecording(big, BIG_SECONDS),
    ours: { name: "pmuctl", argv: [PMUCTL, "report", "--format", "folded", "--no-inline", "-i", big] },
    theirs: {
      name: `perf ${perf.version} script | ${command}`,
      argv: [
        "sh",
        "-c",
        'perf=$1; shift; "$perf" script --no-inline -i "$0" 2>/dev/null | "$@"',
        big,
        perf.path,
        ...runBy,
        path,
      ],
    },
  };
}

/** Returns the case of all samples one by one. */
function scriptCase(perf: Perf): Case {
  const args = ["script", "--no-inline", "-i", big];
  return {
    name: `script-${perf.version}`,
    what: "the same million samples one by one, with their callers",
    figures: FIGURES,
    prepare: () => makeRecording(big, BIG_SECONDS),
    ours: { name: "pmuctl", argv: [PMUCTL, ...args] },
    theirs: { name: `perf ${perf.version}`, argv: [perf.path, ...args] },
  };
}

/** Path of the recording of about 100,000 samples with copies of stacks, of 800 MB, and its length in s. */
const copies = inFolder("copies.data"), COPIES_SECONDS = 13;

/** Returns the case of a recording whose stacks both have to unwind. */
function copiesCase(perf: Perf): Case {
  const theirs = ["--stdio", "--no-inline", "--no-children", "-g", "graph,0.5,callee"];
  return {
    name: `report-copies-${perf.version}`,
    what: "report of 100,000 samples whose stacks were copied, with callers",
    figures: FIGURES,
    prepare: () => makeRecording(copies, COPIES_SECONDS, COPY_ARGS),
    ours: { name: "pmuctl", argv: [PMUCTL, "report", "-g", "--no-inline", "-i", copies] },
    theirs: { name: `perf ${perf.version}`, argv: [perf.path, "report", ...theirs, "-i", copies] },
  };
}

/** What a case that is to be linear is made of. */
interface LinearCase {
  name: string;
  what: string;
  /** How often the recording is read over and over, in the longer and the shorter of the two. */
  many: number;
  few: number;
  /** Seconds that are recorded, and how. */
  seconds: number;
  args?: readonly string[];
}

/**
 * Returns a case of the same tenth of a million samples, so many times over: time per sample and memory are to stay the
 * same. Time per sample is without what an empty file takes, and time per further sample what those take that a tenth of
 * the file does not have: the first ones pay for symbols to read and code to compile.
 */
function linearCase({ name, what, many, few, seconds, args }: LinearCase): Case {
  const short = inFolder(`${name}-short.data`);
  const fileOf = (times: number) => inFolder(`${name}-times-${times}.data`);
  const argvOf = (times: number) => [PMUCTL, "report", "-g", "-i", fileOf(times)];
  const tenthOf = (times: number) => Math.floor(times / 10);
  const side = (times: number): Side => ({
    name: `${times} times`,
    argv: argvOf(times),
    after: async (_, wallMs) => {
      const each = perfSampleCount(short);
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
    what: `report -g of the same stacks, ${what}`,
    figures: ["samples", "wallMs", "nsPerSample", "nsPerFurtherSample", "maxRssMb"],
    prepare: async () => {
      await makeRecording(short, seconds, args);
      for (const times of new Set([many, few, tenthOf(few), 0])) repeatRecording(short, fileOf(times), times);
    },
    ours: side(many),
    theirs: side(few),
    cleanUp: () => Deno.removeSync(fileOf(many)),
  };
}

/** All cases that read. */
export const REPORT_CASES: readonly Case[] = [
  ...REPORTS.flatMap((report) => PERFS.map((perf) => reportCase(report, perf))),
  ...PERFS.flatMap((perf) => [
    foldedCase("report-folded", INFERNO, perf),
    foldedCase("report-folded-perl", STACKCOLLAPSE, perf),
  ]),
  ...PERFS.map(scriptCase),
  ...PERFS.map(copiesCase),
  linearCase({
    name: "linear-1m",
    what: "1 against 0.1 million samples",
    many: 10,
    few: 1,
    seconds: BIG_SECONDS / 10,
  }),
  linearCase({
    name: "linear-10m",
    what: "10 against 1 million samples",
    many: 100,
    few: 10,
    seconds: BIG_SECONDS / 10,
  }),
  linearCase({
    name: "linear-copies",
    what: "100,000 against 10,000 samples with copies of stacks",
    many: 10,
    few: 1,
    seconds: COPIES_SECONDS / 10,
    args: COPY_ARGS,
  }),
  {
    name: "report-memory",
    what:
      "report -g of 5,000,000 samples against 100,000 of the same stacks: memory does not grow with samples",
    figures: ["maxRssMb", "wallMs"],
    prepare: () => {
      writeLongRecording(inFolder("short.data"), 100_000);
      writeLongRecording(inFolder("long.data"), 5_000_000);
      return Promise.resolve();
    },
    ours: { name: "5,000,000", argv: [PMUCTL, "report", "-g", "-i", inFolder("long.data")] },
    theirs: { name: "100,000", argv: [PMUCTL, "report", "-g", "-i", inFolder("short.data")] },
    cleanUp: () => Deno.removeSync(inFolder("long.data")),
  },
];
