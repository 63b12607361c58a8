/** Opening events as well as a kernel can, against kernels that refuse this or that. */

import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { PERF_FORMAT, PERF_SAMPLE, PERF_TYPE } from "../../lib/base/system/abi.ts";
import { ERRNO } from "../../lib/base/system/errno.ts";
import { UnsupportedError } from "../../lib/base/system/errors.ts";
import { decodeAttr, type EventAttr } from "../../lib/events/attr.ts";
import { type OpenRequest, openWithFallbacks, withoutNewest } from "../../lib/events/open.ts";
import { type EventWorld, resolveEvents } from "../../lib/events/resolve.ts";
import { INTEL_SERVER, worldOf } from "./trees.ts";

const { CALLCHAIN, REGS_USER, STACK_USER } = PERF_SAMPLE;

const root = { privilege: { paranoid: 2, capable: true, seccomp: false }, hasCorePmu: false };
const user = { ...root, privilege: { ...root.privilege, capable: false } };
const place = { pid: 1, cpu: -1, target: "pid 1" };

/** A kernel that refuses by the attr: gives what was opened, the attrs tried, and the notes. */
function open(wanted: OpenRequest, refuse: (attr: EventAttr) => number, standing = root) {
  const tried: EventAttr[] = [];
  const notes: string[] = [];
  const opened = openWithFallbacks(wanted, place, standing, (bytes) => {
    const attr = decodeAttr(bytes);
    tried.push(attr);
    const errno = refuse(attr);
    return errno ? -errno : 5;
  }, (line) => notes.push(line));
  return { ...opened, tried, notes };
}

function wantedOf(name: string, sampling: boolean, world?: EventWorld): OpenRequest {
  const [{ events: [event] }] = resolveEvents(name, world);
  return {
    event,
    attrOf: (e) => ({
      ...e.attr,
      samplePeriod: sampling ? 1000n : 0n,
      readFormat: PERF_FORMAT.ID | PERF_FORMAT.LOST,
      flags: new Set([...e.attr.flags, "ksymbol", "bpfEvent", "mmap2", "commExec", "mmap"]),
    }),
  };
}

Deno.test("openEvent() leaves out what an older kernel does not know, newest first, without a word", () => {
  const { attr, tried, notes } = open(
    wantedOf("page-faults", true),
    (a) => a.readFormat & PERF_FORMAT.LOST || a.flags.has("ksymbol") ? ERRNO.EINVAL : 0,
  );
  assertEquals(tried.length, 3);
  assertEquals([attr.flags.has("mmap2"), attr.flags.has("ksymbol")], [true, false]);
  assertEquals(notes, []);
});

Deno.test("openEvent() opens no clock in place of cycles", () => {
  for (const sampling of [false, true]) {
    const refuse = (a: EventAttr) => a.type === PERF_TYPE.HARDWARE ? ERRNO.ENOENT : 0;
    const error = assertThrows(() => open(wantedOf("cycles", sampling), refuse), UnsupportedError);
    assertEquals(error.errno, ERRNO.ENOENT);
    assertStringIncludes(error.message, "no hardware PMU");
  }
});

Deno.test("openEvent() leaves the kernel out for a user who may not see it, which the caller tells", () => {
  const { event, notes } = open(
    wantedOf("cpu-clock", true),
    (a) => a.flags.has("excludeKernel") ? 0 : ERRNO.EACCES,
    user,
  );
  assertEquals(event.name, "cpu-clock:u");
  assertEquals(notes, []);
});

Deno.test("openEvent() tells the refusal when nothing can stand in", () => {
  assertThrows(() => open(wantedOf("page-faults", true), () => ERRNO.EMFILE), UnsupportedError, "ulimit -n");
  assertThrows(() => open(wantedOf("page-faults", true), () => ERRNO.EINVAL), UnsupportedError);
});

