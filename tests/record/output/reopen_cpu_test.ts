import { assertEquals } from "@std/assert";
import { ERRNO } from "../../../lib/base/system/errno.ts";
import { resolveEvents } from "../../../lib/events/resolve.ts";
import type { Sampler } from "../../../lib/record/backends/registry.ts";
import { type EventOnCpus, openOnCpus } from "../../../lib/record/open/open_on_cpus.ts";
import { type CpuReturn, reopenOn } from "../../../lib/record/output/reopen_cpu.ts";
import { samplingAttr } from "../../../lib/record/request/sampling.ts";
import { INTEL_SERVER, worldOf } from "../../events/trees.ts";
import { FakeKernel } from "../fake_kernel.ts";

const standing = { privilege: { paranoid: 2, capable: true, seccomp: false }, hasCorePmu: false };

/** Recording of CPUs 0 and 1, whose rings are those of descriptors 70 and 71, and of 80 and 81 backward. */
class Recording {
  readonly kernel = new FakeKernel();
  readonly opened: EventOnCpus[] = [];
  readonly added: { event: number; id: bigint }[] = [];
  takesIds = true;

  add(name: string, changes: Partial<EventOnCpus> & { cpus?: number[] } = {}): EventOnCpus {
    const [{ events: [event] }] = resolveEvents(name, worldOf(INTEL_SERVER));
    const { cpus = [0, 1], group, ...others } = changes;
    const attrOf = () => samplingAttr(event, {}, { several: true, watermark: 1, enableOnExec: false }, "own");
    const scope = { tids: [-1], cpus, target: "all CPUs", calls: this.kernel.calls, group };
    const opened: EventOnCpus = {
      ...openOnCpus({ event, attrOf }, scope, standing, () => {}),
      ...others,
    };
    this.opened.push(opened);
    return opened;
  }

  /** Adds an event that a backend samples. */
  sample(name: string, changes: Parameters<Recording["add"]>[1] = {}): Sampler {
    return Object.assign(this.add(name, changes), { choice: { backend: "perf" } });
  }

  /** Has CPU 1 go, and come back. */
  comesBack(changes: Partial<CpuReturn> = {}): boolean {
    return reopenOn({
      cpu: 1,
      opened: this.opened,
      rings: {
        owners: [0, 1].map((cpu) => ({ cpu, fd: 70 + cpu, guests: [] })),
        backward: [0, 1].map((cpu) => ({ cpu, fd: 80 + cpu, guests: [] })),
      },
      sink: {
        addIds: (ids) => {
          if (this.takesIds) this.added.push(...ids);
          return this.takesIds;
        },
      },
      sampling: true,
      calls: this.kernel.calls,
      ...changes,
    });
  }

  /** Event that is open at the last place of `opened`. */
  latest({ places }: EventOnCpus) {
    return this.kernel.open.get(places.at(-1)!.fd)!;
  }
}

Deno.test("reopenOn() opens all events of the CPU anew, into its ring, and tells the output their ids first", () => {
  const recording = new Recording();
  const leader = recording.sample("page-faults"),
    member = recording.sample("cpu-migrations", { group: { leader } });
  assertEquals(recording.comesBack(), true);
  const [led, joined] = [leader, member].map((one) => one.places.at(-1)!);
  assertEquals([led.cpu, joined.cpu, leader.places.length], [1, 1, 3]);
  assertEquals(recording.added, [{ event: 0, id: led.id }, { event: 1, id: joined.id }]);
  assertEquals(recording.latest(member).groupFd, led.fd);
  for (const one of [leader, member]) {
    const { output, enabled, pid, cpu } = recording.latest(one);
    assertEquals([output, enabled, pid, cpu], [71, true, -1, 1]);
  }
});

Deno.test("reopenOn() enables nothing before sampling has been started, and no tracker", () => {
  const recording = new Recording();
  const tracker = recording.add("dummy", { unlisted: true }), sampler = recording.sample("page-faults");
  assertEquals(recording.comesBack({ sampling: false }), true);
  assertEquals([tracker, sampler].map((one) => recording.latest(one).enabled), [false, false]);
  // records of an unlisted event count as the first one's
  assertEquals(recording.added.map(({ event }) => event), [0, 0]);
  assertEquals(recording.comesBack(), true);
  assertEquals([tracker, sampler].map((one) => recording.latest(one).enabled), [false, true]);
});

Deno.test("reopenOn() leaves events of other CPUs alone", () => {
  const recording = new Recording();
  const elsewhere = recording.sample("page-faults", { cpus: [0] });
  recording.sample("cpu-migrations");
  assertEquals(recording.comesBack(), true);
  assertEquals(elsewhere.places.map(({ cpu }) => cpu), [0]);
});

Deno.test("reopenOn() puts a flight recorder's events into the ring that is written backward", () => {
  const recording = new Recording();
  const sampler = recording.sample("page-faults");
  sampler.attr = { ...sampler.attr, flags: new Set([...sampler.attr.flags, "writeBackward"]) };
  assertEquals(recording.comesBack(), true);
  assertEquals(recording.latest(sampler).output, 81);
});

Deno.test("reopenOn() gives tracepoints their filter again, and other events none", () => {
  const recording = new Recording();
  const tracepoint = recording.sample("sched:sched_switch"), faults = recording.sample("page-faults");
  assertEquals(recording.comesBack({ filter: "prev_pid == 1" }), true);
  assertEquals([tracepoint, faults].map((one) => recording.latest(one).filter), ["prev_pid == 1", undefined]);
});

Deno.test("reopenOn() opens all events or none", () => {
  const refusals: [string, (recording: Recording) => void, Partial<CpuReturn>?][] = [
    ["the CPU has gone again", ({ kernel }) => kernel.refuse = () => ERRNO.ENODEV],
    ["one event is refused", ({ kernel }) => {
      let events = 0;
      kernel.refuse = () => ++events === 2 ? ERRNO.ENODEV : 0;
    }],
    ["the filter is refused", ({ kernel }) => kernel.refuseFilter = () => ERRNO.EINVAL, { filter: "x == 1" }],
    ["the CPU has no ring", () => {}, { rings: { owners: [], backward: [] } }],
    ["a pipe takes no more ids", (recording) => recording.takesIds = false],
  ];
  for (const [why, prepare, changes] of refusals) {
    const recording = new Recording();
    const both = [recording.sample("page-faults"), recording.sample("sched:sched_switch")];
    const before = recording.kernel.open.size;
    prepare(recording);
    assertEquals([why, recording.comesBack(changes)], [why, false]);
    assertEquals([why, recording.kernel.open.size], [why, before]);
    assertEquals(both.map(({ places }) => places.length), [2, 2]);
  }
});

Deno.test("reopenOn() needs no new id in a pipe where there is one event, whose records have none", () => {
  const recording = new Recording();
  const sampler = recording.sample("page-faults");
  recording.takesIds = false;
  assertEquals(recording.comesBack(), true);
  assertEquals(sampler.places.length, 3);
});
