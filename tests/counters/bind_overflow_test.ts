/** Binding for overflows: what is told, and what is counted in all. */

import { assert, assertEquals } from "@std/assert";
import { monotonicNs } from "../../ffi/pmu.ts";
import type { StopSignals } from "../../ffi/command.ts";
import { bindOverflows, type OverflowNotice, type OverflowTarget } from "../../lib/counters/bind_overflow.ts";
import type { Counter } from "../../lib/counters/open/open_set.ts";
import { readPrivilege } from "../../lib/events/privilege.ts";
import { parseCpuList } from "../../lib/base/text/cpu_list.ts";
import { program } from "../live/harness.ts";
import { testNeeding } from "../needs.ts";
import { counter, pcNames } from "./overflow_harness.ts";

const ONLINE = parseCpuList(Deno.readTextFileSync("/sys/devices/system/cpu/online"));

function never(): StopSignals {
  return { first: new Promise(() => {}), second: new Promise(() => {}), commandGetsSignals: false };
}

async function bound(
  counters: Counter[],
  target: OverflowTarget,
  autoRestart: boolean,
  stopper = never(),
  each: (notice: OverflowNotice) => void = () => {},
) {
  const notices: OverflowNotice[] = [];
  const notes: string[] = [];
  let startNs = 0n;
  const options = {
    autoRestart,
    names: pcNames(),
    begin: (ns: bigint) => startNs = ns,
    emit(notice: OverflowNotice) {
      notices.push(notice);
      each(notice);
    },
    note: (line: string) => notes.push(line),
  };
  const standing = { privilege: readPrivilege(), hasCorePmu: true };
  return { ...await bindOverflows(counters, target, options, standing, stopper), startNs, notices, notes };
}

testNeeding(["cc"], "without a restart the set keeps the counts of its overflow", async () => {
  const argv = [program("faults"), "10000"];
  const result = await bound([counter("page-faults:u", 1000), counter("task-clock:u")], {
    kind: "command",
    argv,
  }, false);
  assertEquals(result.overflows, 1);
  assertEquals(result.notices.length, 1);
  assertEquals(result.notices[0].counts[0], 0n); // 2^64 - 1000 and 1000 more
  assertEquals(result.counts[0], 1000n);
  assertEquals(result.exit?.code, 0);
  assert(result.frozenNs > 0);
  assert(result.notes.some((note) => note.includes("first thread")), result.notes.join());
});

testNeeding(["cc"], "with restarts each overflow adds to the total", async () => {
  const argv = [program("forks"), "1000", "10"];
  const result = await bound([counter("page-faults:u", 100)], { kind: "command", argv }, true);
  assert(result.overflows >= 2, `${result.overflows}`);
  const rest = result.counts[0] - 100n * BigInt(result.overflows);
  assert(rest >= 0n && rest < 100n, `${result.counts[0]} in ${result.overflows} overflows`);
  assertEquals(result.notices.map((notice) => notice.counts[0]), result.notices.map(() => 0n));
});

testNeeding(["cc"], "threads that run already are bound one by one, and their end is the end", async () => {
  const child = new Deno.Command(program("ratio"), { args: ["3000"], stdout: "null" }).spawn();
  const before = monotonicNs();
  const target: OverflowTarget = { kind: "threads", tids: [child.pid] };
  const result = await bound([counter("task-clock:u", 20_000_000)], target, true);
  await child.status;
  assert(result.startNs > before);
  assert(result.notices.length > 0);
  assert(result.notices.every((notice) => notice.tid === child.pid));
  assert(result.notices.some(({ pc }) => pc.symbol === "hot" || pc.symbol === "warm"));
});

testNeeding(["root"], "CPUs are watched until the user has seen enough", async () => {
  const stop = Promise.withResolvers<number>();
  const busy = setInterval(() => {}, 1); // waking up for it switches contexts
  const target: OverflowTarget = { kind: "cpus", cpus: ONLINE };
  let left = 5;
  const enough = () => {
    if (--left === 0) stop.resolve(2);
  };
  const stopper = { ...never(), first: stop.promise };
  const result = await bound([counter("context-switches", 3)], target, true, stopper, enough);
  clearInterval(busy);
  assert(result.overflows >= 5, `${result.overflows}`);
  assert(result.notices.every((notice) => ONLINE.includes(notice.cpu)));
  assert(result.counts[0] >= 3n * BigInt(result.overflows));
});
