/** Opening of what was planned, on kernels without perf events: groups that have room for so many, refusals, filters. */

import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { PERF_SAMPLE } from "../../lib/base/system/abi.ts";
import { ERRNO } from "../../lib/base/system/errno.ts";
import { UnsupportedError, UsageError } from "../../lib/base/system/errors.ts";
import { decodeAttr } from "../../lib/events/attr.ts";
import { openWithFallbacks } from "../../lib/events/open.ts";
import { type ResolvedEvent, resolveEvents } from "../../lib/events/resolve.ts";
import { filterTracepoints, openEvents, openGroup } from "../../lib/record/open_events.ts";
import { planEvents, planGroup } from "../../lib/record/open/plan.ts";
import type { EventOnCpus } from "../../lib/record/open/open_on_cpus.ts";
import type { RecordRequest } from "../../lib/record/request/request.ts";
import { samplingAttr } from "../../lib/record/request/sampling.ts";
import { allBackends } from "../../lib/record/backends/all.ts";
import { INTEL_SERVER, worldOf } from "../events/trees.ts";
import { FakeKernel } from "./fake_kernel.ts";
import { fakeRequest } from "./fake_rings.ts";

const standing = { privilege: { paranoid: 2, capable: true, seccomp: false }, hasCorePmu: true };
const place = { pid: 1, cpu: -1, target: "pid 1" };
const common = { several: true, watermark: 1, enableOnExec: true };

/** Opens the group on a kernel that has room for so many events in a group, and refuses others with `errno`. */
function open(text: string, room: number, errno: number = ERRNO.EINVAL) {
  const opened: EventOnCpus[] = [];
  const notes: string[] = [];
  const inGroup = new Map<EventOnCpus, number>();
  const attrOf = (event: ResolvedEvent) => samplingAttr(event, {}, common, "other");
  openGroup(
    planGroup(resolveEvents(text)[0], { first: attrOf, others: attrOf }, false),
    {
      open: (wanted, group) => {
        const members = group ? inGroup.get(group.leader)! + 1 : 1;
        const kernel = (bytes: Uint8Array<ArrayBuffer>) => {
          const { flags } = decodeAttr(bytes);
          assertEquals(flags.has("disabled"), !group); // a member starts with its leader
          return members > room ? -errno : 3;
        };
        const { event, attr, fd } = openWithFallbacks(
          wanted,
          place,
          standing,
          kernel,
          (line) => notes.push(line),
        );
        const one: EventOnCpus = {
          event,
          attr,
          places: [{ tid: 1, cpu: 0, fd, id: 0n }],
          ...group ? { group } : {},
        };
        inGroup.set(group?.leader ?? one, members);
        opened.push(one);
        return one;
      },
      drop: (dropped) => assertEquals(opened.splice(-dropped.length), dropped),
    },
    (line) => notes.push(line),
  );
  return { opened, notes };
}

const GROUP = "{page-faults,context-switches,cpu-migrations}";

Deno.test("openGroup() opens a weak group together where it fits", () => {
  const { opened, notes } = open(`${GROUP}:W`, 3);
  assertEquals(opened.map(({ group }) => group?.leader), [undefined, opened[0], opened[0]]);
  assertEquals(notes, []);
});

Deno.test("openGroup() opens each event of a weak group that does not fit by itself, and says so", () => {
  for (const errno of [ERRNO.EINVAL, ERRNO.EBADF]) {
    for (const letters of ["W", "SW"]) {
      const { opened, notes } = open(`${GROUP}:${letters}`, 2, errno);
      assertEquals(opened.map(({ event, group }) => [event.name, group]), [
        ["page-faults", undefined],
        ["context-switches", undefined],
        ["cpu-migrations", undefined],
      ]);
      for (const { attr } of opened) {
        assertEquals([attr.samplePeriod, attr.sampleType & PERF_SAMPLE.READ], [4000n, 0]);
      }
      assertEquals(notes, [
        `${GROUP}: cpu-migrations cannot be counted with those before it: each is sampled by itself`,
      ]);
    }
  }
});

Deno.test("openGroup() leaves it at the refusal of a group that is not weak, of a leader, and for other reasons", () => {
  assertThrows(() => open(GROUP, 2), UnsupportedError, "cpu-migrations");
  assertThrows(() => open(`${GROUP}:W`, 0), UnsupportedError, "page-faults");
  assertThrows(() => open(`${GROUP}:W`, 2, ERRNO.EMFILE), UnsupportedError, "cpu-migrations");
});

/** Opens all that a recording of `events` plans, in that kernel. */
function openPlanned(events: string, kernel: FakeKernel, changes: Partial<RecordRequest> = {}) {
  const notes: string[] = [];
  const request = fakeRequest("out", {
    groups: resolveEvents(events, worldOf(INTEL_SERVER)),
    cpus: [0, 1],
    ...changes,
  });
  const plan = planEvents(request, {
    pid: 42,
    proc: { text: () => undefined, list: () => [] },
    limit: { allows: () => true, need: () => {} },
  });
  const owner = allBackends().open();
  const scope = { ...plan.scope, calls: kernel.calls };
  const opened = openEvents({ ...plan, scope }, owner, request, (line) => notes.push(line));
  return { opened, notes, owner };
}

