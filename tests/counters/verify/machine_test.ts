import { assertEquals } from "@std/assert";
import { capablePics, picsOf } from "../../../lib/counters/verify/machine.ts";
import { resolveRequest } from "../../../lib/counters/verify/request_set.ts";
import { arm, hybrid, intel, virtual } from "../machines.ts";

Deno.test("picsOf() numbers x86's fixed counters behind the general ones, instructions first", () => {
  const numbered = picsOf({ general: 4, fixed: 3 }, "x86_64").map(({ picnum, only }) => [picnum, only?.name]);
  assertEquals(numbered, [
    [0, undefined],
    [1, undefined],
    [2, undefined],
    [3, undefined],
    [4, "instructions"],
    [5, "cycles"],
    [6, "ref-cycles"],
  ]);
});

Deno.test("picsOf() gives ARM's cycle counter its register's number", () => {
  const pics = picsOf({ general: 2, fixed: 1 }, "aarch64");
  assertEquals(pics.map(({ picnum, only }) => [picnum, only?.name]), [[0, undefined], [1, undefined], [
    31,
    "cycles",
  ]]);
});

Deno.test("picsOf() has general counters only where no fixed ones are known", () => {
  assertEquals(picsOf({ general: 2, fixed: 2 }, "riscv64").length, 2);
});

Deno.test("capablePics() knows the fixed counters of an event however it is written", () => {
  const capable = (text: string, machine = intel()) => {
    const event = resolveRequest(text, machine.world);
    return capablePics(event, machine.pmuOf(event));
  };
  for (const text of ["cycles", "PAPI_TOT_CYC", "cpu/event=0x3c/", "r3c", "cpu/cpu-cycles/"]) {
    assertEquals(capable(text), [3, 0, 1], text);
  }
  assertEquals(capable("ref-cycles"), [4]);
  assertEquals(capable("branches"), [0, 1]);
  assertEquals(capable("L1-dcache-loads"), [0, 1]); // its config is 0, and so is that of cycles
  assertEquals(capable("armv8_pmuv3_0/cpu_cycles/", arm()), [31, 0, 1, 2, 3, 4, 5]);
  assertEquals(capable("cpu_atom/cycles/", hybrid()), [7, 0, 1, 2, 3, 4, 5]);
  assertEquals(capable("task-clock"), undefined);
  assertEquals(capable("uncore_imc_0/clockticks/"), undefined);
  assertEquals(capable("cycles", virtual()), []);
});

Deno.test("machineModel() knows which PMUs share groups and which have interrupts", () => {
  const { world, pmuOf } = intel();
  const of = (text: string) => {
    const { name, software, interrupts } = pmuOf(resolveRequest(text, world));
    return [name, software, interrupts];
  };
  assertEquals(of("cycles"), ["cpu", false, true]);
  assertEquals(of("task-clock"), ["software", true, true]);
  assertEquals(of("sched:sched_switch"), ["tracepoint", true, true]);
  assertEquals(of("msr/tsc/"), ["msr", true, false]);
  assertEquals(of("power/energy-pkg/"), ["power", false, false]);
});

Deno.test("machineModel() reads the limits of the machine", () => {
  const { maxSampleRate, onlineCpus, countsHypervisor } = intel();
  assertEquals([maxSampleRate, onlineCpus, countsHypervisor], [100000, [0, 1, 2, 3], false]);
  assertEquals(arm().countsHypervisor, true);
});
