/** Request sets on a PMU with few counters: what does not fit is refused, and with the requests that are too many. */

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { prepareSets, readSets, tryGroups } from "../../lib/counters/bind_sets.ts";
import { CpcError, SUBCODES } from "../../lib/counters/verify/cpc_error.ts";
import { machineModel } from "../../lib/counters/verify/machine.ts";
import { hostWorld } from "../../lib/events/resolve.ts";
import { counter, openSet } from "../counters/overflow_harness.ts";
import { pmuctl, pmuctlOk } from "../live/harness.ts";
import { workload } from "./guest.ts";

const MANY = Array(7).fill("instructions").join();

Deno.test("bind refuses a set of seven instructions on six counters: RESOURCE_UNAVAIL", async () => {
  const ran = await pmuctl(["bind", "-c", MANY, "--", "true"]);
  console.log(ran.stderr.trim());
  assertEquals(ran.status, 3);
  assertStringIncludes(ran.stderr, "(CPC_RESOURCE_UNAVAIL, EINVAL)");
  assertEquals(ran.stderr.match(/\(instructions\)/g)?.length, 7);
});

Deno.test("bind refuses with subcode 6 an event on a counter that counts another", async () => {
  const set = { flags: 0, reqs: [{ event: "instructions", preset: "0", flags: 2, attrs: { picnum: 31 } }] };
  const file = await Deno.makeTempFile({ suffix: ".json" });
  await Deno.writeTextFile(file, JSON.stringify(set));
  const ran = await pmuctl(["bind", "--set", file, "--", "true"]);
  assertEquals(ran.status, 3);
  assertStringIncludes(ran.stderr, "pic31 of armv8_pmuv3 counts only cycles: use pic0 to pic5");
  assertStringIncludes(ran.stderr, "(CPC_PIC_NOT_CAPABLE, EINVAL)");
});

Deno.test("bind --split counts the same set in two passes", async () => {
  const out = await pmuctlOk(["bind", "--json", "--split", "-c", MANY, "--", workload("ratio"), "200"]);
  const totals = out.split("\n").filter((line) => line.includes('"total"')).map((line) => JSON.parse(line));
  assertEquals(totals.map((row) => row.counts.length), [6, 1]);
  assert(totals.every((row) => row.counts.every((c: { count: number }) => c.count > 0)), out);
});

Deno.test("what another user's counters leave no room for is named, and no more than that", () => {
  // the machine as it is when nobody else counts
  const machine = machineModel(hostWorld(), new Map([["armv8_pmuv3", { general: 6, fixed: 1 }]]));
  const sets = readSets(
    { specs: ["cycles,instructions,instructions,instructions,page-faults"], events: [], files: [] },
    machine,
  );
  const prepare = (split: boolean) => {
    const place = { kind: "task" } as const;
    return prepareSets(sets, machine, place, { multiplex: false, split }, tryGroups(place), () => {});
  };
  assertEquals(prepare(false).length, 1);
  const other = openSet(Array.from({ length: 4 }, () => counter("instructions")), 0);
  other.enable(); // two general counters are left, and that of cycles
  try {
    const error = assertThrows(() => prepare(false), CpcError);
    console.log(error.message);
    assertEquals(error.subcode, SUBCODES.CPC_RESOURCE_UNAVAIL);
    assertEquals(error.requests, [1, 2, 3]);
    assertEquals(prepare(true).map(({ groups }) => groups.flat().length), [4, 1]);
  } finally {
    other.close();
  }
});