const names = (opened: readonly EventOnCpus[]) => opened.map(({ event }) => event.name);

Deno.test("openEvents() opens the tracker first, then the groups in their order, whose leaders do not count yet", () => {
  const kernel = new FakeKernel();
  const { opened, notes } = openPlanned("page-faults,{cycles,instructions}", kernel, {
    target: { kind: "cpus", argv: [] },
  });
  assertEquals(names(opened).slice(1), ["page-faults", "cycles", "instructions"]);
  assertEquals(opened.map((each) => "choice" in each), [false, true, true, true]);
  assertEquals(opened[0].attr.flags.has("mmap2"), true);
  assertEquals(opened[3].group?.leader.places, opened[2].places);
  // the tracker reports from now on; a member counts with its leader
  const enabled = opened.map(({ places }) => places.map(({ fd }) => kernel.open.get(fd)!.enabled));
  assertEquals(enabled, [[true, true], [false, false], [false, false], [true, true]]);
  assertEquals([notes, kernel.open.size], [[], 8]);
});

Deno.test("openEvents() marks the tracker of a command as unlisted", () => {
  const { opened } = openPlanned("page-faults", new FakeKernel());
  assertEquals(opened.map(({ unlisted }) => unlisted), [true, undefined]);
});

Deno.test("openEvents() names the event that was asked for when the tracker is refused", () => {
  const kernel = new FakeKernel();
  kernel.refuse = () => ERRNO.EACCES;
  const error = assertThrows(() => openPlanned("page-faults", kernel), UnsupportedError);
  assertEquals([error.errno, error.advice.attempt], [ERRNO.EACCES, "sample page-faults on work"]);
});

Deno.test("openEvents() closes everything when one event is refused", () => {
  const kernel = new FakeKernel();
  let events = 0;
  kernel.refuse = () => ++events > 5 ? ERRNO.EMFILE : 0;
  assertThrows(
    () => openPlanned("page-faults,context-switches", kernel),
    UnsupportedError,
    "context-switches",
  );
  assertEquals(kernel.open.size, 0);
});

Deno.test("openEvents() opens a weak group that does not fit apart, and leaves nothing of the attempt", () => {
  const kernel = new FakeKernel();
  const attempt = kernel.calls.tryOpen;
  kernel.calls.tryOpen = (bytes, place) => (place.groupFd ?? -1) >= 0 ? -ERRNO.EINVAL : attempt(bytes, place);
  const { opened, notes, owner } = openPlanned("{page-faults,context-switches}:W", kernel);
  assertEquals(names(opened).slice(1), ["page-faults", "context-switches"]);
  assertEquals(opened.map(({ group }) => group), [undefined, undefined, undefined]);
  assertEquals(kernel.open.size, 6);
  assertEquals(notes, [
    "{page-faults,context-switches}: context-switches cannot be counted with those before it: each is sampled by itself",
  ]);
  owner.close();
});

Deno.test("openEvents() says once which events leave the kernel out, where this user may not have it", () => {
  const kernel = new FakeKernel();
  kernel.refuse = ({ flags }) => flags.has("excludeKernel") ? 0 : ERRNO.EACCES;
  const standing = { privilege: { paranoid: 2, capable: false, seccomp: false }, hasCorePmu: false };
  const { notes } = openPlanned("page-faults,minor-faults", kernel, { standing });
  assertEquals(notes.length, 1);
  assertMatch(notes[0], /page-faults.*minor-faults/);
});

Deno.test("filterTracepoints() gives every tracepoint the filter wherever it is open, and other events none", () => {
  const kernel = new FakeKernel();
  const { opened } = openPlanned("sched:sched_switch,page-faults", kernel);
  filterTracepoints(opened, "prev_pid == 1", kernel.calls);
  const filters = opened.map(({ places }) => places.map(({ fd }) => kernel.open.get(fd)!.filter));
  const both = ["prev_pid == 1", "prev_pid == 1"], none = [undefined, undefined];
  assertEquals(filters, [none, both, none]);
});

Deno.test("filterTracepoints() refuses a filter that nothing takes, and says where the fields are listed", () => {
  const kernel = new FakeKernel();
  const { opened } = openPlanned("sched:sched_switch", kernel);
  kernel.refuseFilter = () => ERRNO.EINVAL;
  const error = assertThrows(() => filterTracepoints(opened, "x == 1", kernel.calls), UsageError);
  assertMatch(
    error.message,
    /^--filter 'x == 1': sched:sched_switch does not take this filter \(.*\): .*\/sched\/sched_switch\/format$/,
  );
  const others = openPlanned("page-faults", new FakeKernel()).opened;
  assertThrows(
    () => filterTracepoints(others, "x == 1", kernel.calls),
    UsageError,
    "no tracepoint is recorded",
  );
});
