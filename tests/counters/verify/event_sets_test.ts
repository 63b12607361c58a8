import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../lib/base/system/errors.ts";
import { setsOfEvents } from "../../../lib/counters/verify/event_sets.ts";
import { verify } from "../../../lib/counters/verify/verify.ts";
import { encodeAttr } from "../../../lib/events/attr.ts";
import { resolveEvents } from "../../../lib/events/resolve.ts";
import { hybrid, intel } from "../machines.ts";

const { world } = intel();

Deno.test("setsOfEvents() makes a set of each group in braces and one of the loose events", () => {
  const sets = setsOfEvents("cycles:u,{instructions,cache-misses}:k,page-faults,{branches}", world);
  assertEquals(
    sets.map(({ text, together, requests }) => ({ text, together, events: requests.map((r) => r.event) })),
    [
      { text: "cycles:u,page-faults", together: false, events: ["cycles", "page-faults"] },
      { text: "{instructions,cache-misses}:k", together: true, events: ["instructions", "cache-misses"] },
      { text: "{branches}", together: true, events: ["branches"] },
    ],
  );
  assertEquals(sets[0].requests.map((r) => r.index), [0, 1]);
  assertEquals(sets[1].requests.map((r) => [r.index, r.flags]), [[0, 4], [1, 4]]);
});

Deno.test("setsOfEvents() lets a weak group come apart", () => {
  const [set] = setsOfEvents("{cycles,instructions}:W", world);
  assertEquals(set.together, false);
});

Deno.test("setsOfEvents() turns modifiers into flags and attributes", () => {
  const [{ requests: [request] }] = setsOfEvents("cycles:ukppIGHDe", world);
  assertEquals([request.event, request.flags], ["cycles", 6]);
  assertEquals(Object.fromEntries(request.attributes), {
    idle: 0n,
    guest: 1n,
    precise: 2n,
    pinned: 1n,
    exclusive: 1n,
  });
});

Deno.test("setsOfEvents() knows where nobody chose between user space and kernel", () => {
  const [{ requests }] = setsOfEvents("cycles,cycles:u,branches:p", world);
  assertEquals(requests.map((r) => [r.flags, r.userWillDo]), [[14, true], [2, undefined], [14, true]]);
});

Deno.test("setsOfEvents() and verify() come to the attr that the event string alone means", () => {
  const texts = [
    "cycles",
    "cycles:u",
    "cycles:k",
    "cycles:kH",
    "cycles:uG",
    "cycles:ukhp",
    "cycles:I",
    "branches:pppe",
    "cpu/event=0x3c,umask=1/uD",
    "{cycles:u,instructions}:k",
    "{cycles:p}:G",
    "r1a8:k",
    "L1-dcache-load-misses:u",
    "mem:0x1000/8:rw:u",
    "sched:sched_switch",
    "uncore_imc_0/cas_count_read/",
    "imc/cas_count_read/",
    "mem-loads:pp",
    "sched:*:k",
    "cpu/event=0x3c,name='a,b'/u",
  ];
  for (const machine of [intel(), hybrid()]) {
    for (const text of texts) {
      if (machine.world.pmus.get("cpu") === undefined && /cpu\/|imc/.test(text)) continue;
      const target = { kind: "cpus" } as const;
      const ours = setsOfEvents(text, machine.world).flatMap((set) =>
        // on two PMUs they cannot be together, and need not be for this
        verify({ ...set, together: false }, machine, target).requests.map((r) => r.event)
      );
      const plain = resolveEvents(text, machine.world).flatMap((group) => group.events);
      assertEquals(ours.map((e) => encodeAttr(e.attr)), plain.map((e) => encodeAttr(e.attr)), text);
      assertEquals(ours.map((e) => e.pmu), plain.map((e) => e.pmu), text);
    }
  }
});

Deno.test("setsOfEvents() writes an event of several PMUs so that each text means one", () => {
  const names = (text: string, { world } = intel()) =>
    setsOfEvents(text, world).flatMap((set) => set.requests.map((r) => r.event));
  assertEquals(names("imc/event=4,umask=0xf,name='a b'/"), [
    "uncore_imc_0/event=4,umask=0xf,name='a b'/",
    "uncore_imc_1/event=4,umask=0xf,name='a b'/",
  ]);
  assertEquals(names("cycles/period=5/u", hybrid()), [
    "cpu_atom/cycles,period=5/",
    "cpu_core/cycles,period=5/",
  ]);
  assertEquals(names("sched:sched_wak*"), ["sched:sched_wakeup", "sched:sched_waking"]);
});

Deno.test("setsOfEvents() tells a fault with its place in the whole text", () => {
  const error = assertThrows(() => setsOfEvents("cycles,{branches,cycels}", world), UsageError);
  assertEquals(
    /^event 'cycles,\{branches,cycels\}', character 18: /.test(error.message),
    true,
    error.message,
  );
});