/** Wants the event with copies of stacks in its samples. */
function withStacks(name: string): OpenRequest {
  const { event, attrOf } = wantedOf(name, true, worldOf(INTEL_SERVER));
  return {
    event,
    attrOf: (form) => {
      const attr = attrOf(form);
      return {
        ...attr,
        sampleType: attr.sampleType | CALLCHAIN | REGS_USER | STACK_USER,
        flags: new Set([...attr.flags, "excludeCallchainUser"]),
        sampleRegsUser: 0xffn,
        sampleStackUser: 8192,
      };
    },
  };
}

for (const errno of [ERRNO.EINVAL, ERRNO.EOPNOTSUPP]) {
  Deno.test(`openEvent() follows frame pointers where a PMU refuses stacks with ${errno}, and says so`, () => {
    for (const refused of [REGS_USER, STACK_USER]) {
      const { event, attr, notes } = open(
        withStacks("cycles:P"),
        (a) => a.sampleType & refused ? errno : 0,
      );
      assertEquals(attr.sampleType & (CALLCHAIN | REGS_USER | STACK_USER), CALLCHAIN);
      assertEquals([attr.sampleRegsUser, attr.sampleStackUser], [0n, 0]);
      assertEquals(attr.flags.has("excludeCallchainUser"), false);
      // nothing else was given up for it
      assertEquals([event.attr.preciseIp, attr.preciseIp], [3, 3]);
      assertEquals([attr.flags.has("mmap2"), attr.readFormat & PERF_FORMAT.LOST], [true, PERF_FORMAT.LOST]);
      assertEquals(notes.length, 1);
      assertStringIncludes(notes[0], "cycles:P: the kernel takes no copies of stacks");
    }
  });
}

Deno.test("openEvent() keeps copies of stacks where something else is refused", () => {
  const imprecise = open(withStacks("cycles:P"), (a) => a.preciseIp > 0 ? ERRNO.EOPNOTSUPP : 0);
  assertEquals([imprecise.attr.preciseIp, imprecise.attr.sampleStackUser], [0, 8192]);
  const older = open(withStacks("page-faults"), (a) => a.flags.has("ksymbol") ? ERRNO.EINVAL : 0);
  assertEquals([older.attr.flags.has("ksymbol"), older.attr.sampleStackUser], [false, 8192]);
  const userOnly = open(
    withStacks("cpu-clock"),
    (a) => a.flags.has("excludeKernel") ? 0 : ERRNO.EACCES,
    user,
  );
  assertEquals([userOnly.event.name, userOnly.attr.sampleStackUser], ["cpu-clock:u", 8192]);
  for (const { notes } of [imprecise, older, userOnly]) assertEquals(notes, []);
});

Deno.test("openEvent() tells why an event is refused that is refused without copies of stacks, too", () => {
  const refusal = assertThrows(
    () => open(withStacks("page-faults"), () => ERRNO.EOPNOTSUPP),
    UnsupportedError,
    "no interrupt to sample with",
  );
  assertEquals(refusal.errno, ERRNO.EOPNOTSUPP);
  const tried: number[] = [];
  assertThrows(
    () => open(withStacks("page-faults"), (a) => tried.push(a.sampleStackUser) && ERRNO.ENOENT),
    UnsupportedError,
  );
  assertEquals(tried, [8192]);
});

Deno.test("withoutNewest() comes to an end", () => {
  let attr: EventAttr | undefined = wantedOf("page-faults", true).attrOf(wantedOf("page-faults", true).event);
  let steps = 0;
  while ((attr = withoutNewest(attr))) steps++;
  assertEquals(steps, 3);
});

Deno.test("openEvent() reads a group without its children where the kernel is too old to, and says so", () => {
  const sampled = wantedOf("page-faults", true);
  const wanted: OpenRequest = {
    ...sampled,
    attrOf: (event) => {
      const attr = sampled.attrOf(event);
      return {
        ...attr,
        sampleType: attr.sampleType | PERF_SAMPLE.READ,
        flags: new Set([...attr.flags, "inherit"]),
      };
    },
  };
  const { attr, notes } = open(wanted, (a) => a.flags.has("inherit") ? ERRNO.EINVAL : 0);
  assertEquals(attr.flags.has("inherit"), false);
  assertEquals(notes.length, 1);
  assertEquals(open(wanted, () => 0).notes, []);
});
