/** Histories: lines that are written, merged, damaged and read again. */

import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { BadInputError, UnsupportedError } from "../../../lib/base/system/errors.ts";
import { appendHistory } from "../../../lib/check/history/append_history.ts";
import { entriesOfBranch, storedInHistory } from "../../../lib/check/history/history_baseline.ts";
import { type HistoryEntry, historyLine, parseHistoryLine } from "../../../lib/check/history/history_line.ts";
import { parseHistory, readHistory } from "../../../lib/check/history/read_history.ts";

const MACHINE = {
  ...{ arch: "x86_64", cores: "2", cpu: "A CPU", governor: "none", kernel: "6.1.0" },
  ...{ tool: "pmuctl 0.1.0", virtualization: "none" },
};
const COMMITS = ["a", "b", "c"].map((letter) => letter.repeat(40));

function entry(made: Partial<HistoryEntry> = {}): HistoryEntry {
  return {
    ...{ time: Date.UTC(2026, 0, 1), branch: "main", dirty: false, benchmark: "sort", command: ["./sort"] },
    ...{ commit: COMMITS[0], committed: Date.UTC(2026, 0, 1), machine: MACHINE },
    metrics: { best: { rung: "wall", unit: "ns", samples: [1e6, 2e6], gauge: [3e7, 3e7] } },
    ...made,
  };
}

const parsed = (text: string) => parseHistory("h.jsonl", text);

