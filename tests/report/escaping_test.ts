/** What names that anybody chose come to in all that a terminal, a log or a page shows. */

import { assert, assertEquals } from "@std/assert";
import { UsageError } from "../../lib/base/system/errors.ts";
import { checkJson } from "../../lib/check/output/check_json.ts";
import { checkText } from "../../lib/check/output/check_text.ts";
import { readFingerprint } from "../../lib/check/baseline/fingerprint.ts";
import { githubAnnotations, stepSummary } from "../../lib/check/output/github.ts";
import { junitXml } from "../../lib/check/output/junit.ts";
import { metricsOf } from "../../lib/check/metrics/metrics.ts";
import type { CheckResult, CheckRow } from "../../lib/check/output/result.ts";
import { statResult } from "../../lib/check/stat/stat.ts";
import { statJson, statMarkdown } from "../../lib/check/stat/stat_formats.ts";
import { statText } from "../../lib/check/stat/stat_text.ts";
import { renderProgress } from "../../lib/cli/progress.ts";
import type { BindRow } from "../../lib/counters/rows/row.ts";
import { headerText, rowJson, type RowTable, rowText } from "../../lib/counters/rows/rows.ts";
import { summaryJson, summaryText } from "../../lib/run/run_summary.ts";
import { diffProfiles } from "../../lib/profile/compare/diff.ts";
import type { Profile } from "../../lib/profile/model/profile.ts";
import { renderDiffJson } from "../../lib/report/json/diff_json.ts";
import { renderDiffText } from "../../lib/report/text/diff_text.ts";
import { FORMATS, type OutputOptions } from "../../lib/report/formats.ts";
import { DEFAULT_REPORT } from "../../lib/report/shared/options.ts";
import { renderStats, renderStatsJson } from "../../lib/report/text/stats.ts";
import { MemoryBytes } from "../../lib/base/bytes/byte_source.ts";
import { countRecords } from "../../lib/perfdata/read/count.ts";
import { madeRun } from "../check/run_fixtures.ts";
import { fitForTerminal } from "../fuzz/output_checks.ts";
import { printable } from "../../lib/base/text/printable.ts";
import { fixture } from "../perfdata/read_recording.ts";
import { profileOf } from "../profile/build.ts";
import { timesOf, whole } from "./whole.ts";

/** Letters that act, by what they do. */
const LETTERS: Record<string, string> = {
  "escape sequences": "\x1b[2J\x1b]0;T\x07",
  "line ends": "a\nb\rc\x0bd\x0ce",
  "controls of eight bits": "\x9b31m\x85\x90",
  "the reverse of the reading order": "\u202egnp.exe\u2066\u200f\u061c",
  "separators of lines": "a\u2028b\u2029c",
  "halves of characters": "\ud83d x \udc00",
};

/** A profile with `evil` in every name. */
function profileWith(evil: string): Profile {
  const profile = profileOf(["app app!main;lib!hot 3", "app app!main;lib!0x1a40 2", "other [kernel]!k 1"]);
  const bad = (text: string) => `${text}${evil}`;
  const { meta } = profile;
  return {
    ...profile,
    meta: {
      ...meta,
      command: bad(meta.command),
      host: bad(meta.host),
      kernel: bad(meta.kernel),
      cpu: bad(meta.cpu),
      sampling: [{ name: bad("cpu-clock"), rate: bad("1000 Hz"), backend: bad("events") }],
      warnings: [bad("a warning")],
      notes: [bad("a note")],
    },
    events: profile.events.map((event) => ({ ...event, name: bad(event.name), rate: bad(event.rate) })),
    comms: profile.comms.map(bad),
    objects: profile.objects.map((object) => ({
      ...object,
      name: bad(object.name),
      path: bad(object.path),
    })),
    symbols: { ...profile.symbols, name: profile.symbols.name.map(bad) },
    times: timesOf(profile),
    unresolved: [{ object: bad("lib"), cause: bad("no symbols"), remedy: bad("install them"), samples: 2 }],
  } as Profile;
}

const OPTIONS: OutputOptions = {
  ...DEFAULT_REPORT,
  weight: "period",
  marks: true,
  flamegraph: { inverted: false },
  tprof: {
    file: "perf.data",
    mergeCpus: true,
    mergeThreads: true,
    mergeProcesses: false,
    perSymbol: true,
  },
};

/** Formats that are bytes to a terminal in any case. */
const BINARY = ["pprof"];

async function* reports(evil: string): AsyncGenerator<[what: string, text: string]> {
  const profile = profileWith(evil);
  for (const { name, renderer } of FORMATS) {
    if (BINARY.includes(name)) continue;
    const render = await renderer();
    const flamegraph = { inverted: false, title: `a title ${evil}` };
    for (
      const tree of name === "text" || name === "json"
        ? ["none", "callers", "callees"] as const
        : ["none"] as const
    ) {
      const options = {
        ...OPTIONS,
        tree,
        flamegraph,
        sort: ["comm", "dso", "sym"] as const,
      } as OutputOptions;
      yield [`report --format ${name}`, whole(render(profile, options))];
    }
  }
  const names = { a: `a${evil}`, b: `b${evil}` };
  const diff = diffProfiles(profile, profileWith(evil));
  const options = { names, order: "delta", percentLimit: 0, width: 100, color: false } as const;
  yield ["diff", whole(renderDiffText(diff, options))];
  yield ["diff --format json", whole(renderDiffJson(diff, { names, order: "delta" }))];
  const counts = await countRecords(new MemoryBytes(fixture("callgraph.data")), false);
  counts.events = counts.events.map((event) => event + evil);
  yield ["report --stats", renderStats(counts)];
  yield ["report --stats --json", renderStatsJson(counts)];
}

