/** Call stacks of a program without frame pointers, which signs its return addresses, unwound while it is sampled. */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { jsonReport, ledgerSamples, pmuctl, withFolder } from "../live/harness.ts";
import { workload } from "./guest.ts";

/** Records `nested` with whole stacks; returns its samples and how many of them each function was running or had called. */
async function totalsOf(event: string) {
  const totals = new Map<string, number>();
  let samples = 0, kernel = 0;
  await withFolder(async (cwd) => {
    const file = `${cwd}/perf.data`;
    const ran = await pmuctl(["record", "-g", "-e", event, "-o", file, "--", workload("nested"), "600"]);
    assertEquals(ran.status, 0, ran.stderr);
    assert(ledgerSamples(ran.stderr) > 150, ran.stderr);
    for (
      const { command, symbol, kernel: isKernel, self, total } of (await jsonReport(file)).events[0].rows
    ) {
      if (command !== "nested") continue;
      samples += self.count;
      if (isKernel) kernel += self.count;
      if (symbol !== null) totals.set(symbol, (totals.get(symbol) ?? 0) + total.count);
    }
  });
  console.log(
    `record -g -e ${event}: ${samples} samples, ${kernel} in the kernel, ${JSON.stringify([...totals])}`,
  );
  let late = 0; // an emulator may be too slow to unwind all
  for (const [symbol, count] of totals) if (symbol.endsWith(" in time]")) late += count;
  assert(late < 0.2 * samples, `${late} stacks cut`);
  return { samples: samples - late, kernel, late, total: (symbol: string) => totals.get(symbol) ?? 0 };
}

Deno.test("stacks without frame pointers are whole, over alloca, recursion and signal frames", async () => {
  const { samples, kernel, total } = await totalsOf("cycles:u");
  assertEquals(kernel, 0);
  const least = 0.95 * samples; // it starts and ends, too
  for (const symbol of ["rest", "grow", "descend", "main"]) assert(total(symbol) >= least, symbol);
  assertAlmostEquals(total("on_signal") / total("descend"), 0.5, 0.05);
});

Deno.test("stacks in the kernel go on in the program that called it", async () => {
  const { samples, kernel, late, total } = await totalsOf("cycles");
  assert(kernel > 5, `${kernel} samples in the kernel`);
  for (const symbol of ["descend", "main"]) {
    // what is neither is of the program's start and end, and of signals
    assert(total(symbol) >= 0.9 * samples, `${symbol}: ${total(symbol)} of ${samples}`);
  }
  assert(total("rest") + late > total("spin"), "read(2) is called by rest");
});
