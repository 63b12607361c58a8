/** Trends: series, verdicts, and what is shown of them. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { HistoryEntry } from "../../../lib/check/history/history_line.ts";
import { CHANGE_POINT_DEFAULTS } from "../../../lib/check/statistics/change_points.ts";
import { marksBelow, sparkline } from "../../../lib/check/trend/sparkline.ts";
import { type Trend, trendExitStatus, type TrendOptions, trendsOf } from "../../../lib/check/trend/trend.ts";
import { trendHtml } from "../../../lib/check/trend/trend_html.ts";
import { trendJson } from "../../../lib/check/trend/trend_json.ts";
import type { TrendReport } from "../../../lib/check/trend/trend_report.ts";
import { seriesOf } from "../../../lib/check/trend/trend_series.ts";
import { trendText } from "../../../lib/check/trend/trend_text.ts";
import { displayWidth } from "../../../lib/base/text/width.ts";
import { seededRandom } from "../../../lib/run/random.ts";
import { assertGolden } from "../../golden.ts";

const MACHINE = {
  ...{ arch: "x86_64", cores: "2", cpu: "A CPU", governor: "none", kernel: "6.1.0" },
  ...{ tool: "pmuctl 0.1.0", virtualization: "none" },
};
const DAY = 86_400_000, START = Date.UTC(2026, 0, 1);
const OPTIONS: TrendOptions = { ...CHANGE_POINT_DEFAULTS, recent: 30, threshold: 0.001 };

/** Makes an entry a day, up to the same day, with about these values in ms; each day has a commit of its own. */
function entriesOf(
  levels: readonly number[],
  made: Partial<HistoryEntry> = {},
  rung = "wall",
): HistoryEntry[] {
  const random = seededRandom(5);
  const first = 100 - levels.length;
  return levels.map((level, i) => ({
    ...{
      time: START + (first + i) * DAY,
      branch: "main",
      dirty: false,
      benchmark: "sort",
      command: ["./sort"],
    },
    ...{ commit: (0x1000000 + first + i).toString(16).padEnd(40, "0"), machine: MACHINE },
    metrics: {
      best: { rung, unit: "ns", samples: [1e6 * level * (1 + 0.01 * (random() - 0.5))] },
    },
    ...made,
  }));
}

const flat = (length: number, level = 100): number[] => new Array(length).fill(level);
const trendsIn = (entries: readonly HistoryEntry[], options = OPTIONS): Trend[] =>
  trendsOf(seriesOf(byTime(entries), []), options);
const byTime = (entries: readonly HistoryEntry[]) => entries.toSorted((a, b) => a.time - b.time);
const verdictOf = (levels: readonly number[], options = OPTIONS) =>
  trendsIn(entriesOf(levels), options)[0].verdict;

Deno.test("the newest change among the recent runs decides", () => {
  assertEquals(verdictOf(flat(60)), "pass");
  assertEquals(verdictOf([...flat(50), ...flat(10, 103)]), "regressed");
  assertEquals(verdictOf([...flat(50), ...flat(10, 97)]), "improved");
  assertEquals(verdictOf([...flat(40), ...flat(10, 106), ...flat(10)]), "improved");
  assertEquals(verdictOf([...flat(50), ...flat(31, 103)]), "pass");
  assertEquals(verdictOf([...flat(50), ...flat(31, 103)], { ...OPTIONS, recent: 31 }), "regressed");
  assertEquals(verdictOf([...flat(50), ...flat(10, 103)], { ...OPTIONS, threshold: 0.05 }), "pass");
  assertEquals(verdictOf([...flat(59), 150]), "pass"); // one run may be anything
});

Deno.test("a series that is no longer measured decides nothing, and one that is measured now and then does", () => {
  const slower = [...flat(40), ...flat(10, 106)];
  const later = (count: number, made: Partial<HistoryEntry>) =>
    entriesOf(flat(60 + count), made).slice(60).map((entry) => ({
      ...{ ...entry, time: entry.time + 1000 * DAY, commit: entry.commit?.replace("1", "2") },
    }));
  const verdictWith = (entries: HistoryEntry[]) => trendsIn([...entriesOf(slower), ...entries])[0];
  const other = { machine: { ...MACHINE, kernel: "6.12.0" } };
  assertEquals([verdictWith(later(29, other)).verdict, verdictWith(later(30, other)).verdict], [
    "regressed",
    "pass",
  ]);
  assertEquals(verdictWith(later(30, other)).ended, true);
  assertEquals(verdictWith(later(30, { benchmark: "another" })).ended, true);
  // one run of many benchmarks, without commits
  const many = Array.from({ length: 60 }, (_, i) => later(1, { benchmark: `b${i}`, commit: undefined }))
    .flat();
  assertEquals(verdictWith(many).verdict, "regressed");
});

