import { assertEquals } from "@std/assert";
import { exclusionsOf, hardwarePmus, type Holding } from "../../../lib/counters/named/exclusion.ts";
import type { SetTarget } from "../../../lib/counters/named/set_target.ts";
import { resolveEvents } from "../../../lib/events/resolve.ts";

const THREAD: SetTarget = { kind: "thread", tids: [101] };
const PROCESS: SetTarget = { kind: "process", pids: [100] };
const CPUS: SetTarget = { kind: "cpu", cpus: [0, 1] };

function holding(target: SetTarget, pmus: string[], state: Holding["state"] = "counting"): Holding {
  return { name: "old", target, pmus, state };
}

/** Thread 101 is one of process 100. */
function exclusions(target: SetTarget, pmus: string[], ...others: Holding[]) {
  return exclusionsOf({ target, pmus }, others, (tid) => tid === 100 || tid === 101 ? 100 : undefined);
}

Deno.test("sets of CPUs and of threads do not share a hardware PMU, whichever was first", () => {
  for (const [mine, others] of [[CPUS, THREAD], [PROCESS, CPUS]]) {
    const { refusal } = exclusions(mine, ["cpu"], holding(others, ["cpu"]));
    assertEquals(refusal?.errno, "EAGAIN");
    assertEquals(refusal?.cause.startsWith("set 'old' on "), true);
    assertEquals(exclusions(mine, ["cpu"], holding(others, ["uncore_imc_0"])).refusal, undefined);
  }
});

Deno.test("a CPU's PMU has one owner", () => {
  const { refusal } = exclusions({ kind: "cpu", cpus: [1, 2] }, ["cpu"], holding(CPUS, ["cpu"]));
  assertEquals(refusal, {
    errno: "EAGAIN",
    cause: "CPU 1 has an owner: set 'old' holds PMU cpu there",
    remedy: "pmuctl unbind old",
  });
  assertEquals(exclusions({ kind: "cpu", cpus: [2, 3] }, ["cpu"], holding(CPUS, ["cpu"])).refusal, undefined);
});

Deno.test("sets without hardware counters are in nobody's way", () => {
  for (const others of [THREAD, CPUS]) {
    assertEquals(exclusions(CPUS, [], holding(others, [])), { replaced: [] });
    assertEquals(exclusions(CPUS, ["cpu"], holding(others, [])), { replaced: [] });
  }
});

Deno.test("a thread has one set: the one it has is replaced, even without hardware", () => {
  const replacedOf = (mine: SetTarget, others: SetTarget) =>
    exclusions(mine, [], holding(others, [])).replaced;
  assertEquals(replacedOf(THREAD, THREAD), [{ name: "old", shared: "thread 101" }]);
  assertEquals(replacedOf(PROCESS, PROCESS), [{ name: "old", shared: "pid 100" }]);
  assertEquals(replacedOf(PROCESS, THREAD), [{ name: "old", shared: "thread 101" }]);
  assertEquals(replacedOf(THREAD, PROCESS), [{ name: "old", shared: "thread 101" }]);
  assertEquals(replacedOf({ kind: "process", pids: [7] }, PROCESS), []);
  assertEquals(replacedOf({ kind: "thread", tids: [7] }, PROCESS), []);
});

Deno.test("a set whose target has ended is in nobody's way", () => {
  assertEquals(exclusions(THREAD, ["cpu"], holding(THREAD, ["cpu"], "ended")), { replaced: [] });
  assertEquals(exclusions(CPUS, ["cpu"], holding(THREAD, ["cpu"], "ended")), { replaced: [] });
});

Deno.test("hardwarePmus() names the PMUs whose counters are taken, and not the software's", () => {
  const events = (text: string) => resolveEvents(text).flatMap((group) => group.events);
  assertEquals(hardwarePmus(events("page-faults,cpu-clock,mem:0x1000:w")), []);
  assertEquals(hardwarePmus(events("cycles,instructions,page-faults")).length, 1);
});
