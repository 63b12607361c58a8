/** Hardware events counted: exactly, only as many as there are counters, and pinned. */

import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { monotonicNs } from "../../ffi/pmu.ts";
import { ERRNO } from "../../lib/base/system/errno.ts";
import { UnsupportedError } from "../../lib/base/system/errors.ts";
import { counter, openSet } from "../counters/overflow_harness.ts";
import { pmuctlOk } from "../live/harness.ts";
import { count, spin, workload } from "./guest.ts";

const LOOPS = 10_000_000;
const INSTRUCTIONS = 4 * LOOPS;
/** General counters of the guest's PMU; the cycle counter comes on top. */
const GENERAL = 6;

function counters(n: number, event: string) {
  return Array.from({ length: n }, () => counter(event));
}

Deno.test("bind counts the 40 million instructions of a loop within 0.2%", async () => {
  const command = [workload("loop"), `${LOOPS}`];
  const out = await pmuctlOk(["bind", "--json", "-e", "instructions:u,cycles:u", "--", ...command]);
  const row = JSON.parse(out.trimEnd().split("\n").at(-1)!);
  const [instructions, cycles] = row.counts.map((c: { count: number }) => c.count);
  console.log(`bind: instructions:u ${instructions}, cycles:u ${cycles}`);
  assertAlmostEquals(instructions, INSTRUCTIONS, 0.002 * INSTRUCTIONS);
  assertAlmostEquals(cycles, INSTRUCTIONS, 0.002 * INSTRUCTIONS); // the emulator's cycle is an instruction
});

Deno.test("a set counts the loop to the instruction, and the same in every run", async () => {
  const loop = async (n: number) =>
    (await count([workload("loop"), `${n}`], [counter("instructions:u"), counter("cycles:u")])).counts.map(
      Number,
    );
  const [startUp] = await loop(0);
  const runs = [await loop(LOOPS), await loop(LOOPS), await loop(LOOPS)];
  console.log(`sets: instructions:u ${runs.map(([n]) => n)}, of which starting up ${startUp}`);
  // an interrupt taken, and the way an address came out, are some instructions more or less
  for (const [n] of runs) assertAlmostEquals(n - startUp, INSTRUCTIONS, 200);
});

Deno.test("info finds the six general counters and the cycle counter", async () => {
  const info = JSON.parse(await pmuctlOk(["info", "--json"]));
  console.log(`info: npic ${info.npic}, ${JSON.stringify(info.implementation)}`);
  assertEquals(info.implementation, ["armv8_pmuv3"]);
  assertEquals(info.npic, GENERAL + 1);
  const pmu = info.pmus.find((p: { name: string }) => p.name === "armv8_pmuv3");
  assertEquals(pmu.pics, { general: GENERAL, fixed: 1 });
});

Deno.test("info tells the width of the counters where user space may read them", async () => {
  const access = "/proc/sys/kernel/perf_user_access";
  await Deno.writeTextFile(access, "1");
  try {
    const info = JSON.parse(await pmuctlOk(["info", "--json"]));
    const pmu = info.pmus.find((p: { name: string }) => p.name === "armv8_pmuv3");
    console.log(`info: counters of ${pmu.width} bits`);
    assert([32, 64].includes(pmu.width), `${pmu.width}`);
  } finally {
    await Deno.writeTextFile(access, "0");
  }
});

Deno.test("a set as large as the PMU counts all the time, and one request more is refused", () => {
  const full = openSet([counter("cycles:u"), ...counters(GENERAL, "instructions:u")], 0);
  full.enable();
  spin();
  const { counts, enabledNs, tickNs } = full.sample(monotonicNs())!;
  full.close();
  assert(counts.every((n) => n > 0n), counts.join());
  assertEquals(tickNs, enabledNs);
  const over = counters(GENERAL + 1, "instructions:u");
  const error = assertThrows(() => openSet(over, 0, { enableOnExec: true }), UnsupportedError);
  assertEquals(error.errno, ERRNO.EINVAL);
  // Of a leader that nothing will enable by itself ARM's driver forgets to look for a counter: this set opens,
  // and is invalid.
  const forgotten = openSet(over, 0);
  forgotten.enable();
  spin();
  assertEquals(forgotten.sample(monotonicNs()), undefined);
  forgotten.close();
});

Deno.test("a pinned set that finds no counters is invalid, and so it says; a scaled one waits", () => {
  const first = openSet(counters(4, "instructions:u"), 0);
  const second = openSet(counters(4, "instructions:u"), 0);
  const scaled = openSet(counters(4, "instructions:u"), 0, { multiplex: true });
  first.enable();
  second.enable();
  scaled.enable();
  spin();
  assert(first.sample(monotonicNs())!.counts.every((n) => n > 0n));
  assertEquals(second.sample(monotonicNs()), undefined);
  assertEquals(scaled.sample(monotonicNs())!.tickNs, 0);
  first.disable(); // its counters are free now
  spin();
  assert(scaled.sample(monotonicNs())!.tickNs > 0);
  for (const set of [first, second, scaled]) set.close();
});

Deno.test("an exclusive set shares the PMU with nobody, though there are counters left", () => {
  const exclusive = openSet([counter("instructions:ue")], 0);
  const other = openSet([counter("instructions:u")], 0, { multiplex: true });
  exclusive.enable();
  other.enable();
  spin();
  const [ours, theirs] = [exclusive, other].map((set) => set.sample(monotonicNs())!);
  assertEquals(ours.tickNs, ours.enabledNs);
  assertEquals(theirs.tickNs, 0);
  exclusive.close();
  other.close();
});
