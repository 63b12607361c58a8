import { assertEquals } from "@std/assert";
import type { BindRow } from "../../../lib/counters/rows/row.ts";
import type { CounterSet } from "../../../lib/counters/rows/row_sink.ts";
import { TaskRows, type TaskRowSource } from "../../../lib/counters/tasks/task_rows.ts";
import type { ThreadRow } from "../../../lib/counters/tasks/thread_table.ts";
import { resolveEvents } from "../../../lib/events/resolve.ts";

const setOf = (text: string): CounterSet => ({
  text,
  groups: resolveEvents(text).map((group) => group.events),
});
const ONE = [setOf("page-faults")], TWO = [setOf("page-faults"), setOf("context-switches")];
/** Counts of an event and its reference, for each set. */
const tally = (...counts: [value: bigint, ns: number][]) => ({
  values: counts.flatMap(([value]) => [value, 0n]),
  runningNs: counts.flatMap(([, ns]) => [ns, ns]),
});
const exitOf = (changes: Partial<ThreadRow>): ThreadRow => ({
  event: "lwp_exit",
  timeNs: 9n,
  pid: 5,
  lwp: 6,
  tally: tally([3n, 100], [4n, 50]),
  ...changes,
});

/** Returns the rows that `body` makes, as kind, set, counts and remark. */
function rowsOf(changes: Partial<TaskRowSource>, body: (rows: TaskRows) => void) {
  const emitted: BindRow[] = [];
  body(
    new TaskRows({
      sets: ONE,
      multiplex: false,
      rows: { emit: (row) => emitted.push(row) },
      currentSet: () => 0,
      kernelReportsReads: true,
      missedCpus: [],
      uncounted: () => undefined,
      intervalCounts: () => undefined,
      ...changes,
    }),
  );
  return emitted;
}

const summary = (rows: BindRow[]) =>
  rows.map(({ set, counts, remark }) => [set, counts?.map(({ value }) => value), remark]);

Deno.test("TaskRows repeats the row of an ended thread for every set that has counted, and of a new one for the current", () => {
  const two = { sets: TWO, currentSet: () => 1 };
  const ended = rowsOf(two, (rows) => rows.emit(exitOf({})));
  assertEquals(summary(ended), [[0, [3n], undefined], [1, [4n], undefined]]);
  const once = rowsOf(two, (rows) => rows.emit(exitOf({ tally: tally([3n, 100], [0n, 0]) })));
  assertEquals(summary(once), [[0, [3n], undefined]]);
  const never = rowsOf(two, (rows) => rows.emit(exitOf({ tally: tally([0n, 0], [0n, 0]) })));
  assertEquals(summary(never), [[1, [0n], undefined]]);
  const created = rowsOf(two, (rows) => rows.emit(exitOf({ event: "lwp_create" })));
  assertEquals(summary(created), [[1, [4n], undefined]]);
});

Deno.test("TaskRows tells of a fork without counts", () => {
  const [row] = rowsOf({}, (rows) => rows.emit(exitOf({ event: "fork", tally: undefined, child: 8 })));
  assertEquals(row, { event: "fork", timeNs: 9n, pid: 5, lwp: 6, child: 8 });
});

Deno.test("TaskRows says why counts are not exactly a thread's, and gives no number that is not known", () => {
  const seen = { since: () => [], total: () => [{ value: 2n }] };
  const cases: [Partial<ThreadRow>, Partial<TaskRowSource>, bigint | undefined, string][] = [
    [{ caveat: "with others" }, {}, 3n, "includes threads it started that are still running"],
    [{ caveat: "cut" }, {}, undefined, "not measured from its exec on"],
    [{ caveat: "incomplete" }, {}, undefined, "its records were lost"],
    [{ caveat: "incomplete" }, { kernelReportsReads: false }, undefined, "not reported by this kernel"],
    [{ caveat: "incomplete" }, { intervalCounts: () => seen }, 2n, "since it was first seen"],
    [
      { caveat: "incomplete", event: "exec" },
      { intervalCounts: () => seen },
      undefined,
      "its records were lost",
    ],
    [{}, { missedCpus: [2, 3] }, undefined, "without CPU 2; without CPU 3"],
  ];
  for (const [row, source, value, remark] of cases) {
    const one = { ...exitOf(row), tally: tally([3n, 100]) };
    assertEquals(summary(rowsOf(source, (rows) => rows.emit(one))), [[0, [value], remark]]);
  }
});

Deno.test("TaskRows.tick() has a row for each thread with counters, of the set that counts now", () => {
  const rows = rowsOf({
    sets: TWO,
    currentSet: () => 1,
    intervalCounts: (tid) =>
      tid === 7 ? undefined : { since: (set) => [{ value: BigInt(tid + set) }], total: () => [] },
  }, (rows) => rows.tick([6, 7, 8].map((tid) => ({ pid: 5, tid })), () => 4n));
  assertEquals(rows.map(({ lwp, set, counts, timeNs }) => [lwp, set, counts, timeNs]), [
    [6, 1, [{ value: 7n }], 4n],
    [8, 1, [{ value: 9n }], 4n],
  ]);
});

Deno.test("TaskRows.totals() is of one process, or of several, and says what share of the time each set had", () => {
  const of = { tally: tally([3n, 75], [4n, 25]), threads: 2, cuts: [] };
  const [first, second] = rowsOf(
    { sets: TWO },
    (rows) => rows.totals({ ...of, pids: new Set([5]) }, 10n),
  );
  assertEquals([first.pid, first.lwp, first.timeNs], [5, 2, 10n]);
  assertEquals([first.remark, second.remark], ["counted 75% of the time", "counted 25% of the time"]);
  const [both] = rowsOf({}, (rows) => rows.totals({ ...of, pids: new Set([5, 6]) }, 10n));
  assertEquals([both.pid, both.counts, both.remark], [undefined, [{ value: 3n }], undefined]);
});

Deno.test("TaskRows.totals() gives no number where programs, CPUs or a whole set are missing from it", () => {
  const of = { tally: tally([3n, 75], [0n, 0]), pids: new Set([5]), threads: 1, cuts: [] as string[] };
  const cut = rowsOf({}, (rows) => rows.totals({ ...of, cuts: ["su", "ping"] }, 10n));
  assertEquals(summary(cut), [[0, [undefined], "without su, ping"]]);
  const offline = rowsOf({ missedCpus: [2] }, (rows) => rows.totals(of, 10n));
  assertEquals(summary(offline), [[0, [undefined], "without CPU 2"]]);
  const turns = rowsOf({ sets: TWO }, (rows) => rows.totals(of, 10n));
  assertEquals(summary(turns), [
    [0, [3n], "counted 100% of the time"],
    [1, [undefined], "counted 0% of the time"],
  ]);
});