Deno.test("changes up to an accepted commit decide nothing, and those after it do, by themselves", () => {
  const levels = [...flat(40), ...flat(10, 106), ...flat(10, 109)];
  const entries = entriesOf(levels);
  const commitAt = (run: number) => entries[run].commit!.slice(0, 9);
  const accepting = (...accepted: string[]) => trendsIn(entries, { ...OPTIONS, accepted })[0];
  assertEquals(accepting().rise! > 0.08, true);
  const { verdict, rise } = accepting(commitAt(40));
  assert(verdict === "regressed" && rise! > 0.025 && rise! < 0.032, `${verdict} ${rise}`);
  assertEquals(accepting(commitAt(50)).verdict, "pass");
  assertEquals(accepting(commitAt(50), commitAt(3)).verdict, "pass");
});

Deno.test("a drift whose steps are all allowed is a regression by what they add up to", () => {
  const drift = [...flat(40), ...Array.from({ length: 40 }, (_, i) => 100 + 0.1 * i)];
  const [trend] = trendsIn(entriesOf(drift), { ...OPTIONS, recent: 40, threshold: 0.02 });
  assert(trend.changes.every(({ change }) => change < 0.02), JSON.stringify(trend.changes));
  assertEquals(trend.verdict, "regressed");
  assert(trend.rise! > 0.02 && trend.rise! < 0.04, `${trend.rise}`);
});

Deno.test("the more series there are, the surer a change has to be", () => {
  const entries = entriesOf([...flat(40), ...flat(2, 104)]);
  const [alone] = trendsIn(entries);
  const { permuted } = alone.changes[0];
  assert(alone.verdict === "regressed" && permuted > 0.001, `${permuted}`);
  const others = Array.from({ length: 9 }, (_, i) => entriesOf(flat(5), { benchmark: `b${i}` })).flat();
  assertEquals(trendsIn([...entries, ...others])[0].verdict, "pass");
});

Deno.test("the exit status is 1 for a regression of any series, else 0", () => {
  const [pass, slower] = [flat(50), [...flat(40), ...flat(10, 105)]].map((levels) =>
    trendsIn(entriesOf(levels))[0]
  );
  assertEquals([trendExitStatus([pass]), trendExitStatus([pass, slower]), trendExitStatus([])], [0, 1, 0]);
});

Deno.test("runs by other sources, on other machines and in other units are series of their own", () => {
  const on = (part: object) => entriesOf(flat(3), { machine: { ...MACHINE, ...part } });
  const entries = [
    ...entriesOf(flat(3)),
    ...entriesOf(flat(3), {}, "task-clock"),
    ...[{ cpu: "Another" }, { kernel: "6.12.0" }, { cores: "4" }, { virtualization: "KVM" }].flatMap(on),
    ...entriesOf(flat(3), { from: "go", command: undefined }),
    ...on({ tool: "pmuctl 0.2.0" }),
  ];
  assertEquals(
    seriesOf(entries, []).map(({ points }) => points.length),
    [6, 3, 3, 3, 3, 3, 3].sort((a, b) => b - a),
  );
  assertEquals(seriesOf(entries, ["kernel"]).length, 6);
  // counts under valgrind go by what was pinned
  const valgrind = (libc: string, part: object) =>
    on(part).map((entry) => {
      const pinned = { libc, environment: ["PATH"] };
      return {
        ...entry,
        metrics: { best: { rung: "instructions(valgrind-3.19.0)", unit: "count", samples: [5], pinned } },
      };
    });
  assertEquals(
    seriesOf([...valgrind("glibc 2.36", {}), ...valgrind("glibc 2.36", { cpu: "Another" })], []).length,
    1,
  );
  assertEquals(seriesOf([...valgrind("glibc 2.36", {}), ...valgrind("glibc 2.38", {})], []).length, 2);
});

Deno.test("a metric that two names stand for is one series", () => {
  const [entry] = entriesOf(flat(1));
  const both = { ...entry, metrics: { best: entry.metrics.best, wall: entry.metrics.best } };
  assertEquals(seriesOf([both], []).map(({ points }) => points.length), [1]);
});

Deno.test("a change of the machine that may differ is named beside the change of the values", () => {
  const entries = [
    ...entriesOf(flat(30)),
    ...entriesOf(flat(30, 104), { machine: { ...MACHINE, kernel: "6.12.0", tool: "pmuctl 0.2.0" } }),
  ];
  const [trend] = trendsOf(seriesOf(entries, ["kernel"]), OPTIONS);
  assertEquals(trend.changes.map(({ conditions }) => conditions), [
    ["kernel: 6.1.0 -> 6.12.0", "tool: pmuctl 0.1.0 -> pmuctl 0.2.0"],
  ]);
});

