/** Binding for overflows: what is told, and what is counted in all. */

import { assert, assertEquals } from "@std/assert";
import { clockNs } from "../../ffi/pmu.ts";
import type { Stopper } from "../../ffi/command.ts";
import { bindOverflows, type OverflowNotice, type OverflowTarget } from "../../lib/cpc/bind_overflow.ts";
import type { Counter } from "../../lib/cpc/open_set.ts";
import { readPrivilege } from "../../lib/events/privilege.ts";
import { program } from "../live/harness.ts";
import { testNeeding } from "../needs.ts";
import { counter, pcNames } from "./overflow_harness.ts";

function never(): Stopper {
  return { first: new Promise(() => {}), second: new Promise(() => {}), commandHearsToo: false };
}

async function bound(counters: Counter[], target: OverflowTarget, autoRestart: boolean, stopper = never()) {
  const notices: OverflowNotice[] = [];
  const notes: string[] = [];
  let startNs = 0n;
  const options = {
    autoRestart,
    names: pcNames(),
    begin: (ns: bigint) => startNs = ns,
    emit: (notice: OverflowNotice) => notices.push(notice),
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
  const argv = [program("faults"), "10000"];
  const result = await bound([counter("page-faults:u", 300)], { kind: "command", argv }, true);
  assert(result.overflows >= 2, `${result.overflows}`);
  const rest = result.counts[0] - 300n * BigInt(result.overflows);
  assert(rest >= 0n && rest < 300n, `${result.counts[0]} in ${result.overflows} overflows`);
  assertEquals(result.notices.map((notice) => notice.counts[0]), result.notices.map(() => 0n));
});

testNeeding(
  ["cc"],
  "threads that run already are bound one by one, and the end of all of them is the end",
  async () => {
    const child = new Deno.Command(program("ratio"), { args: ["1500"], stdout: "null" }).spawn();
    const before = clockNs(1);
    const target: OverflowTarget = { kind: "threads", tids: [child.pid] };
    const result = await bound([counter("task-clock:u", 20_000_000)], target, true);
    await child.status;
    assert(result.startNs > before);
    assert(result.overflows >= 3, `${result.overflows}`);
    assert(result.notices.every((notice) => notice.tid === child.pid));
    assert(result.notices.some((notice) => notice.pc.symbol === "hot"), JSON.stringify(result.notices[0].pc));
  },
);

testNeeding(["root"], "CPUs are watched until the user has seen enough", async () => {
  const stop = Promise.withResolvers<number>();
  const timer = setTimeout(() => stop.resolve(2), 300);
  const target: OverflowTarget = { kind: "cpus", cpus: [0] };
  const result = await bound([counter("cpu-clock", 10_000_000)], target, true, {
    ...never(),
    first: stop.promise,
  });
  clearTimeout(timer);
  assert(result.overflows >= 3, `${result.overflows}`);
  assert(result.notices.every((notice) => notice.cpu === 0));
});