async function withFile(body: (file: string) => void | Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "pmuctl-history-" });
  try {
    await body(`${folder}/h.jsonl`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("an entry is one line of JSON, and the same when it is read again", () => {
  for (
    const made of [
      entry(),
      entry({ benchmark: "a\nb\u2028\u001b[31m", dirty: true, warmups: 0, input: "x", wall: [5, 6] }),
      entry({
        from: "go",
        command: undefined,
        metrics: { "B/op": { rung: "B/op", unit: "bytes", samples: [0] } },
      }),
      entry({
        metrics: {
          best: {
            ...{ rung: "instructions(valgrind-3.19.0)", unit: "count", samples: [12345] },
            pinned: { libc: "glibc 2.36", environment: ["HOME", "PATH"] },
          },
        },
      }),
    ]
  ) {
    const line = historyLine(made);
    // deno-lint-ignore no-control-regex
    assert(!/[\n\r\u2028\u001b]/.test(line), line);
    assertEquals(parseHistoryLine(line), JSON.parse(JSON.stringify(made)));
  }
});

Deno.test("of many samples a hundred are kept, from all tenths of them", () => {
  const samples = Array.from({ length: 1000 }, (_, i) => i + 1);
  const read = parseHistoryLine(
    historyLine(entry({ metrics: { best: { rung: "wall", unit: "ns", samples } } })),
  );
  const kept = (read as HistoryEntry).metrics.best.samples;
  assertEquals(kept.map((value) => Math.ceil(value / 10)), samples.slice(0, 100));
});

Deno.test("lines in any order, twice, with CRLF and between empty ones are read once, by the time of their commits", () => {
  const lines = [3, 1, 2].map((day) =>
    historyLine(
      entry({ time: Date.UTC(2026, 5, day), committed: Date.UTC(2026, 1, day), benchmark: `b${day}` }),
    )
  );
  const { entries, notes } = parsed([...lines, "", lines[0], ...lines].join("\r\n"));
  assertEquals(entries.map(({ benchmark }) => benchmark), ["b1", "b2", "b3"]);
  assertEquals(notes, []);
});

Deno.test("what is no entry is passed over and said, and the entries around it are read", () => {
  const good = historyLine(entry());
  const { entries, notes } = parsed([
    good,
    good.slice(0, 40),
    "<<<<<<< HEAD",
    good.replace("pmuctl-history/1", "pmuctl-history/9"),
    good.replace("2026-01-01", "2026-99-99"),
    "[]",
    "{",
    historyLine(entry({ benchmark: "other" })),
    good.slice(0, -9),
  ].join("\n"));
  assertEquals(entries.map(({ benchmark }) => benchmark), ["sort", "other"]);
  const text = notes.join("\n");
  assertStringIncludes(text, "h.jsonl:2: passed over, because it is not JSON; so is 1 other line");
  assertStringIncludes(text, "h.jsonl:3: passed over, because it is a mark of a conflict");
  assertStringIncludes(text, "h.jsonl:4: passed over, because it is of the schema 'pmuctl-history/9'");
  assertStringIncludes(text, "h.jsonl:9: passed over, because it is cut off");
});

Deno.test("hostile entries have no more than what can be used", () => {
  const machine = JSON.stringify(MACHINE);
  const line = (metrics: string) =>
    `{"schema":"pmuctl-history/1","time":"2026-01-01","benchmark":"x","machine":${machine},"metrics":${metrics}}`;
  for (
    const metrics of [
      ...[
        "1",
        "[]",
        "{}",
        '{"m":1}',
        '{"m":{"rung":"wall","samples":[]}}',
        '{"m":{"rung":"","samples":[1]}}',
      ],
      ...['{"m":{"rung":"wall","samples":[1,"2"]}}', '{"m":{"rung":"wall","samples":[1e308]}}'],
    ]
  ) assertEquals(parseHistoryLine(line(metrics)), "without metrics", metrics);
  const proto = parseHistoryLine(line('{"__proto__":{"rung":"wall","samples":[1]}}')) as HistoryEntry;
  assertEquals(Object.keys(proto.metrics), ["__proto__"]);
  assertEquals(parseHistoryLine(`"${"x".repeat(2 ** 20)}"`), `longer than ${2 ** 20} characters`);
});

Deno.test("appending ends a line that its writer could not, and keeps all that was there", () =>
  withFile(async (file) => {
    const line = historyLine(entry());
    await appendHistory(file, [line]);
    Deno.writeTextFileSync(file, line.slice(0, 30), { append: true });
    await appendHistory(file, [
      historyLine(entry({ benchmark: "next" })),
      historyLine(entry({ benchmark: "last" })),
    ]);
    const { entries, notes } = readHistory(file);
    assertEquals(entries.map(({ benchmark }) => benchmark), ["sort", "next", "last"]);
    assertEquals(notes.length, 1);
  }));

Deno.test("many writers at once leave whole lines", () =>
  withFile(async (file) => {
    const all = Array.from({ length: 40 }, (_, i) => historyLine(entry({ benchmark: `b${i}` })));
    await Promise.all(all.map((line) => appendHistory(file, [line])));
    assertEquals(new Set(Deno.readTextFileSync(file).trimEnd().split("\n")), new Set(all));
  }));

Deno.test("what is no file, and a folder that is not there, are refused", async () => {
  await assertRejects(() => appendHistory("/dev/full", ["{}"]), UnsupportedError, "not a regular file");
  await assertRejects(() => appendHistory("/nowhere/h.jsonl", ["{}"]), UnsupportedError, "no such folder");
  assertThrows(() => readHistory("/nowhere/h.jsonl"), BadInputError, "no such file");
});

Deno.test("a baseline is of the branch, of another commit if there is one, of committed changes first, and of the newest", () => {
  const text = [
    entry({ commit: COMMITS[0], committed: 1, wall: [1] }),
    entry({ commit: COMMITS[1], committed: 2, wall: [2] }),
    entry({ commit: COMMITS[1], committed: 2, dirty: true, wall: [3] }),
    entry({ commit: COMMITS[2], committed: 3, wall: [4] }),
    entry({ branch: "topic", committed: 9, wall: [5] }),
    entry({ benchmark: "other", committed: 9, wall: [6] }),
  ].map(historyLine).join("\n");
  const walls = (now: { commit?: string; dirty?: boolean }) =>
    storedInHistory(entriesOfBranch(parsed(text), "main", now), "sort").map(({ wall }) => wall![0]);
  assertEquals(walls({ commit: COMMITS[2] }), [2, 1, 3, 4]);
  assertEquals(walls({ commit: COMMITS[2], dirty: true }), [4, 2, 1, 3]);
  assertEquals(storedInHistory(entriesOfBranch(parsed(text), undefined, {}), "sort"), []);
});

Deno.test("times without those of the calibration workload, and values that have no ratio, are no baseline", () => {
  const of = (metric: Partial<HistoryEntry["metrics"][string]>) =>
    storedInHistory([
      entry({ metrics: { m: { rung: "wall", unit: "ns", samples: [1], gauge: [1], ...metric } } }),
    ], "sort")
      .length;
  assertEquals(of({}), 1);
  assertEquals(of({ gauge: undefined }), 0);
  assertEquals(of({ rung: "max-rss", gauge: undefined }), 1);
  assertEquals(of({ samples: [1, 0] }), 0);
  assertEquals(of({ gauge: [-1] }), 0);
});
