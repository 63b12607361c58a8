import { assertEquals, assertThrows } from "@std/assert";
import { ERRNO } from "../../../lib/base/system/errno.ts";
import { UnsupportedError } from "../../../lib/base/system/errors.ts";
import { resolveEvents } from "../../../lib/events/resolve.ts";
import { PERF_SAMPLE } from "../../../lib/base/system/abi.ts";
import {
  closeAll,
  type EventOnCpus,
  type EventScope,
  fileEvents,
  openOnCpus,
} from "../../../lib/record/open/open_on_cpus.ts";
import { samplingAttr } from "../../../lib/record/request/sampling.ts";
import { FakeKernel } from "../fake_kernel.ts";

const standing = { privilege: { paranoid: 2, capable: true, seccomp: false }, hasCorePmu: false };
const [{ events: [event] }] = resolveEvents("page-faults");
const attrOf = () => samplingAttr(event, {}, { several: true, watermark: 1, enableOnExec: false }, "other");

/** Opens page-faults in that kernel. */
function open(
  kernel: FakeKernel,
  where: Partial<EventScope>,
  notes: string[] = [],
  wanted = event,
): EventOnCpus {
  const scope = { tids: [-1], cpus: [0, 1], target: "all CPUs", calls: kernel.calls, ...where };
  return openOnCpus({ event: wanted, attrOf }, scope, standing, (line) => notes.push(line));
}

Deno.test("openOnCpus() opens the event for each thread on each CPU, and closeAll() closes all of them", () => {
  const kernel = new FakeKernel();
  const opened = open(kernel, { tids: [5, 6], target: "pid 5" });
  assertEquals(opened.places, [
    { tid: 5, cpu: 0, fd: 100, id: 1100n },
    { tid: 5, cpu: 1, fd: 101, id: 1101n },
    { tid: 6, cpu: 0, fd: 102, id: 1102n },
    { tid: 6, cpu: 1, fd: 103, id: 1103n },
  ]);
  assertEquals([...kernel.open.values()].map(({ enabled }) => enabled), [false, false, false, false]);
  closeAll([opened], kernel.calls);
  assertEquals(kernel.open.size, 0);
});

Deno.test("openOnCpus() opens an event of some CPUs' PMU on those alone", () => {
  const { places } = open(new FakeKernel(), { cpus: [0, 1, 2] }, [], { ...event, cpus: [1, 2, 3] });
  assertEquals(places.map(({ cpu }) => cpu), [1, 2]);
});

Deno.test("openOnCpus() opens the member of a group wherever its leader is, and nowhere else", () => {
  const kernel = new FakeKernel();
  kernel.refuse = (_attr, _pid, cpu) => cpu === 0 ? ERRNO.ENODEV : 0;
  const leader = open(kernel, { cpus: [1, 0, 2] });
  assertEquals(leader.places.map(({ cpu }) => cpu), [1, 2]);
  kernel.refuse = () => 0;
  const member = open(kernel, { group: { leader } });
  assertEquals(member.group, { leader });
  assertEquals(member.places.map(({ cpu, fd }) => [cpu, kernel.open.get(fd)!.groupFd]), [
    [1, leader.places[0].fd],
    [2, leader.places[1].fd],
  ]);
});

Deno.test("openOnCpus() leaves out threads that have ended, the first ones too, and CPUs that have gone", () => {
  const kernel = new FakeKernel();
  kernel.refuse = (_attr, pid, cpu) => pid === 5 ? ERRNO.ESRCH : pid === 6 && cpu === 1 ? ERRNO.ENODEV : 0;
  const { places } = open(kernel, { tids: [5, 6, 7], target: "pid 5" });
  assertEquals(places.map(({ tid, cpu }) => [tid, cpu]), [[6, 0], [7, 0], [7, 1]]);
});

Deno.test("openOnCpus() says that the target has ended when all of its threads have", () => {
  const kernel = new FakeKernel();
  kernel.refuse = () => ERRNO.ESRCH;
  const error = assertThrows(
    () => open(kernel, { tids: [5, 6], target: "pid 5" }),
    UnsupportedError,
    "pid 5",
  );
  assertEquals([error.errno, kernel.open.size], [ERRNO.ESRCH, 0]);
});

Deno.test("openOnCpus() closes what is open when a later CPU refuses the event", () => {
  const kernel = new FakeKernel();
  kernel.refuse = (_attr, _pid, cpu) => cpu === 1 ? ERRNO.EMFILE : 0;
  const error = assertThrows(
    () => open(kernel, {}),
    UnsupportedError,
    "cannot sample page-faults on all CPUs",
  );
  assertEquals([error.errno, kernel.open.size], [ERRNO.EMFILE, 0]);
});

Deno.test("fileEvents() counts the records of an unlisted tracker as the first event's, with the fields of both", () => {
  const kernel = new FakeKernel();
  const [first, second] = [open(kernel, { cpus: [0] }), open(kernel, { cpus: [0] })];
  const tracker = open(kernel, { cpus: [0] });
  tracker.attr = { ...tracker.attr, flags: new Set([...tracker.attr.flags, "mmap2", "comm"]) };
  tracker.unlisted = true;
  const listed = fileEvents([tracker, first, second]);
  assertEquals(listed.map(({ of, ids }) => [of, ids]), [[first, [1100n, 1102n]], [second, [1101n]]]);
  assertEquals(listed.map(({ attr }) => attr.flags.has("mmap2")), [true, false]);
});

Deno.test("fileEvents() lists an event whose stacks are unwound without registers and stacks", () => {
  const opened = open(new FakeKernel(), { cpus: [0] });
  const { REGS_USER, STACK_USER } = PERF_SAMPLE;
  const { sampleType } = opened.attr;
  opened.attr = { ...opened.attr, sampleType: sampleType | REGS_USER | STACK_USER, sampleStackUser: 8192 };
  opened.unwound = true;
  const [{ attr }] = fileEvents([opened]);
  assertEquals([attr.sampleType, attr.sampleRegsUser, attr.sampleStackUser], [sampleType, 0n, 0]);
});
