/** `pmuctl bind` of requests with notify, on real programs. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { testNeeding } from "../../needs.ts";
import { pmuctl, pmuctlOk, program } from "../harness.ts";

/** cpc's preset for an overflow after `n`. */
function preset(n: number): string {
  return String((1n << 64n) - BigInt(n));
}

interface OverflowRow {
  event: string;
  pid: number;
  lwp: number;
  counts: { name: string; count: number | string }[];
  overflow?: { name: string; request: number; pc: string; symbol: string | null; object: string | null };
  remark?: string;
}

async function rows(spec: string, options: string[], command: string[]): Promise<OverflowRow[]> {
  const out = await pmuctlOk(["bind", "--json", "-c", spec, ...options, "--", ...command]);
  return out.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
}

testNeeding(["cc"], "bind tells an overflow with its PC, and the set then stands still", async () => {
  const spec = `minor-faults,page-faults,preset1=${preset(1000)},notify1`;
  const [overflow, total, ...rest] = await rows(spec, [], [program("faults"), "10000"]);
  assertEquals(rest, []);
  assertEquals([overflow.event, total.event], ["overflow", "total"]);
  assertEquals(overflow.lwp, overflow.pid);
  assertEquals(overflow.overflow?.request, 1);
  assertMatch(overflow.overflow?.pc ?? "", /^0x[0-9a-f]+$/);
  assertEquals(overflow.counts[1].count, 0); // counted up to 2^64
  assertEquals(total.counts[1].count, 1000);
  assert(Number(total.counts[0].count) >= 999 && Number(total.counts[0].count) <= 1000);
  assertMatch(total.remark ?? "", /^1 overflow, after which it stood still for \d/);
});

testNeeding(["cc"], "bind --auto-restart goes on, and says where the program was each time", async () => {
  const spec = `task-clock,preset=${preset(50_000_000)},notify`;
  const all = await rows(spec, ["--auto-restart"], [program("ratio"), "3000"]);
  const overflows = all.filter((row) => row.event === "overflow");
  // how many depends on the kernel, which now and then passes over the timer of a clock event
  assert(overflows.length > 0, JSON.stringify(all));
  const symbols = new Set(overflows.map((row) => row.overflow?.symbol));
  assert(symbols.has("hot") || symbols.has("warm"), [...symbols].join());
  const total = Number(all.at(-1)!.counts[0].count);
  assert(total >= overflows.length * 50_000_000, `${total} in ${overflows.length} overflows`);
});

testNeeding(["cc"], "bind prints overflows for people as rows with a comment", async () => {
  const spec = `page-faults,preset=${preset(1000)},notify`;
  const ran = await pmuctl(["bind", "-c", spec, "--", program("faults"), "5000"]);
  assertEquals(ran.status, 0, ran.stderr);
  const [, overflow, total] = ran.stdout.split("\n");
  assertMatch(overflow, /^ +0\.\d{3} +\d+ +\d+ +overflow +0 # page-faults at \S+/);
  assertMatch(total, /^ +0\.\d{3} +\d+ +1 +total +1000 # 1 overflow/);
  assertStringIncludes(ran.stderr, "only the command's first thread is counted");
});

Deno.test("bind refuses a preset without an overflow to come, and options that notify does not go with", async () => {
  const far = await pmuctl(["bind", "-c", "page-faults,notify", "--", "true"]);
  assertEquals(far.status, 2);
  assertStringIncludes(far.stderr, "(CPC_ATTRIBUTE_OUT_OF_RANGE, EINVAL)");
  const spec = `page-faults,preset=${preset(10)},notify`;
  const interval = await pmuctl(["bind", "-c", spec, "-i", "1", "--", "true"]);
  assertEquals(interval.status, 2);
  assertStringIncludes(interval.stderr, "--interval conflicts with notify");
  assertEquals((await pmuctl(["bind", "-c", spec, "-e", "task-clock", "--", "true"])).status, 2);
});

Deno.test("bind passes the command's status on past overflows", async () => {
  const spec = `page-faults,preset=${preset(1)},notify`;
  assertEquals((await pmuctl(["bind", "-c", spec, "--", "sh", "-c", "exit 7"])).status, 7);
});
