import { assertEquals, assertThrows } from "@std/assert";
import { UnsupportedError } from "../../../lib/base/system/errors.ts";
import type { Proc } from "../../../lib/record/host/procfs.ts";
import { allEnded, targetName, targetProcesses, targetThreads } from "../../../lib/record/request/target.ts";

const FILES: Record<string, string> = {
  "/proc/40/status": "State:\tS (sleeping)\nTgid:\t40\n",
  "/proc/41/status": "State:\tR (running)\nTgid:\t40\n",
  "/proc/50/status": "State:\tZ (zombie)\nTgid:\t50\n",
};
const proc: Proc = {
  text: (path) => FILES[path],
  list: (path) => path === "/proc/40/task" ? ["41", "40"] : path === "/proc/50/task" ? ["50"] : [],
};

Deno.test("targetThreads() gives all threads of a process, or the threads named", () => {
  assertEquals(targetThreads({ kind: "processes", pids: [40, 50] }, proc), [40, 41, 50]);
  assertEquals(targetThreads({ kind: "threads", tids: [41] }, proc), [41]);
});

Deno.test("targetThreads() says what is not there", () => {
  assertThrows(
    () => targetThreads({ kind: "processes", pids: [40, 7] }, proc),
    UnsupportedError,
    "cannot record process 7: there is no such process",
  );
  assertThrows(
    () => targetThreads({ kind: "threads", tids: [9] }, proc),
    UnsupportedError,
    "record thread 9",
  );
});

Deno.test("targetProcesses() gives each process once", () => {
  assertEquals(targetProcesses({ kind: "threads", tids: [41, 40, 50] }, proc), [40, 50]);
});

Deno.test("allEnded() takes a zombie for ended, and waits for the last", () => {
  assertEquals(allEnded({ kind: "processes", pids: [50, 99] }, proc), true);
  assertEquals(allEnded({ kind: "processes", pids: [50, 40] }, proc), false);
});

Deno.test("targetName() says what is recorded", () => {
  assertEquals(targetName({ kind: "processes", pids: [1, 2] }), "pid 1,2");
  assertEquals(targetName({ kind: "cpus", argv: [] }), "all CPUs");
  assertEquals(targetName({ kind: "command", argv: ["make", "-j2"] }), "make");
});