Deno.test("a change that the calibration workload shares is the machine's, and what goes beyond it is not", () => {
  const trendWith = (levels: readonly number[], machine: readonly number[]) => {
    const entries = entriesOf(levels).map((entry, i) => {
      const gauge = [2e7 * machine[i] * (1 + 0.002 * (i * 7 % 5))];
      return { ...entry, metrics: { best: { ...entry.metrics.best, gauge } } };
    });
    return trendsIn(entries)[0];
  };
  const slowed = [...flat(40, 1), ...flat(20, 1.1)];
  const times = (share: number) => slowed.map((speed, i) => 100 * speed * (i < 40 ? 1 : share));
  const same = trendWith(times(1), slowed);
  assertEquals([same.verdict, same.changes.map(({ sure }) => sure)], ["pass", [false]]);
  assertMatch(same.changes[0].conditions.join(), /^the machine: the calibration workload \+10\.\d%$/);
  assertEquals(trendWith(times(1.05), slowed).verdict, "regressed"); // the machine's 10%, and 5% more
  assertEquals(trendWith(times(0.95), slowed).verdict, "pass"); // less than the machine's
  const steady = trendWith(times(1), flat(60, 1));
  assertEquals([steady.verdict, steady.changes[0].conditions], ["regressed", []]);
  const faster = trendWith(times(1), slowed.map((speed) => 1 / speed));
  assertEquals([faster.verdict, faster.changes[0].conditions], ["regressed", []]);
});

Deno.test("a sparkline is as high as its values, and never wider than asked for", () => {
  assertEquals(sparkline([1, 2, 3, 4, 5, 6, 7, 8], 80), "▁▂▃▄▅▆▇█");
  assertEquals(sparkline([5, 5, 5], 80), "▁▁▁");
  assertEquals(sparkline([0, 0, 8, 8], 2), "▁█");
  for (const length of [1, 77, 79, 1000]) {
    assertEquals(displayWidth(sparkline(flat(length), 78)), Math.min(length, 78));
  }
  assertEquals(marksBelow(new Map([[2, "^"]]), 4, 80), "  ^");
  assertEquals(marksBelow(new Map(), 4, 80), undefined);
});

const NASTY = "</script><b>&\u001b[31m\u202e";

function report(): TrendReport {
  const entries = [
    ...entriesOf([...flat(60), ...flat(25, 103.5)]),
    ...entriesOf(flat(40), { benchmark: NASTY }),
    ...entriesOf([...flat(20), ...flat(20, 95)], { machine: { ...MACHINE, kernel: "6.12.0" } }),
  ];
  const trends = trendsIn(entries);
  trends[0].changes[0].range = {
    commits: [{ name: "5d6e7f8", subject: `parser: ${NASTY}` }],
    total: 3,
  };
  return { file: "perf.jsonl", branch: "main", trends, recent: 30, notes: [`about ${NASTY}`] };
}

Deno.test("the text fits 80 columns, names commits, and has nothing that acts on a terminal", () => {
  const text = trendText(report(), { colors: false, width: 80 });
  // deno-lint-ignore no-control-regex
  assert(!/[\u001b\u202e]/.test(text));
  for (const line of text.split("\n")) assert(displayWidth(line) <= 80, line);
  assertMatch(text, /^regressed {5}sort: wall \(kernel 6\.1\.0\) \+3\.\d% since /);
  assertGolden("trend.txt", text);
});

Deno.test("the page needs nothing else, and shows names as they are", () => {
  const page = [...trendHtml(report())].join("");
  assert(!page.includes("<script") && !page.includes("<b>") && !/(?:src|href)="(?!#)/.test(page));
  assertStringIncludes(page, "&lt;/script&gt;");
  assertStringIncludes(page, "prefers-color-scheme: dark");
  assertEquals([...page.matchAll(/<svg /g)].length, 3);
  assertGolden("trend.html", page.replace(/<style>.*<\/style>/s, "<style></style>"));
});

Deno.test("the JSON has all series, their points and their changes", () => {
  const document = JSON.parse([...trendJson(report(), { status: 1, version: "1" })].join(""));
  assertEquals([document.schema, document.status, document.branch], ["pmuctl.trend/1", 1, "main"]);
  const [series] = document.series;
  assertEquals([series.points.length, series.verdict, series.changes.length], [85, "regressed", 1]);
  assertEquals(series.changes[0].at, 60);
  assertEquals(series.changes[0].from, series.points[59].commit);
});
