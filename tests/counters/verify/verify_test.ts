import { assertEquals } from "@std/assert";
import { setsOfEvents } from "../../../lib/counters/verify/event_sets.ts";
import { verify } from "../../../lib/counters/verify/verify.ts";
import type { VerifyTarget } from "../../../lib/counters/verify/verify_request.ts";
import { arm, hybrid, intel, virtual } from "../machines.ts";
import { packed, pics, refused, spec, TASK } from "../verifying.ts";

Deno.test("verify() places each request on a PIC that can count it", () => {
  assertEquals(pics(spec("cycles,instructions,ref-cycles,branches,cache-misses")), [3, 2, 4, 0, 1]);
  assertEquals(pics(spec("pic0=cycles,pic1=branches")), [0, 1]);
  assertEquals(pics(spec("pic31=cycles,instructions", arm()), arm()), [31, 0]);
});

Deno.test("verify() gives requests that take no counter none", () => {
  assertEquals(pics(spec("pic0=task-clock,branches,page-faults")), [undefined, 1, undefined]);
  assertEquals(pics(spec("task-clock,page-faults", virtual()), virtual()), [undefined, undefined]);
});

Deno.test("verify() puts requests in the order of their indices", () => {
  const { requests } = verify(
    packed([{ event: "cycles", index: 1 }, { event: "branches", index: 0 }]),
    intel(),
    TASK,
  );
  assertEquals(requests.map(({ event }) => event.name), ["branches", "cycles"]);
});

Deno.test("verify() refuses an empty set and unknown flags of a set", () => {
  refused(packed([]), intel(), {
    subcode: -1,
    status: 2,
    requests: [],
    says: /^cannot bind the set 'set.json': it has no requests: .*\(EINVAL\)$/,
  });
  refused(packed([{ event: "cycles" }], 2), intel(), {
    subcode: -1,
    status: 2,
    requests: [],
    says: /its flags 2 have unknown bits/,
  });
  assertEquals(pics(packed([{ event: "cycles" }], 1)), [3]);
});

Deno.test("verify() refuses an index outside of the set, and one that is taken", () => {
  refused(packed([{ event: "cycles", index: 1 }]), intel(), {
    subcode: -1,
    status: 2,
    requests: [0],
    says: /index 1 is not within the set: use 0 to 0/,
  });
  refused(packed([{ event: "cycles", index: 1 }, { event: "branches" }]), intel(), {
    subcode: -1,
    status: 2,
    requests: [1],
    says: /another request already has index 1/,
  });
});

Deno.test("verify() refuses a picnum used twice", () => {
  refused(
    packed([{ event: "cycles", attrs: { picnum: 0 } }, { event: "branches", attrs: { picnum: 0 } }]),
    intel(),
    {
      subcode: -1,
      status: 2,
      requests: [1, 0],
      says: /^cannot bind request 1 \(branches\): request 0 \(cycles\) is on pic0 already: /,
    },
  );
});

Deno.test("verify() refuses more requests than counters and blames those that compete (subcode 5)", () => {
  refused(
    packed(["cycles", "branches", "task-clock", "cache-misses", "bus-cycles"].map((event) => ({ event }))),
    intel(),
    {
      subcode: "CPC_RESOURCE_UNAVAIL",
      status: 3,
      requests: [1, 3, 4],
      says:
        /^cannot bind request 1 \(branches\), request 3 \(cache-misses\) and request 4 \(bus-cycles\) together: they need 3 counters, and cpu has 2 for them \(pic0 to pic1\): .*--split.*--multiplex \(CPC_RESOURCE_UNAVAIL, EINVAL\)$/,
    },
  );
  const seven = Array(7).fill({ event: "instructions" });
  refused(packed(seven), arm(), {
    subcode: "CPC_RESOURCE_UNAVAIL",
    status: 3,
    requests: [0, 1, 2, 3, 4, 5, 6],
    says: /need 7 counters, and armv8_pmuv3_0 has 6/,
  });
  assertEquals(pics(packed([...seven.slice(1), { event: "cycles" }]), arm()), [0, 1, 2, 3, 4, 5, 31]);
});

Deno.test("verify() lets requests take turns only where they need not count together", () => {
  const events = "branches,cache-misses,bus-cycles";
  const [loose] = setsOfEvents(events, intel().world);
  assertEquals(pics(loose, intel(), { multiplex: true }), [undefined, undefined, undefined]);
  refused(loose, intel(), {
    subcode: "CPC_RESOURCE_UNAVAIL",
    status: 3,
    requests: [0, 1, 2],
    says: /need 3 counters/,
  });
  const [group] = setsOfEvents(`{${events}}`, intel().world);
  refused(group, intel(), {
    subcode: "CPC_RESOURCE_UNAVAIL",
    status: 3,
    requests: [0, 1, 2],
    says: /need 3/,
    options: { multiplex: true },
  });
});

Deno.test("verify() refuses requests of several PMUs in one group, but takes them apart (subcode 8)", () => {
  const text = "cpu_core/cycles/,cpu_atom/cycles/,task-clock";
  const world = hybrid().world;
  refused(setsOfEvents(`{${text}}`, world)[0], hybrid(), {
    subcode: "CPC_CONFLICTING_REQS",
    status: 3,
    requests: [0, 1],
    says:
      /^cannot bind request 0 \(cpu_core\/cycles\/\) and request 1 \(cpu_atom\/cycles\/\) together: a group counts on one PMU/,
  });
  assertEquals(pics(setsOfEvents(text, world)[0], hybrid()), [9, 7, undefined]);
});

Deno.test("verify() refuses an exclusive request beside another of its PMU (subcode 8)", () => {
  refused(spec("cycles,branches,exclusive0"), intel(), {
    subcode: "CPC_CONFLICTING_REQS",
    status: 3,
    requests: [0, 1],
    says: /the first wants cpu for itself: make all of them exclusive, or none/,
  });
  assertEquals(pics(spec("cycles,branches,exclusive")), [0, 1]);
  assertEquals(pics(spec("cycles,task-clock,exclusive0")), [0, undefined]);
});

Deno.test("verify() refuses a group that is pinned in part (subcode 8)", () => {
  refused(spec("pic0=cycles,pic1=branches,pinned0=0,pinned1=1"), intel(), {
    subcode: "CPC_CONFLICTING_REQS",
    status: 3,
    requests: [1, 0],
    says: /one is pinned and one is not/,
  });
});

Deno.test("verify() refuses CPUs that are not online (subcode 10)", () => {
  const target: VerifyTarget = { kind: "cpus", cpus: [0, 7, 9] };
  refused(spec("cycles"), intel(), {
    subcode: "CPC_PBIND_FAILED",
    status: 3,
    requests: [],
    target,
    says: /CPU 7, 9 is offline or does not exist/,
  });
  assertEquals(verify(spec("cycles"), intel(), { kind: "cpus", cpus: [0, 3] }).requests.length, 1);
});
