import { assert, assertEquals } from "@std/assert";
import { PERF_TYPE } from "../../lib/base/system/abi.ts";
import { errorLine, EXIT } from "../../lib/base/system/errors.ts";
import { adviseOpen, type OpenAttempt, openError, withUserModifier } from "../../lib/events/advice.ts";
import { makeAttr } from "../../lib/events/attr.ts";

const cycles: OpenAttempt = {
  eventName: "cycles",
  target: "pid 412",
  wholeCpu: false,
  attr: makeAttr({ samplePeriod: 99n, flags: ["freq"] }),
  privilege: { paranoid: 2, capable: false, seccomp: false },
  hasCorePmu: true,
  maxSampleRate: 1000,
};
const say = (errno: number, change: Partial<OpenAttempt> = {}) =>
  errorLine(adviseOpen(errno, { ...cycles, ...change }));

Deno.test("adviseOpen() names the level, what needs it, and three ways out", () => {
  assertEquals(
    say(13),
    "cannot sample cycles on pid 412: permission denied (perf_event_paranoid is 2): run as root or with " +
      "CAP_PERFMON, or: sudo sysctl kernel.perf_event_paranoid=1, or leave out the kernel with cycles:u",
  );
});

Deno.test("adviseOpen() asks for level 0 for a whole CPU and for 2 where a distribution has 3", () => {
  assert(say(13, { wholeCpu: true, target: "CPU 0" }).endsWith("kernel.perf_event_paranoid=0"));
  const user = makeAttr({ flags: ["excludeKernel"] });
  const closed = say(13, { attr: user, privilege: { paranoid: 4, capable: false, seccomp: false } });
  assert(closed.startsWith("cannot count cycles on pid 412: permission denied (perf_event_paranoid is 4)"));
  assert(closed.endsWith("kernel.perf_event_paranoid=2"));
});

Deno.test("adviseOpen() does not send to user space what only happens in the kernel, nor device PMUs", () => {
  for (
    const attr of [
      makeAttr({ type: PERF_TYPE.TRACEPOINT }),
      makeAttr({ type: 1, config: 3n }),
      makeAttr({ type: 9 }),
    ]
  ) {
    assert(say(13, { attr }).endsWith("or: sudo sysctl kernel.perf_event_paranoid=1"));
  }
});

Deno.test("adviseOpen() gives the one command that helps, where there is one", () => {
  assertEquals(adviseOpen(13, cycles).command, "sudo sysctl kernel.perf_event_paranoid=1");
  assertEquals(adviseOpen(2, cycles).command, undefined);
});

Deno.test("adviseOpen() tells a seccomp filter, a foreign process and a security module apart", () => {
  const attr = makeAttr({ flags: ["excludeKernel"] });
  const ofPrivilege = (capable: boolean, seccomp: boolean) =>
    say(1, { attr, privilege: { paranoid: 2, capable, seccomp } });
  assert(ofPrivilege(false, true).includes("seccomp"));
  assert(ofPrivilege(false, false).includes("another user's"));
  assert(ofPrivilege(true, false).includes("security module"));
});

Deno.test("adviseOpen() says that there is no PMU only where there is none", () => {
  assert(say(2, { hasCorePmu: false }).includes("use cpu-clock"));
  assert(say(2).includes("this CPU or kernel does not have the event"));
  assert(say(2, { attr: makeAttr({ type: PERF_TYPE.TRACEPOINT }) }).includes("no such tracepoint"));
});

Deno.test("adviseOpen() says that cannot be sampled is not cannot be counted", () => {
  assert(say(95).includes("no interrupt to sample with: sample cpu-clock instead"));
  assert(say(95, { attr: makeAttr({ samplePeriod: 1n, preciseIp: 2 }) }).includes("precision 2"));
});

Deno.test("adviseOpen() explains EINVAL by what was asked", () => {
  const ask = (attr: OpenAttempt["attr"], wholeCpu = false) => say(22, { attr, wholeCpu });
  assert(
    ask(makeAttr({ samplePeriod: 5000n, flags: ["freq"] })).includes("perf_event_max_sample_rate (1000)"),
  );
  assert(
    ask(makeAttr({ type: 14, flags: ["excludeKernel"] })).includes(
      "cannot separate user space from the kernel",
    ),
  );
  assert(ask(makeAttr({ type: 14 })).includes("-a or -C"));
  assert(ask(makeAttr({ type: 14, samplePeriod: 1n }), true).includes("cannot sample"));
  assert(ask(makeAttr({ type: PERF_TYPE.BREAKPOINT })).includes("breakpoint"));
});

Deno.test("adviseOpen() has a cause and a remedy for every errno of perf_event_open, and for any other", () => {
  for (const errno of [1, 2, 3, 6, 7, 12, 13, 16, 19, 22, 23, 24, 28, 38, 75, 95, 4095]) {
    const advice = adviseOpen(errno, cycles);
    assert(advice.cause.length > 10 && advice.remedy, `${errno}`);
  }
  assert(say(4095).includes("errno 4095"));
});

Deno.test("openError() is an UnsupportedError with the errno", () => {
  const error = openError(24, cycles);
  assertEquals([error.status, error.errno], [EXIT.unsupported, 24]);
  assert(error.message.includes("ulimit -n"));
});

Deno.test("withUserModifier() writes the event without the kernel", () => {
  assertEquals(
    ["cycles", "cycles:pp", "cpu/event=1/", "cpu/event=1/p", "sched:sched_switch"].map(withUserModifier),
    ["cycles:u", "cycles:ppu", "cpu/event=1/u", "cpu/event=1/pu", "sched:sched_switch:u"],
  );
});
