import { assertEquals } from "@std/assert";
import {
  type LwpRow,
  LwpTable,
  type LwpWorld,
  type Tally,
} from "../../../lib/counters/tasks/thread_table.ts";
import type { TaskRecord } from "../../../lib/counters/tasks/task_records.ts";

const PID = 100;

/** A table of one root with one column. */
function table(total: bigint, options: Partial<LwpWorld> = {}) {
  const rows: LwpRow[] = [];
  const lwps = new LwpTable({
    columns: 1,
    followForks: true,
    followThreads: true,
    readsPerLwp: () => 1,
    startNs: () => 0n,
    placeOf: () => ({ root: 0, column: 0 }),
    totalOf: (): Tally => ({ values: [total], runningNs: [Number(total)] }),
    ...options,
  }, (row) => rows.push(row));
  lwps.addRoot(PID, PID);
  return { lwps, rows };
}

let time = 0n;
const fork = (tid: number, pid = PID, ptid = PID, ppid = PID): TaskRecord => ({
  kind: "fork",
  timeNs: ++time,
  pid,
  tid,
  ppid,
  ptid,
});
const exit = (tid: number, pid = PID): TaskRecord => ({ kind: "exit", timeNs: ++time, pid, tid });
const read = (tid: number, value: bigint): TaskRecord => ({
  kind: "read",
  timeNs: ++time,
  pid: PID,
  tid,
  read: { pid: PID, tid, value, enabledNs: 0, runningNs: Number(value), id: 1n },
});

/** `lwp_exit 101=5`: the events, with lwp and count. */
function told(rows: LwpRow[]): string[] {
  return rows.map((row) =>
    [
      row.event,
      row.tally ? `${row.lwp}=${row.tally.values[0]}` : `${row.lwp}`,
      ...(row.child ? [`child ${row.child}`] : []),
      ...(row.doubt ? [`(${row.doubt})`] : []),
    ].join(" ")
  );
}

Deno.test("LwpTable gives a thread what its READ says, and the root's thread the rest", () => {
  const { lwps, rows } = table(30n);
  for (const record of [fork(101), fork(102), exit(101), read(101, 5n), exit(102), read(102, 7n)]) {
    lwps.take(record);
  }
  assertEquals(lwps.live, 1);
  lwps.take(exit(PID));
  assertEquals(told(rows), [
    "lwp_create 101=0",
    "lwp_create 102=0",
    "lwp_exit 101=5",
    "lwp_exit 102=7",
    `lwp_exit ${PID}=18`,
    `exit ${PID}=30`,
  ]);
  assertEquals([lwps.live, lwps.seen], [0, 3]);
});

Deno.test("LwpTable waits with the first thread's row until those it started have ended", () => {
  const { lwps, rows } = table(30n);
  for (const record of [fork(101), exit(PID)]) lwps.take(record);
  for (let i = 0; i < 5; i++) lwps.endRound();
  assertEquals(told(rows), ["lwp_create 101=0"]);
  for (const record of [exit(101), read(101, 5n)]) lwps.take(record);
  assertEquals(told(rows).slice(1), ["lwp_exit 101=5", `lwp_exit ${PID}=25`, `exit ${PID}=30`]);
});

Deno.test("LwpTable takes the thread without READs for the one with the rest, whichever it is", () => {
  const { lwps, rows } = table(30n); // 101 has exchanged events with the root's thread
  for (const record of [fork(101), exit(101), exit(PID), read(PID, 20n)]) lwps.take(record);
  lwps.finish();
  assertEquals(told(rows).slice(1), [`lwp_exit ${PID}=20`, "lwp_exit 101=10", `exit ${PID}=30`]);
});

Deno.test("LwpTable says so when READs were lost, of the thread and of all that follows from it", () => {
  const { lwps, rows } = table(30n);
  for (const record of [fork(101), exit(101), exit(PID)]) lwps.take(record);
  lwps.finish();
  assertEquals(rows.filter((row) => row.event !== "lwp_create").map((row) => row.doubt), [
    "incomplete",
    "incomplete",
    "incomplete",
  ]);
});

Deno.test("LwpTable does not wait for READs that this kernel never sends", () => {
  const { lwps, rows } = table(30n, { readsPerLwp: () => 0 });
  for (const record of [fork(101), exit(101)]) lwps.take(record);
  assertEquals(told(rows).slice(1), ["lwp_exit 101=0 (incomplete)"]);
});

Deno.test("LwpTable passes over a thread that ended before counting began", () => {
  const before = time + 100n;
  const { lwps, rows } = table(30n, { startNs: () => before });
  for (const record of [fork(101), exit(101)]) lwps.take(record);
  time += 100n;
  lwps.take(exit(PID));
  assertEquals(told(rows), [`lwp_exit ${PID}=30`, `exit ${PID}=30`]);
});

Deno.test("LwpTable follows processes when asked to, and counts those it does not", () => {
  const followed = table(30n);
  for (const record of [fork(200, 200), exit(200, 200), read(200, 5n)]) followed.lwps.take(record);
  assertEquals(told(followed.rows), [`fork ${PID} child 200`, "lwp_exit 200=5", "exit 200=5"]);

  const not = table(30n, { followForks: false });
  for (const record of [fork(200, 200), exit(200, 200)]) not.lwps.take(record);
  assertEquals(told(not.rows), [`fork ${PID} child 200`]);
  assertEquals([not.lwps.unfollowed, not.lwps.seen], [1, 1]);
});

Deno.test("LwpTable tells of what goes on in the count of a root that is left by its threads", () => {
  const { lwps, rows } = table(30n);
  for (const record of [fork(101), exit(PID)]) lwps.take(record);
  lwps.finish();
  assertEquals(told(rows).slice(1), [`lwp_exit ${PID}=30 (with others)`]);
});

Deno.test("LwpTable hands the process's number to the thread that execs", () => {
  const { lwps, rows } = table(30n);
  for (const record of [fork(101), exit(PID)]) lwps.take(record);
  lwps.take({ kind: "exec", timeNs: ++time, pid: PID, tid: PID, command: "new" });
  assertEquals(rows.at(-1)?.command, "new");
  assertEquals([...lwps.lwps()], [{ pid: PID, tid: PID }]);
});

Deno.test("LwpTable knows a program that is not measured by an end without code of it", () => {
  const exec = (tid: number, command: string): TaskRecord => ({
    kind: "exec",
    timeNs: ++time,
    pid: tid,
    tid,
    command,
  });
  const map = (tid: number): TaskRecord => ({ kind: "map", timeNs: ++time, pid: tid, tid });
  const { lwps, rows } = table(30n, { readsPerLwp: () => 0 });
  for (const record of [fork(200, 200), exec(200, "sudo"), exit(200, 200)]) lwps.take(record);
  for (const record of [fork(201, 201), exec(201, "true"), map(201), exit(201, 201)]) lwps.take(record);
  lwps.take(fork(202, 202));
  lwps.take(exec(202, "who-knows"));
  lwps.take({ kind: "lost", timeNs: ++time, count: 3 });
  lwps.take(exit(202, 202));
  assertEquals(lwps.cuts, ["sudo"]);
  const ends = rows.filter((row) => row.event === "lwp_exit");
  assertEquals(ends.map((row) => row.doubt === "cut"), [true, false, false]);
  lwps.begins(PID, "ping");
  lwps.take(exit(PID));
  assertEquals(lwps.cuts, ["sudo", "ping"]);
});
