/** Performance checks where there are counters: by instructions, the best source there is. */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { pmuctl } from "../live/harness.ts";
import { workload } from "./guest.ts";

/** `check --json` of the loop with so many rounds against one with 300,000: its only row, and its exit status. */
async function check(rounds: number) {
  const against = `${workload("loop")} 300000`;
  const args = [
    "check",
    "--json",
    "--against",
    against,
    "--max-runs",
    "9",
    "--",
    workload("loop"),
    `${rounds}`,
  ];
  const { status, stdout, stderr } = await pmuctl(args);
  assert(stdout !== "", stderr);
  const { rows } = JSON.parse(stdout);
  assertEquals(rows.length, 1);
  return { status, row: rows[0] };
}

Deno.test("check goes by the instructions of user space, and finds two percent more of them", async () => {
  const { status, row } = await check(306_000);
  console.log(`check: ${JSON.stringify(row)}`);
  assertEquals([status, row.verdict, row.rung], [1, "regressed", "instructions:u"]);
});

Deno.test("check passes what takes as many instructions", async () => {
  const { status, row } = await check(300_000);
  assertEquals([status, row.verdict, row.rung], [0, "pass", "instructions:u"]);
});

Deno.test("stat counts instructions and cycles of user space, and no event that this CPU does not have", async () => {
  const { status, stdout, stderr } = await pmuctl([
    "stat",
    "--json",
    "-r",
    "2",
    "--",
    workload("loop"),
    "300000",
  ]);
  assertEquals(status, 0, stderr);
  const [command] = JSON.parse(stdout).commands;
  for (const name of ["instructions:u", "cycles:u"]) {
    assertAlmostEquals(command.metrics[name].median, 1_214_000, 10_000, name);
  }
  assert(!("cache-misses:u" in command.metrics));
});