function* checks(evil: string): Generator<[what: string, text: string]> {
  const row: CheckRow = {
    benchmark: `b${evil}`,
    comparedWith: "command",
    metric: `m${evil}`,
    rung: `r${evil}`,
    unit: "ns",
    verdict: "unmeasurable",
    improved: false,
    reason: `it failed ${evil}`,
  };
  const result: CheckResult = {
    rows: [row, { ...row, verdict: "inconclusive" }],
    notes: [`note ${evil}`],
    where: { [`b${evil}`]: `+57 ms parse ${printable(evil)}` },
  };
  yield ["check", checkText(result, { colors: false })];
  const machine = readFingerprint({ read: () => evil, list: () => undefined }, {
    arch: "x86_64",
    tool: evil,
  });
  yield ["check --json", checkJson(result, { status: 3, version: "1", machine })];
  const lines = githubAnnotations(result, { strict: true, file: `f${evil}` });
  for (const line of lines) assertEquals(line.split("\n").length, 1);
  yield ["check: annotations", lines.join("\n")];
  yield ["check: step summary", stepSummary(result)];
  yield ["check --junit", junitXml(result, { strict: false })];
  const commands = [{ name: `c${evil}`, argv: [`c${evil}`], parameters: { [`p${evil}`]: evil } }];
  const runs = [[madeRun({ wallMs: 5 }), madeRun({ wallMs: 6 }), madeRun({ wallMs: 7 })]];
  const absent = new Map([[`e${evil}`, `no such ${evil}`]]);
  const stat = statResult(commands, runs, metricsOf([], absent, new Map()), { warmups: 0, absent });
  yield ["stat", statText(stat, { colors: false })];
  yield ["stat --markdown", statMarkdown(stat)];
  yield ["stat --json", statJson(stat, "1")];
}

function* counts(evil: string): Generator<[what: string, text: string]> {
  const column = { name: `e${evil}`, unit: "", scale: 1 };
  const table: RowTable = { kind: "tasks", sets: [[column]], specs: [`s${evil}`], startNs: 0n, stamps: true };
  const row = {
    timeNs: 5n,
    pid: 1,
    lwp: 1,
    event: "exec",
    counts: [{ value: 5n }],
    command: `c${evil}`,
    remark: `r${evil}`,
    overflow: { counter: 0, pc: "0x1", text: `t${evil}`, symbol: `s${evil}`, object: `o${evil}` },
  } as unknown as BindRow;
  yield ["bind", headerText(table) + rowText(row, table)];
  yield ["bind --json", rowJson(row, table)];
  const run = madeRun({ wallMs: 5, counts: { [`e${evil}`]: 5 } });
  const summary = {
    argv: [`c${evil}`],
    run: run as never,
    measured: new Map<string, string>(),
    absent: new Map([[`a${evil}`, `why ${evil}`]]),
  };
  yield ["bind: summary", summaryText(summary)];
  yield ["bind: summary --json", summaryJson(summary)];
  yield ["an error", new UsageError(`cannot read '${evil}'`).message];
  yield ["progress", renderProgress({ done: 1, expected: 5, seconds: 1, what: `c${evil}` }, 80)];
}

/** A page or SVG without its program, style and data, which hold no names in the clear. */
function withoutProgram(page: string): string {
  return page.replace(/<(script|style)\b[^]*?<\/\1>/g, "");
}

for (const [what, evil] of Object.entries(LETTERS)) {
  Deno.test(`no output passes on ${what} from names`, async () => {
    let outputs = 0;
    const each = async (all: AsyncGenerator<[string, string]> | Generator<[string, string]>) => {
      for await (const [name, text] of all) {
        outputs++;
        fitForTerminal(name, withoutProgram(text));
      }
    };
    await each(reports(evil));
    await each(checks(evil));
    await each(counts(evil));
    assert(outputs >= 30, `${outputs}`);
  });
}

Deno.test("line ends in names make no more lines in any output", async () => {
  const linesOf = async (evil: string) => {
    const lines: [string, number][] = [];
    for (const outputs of [reports(evil), checks(evil), counts(evil)]) {
      for await (const [name, text] of outputs) lines.push([name, text.split("\n").length]);
    }
    return lines;
  };
  const harmless = await linesOf("xy");
  for (const evil of ["\nx", "\r\n", "\x85", "\u2028"]) {
    assertEquals((await linesOf(evil)).filter(([, n], i) => n !== harmless[i][1]), [], JSON.stringify(evil));
  }
});

Deno.test("JSON keeps the names as they are for its readers", async () => {
  for (const evil of Object.values(LETTERS)) {
    for await (const [name, text] of reports(evil)) {
      if (name === "report --format json") {
        assert(JSON.stringify(JSON.parse(text)).includes(JSON.stringify(evil).slice(1, -1)));
      }
    }
  }
});
