import { assertEquals } from "@std/assert";
import type { BindRow } from "../../../lib/counters/rows/row.ts";
import { headerText, rowJson, type RowTable, rowText } from "../../../lib/counters/rows/rows.ts";
import { assertGolden } from "../../golden.ts";

const START = 5_000_000_000n;
const FAULTS = { name: "page-faults", unit: "", scale: 1 };
const CLOCK = { name: "task-clock", unit: "ns", scale: 1 };
const ENERGY = { name: "power/energy-pkg/", unit: "Joules", scale: 0.5 };

const TASKS: RowTable = {
  kind: "tasks",
  sets: [[FAULTS, CLOCK]],
  specs: ["page-faults,task-clock"],
  startNs: START,
  stamps: false,
};

const LIFE: BindRow[] = [
  {
    event: "lwp_create",
    timeNs: START + 1_500_000n,
    pid: 412,
    lwp: 413,
    counts: [{ value: 0n }, { value: 0n }],
  },
  {
    event: "tick",
    timeNs: START + 1_000_000_000n,
    pid: 412,
    lwp: 412,
    counts: [{ value: 7n }, { value: 12345n }],
  },
  { event: "fork", timeNs: START + 1_200_000_000n, pid: 412, lwp: 412, child: 414 },
  { event: "exec", timeNs: START + 1_300_000_000n, pid: 414, lwp: 414, command: "make" },
  { event: "lwp_exit", timeNs: START + 1_400_000_000n, pid: 412, lwp: 413, counts: [{}, {}], remark: "why" },
  {
    event: "exit",
    timeNs: START + 2_000_000_000n,
    pid: 412,
    lwp: 412,
    counts: [{ value: 1234n, share: 0.4321 }, { value: 1n << 60n }],
  },
  { event: "total", timeNs: START + 2_100_000_000n, lwp: 3, counts: [{ value: 1241n }, { value: 12345n }] },
];

function text(rows: BindRow[], table: RowTable): string {
  return headerText(table) + rows.map((row) => rowText(row, table)).join("");
}

Deno.test("rows of tasks are cputrack's: time, pid, lwp, event and a column a counter", () => {
  assertGolden("bind_tasks.txt", text(LIFE, TASKS));
});

Deno.test("rows as JSON have the same, scaled counts marked and unknown ones null", () => {
  assertGolden("bind_tasks.jsonl", LIFE.map((row) => rowJson(row, { ...TASKS, stamps: true })).join(""));
});

Deno.test("rows of CPUs are cpustat's, with the number of CPUs in the total", () => {
  const table: RowTable = { ...TASKS, kind: "cpus", sets: [[ENERGY]], stamps: true };
  const rows: BindRow[] = [
    { event: "tick", timeNs: START + 1_000_000_000n, cpu: 0, counts: [{ value: 3n }] },
    { event: "tick", timeNs: START + 1_000_000_000n, cpu: 1, counts: [{}] },
    { event: "total", timeNs: START + 1_000_000_000n, cpu: 2, counts: [{}] },
  ];
  assertGolden("bind_cpus.txt", text(rows, table));
});

Deno.test("rows of several sets have pic columns, and say whose they are", () => {
  const table: RowTable = { ...TASKS, sets: [[FAULTS, CLOCK], [CLOCK]], specs: ["a,b", "c"] };
  const rows: BindRow[] = [
    { event: "tick", timeNs: START, pid: 1, lwp: 1, set: 0, counts: [{ value: 1n }, { value: 2n }] },
    { event: "tick", timeNs: START, pid: 1, lwp: 1, set: 1, counts: [{ value: 3n }] },
    { event: "total", timeNs: START, pid: 1, lwp: 1, set: 1, counts: [{}], remark: "not counted" },
  ];
  assertGolden("bind_sets.txt", text(rows, table));
});

Deno.test("rowJson() gives counts past 2^53 as digits, so that no reader rounds them", () => {
  const { counts } = JSON.parse(rowJson(LIFE[5], TASKS));
  assertEquals(counts[1].count, String(1n << 60n));
  assertEquals(counts[0], { name: "page-faults", count: 1234, unit: "", scaled: true, share: 0.4321 });
});
