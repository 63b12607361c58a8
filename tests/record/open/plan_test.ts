import { assertEquals, assertThrows } from "@std/assert";
import { pageSize } from "../../../ffi/pmu.ts";
import { PERF_FORMAT, PERF_SAMPLE } from "../../../lib/base/system/abi.ts";
import { UnsupportedError } from "../../../lib/base/system/errors.ts";
import { resolveEvents } from "../../../lib/events/resolve.ts";
import { type DescriptorLimit, planEvents } from "../../../lib/record/open/plan.ts";
import type { RecordRequest } from "../../../lib/record/request/request.ts";
import { fakeRequest } from "../fake_rings.ts";

/** Plans a recording where this user may have so many descriptors; `proc` has process 5 with threads 5 and 6. */
function plan(events: string, changes: Partial<RecordRequest> = {}, descriptors = Infinity) {
  const needed: number[] = [];
  const limit: DescriptorLimit = {
    allows: (want) => want <= descriptors,
    need: (want, { attempt }) => {
      needed.push(want);
      if (want > descriptors) throw new UnsupportedError({ attempt, cause: "too few descriptors" });
    },
  };
  const proc = { text: () => undefined, list: () => ["6", "5"] };
  const request = fakeRequest("out", { groups: resolveEvents(events), ...changes });
  return { ...planEvents(request, { pid: 42, proc, limit }), needed };
}

const reports = (attr: { flags: ReadonlySet<string> }) => attr.flags.has("mmap2");

Deno.test("planEvents() opens a command's events on its process, which start at its exec, with an unlisted tracker", () => {
  const { scope, tracker, groups, needed } = plan("page-faults");
  assertEquals(scope, { tids: [42], cpus: [0], target: "work" });
  const { event, attrAlone } = groups[0].events[0];
  const attr = attrAlone(event);
  assertEquals([attr.flags.has("enableOnExec"), reports(attr)], [true, false]);
  assertEquals([tracker?.unlisted, reports(tracker!.attrOf(tracker!.event))], [true, true]);
  // records of a single event need not say whose they are
  assertEquals(attr.sampleType & PERF_SAMPLE.IDENTIFIER, 0);
  assertEquals(needed, []);
});

Deno.test("planEvents() lists the tracker of CPUs and of processes, whose events start later", () => {
  for (
    const [changes, tids] of [
      [{ target: { kind: "cpus", argv: [] } }, [-1]],
      [{ target: { kind: "processes", pids: [5] } }, [5, 6]],
    ] as [Partial<RecordRequest>, number[]][]
  ) {
    const { scope, tracker, groups } = plan("page-faults", changes);
    const { event, attrAlone } = groups[0].events[0];
    assertEquals([scope.tids, tracker?.unlisted], [tids, false]);
    const { flags, sampleType } = attrAlone(event);
    assertEquals([flags.has("enableOnExec"), flags.has("disabled")], [false, true]);
    assertEquals(sampleType & PERF_SAMPLE.IDENTIFIER, PERF_SAMPLE.IDENTIFIER);
  }
});

Deno.test("planEvents() has the first event report maps and names where there are no descriptors for a tracker", () => {
  const { tracker, groups, needed } = plan("{page-faults,context-switches},cpu-migrations", {}, 256 + 3);
  assertEquals(tracker, undefined);
  const attrs = groups.flatMap(({ events }) => events.map(({ event, attrAlone }) => attrAlone(event)));
  assertEquals(attrs.map(reports), [true, false, false]);
  const [first] = groups[0].events;
  assertEquals(reports(first.attrInGroup(first.event)), true);
  assertEquals(needed, [256 + 3]);
});

Deno.test("planEvents() needs the tracker, and its descriptors, with a delay and for a flight recorder", () => {
  for (const changes of [{ delayMs: 10 }, { overwrite: true }] as Partial<RecordRequest>[]) {
    assertEquals(plan("page-faults", changes).tracker?.unlisted, false);
    const refused = () => plan("page-faults", changes, 256 + 1);
    assertThrows(refused, UnsupportedError, "cannot record work: too few descriptors");
  }
  const { groups } = plan("page-faults", { delayMs: 10 });
  const { event, attrAlone } = groups[0].events[0];
  assertEquals(attrAlone(event).flags.has("enableOnExec"), false);
});

Deno.test("planEvents() makes a member's attr from its leader's, as the leader was opened", () => {
  const [{ name, together, weak, events }] = plan("both{page-faults,context-switches}:SW").groups;
  assertEquals([name, together, weak], ["both", true, true]);
  const [leader, member] = events;
  const opened = leader.attrInGroup(leader.event);
  assertEquals(opened.readFormat & PERF_FORMAT.GROUP, PERF_FORMAT.GROUP);
  opened.flags = new Set([...opened.flags].filter((flag) => flag !== "inherit"));
  const attr = member.attrInGroup(member.event, opened);
  assertEquals([attr.samplePeriod, attr.flags.has("inherit"), attr.flags.has("disabled")], [
    0n,
    false,
    false,
  ]);
  assertEquals(attr.readFormat, opened.readFormat);
  // apart, each samples by itself
  assertEquals(member.attrAlone(member.event).samplePeriod, 4000n);
});

Deno.test("planEvents() wakes the drain at a quarter of a ring, at 128 KiB at most, and at 4 MiB with stacks", () => {
  const wakeup = (changes: Partial<RecordRequest>) => {
    const { event, attrAlone } = plan("page-faults", changes).groups[0].events[0];
    return attrAlone(event).wakeup;
  };
  const callGraph = { mode: "auto", stackBytes: 8192, registers: 1n } as const;
  const pages = (bytes: number) => bytes / pageSize();
  assertEquals(wakeup({ ringPages: pages(1 << 18) }), 1 << 16);
  assertEquals(wakeup({ ringPages: pages(1 << 20) }), 1 << 17);
  assertEquals(wakeup({ ringPages: pages(1 << 20), sampling: { callGraph } }), 1 << 18);
  assertEquals(wakeup({ ringPages: pages(1 << 25), sampling: { callGraph } }), 1 << 22);
  assertEquals(wakeup({ ringPages: pages(1 << 25), sampling: { callGraph: { mode: "fp" } } }), 1 << 17);
});
