import { assertEquals, assertMatch } from "@std/assert";
import { setsOfEvents } from "../../../lib/counters/verify/event_sets.ts";
import { verify } from "../../../lib/counters/verify/verify.ts";
import type { MachineModel } from "../../../lib/counters/verify/machine.ts";
import { arm, busy, hybrid, intel, USER, virtual } from "../machines.ts";
import { CPUS, packed, pics, refused, spec, TASK } from "../verifying.ts";

Deno.test("verify() applies flags and attributes to the attr", () => {
  const { requests: [{ event }] } = verify(
    spec("cpu/event=0x3c,umask=1/,sys,cmask=2,precise=1,idle=0,inherit,period=1000"),
    intel(),
    TASK,
  );
  assertEquals(event.attr.config, 0x0200013cn);
  assertEquals(event.attr.preciseIp, 1);
  assertEquals(event.period, 1000n);
  assertEquals([...event.attr.flags].sort(), ["excludeGuest", "excludeHv", "excludeIdle", "inherit"]);
});

Deno.test("verify() refuses an event that is not there, or is not one (subcode 1)", () => {
  const invalid = (event: string, says: RegExp) =>
    refused(packed([{ event: "cycles" }, { event }]), intel(), {
      subcode: "CPC_INVALID_EVENT",
      status: 2,
      requests: [1],
      says,
    });
  invalid(
    "cycels",
    /^cannot bind request 1 \(cycels\): .*did you mean cycles\? \(CPC_INVALID_EVENT, EINVAL\)$/,
  );
  invalid("cycles:u", /modifiers are for -e/);
  invalid("cycles,branches", /matches several events/);
  invalid("{cycles}", /matches several events/);
  invalid("sched:*", /means 3 events here/);
  refused(packed([{ event: "cycles" }]), hybrid(), {
    subcode: "CPC_INVALID_EVENT",
    status: 2,
    requests: [0],
    says: /means 2 events here \(cpu_atom\/cycles\/, cpu_core\/cycles\/\): name one/,
  });
  assertEquals(pics(packed([{ event: "cpu_core/cycles/" }]), hybrid()), [9]);
});

Deno.test("verify() refuses a picnum that the PMU does not have (subcode 2)", () => {
  const invalid = (event: string, picnum: number | string, machine: MachineModel, says: RegExp) =>
    refused(packed([{ event, attrs: { picnum } }]), machine, {
      subcode: "CPC_INVALID_PICNUM",
      status: 2,
      requests: [0],
      says,
    });
  invalid("cycles", 5, intel(), /PMU cpu has no pic5: use pic0 to pic4 \(CPC_INVALID_PICNUM, EINVAL\)$/);
  invalid("cycles", 6, arm(), /PMU armv8_pmuv3_0 has no pic6: use pic0 to pic5 or pic31/);
  invalid("task-clock", 100, virtual(), /PMU software has no pic100: use pic0 to pic99/);
  invalid("cycles", "0xffffffffffffffff", intel(), /PMU cpu has no pic18446744073709551615/);
});

