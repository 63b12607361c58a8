/** Overflow notification, with the software events that every kernel has. */

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { monotonicNs } from "../../../ffi/pmu.ts";
import { UnsupportedError } from "../../../lib/base/system/errors.ts";
import { exists } from "../../../lib/base/files/exists.ts";
import { CpcError, SUBCODES } from "../../../lib/counters/verify/cpc_error.ts";
import { OverflowWatch } from "../../../lib/counters/open/overflow.ts";
import { program } from "../../live/harness.ts";
import { missing, testNeeding, testUnless } from "../../needs.ts";
import { counter, openSet, overflowsOf, pcNames } from "../overflow_harness.ts";

const PAGES = ["10000"];
/** Runs for some hundreds of milliseconds, with a fault a fork: time to restart a set in. */
const FORKS = ["1000", "10"];

testNeeding(["cc"], "an overflow freezes the whole set at the very event", async () => {
  const counters = [counter("minor-faults:u"), counter("page-faults:u", 1000)];
  const before = monotonicNs();
  const { pid, seen, finalCounts } = await overflowsOf(
    [program("faults"), ...PAGES],
    counters,
    () => "leave",
  );
  assertEquals(seen.length, 1);
  const [overflow] = seen;
  assertEquals([overflow.counter, overflow.pid, overflow.tid], [1, pid, pid]);
  assert(overflow.hrtimeNs > before && overflow.hrtimeNs < monotonicNs());
  assert(!overflow.kernel);
  // the fault that overflowed is in the one and not yet in the other
  assertEquals(overflow.counts[1], 0n);
  assert(overflow.counts[0] === 999n || overflow.counts[0] === 1000n, `${overflow.counts}`);
  assertEquals(finalCounts, overflow.counts); // 9000 faults later
});

testNeeding(["cc"], "a set that is restarted goes on, from its presets to the next overflow", async () => {
  const counters = [counter("page-faults:u", 100), counter("minor-faults:u")];
  const { seen, finalCounts } = await overflowsOf(
    [program("forks"), ...FORKS],
    counters,
    () => "restart",
  );
  assert(seen.length >= 2, `${seen.length} overflows`);
  for (const { counts } of seen) {
    assertEquals(counts[0], 0n);
    assert(counts[1] === 99n || counts[1] === 100n, `${counts}`);
  }
  assert(finalCounts[1] <= 100n, `${finalCounts}`);
});

testNeeding(["cc"], "of two counters that notify, the one that overflows first stops the set", async () => {
  const counters = [counter("page-faults:u", 5000), counter("minor-faults:u", 2000)];
  const { seen, finalCounts } = await overflowsOf([program("faults"), ...PAGES], counters, () => "leave");
  // the second, which does not lead, is stopped by the kernel, and the first by us, somewhat later
  assertEquals(seen[0].counter, 1);
  assertEquals(seen[0].counts[1], 0n);
  assertEquals(finalCounts[1], 0n);
});

testNeeding(["cc"], "the PC of an overflow of a clock is where the program spends its time", async () => {
  const names = pcNames();
  const symbols = new Set<string | undefined>();
  let rounds = 0;
  await overflowsOf([program("ratio"), "100000"], [counter("task-clock:u", 3_000_000)], (overflow) => {
    const { symbol, object, text } = names.name(overflow.pid, overflow.address, overflow.kernel);
    if (object === "ratio") {
      symbols.add(symbol);
      assert(text.startsWith(`${symbol}+0x`), text);
    }
    return ++rounds < 20 ? "restart" : "enough";
  });
  assert(symbols.has("hot") || symbols.has("warm"), [...symbols].join());
  assert([...symbols].every((s) => s === "hot" || s === "warm" || s === "main"), [...symbols].join());
});

testNeeding(["cc", "root"], "an overflow of what happens in the kernel has a PC in the kernel", async () => {
  const { seen } = await overflowsOf(
    [program("forks"), "100", "1000"], // a child that has ended already is not waited for
    [counter("context-switches", 1)],
    () => "leave",
  );
  assertEquals(seen.length, 1);
  assert(seen[0].kernel && seen[0].address < 0);
  assertEquals(pcNames().name(seen[0].pid, seen[0].address, true).object, "[kernel.kallsyms]");
});

testNeeding(["cc"], "preset() on a counter that notifies moves its overflow", async () => {
  const lengths: bigint[] = [];
  const { seen } = await overflowsOf(
    [program("forks"), ...FORKS],
    [counter("page-faults:u", 100), counter("minor-faults:u")],
    ({ set, counts }) => {
      lengths.push(counts[1]);
      set.preset(0, (1n << 64n) - 30n);
      return lengths.length < 2 ? "restart" : "leave";
    },
  );
  assertEquals(seen.length, 2);
  assert(lengths[0] >= 99n && lengths[1] <= 30n && lengths[1] >= 29n, lengths.join());
});

Deno.test("an overflow is as far away as its preset says, and no further than the kernel can count", () => {
  const far = { ...counter("page-faults:u", 1), preset: 0n };
  const error = assertThrows(() => openSet([far], 0), CpcError);
  assertEquals(error.subcode, SUBCODES.CPC_ATTRIBUTE_OUT_OF_RANGE);
  assertStringIncludes(error.message, "18446744073709551616 events away");
  assertThrows(() => openSet([counter("page-faults:u", 1)], 0, { inherit: true }), CpcError, "inherited");
});

const silent = ["msr/tsc/", "power/energy-pkg/"]
  .find((name) => exists(`/sys/bus/event_source/devices/${name.split("/")[0]}`));
const noneSilent = silent === undefined
  ? "this machine has no PMU without an overflow interrupt"
  : missing(["kernelEvents"]); // such a PMU cannot leave them out

testUnless(noneSilent, "an event without an overflow interrupt cannot notify: ENOTSUP", () => {
  const event = silent!;
  const error = assertThrows(() => openSet([counter(event, 1000)], 0), CpcError);
  assertEquals([error.errno, error.status], ["ENOTSUP", 3]);
  // what does not open at all says why, and that is not the interrupt
  const unknown = { ...counter("page-faults:u", 1000) };
  unknown.event = { ...unknown.event, attr: { ...unknown.event.attr, config: 9999n } };
  assertThrows(() => openSet([unknown], 0), UnsupportedError);
});

Deno.test("a watch ends when it is closed, whether or not somebody listens, and takes sets without notify", async () => {
  const plain = openSet([counter("page-faults:u")], 0);
  const notifying = openSet([counter("page-faults:u", 1_000_000)], 0);
  const silent = new OverflowWatch();
  silent.add(plain);
  silent.add(notifying);
  await silent.remove(plain);
  await silent.close();
  const heard = new OverflowWatch();
  heard.add(notifying);
  const all = Array.fromAsync(heard.overflows());
  await heard.close();
  assertEquals(await all, []);
  plain.close();
  notifying.close();
});
