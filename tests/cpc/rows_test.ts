import { assertEquals } from "@std/assert";
import { countWarnings, totalJson, totalRows } from "../../lib/cpc/rows.ts";
import { totalOf } from "../../lib/cpc/totals.ts";

const totals = [
  { name: "page-faults", unit: "", count: 10050, enabledNs: 100, runningNs: 100 },
  { name: "task-clock", unit: "ns", count: 123456789, enabledNs: 100, runningNs: 43 },
  { name: "cycles", unit: "", count: undefined, enabledNs: 100, runningNs: 0 },
];
const counted = { pid: 4321, seconds: 0.5071, totals };

Deno.test("totalRows() lines up a title and a number for each counter", () => {
  assertEquals(
    totalRows(counted),
    "   time     pid event page-faults task-clock(ns)      cycles\n" +
      "  0.507    4321 total       10050      123456789 not counted\n",
  );
});

Deno.test("totalJson() is one line, with null for what was not counted", () => {
  const json = JSON.parse(totalJson(counted));
  assertEquals([json.pid, json.event, json.counts[2].count], [4321, "total", null]);
  assertEquals(totalJson(counted).trimEnd().includes("\n"), false);
});

Deno.test("countWarnings() says which counts are no counts, and which are estimates", () => {
  assertEquals(countWarnings(totals), [
    "task-clock is scaled: it was counted 43% of the time; count fewer events at once",
    "cycles was not counted: it never got a counter; count fewer events at once",
  ]);
});

Deno.test("totalOf() scales by the time an event ran, and never makes a zero of nothing", () => {
  assertEquals(totalOf(500, 100, 100), 500);
  assertEquals(totalOf(500, 100, 50), 1000);
  assertEquals(totalOf(0, 100, 0), undefined);
  assertEquals(totalOf(0, 100, 100), 0);
});
