import { assertEquals } from "@std/assert";
import {
  describeTarget,
  processOf,
  TargetWatch,
  threadIdsOf,
} from "../../../lib/counters/named/set_target.ts";
import type { KernelFiles } from "../../../lib/events/files.ts";

/** /proc with these tasks: thread to its process, state and start time. */
class FakeProc implements KernelFiles {
  tasks = new Map<number, { pid: number; state: string; start: number }>();

  read(path: string): string | undefined {
    const [, pid, tid, file] = /^\/proc\/(\d+)(?:\/task\/(\d+))?\/(stat|status)$/.exec(path)!;
    const id = Number(tid ?? pid);
    const task = this.tasks.get(id);
    if (!task) return undefined;
    if (file === "status") return `Name:\tx\nTgid:\t${task.pid}\nNgid:\t0`;
    const fields = [task.state, ...Array(18).fill("0"), String(task.start), "0"];
    return `${id} (a) b (c)) ${fields.join(" ")}`;
  }

  list(path: string): string[] | undefined {
    const pid = Number(/^\/proc\/(\d+)\/task$/.exec(path)![1]);
    if (!this.tasks.has(pid)) return undefined;
    return [...this.tasks].filter(([, task]) => task.pid === pid).map(([tid]) => String(tid)).sort();
  }
}

function process() {
  const proc = new FakeProc();
  proc.tasks.set(9, { pid: 9, state: "S", start: 5 }).set(10, { pid: 9, state: "R", start: 6 });
  return proc;
}

Deno.test("a target in words", () => {
  assertEquals(describeTarget({ kind: "process", pids: [412], command: "make -j2" }), "pid 412 (make -j2)");
  assertEquals(describeTarget({ kind: "process", pids: [1, 2] }), "pids 1,2");
  assertEquals(describeTarget({ kind: "thread", tids: [7] }), "thread 7");
  assertEquals(describeTarget({ kind: "cpu", cpus: [3] }), "CPU 3");
  assertEquals(describeTarget({ kind: "cpu", cpus: [0, 1, 2, 5, 7, 8] }), "CPUs 0-2,5,7-8");
});

Deno.test("threadsOf() and processOf() read /proc, in order of number", () => {
  assertEquals(threadIdsOf(9, process()), [9, 10]);
  assertEquals(threadIdsOf(3, process()), []);
  assertEquals([processOf(10, process()), processOf(3, process())], [9, undefined]);
});

Deno.test("a process has ended when none of its threads runs", () => {
  const proc = process();
  const watch = new TargetWatch({ kind: "process", pids: [9] }, proc);
  assertEquals(watch.ended(), false);
  proc.tasks.get(9)!.state = "Z"; // its first thread has ended, the other one goes on
  assertEquals(watch.ended(), false);
  proc.tasks.get(10)!.state = "Z";
  assertEquals(watch.ended(), true);
});

Deno.test("threads have ended when all of them have, zombies included", () => {
  const proc = process();
  const watch = new TargetWatch({ kind: "thread", tids: [9, 10] }, proc);
  proc.tasks.delete(10);
  assertEquals(watch.ended(), false);
  proc.tasks.get(9)!.state = "Z";
  assertEquals(watch.ended(), true);
});

Deno.test("another process with the number of the target is not the target", () => {
  const proc = process();
  const watch = new TargetWatch({ kind: "process", pids: [9] }, proc);
  proc.tasks.get(9)!.start = 999;
  assertEquals(watch.ended(), true);
});

Deno.test("what was never there has ended, and CPUs never do", () => {
  assertEquals(new TargetWatch({ kind: "process", pids: [3] }, process()).ended(), true);
  assertEquals(new TargetWatch({ kind: "cpu", cpus: [0] }, process()).ended(), false);
});
