import { assertEquals } from "@std/assert";
import { makeAttr } from "../../lib/events/attr.ts";
import { eventName } from "../../lib/events/name.ts";

Deno.test("eventName() spells an event as perf does", () => {
  const cases: [Parameters<typeof makeAttr>[0], string][] = [
    [{ type: 0, config: 0n }, "cycles"],
    [{ type: 0, config: 9n, flags: ["excludeKernel", "excludeHv"] }, "ref-cycles:u"],
    [{ type: 0, config: 1n, flags: ["excludeUser", "excludeHv"], preciseIp: 2 }, "instructions:kpp"],
    [{ type: 0, config: 99n }, "unknown-hardware:99"],
    [{ type: 1, config: 0n, preciseIp: 3 }, "cpu-clock:ppp"],
    [{ type: 1, config: 2n }, "page-faults"],
    [{ type: 2, config: 317n }, "tracepoint:317"],
    [{ type: 3, config: 0x0n }, "L1-dcache-loads"],
    [{ type: 3, config: 0x10000n }, "L1-dcache-load-misses"],
    [{ type: 3, config: 0x10104n }, "iTLB-store-misses"],
    [{ type: 3, config: 0x70000n }, "unknown-cache:0x70000"],
    [{ type: 4, config: 0x1a8n }, "r1a8"],
    [{ type: 5, bpType: 3, config1: 0x1000n }, "mem:0x1000:rw"],
    [{ type: 12, config: 0x3cn }, "pmu-type-12/config=0x3c/"],
  ];
  for (const [fields, name] of cases) assertEquals(eventName(makeAttr(fields)), name);
});

Deno.test("eventName() names the PMU where the recording knows it", () => {
  const pmus = new Map([[12, "msr"], [8, "cpu_core"]]);
  assertEquals(
    eventName(makeAttr({ type: 12, config: 1n, config1: 2n }), pmus),
    "msr/config=0x1,config1=0x2/",
  );
  assertEquals(eventName(makeAttr({ type: 0, config: 8n << 32n }), pmus), "cpu_core/cycles/");
});
