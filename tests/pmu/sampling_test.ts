/** Hardware events sampled, and overflows notified. */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { counter, overflowsOf, pcNames } from "../counters/overflow_harness.ts";
import { jsonReport, ledgerSamples, pmuctl, selfSamples, withFolder } from "../live/harness.ts";
import { kicked, workload } from "./guest.ts";

/** Records `ratio`, which spends its time 3:1 in hot and warm, and gives the samples of each. */
async function ratioOf(options: string[], around = (body: () => Promise<void>) => body()) {
  const result = { hot: 0, warm: 0, samples: 0 };
  await withFolder(async (cwd) => {
    const file = `${cwd}/perf.data`;
    await around(async () => {
      const ran = await pmuctl(["record", ...options, "-o", file, "--", workload("ratio"), "100"]);
      assertEquals(ran.status, 0, ran.stderr);
      result.samples = ledgerSamples(ran.stderr);
    });
    const samples = selfSamples(await jsonReport(file));
    result.hot = samples.get("ratio hot") ?? 0;
    result.warm = samples.get("ratio warm") ?? 0;
  });
  console.log(`record ${options.join(" ")}: ${JSON.stringify(result)}`);
  return result;
}

Deno.test("record samples cycles where they are spent, 3:1", async () => {
  const { hot, warm, samples } = await ratioOf(["-e", "cycles:u"]);
  assert(samples > 200, `${samples} samples`);
  assertAlmostEquals(hot / (hot + warm), 0.75, 0.05);
});

Deno.test("record samples instructions at their period, 3:1", async () => {
  const options = ["-e", "instructions:u", "-c", "400000"];
  const { hot, warm, samples } = await ratioOf(options, (body) => kicked(50_000, body));
  // 160 million instructions; an overflow is seen at the next kick
  assertAlmostEquals(samples, 400, 40);
  assertAlmostEquals(hot / (hot + warm), 0.75, 0.05);
});

Deno.test("an overflow of cycles freezes the set, and its PC is in the program's loop", async () => {
  const names = pcNames();
  const symbols: (string | undefined)[] = [];
  const { seen } = await overflowsOf(
    [workload("ratio"), "400"],
    [counter("instructions:u"), counter("cycles:u", 1_000_000)],
    ({ pid, address, kernel }) => {
      symbols.push(names.name(pid, address, kernel).symbol);
      return symbols.length < 8 ? "restart" : "enough";
    },
  );
  console.log(`overflows of cycles:u: ${seen.map((s) => s.counts.join("/"))} in ${symbols}`);
  assertEquals(seen.length, 8);
  for (const { counter, counts: [instructions, cycles] } of seen) {
    assertEquals(counter, 1);
    // over the end by what the interrupt took, and the other counter as far
    assert(cycles < 20_000n, `${cycles}`);
    assertAlmostEquals(Number(instructions), Number(1_000_000n + cycles), 2000);
  }
  assert(symbols.filter((symbol) => symbol === "hot" || symbol === "warm").length >= 6, symbols.join());
});

Deno.test("an overflow of instructions freezes the set", async () => {
  await kicked(10_000, async () => {
    const { seen, finalCounts } = await overflowsOf(
      [workload("loop"), "10000000"],
      [counter("instructions:u", 5_000_000), counter("cycles:u")],
      () => "leave",
    );
    console.log(`overflow of instructions:u: ${seen.map((s) => s.counts)}, then ${finalCounts}`);
    assertEquals(seen.length, 1);
    assert(seen[0].counts[0] < 20_000n, `${seen[0].counts}`);
    assertEquals(finalCounts, seen[0].counts); // 35 million instructions later
  });
});
