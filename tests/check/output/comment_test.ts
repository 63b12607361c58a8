import { assert, assertEquals, assertLess, assertMatch, assertStringIncludes } from "@std/assert";
import type { Fingerprint } from "../../../lib/check/baseline/fingerprint.ts";
import { checkComment, MAX_COMMENT } from "../../../lib/check/output/comment.ts";
import type { CheckResult, CheckRow } from "../../../lib/check/output/result.ts";
import { assertGolden } from "../../golden.ts";

const MACHINE: Fingerprint = {
  arch: "x86_64",
  cores: "4",
  cpu: "AMD EPYC 7763",
  governor: "none",
  kernel: "6.5.0",
  tool: "pmuctl 0.1.0",
  virtualization: "none",
};
const PASS: CheckRow = {
  benchmark: "parse",
  comparedWith: "command",
  metric: "best",
  rung: "instructions(valgrind-3.19.0)",
  unit: "count",
  verdict: "pass",
  improved: false,
  threshold: 1,
  figures: {
    old: 1e8,
    new: 1.001e8,
    change: 0.001,
    low: 0.001,
    high: 0.001,
    confidence: 0.9961,
    method: "range",
    noise: 0,
    runs: { old: 4, new: 4 },
  },
};
const REGRESSED: CheckRow = {
  ...PASS,
  benchmark: "sort",
  rung: "wall",
  unit: "ns",
  verdict: "regressed",
  threshold: 2,
  figures: {
    ...PASS.figures!,
    old: 1e8,
    new: 1.05e8,
    change: 0.05,
    low: 0.041,
    high: 0.062,
    method: "signed-rank",
  },
};

Deno.test("checkComment() begins with a short table, the worst first, and folds the rest", async () => {
  const result: CheckResult = {
    rows: [
      PASS,
      {
        ...PASS,
        benchmark: "gone",
        rung: undefined,
        verdict: "unmeasurable",
        figures: undefined,
        reason: "'gone' failed with exit status 1",
      },
      { ...PASS, benchmark: "fast", improved: true },
      REGRESSED,
    ],
    notes: ["the wall time of 'gone' @everybody"],
    where: { sort: "the whole table" },
    grown: {
      sort: {
        event: "cpu-clock",
        unit: "ns",
        symbols: [{ symbol: "std::vector<int>::push_back(int)", object: "sort", before: 1e8, now: 1.5e8 }],
      },
    },
  };
  await assertGolden("check.comment.md", checkComment(result, { machine: MACHINE }));
});

Deno.test("checkComment() names files of another tool, and not this machine", () => {
  const text = checkComment({ rows: [PASS], notes: [], where: {} }, {
    format: "google-benchmark",
    files: ["old|.json", "new.json"],
  });
  assertStringIncludes(
    text,
    "- old google-benchmark file: `old`&#124;`.json`\n- new google-benchmark file: `new.json`",
  );
  assert(!text.includes("kernel"));
});

/** Texts that would be something else than a name to a reader of Markdown, of HTML, or to GitHub. */
const HOSTILE = [
  "a|b | c",
  "`code` ```",
  "line\n\n# heading\n| x | y |",
  "</summary></details><script>alert(1)</script>",
  "@everybody @org/team #1 a/b#2 GH-3",
  "[link](https://evil.example) ![img](https://evil.example/x.png)",
  "<!-- pmuctl check 0000 -->",
  "\\",
  "$x$ ~~y~~ **z**",
  "\x1b[31m\u202eredro",
  "x".repeat(5000),
  "😀".repeat(3000),
];

/** What a renderer of Markdown reads of a line as text and markup: all but escaped characters, code and entities. */
function readOf(line: string): string {
  return line.replace(/<code>[^<]*<\/code>/g, "CODE")
    .replace(
      /\\[!-\/:-@[-`{-~]|(`+)(?!`)[^]*?[^`]\1(?!`)|&#\d+;/g,
      (all, fence) => fence ? "CODE" : all[0] === "&" ? "·" : "",
    );
}

Deno.test("nothing in a comment is taken for markup, a mention, an issue or a link, whatever names are like", () => {
  const symbols = HOSTILE.map((symbol) => ({ symbol, object: symbol, before: 0, now: 5 }));
  const result: CheckResult = {
    rows: HOSTILE.flatMap((name) => [
      { ...REGRESSED, benchmark: name, rung: name, unit: name },
      { ...PASS, benchmark: name, rung: name, verdict: "inconclusive", reason: name },
    ]),
    notes: HOSTILE,
    where: Object.fromEntries(HOSTILE.map((name) => [name, name])),
    grown: Object.fromEntries(HOSTILE.slice(6).map((name) => [name, { event: name, unit: "ns", symbols }])),
  };
  const text = checkComment(result, { format: HOSTILE[0], files: [HOSTILE[1], HOSTILE[2]] });
  let fence: string | undefined;
  const tables: number[] = [];
  for (const line of text.split("\n")) {
    if (/^`{3,}$/.test(line)) {
      fence = fence === undefined ? line : fence === line ? undefined : fence;
      continue;
    }
    if (fence !== undefined) continue;
    const read = readOf(line);
    // deno-lint-ignore no-control-regex
    assert(!/[\x00-\x1f\u202e]/.test(line), line);
    assert(!/@\w|#\d|GH-\d|:\/\/|[`[\]*$~_]/.test(read), line);
    assert(!/<(?!\/?(?:details|summary)>)/.test(read), line);
    assert(!/^#/.test(read) || read.startsWith("### pmuctl check: "), line);
    if (read.startsWith("|")) tables.push(read.split("|").length - 2);
  }
  assertEquals(fence, undefined);
  assertEquals([...new Set(tables)].sort(), [5, 7], "cells of the tables' rows");
});

Deno.test("a comment is never longer than GitHub takes, and says what it leaves out", () => {
  const long = "|`@".repeat(3000);
  const many = Array.from({ length: 3000 }, (_, i) => `${i} ${long}`);
  const symbols = many.slice(0, 10).map((symbol) => ({ symbol, object: long, before: 0, now: 5 }));
  const result: CheckResult = {
    rows: many.map((benchmark) => ({ ...REGRESSED, benchmark, rung: long, unit: long, reason: long })),
    notes: many,
    where: Object.fromEntries(many.map((name) => [name, long])),
    grown: Object.fromEntries(many.slice(1500).map((name) => [name, { event: long, unit: "ns", symbols }])),
  };
  const text = checkComment(result, { machine: { ...MACHINE, cpu: long } });
  assertLess(text.length, MAX_COMMENT);
  assertMatch(text, /\nand \d+ more results\n/);
  assertMatch(text, /\nand \d+ more notes\n/);
  assertMatch(text, /\nand \d+ more reasons\n/);
  assertMatch(text, /\nand the profiles of \d+ more benchmarks\n/);
  assertEquals(text.match(/<details>/g)!.length, text.match(/<\/details>/g)!.length);

  const short = checkComment({ ...result, rows: [REGRESSED], notes: [], where: {} }, { machine: MACHINE });
  assertLess(short.length, 1500);
  assert(!/more/.test(short));
});

Deno.test("a comment without results says so", () => {
  const text = checkComment({ rows: [], notes: [], where: {} }, { machine: MACHINE });
  assertMatch(text, /^### pmuctl check: no result\n/);
});
