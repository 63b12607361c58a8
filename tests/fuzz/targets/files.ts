/** Files of pmuctl's own that others may have written or edited: profiles, baselines, pmuctl.json, sets, caches. */

import { MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { parseBaseline, renderBaseline } from "../../../lib/check/baseline/baseline.ts";
import { parseConfig } from "../../../lib/check/baseline/config.ts";
import { FINGERPRINT_KEYS, fingerprintDifferences } from "../../../lib/check/baseline/fingerprint.ts";
import { judgeAgainstBaseline, judgeSteady } from "../../../lib/check/statistics/verdict.ts";
import { checkJson } from "../../../lib/check/output/check_json.ts";
import { checkText } from "../../../lib/check/output/check_text.ts";
import { githubAnnotations, stepSummary } from "../../../lib/check/output/github.ts";
import { junitXml } from "../../../lib/check/output/junit.ts";
import { unmeasuredRow } from "../../../lib/check/output/result.ts";
import { quoteWords, splitWords } from "../../../lib/cli/shell_words.ts";
import { parseSet } from "../../../lib/counters/verify/set_file.ts";
import { cachegrindTotal } from "../../../lib/run/valgrind.ts";
import { decodeSessionInfo, encodeSessionInfo } from "../../../lib/perfdata/own/session_info.ts";
import { diffProfiles } from "../../../lib/profile/compare/diff.ts";
import { loadProfile } from "../../../lib/profile/load/load.ts";
import type { Profile } from "../../../lib/profile/model/profile.ts";
import { readStoredProfile, storeProfile } from "../../../lib/profile/model/stored.ts";
import { renderDiffText } from "../../../lib/report/text/diff_text.ts";
import { KernelCache } from "../../../lib/symbols/kernel/kernel_cache.ts";
import { writtenFile } from "../../perfdata/small_recording.ts";
import { HOSTILE_NAMES } from "../hostile.ts";
import { memoryFiles } from "../made/memory_files.ts";
import { mutateBytes, mutateText } from "../mutate/mutate.ts";
import { mutateJson } from "../mutate/mutate_json.ts";
import { ownPath } from "../own_folder.ts";
import { fitForTerminal, wellFormed } from "../output_checks.ts";
import { type Target, textTarget } from "../target.ts";
import { whole } from "../../report/whole.ts";

const MACHINE = Object.fromEntries(FINGERPRINT_KEYS.map((key) => [key, `${key} 1`]));
const BASELINES = [
  renderBaseline({
    loop: {
      command: ["build/loop", "1000", ""],
      machine: MACHINE as never,
      metrics: {
        wall: { rung: "wall", samples: [10.5, 11, 10.75, 10.8, 10.9], gauge: [1, 1.1, 1, 1, 1.05] },
        instructions: { rung: "instructions:u", samples: [1000, 1000, 1000, 1001] },
      },
    },
  }),
];
const BASELINE_WORDS = [
  "schema",
  "pmuctl-baseline/1",
  "benchmarks",
  "samples",
  "gauge",
  "rung",
  "machine",
  "__proto__",
];
const CONFIG_WORDS = [
  "benchmarks",
  "name",
  "command",
  "against",
  "threshold",
  "thresholds",
  "maxRuns",
  "budget",
  "'",
  '"',
  "\\",
];
const CONFIGS = [
  Deno.readTextFileSync(new URL("../../../docs/example-pmuctl.json", import.meta.url)),
  '{"baseline":"b.json","threshold":5,"benchmarks":[{"name":"a","command":["x",""],"thresholds":{"wall":2},"prepare":"make \'a b\'"}]}',
];
const SETS = [
  '{"flags":0,"reqs":[{"event":"cycles","preset":"0","flags":2,"attrs":{"picnum":0}}]}',
  '{"flags":0,"reqs":[{"event":"instructions","preset":"0x10"},{"event":"cpu/event=0x3c/"}]}',
];
const SESSIONS = [
  encodeSessionInfo({
    tool: "0.1.0",
    command: ["a", "b"],
    seconds: 1.5,
    unwound: { stackBytes: 16384 },
    ledger: { rows: [{ cpu: 0, sample: 1 }], total: { sample: 1, overflow: 0, dropbuf_sample: 0 } },
  }),
];
const CACHEGRIND = ["desc: I1 cache:\ncmd: ls\nevents: Ir\nfl=a.c\nfn=main\n1 100\nsummary: 100\n"];
const WORDS = [
  "null",
  "-1",
  "1e99",
  "NaN",
  "{",
  "}",
  "[",
  "]",
  ",",
  "\n",
  "events: ",
  "summary: ",
  "Ir",
  "0x10",
  "cycles",
];

/** A profile of a recording of our own, which others are compared with. */
async function someProfile(): Promise<Profile> {
  return await loadProfile(new MemoryBytes(writtenFile(), "input"), memoryFiles());
}

/** Compares as `check --profile` does. */
function compare(stored: Profile, now: Profile): void {
  const diff = diffProfiles(stored, now, { normalize: "none" });
  const names = { a: "before", b: "now" };
  whole(renderDiffText(diff, { names, order: "delta", percentLimit: 0.5, width: Infinity, color: false }));
}

/** Judges as `check` does, with runs that are as good as the baseline's first. */
function judgeBaseline(text: string): void {
  for (const benchmark of Object.values(parseBaseline("b.json", text))) {
    quoteWords(benchmark.command);
    fingerprintDifferences(benchmark.machine, MACHINE as never);
    for (const { samples, gauge } of Object.values(benchmark.metrics)) {
      const now = samples.slice(0, 50), terms = { threshold: 0.02, confidence: 0.99, steady: true };
      judgeSteady(samples, now, terms);
      judgeAgainstBaseline(samples, now, terms, gauge && { before: gauge, now: gauge.slice(0, 50) });
    }
  }
}

const MARKUP = [
  "| a | b",
  "```\n# x",
  "::error::x",
  "%0A::set-output",
  "<a href='x'>",
  "&amp;",
  "]]>",
  "[a](b)",
  "\r\n- x",
];

/** Has check tell of a benchmark, a metric and a reason with these words in them. */
function showCheck([benchmark, metric, reason]: string[]): void {
  const of = { benchmark, comparedWith: "baseline" } as const;
  const result = {
    rows: [unmeasuredRow(of, metric, reason)],
    notes: [reason],
    where: { [benchmark]: "text" },
  };
  fitForTerminal("check", checkText(result, { colors: false }));
  JSON.parse(checkJson(result, { status: 5, version: "1", machine: MACHINE as never }));
  wellFormed(junitXml(result, { strict: true }));
  const [line] = githubAnnotations(result, { strict: true, file: benchmark });
  if (/[\r\n]/.test(line) || !line.startsWith("::error file=")) throw new Error(`no annotation: ${line}`);
  const summary = stepSummary(result).split("\n");
  if (summary.length !== 16) {
    throw new Error(`the summary has ${summary.length} lines: ${summary.join("\n")}`);
  }
  // names are code spans, in which nothing is markup: from some backquotes to as many
  const text = summary.slice(2).join("\n").replace(/(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)/g, "");
  if (/(?<!\\)(?:<|\[|\]\()/.test(text)) {
    throw new Error(`markup: ${summary.join("\n")}`);
  }
}

/** The cache of kernel symbols, which is read from a folder. */
function kernelCacheTarget(): Target {
  const open = () => new KernelCache(ownPath("cache"), () => "key");
  const path = () => `${ownPath("cache")}/kernel-symbols`;
  let seed: Uint8Array | undefined;
  const made = () => {
    open().parse(new TextEncoder().encode(
      "ffffffff81000000 T _text\nffffffff81000100 t do_work\nffffffffc0000000 t mod_fn\t[mod]\n",
    ));
    return Deno.readFileSync(path());
  };
  return {
    name: "kernel-cache",
    what: "the kernel's symbols as an earlier report kept them",
    weight: 3,
    make(random) {
      seed ??= made();
      return { bytes: mutateBytes(seed, random, 0, { donors: [seed] }), made: "bytes changed" };
    },
    take(bytes) {
      seed ??= made();
      Deno.writeFileSync(path(), bytes, { mode: 0o600 });
      const kernel = open().read();
      for (const table of kernel?.tables.values() ?? []) {
        const at = table.find(-0x7f000000 + 0x110);
        if (at >= 0) table.name(at);
      }
      kernel?.reference("_text");
    },
  };
}

export async function fileTargets(): Promise<Target[]> {
  const now = await someProfile();
  const stored = [storeProfile(now, 3)];
  return [
    textTarget({
      name: "stored-profile",
      what: "the profile beside a baseline, and its comparison with another",
      weight: 8,
      make: (random) =>
        mutateJson(stored, ["Int32Array", "Float64Array", "bigint", "schema", "cpu-clock"], random),
      take: (text) => compare(readStoredProfile("x.profile.json", text).profile, now),
    }),
    textTarget({
      name: "baseline",
      what: "baselines of check, and verdicts by them",
      weight: 6,
      make: (random) => mutateJson(BASELINES, BASELINE_WORDS, random),
      take: judgeBaseline,
    }),
    textTarget({
      name: "config",
      what: "pmuctl.json, commands as a shell would split them",
      weight: 4,
      statuses: [2, 4],
      make: (random) => mutateJson(CONFIGS, CONFIG_WORDS, random),
      take(text) {
        for (const { command } of parseConfig("pmuctl.json", text).benchmarks) {
          if (typeof command === "string") splitWords(command, "pmuctl.json");
        }
      },
    }),
    textTarget({
      name: "check-output",
      what: "what check says of benchmarks of any names, to terminals, CI systems and GitHub",
      weight: 3,
      make: (random) =>
        JSON.stringify(
          Array.from(
            { length: 3 },
            () => random.pick([...HOSTILE_NAMES, mutateText(MARKUP, MARKUP, random)]),
          ),
        ),
      take: (text) => showCheck(JSON.parse(text)),
    }),
    textTarget({
      name: "set-file",
      what: "request sets as JSON",
      weight: 2,
      make: (random) => mutateJson(SETS, WORDS, random),
      take: (text) => void parseSet(new TextEncoder().encode(text), "set.json"),
    }),
    textTarget({
      name: "session-info",
      what: "what a recorder says of itself in a recording",
      weight: 2,
      make: (random) => mutateJson(SESSIONS, WORDS, random),
      take: (text) => void decodeSessionInfo(text),
    }),
    textTarget({
      name: "cachegrind",
      what: "counts that valgrind wrote",
      weight: 1,
      make: (random) => mutateText(CACHEGRIND, WORDS, random),
      take: (text) => void cachegrindTotal(text),
    }),
    kernelCacheTarget(),
  ];
}