Deno.test("verify() refuses an attribute that the request's PMU does not have (subcode 3)", () => {
  const invalid = (text: string, says: RegExp, machine = intel()) =>
    refused(spec(text, machine), machine, {
      subcode: "CPC_INVALID_ATTRIBUTE",
      status: 2,
      requests: [0],
      says,
    });
  invalid("cycles,nonsense=1", /PMU cpu has no attribute nonsense: see 'pmuctl attrlist cpu'/);
  invalid("task-clock,presise=1", /did you mean precise\?/);
  invalid("task-clock,umask=1", /PMU software has no attribute umask/);
  invalid("cycles,umask=1", /write the event by its code: cpu\/event=...\//);
});

Deno.test("verify() refuses a value out of the attribute's range (subcode 4)", () => {
  const invalid = (text: string, says: RegExp) =>
    refused(spec(text), intel(), { subcode: "CPC_ATTRIBUTE_OUT_OF_RANGE", status: 2, requests: [0], says });
  invalid("cpu/event=1/,umask=256", /attribute umask cannot be 256: use 0 to 255/);
  invalid("cycles,precise=4", /use 0 to 3/);
  invalid("cycles,sys=2", /attribute sys cannot be 2: use 0 to 1/);
  invalid("cycles,period=0", /use 1 to 9223372036854775807/);
  invalid("cycles,freq=100001", /use 1 to 100000, or raise kernel.perf_event_max_sample_rate/);
  assertEquals(pics(spec("cpu/event=1/,umask=255,precise=3,freq=100000")), [0]);
});

Deno.test("verify() says when there is no hardware PMU, or others have all of its counters (subcode 5)", () => {
  const none = { subcode: "CPC_RESOURCE_UNAVAIL", status: 3, requests: [0] } as const;
  refused(packed([{ event: "cycles", attrs: { picnum: 0 } }]), virtual(), {
    ...none,
    says: /this machine has no hardware PMU/,
  });
  refused(packed([{ event: "r1a8" }]), virtual(), {
    ...none,
    says: /this machine has no hardware PMU/,
  });
  refused(packed([{ event: "cycles" }]), busy(), {
    ...none,
    says: /others have all counters of cpu: .*nmi_watchdog=0/,
  });
});

Deno.test("verify() refuses an event on a task that only counts on CPUs (subcode 5)", () => {
  const set = packed([{ event: "uncore_imc_0/cas_count_read/", flags: 6 }]);
  refused(set, intel(), {
    subcode: "CPC_RESOURCE_UNAVAIL",
    status: 3,
    requests: [0],
    says: /does not follow a task: count it on CPUs: -a or -C/,
  });
  const { requests: [{ event }] } = verify(set, intel(), CPUS);
  assertEquals([...event.attr.flags], []);
});

Deno.test("verify() refuses a PIC that cannot count the event (subcode 6)", () => {
  const incapable = (event: string, picnum: number, machine: MachineModel, says: RegExp) =>
    refused(packed([{ event: "task-clock" }, { event, attrs: { picnum } }]), machine, {
      subcode: "CPC_PIC_NOT_CAPABLE",
      status: 3,
      requests: [1],
      says,
    });
  incapable(
    "branches",
    3,
    intel(),
    /pic3 of cpu counts only cycles: use pic0 to pic1 \(CPC_PIC_NOT_CAPABLE, EINVAL\)$/,
  );
  incapable("ref-cycles", 0, intel(), /pic0 of cpu counts other events: use pic4/);
  incapable("instructions", 31, arm(), /counts only cycles: use pic0 to pic5/);
  assertEquals(pics(packed([{ event: "cpu/event=0x3c/", attrs: { picnum: 3 } }])), [3]);
  incapable("cpu/event=0x3c,cmask=1/", 3, intel(), /counts only cycles/);
});

Deno.test("verify() refuses unknown flags of a request, and those that count nothing (subcode 7)", () => {
  const invalid = (flags: number, says: RegExp) =>
    refused(packed([{ event: "cycles", flags }]), intel(), {
      subcode: "CPC_REQ_INVALID_FLAGS",
      status: 2,
      requests: [0],
      says,
    });
  invalid(
    16,
    /its flags 16 have unknown bits: use a sum of 1 \(notify\), 2 \(user\), 4 \(system\) and 8 \(hypervisor\)/,
  );
  invalid(2 ** 31, /its flags 2147483648 have unknown bits/);
  invalid(0, /it would count nothing/);
  invalid(1, /it would count nothing/);
  refused(spec("cycles,nouser"), intel(), {
    subcode: "CPC_REQ_INVALID_FLAGS",
    status: 2,
    requests: [0],
    says: /add sys/,
  });
});

Deno.test("verify() refuses user space alone on a PMU that cannot tell it apart (subcode 7)", () => {
  refused(spec("msr/tsc/", virtual()), virtual(), {
    subcode: "CPC_REQ_INVALID_FLAGS",
    status: 2,
    requests: [0],
    says: /PMU msr cannot distinguish user space and kernel: ask for both: add sys/,
  });
  const { requests: [{ event }] } = verify(spec("msr/tsc/,sys", virtual()), virtual(), TASK);
  assertEquals([...event.attr.flags], []);
});

Deno.test("verify() refuses two ways to say when to overflow (subcode 8)", () => {
  const conflict = (text: string, says: RegExp) =>
    refused(spec(text), intel(), { subcode: "CPC_CONFLICTING_REQS", status: 3, requests: [0], says });
  conflict("cycles,freq=100,preset=1", /freq and preset disagree on when it overflows/);
  conflict("cycles,freq=100,period=100", /freq and period/);
  conflict("cycles/period=7/,preset=1", /period and preset/);
});

Deno.test("verify() refuses the kernel's side and whole CPUs to an unprivileged user (subcode 9)", () => {
  const denied = {
    subcode: "CPC_ATTR_REQUIRES_PRIVILEGE",
    errno: "EACCES",
    status: 3,
    requests: [0],
  } as const;
  refused(spec("cycles,sys"), intel(USER), {
    ...denied,
    says:
      /permission denied \(perf_event_paranoid is 2\): .*perf_event_paranoid=1.* \(CPC_ATTR_REQUIRES_PRIVILEGE, EACCES\)$/,
  });
  refused(spec("cycles"), intel(USER), { ...denied, target: CPUS, says: /perf_event_paranoid=0/ });
  assertEquals(pics(spec("cycles"), intel(USER)), [0]);
  assertEquals(pics(spec("cycles,sys"), intel({ ...USER, paranoid: 1 })), [0]);
});

Deno.test("verify() lets user space do where nobody chose, and says so", () => {
  const sets = (text: string) => setsOfEvents(text, intel().world)[0];
  const { requests: [{ event }], notes } = verify(sets("cycles"), intel(USER), TASK);
  assertEquals(event.attr.flags.has("excludeKernel"), true);
  assertEquals(notes.length, 1);
  assertMatch(
    notes[0],
    /cycles: the kernel's side is not permitted .*; measuring user space only, as cycles:u/,
  );
  const denied = {
    subcode: "CPC_ATTR_REQUIRES_PRIVILEGE",
    errno: "EACCES",
    status: 3,
    requests: [0],
  } as const;
  refused(sets("cycles:k"), intel(USER), { ...denied, says: /permission denied/ });
  // it only happens in the kernel, so that user space would count 0
  refused(sets("context-switches"), intel(USER), { ...denied, says: /permission denied/ });
});

Deno.test("verify() tries user space whatever perf_event_paranoid is", () => {
  assertEquals(pics(spec("cycles"), intel({ ...USER, paranoid: 4 })), [0]);
});

Deno.test("verify() refuses the hypervisor alone where the CPU cannot tell it apart (subcode 11)", () => {
  const set = packed([{ event: "cycles", flags: 8 }]);
  refused(set, intel(), {
    subcode: "CPC_HV_NO_ACCESS",
    errno: "EACCES",
    status: 3,
    requests: [0],
    says: /\(CPC_HV_NO_ACCESS, EACCES\)$/,
  });
  assertEquals(pics(set, arm()), [31]);
});

Deno.test("verify() refuses notify where the PMU has no interrupt (ENOTSUP)", () => {
  refused(spec("msr/tsc/,sys,notify", virtual()), virtual(), {
    subcode: -1,
    errno: "ENOTSUP",
    status: 3,
    requests: [0],
    says: /PMU msr cannot signal overflows: it has no interrupt: leave notify out \(ENOTSUP\)$/,
  });
  assertEquals(pics(spec("task-clock,notify,preset=1", virtual()), virtual()), [undefined]);
});

Deno.test("verify() warns of an event that counts nothing without the kernel", () => {
  const warning = (text: string) => verify(spec(text), intel(), TASK).requests[0].event.warning;
  assertMatch(warning("context-switches")!, /context-switches counts nothing: it only happens in the kernel/);
  assertEquals(warning("context-switches,sys"), undefined);
});
