import { assertEquals } from "@std/assert";
import {
  type Tally,
  type ThreadRow,
  ThreadTable,
  type ThreadTableOptions,
} from "../../../lib/counters/tasks/thread_table.ts";
import type { TaskRecord } from "../../../lib/counters/tasks/task_records.ts";

const PID = 100;

/** A table of one root with one column. */
function oneRoot(total: bigint, options: Partial<ThreadTableOptions> = {}) {
  const rows: ThreadRow[] = [];
  const threads = new ThreadTable({
    columns: 1,
    followForks: true,
    followThreads: true,
    readsPerThread: () => 1,
    startNs: () => 0n,
    placeOf: () => ({ root: 0, column: 0 }),
    totalOf: (): Tally => ({ values: [total], runningNs: [Number(total)] }),
    ...options,
  }, (row) => rows.push(row));
  threads.addRoot(PID, PID);
  return { threads, rows };
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
function texts(rows: ThreadRow[]): string[] {
  return rows.map((row) =>
    [
      row.event,
      row.tally ? `${row.lwp}=${row.tally.values[0]}` : `${row.lwp}`,
      ...(row.child ? [`child ${row.child}`] : []),
      ...(row.caveat ? [`(${row.caveat})`] : []),
    ].join(" ")
  );
}

Deno.test("ThreadTable gives a thread what its READ says, and the root's thread the rest", () => {
  const { threads, rows } = oneRoot(30n);
  for (const record of [fork(101), fork(102), exit(101), read(101, 5n), exit(102), read(102, 7n)]) {
    threads.take(record);
  }
  assertEquals(threads.live, 1);
  threads.take(exit(PID));
  assertEquals(texts(rows), [
    "lwp_create 101=0",
    "lwp_create 102=0",
    "lwp_exit 101=5",
    "lwp_exit 102=7",
    `lwp_exit ${PID}=18`,
    `exit ${PID}=30`,
  ]);
  assertEquals([threads.live, threads.seen], [0, 3]);
});

Deno.test("ThreadTable waits with the first thread's row until those it started have ended", () => {
  const { threads, rows } = oneRoot(30n);
  for (const record of [fork(101), exit(PID)]) threads.take(record);
  for (let i = 0; i < 5; i++) threads.endRound();
  assertEquals(texts(rows), ["lwp_create 101=0"]);
  for (const record of [exit(101), read(101, 5n)]) threads.take(record);
  assertEquals(texts(rows).slice(1), ["lwp_exit 101=5", `lwp_exit ${PID}=25`, `exit ${PID}=30`]);
});

Deno.test("ThreadTable takes the thread without READs for the one with the rest, whichever it is", () => {
  const { threads, rows } = oneRoot(30n); // 101 has exchanged events with the root's thread
  for (const record of [fork(101), exit(101), exit(PID), read(PID, 20n)]) threads.take(record);
  threads.finish();
  assertEquals(texts(rows).slice(1), [`lwp_exit ${PID}=20`, "lwp_exit 101=10", `exit ${PID}=30`]);
});

Deno.test("ThreadTable says so when READs were lost, of the thread and of all that follows from it", () => {
  const { threads, rows } = oneRoot(30n);
  for (const record of [fork(101), exit(101), exit(PID)]) threads.take(record);
  threads.finish();
  assertEquals(rows.filter((row) => row.event !== "lwp_create").map((row) => row.caveat), [
    "incomplete",
    "incomplete",
    "incomplete",
  ]);
});

Deno.test("ThreadTable does not wait for READs that this kernel never sends", () => {
  const { threads, rows } = oneRoot(30n, { readsPerThread: () => 0 });
  for (const record of [fork(101), exit(101)]) threads.take(record);
  assertEquals(texts(rows).slice(1), ["lwp_exit 101=0 (incomplete)"]);
});

Deno.test("ThreadTable passes over a thread that ended before counting began", () => {
  const before = time + 100n;
  const { threads, rows } = oneRoot(30n, { startNs: () => before });
  for (const record of [fork(101), exit(101)]) threads.take(record);
  time += 100n;
  threads.take(exit(PID));
  assertEquals(texts(rows), [`lwp_exit ${PID}=30`, `exit ${PID}=30`]);
});

Deno.test("ThreadTable follows processes when asked to, and counts those it does not", () => {
  const followed = oneRoot(30n);
  for (const record of [fork(200, 200), exit(200, 200), read(200, 5n)]) followed.threads.take(record);
  assertEquals(texts(followed.rows), [`fork ${PID} child 200`, "lwp_exit 200=5", "exit 200=5"]);

  const not = oneRoot(30n, { followForks: false });
  for (const record of [fork(200, 200), exit(200, 200)]) not.threads.take(record);
  assertEquals(texts(not.rows), [`fork ${PID} child 200`]);
  assertEquals([not.threads.unfollowed, not.threads.seen], [1, 1]);
});

Deno.test("ThreadTable tells of what goes on in the count of a root that is left by its threads", () => {
  const { threads, rows } = oneRoot(30n);
  for (const record of [fork(101), exit(PID)]) threads.take(record);
  threads.finish();
  assertEquals(texts(rows).slice(1), [`lwp_exit ${PID}=30 (with others)`]);
});

Deno.test("ThreadTable hands the process's number to the thread that execs", () => {
  const { threads, rows } = oneRoot(30n);
  for (const record of [fork(101), exit(PID)]) threads.take(record);
  threads.take({ kind: "exec", timeNs: ++time, pid: PID, tid: PID, command: "new" });
  assertEquals(rows.at(-1)?.command, "new");
  assertEquals([...threads.liveThreads()], [{ pid: PID, tid: PID }]);
});

Deno.test("ThreadTable knows a program that is not measured by an end without code of it", () => {
  const exec = (tid: number, command: string): TaskRecord => ({
    kind: "exec",
    timeNs: ++time,
    pid: tid,
    tid,
    command,
  });
  const map = (tid: number): TaskRecord => ({ kind: "map", timeNs: ++time, pid: tid, tid });
  const { threads, rows } = oneRoot(30n, { readsPerThread: () => 0 });
  for (const record of [fork(200, 200), exec(200, "sudo"), exit(200, 200)]) threads.take(record);
  for (const record of [fork(201, 201), exec(201, "true"), map(201), exit(201, 201)]) threads.take(record);
  threads.take(fork(202, 202));
  threads.take(exec(202, "who-knows"));
  threads.take({ kind: "lost", timeNs: ++time, count: 3 });
  threads.take(exit(202, 202));
  assertEquals(threads.cuts, ["sudo"]);
  const ends = rows.filter((row) => row.event === "lwp_exit");
  assertEquals(ends.map((row) => row.caveat === "cut"), [true, false, false]);
  threads.startProgram(PID, "ping");
  threads.take(exit(PID));
  assertEquals(threads.cuts, ["sudo", "ping"]);
});
