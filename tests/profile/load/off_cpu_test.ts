/** Recordings of `perf record --off-cpu`: times that threads waited, as samples of an event of their own. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { PERF_CONTEXT, PERF_SAMPLE } from "../../../lib/base/system/abi.ts";
import { MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { makeAttr } from "../../../lib/events/attr.ts";
import { loadProfile } from "../../../lib/profile/load/load.ts";
import { isOffCpu, weightUnit } from "../../../lib/profile/model/profile.ts";
import { renderFlamegraph } from "../../../lib/report/flame/flamegraph.ts";
import { madeFile, madeSample, type SampleFields } from "../../perfdata/sample_fixtures.ts";
import { profileOf } from "../build.ts";

const P = PERF_SAMPLE;
const attr = makeAttr({
  type: 1,
  samplePeriod: 1n,
  sampleType: P.IDENTIFIER | P.IP | P.TID | P.TIME | P.PERIOD | P.CALLCHAIN,
});
/** Time that perf gives to what it sums up at the end. */
const AT_THE_END = 2 ** 64 - 2 ** 32;

/** Three samples in 2 ms, and the waiting that perf added to them. */
function recording(): Uint8Array<ArrayBuffer> {
  const chain = [PERF_CONTEXT.USER, 0x400100, 0x400200];
  const on = [0, 1, 2].map((ms): SampleFields => ({ ip: 0x400100, id: 1n, time: 5e9 + ms * 1e6, chain }));
  const off = [0, 1].map((i): SampleFields => ({
    ip: 0x400300,
    id: 2n,
    time: AT_THE_END + 4096 * i,
    period: 700_000_000,
    chain,
  }));
  const events = [{ attr, name: "cpu-clock", ids: [1n] }, { attr, name: "offcpu-time", ids: [2n] }];
  return madeFile(events, [...on, ...off].map((each) => madeSample(attr, each)));
}

Deno.test("what perf sums up as off-CPU time has no moment, and doesn't stretch the recording", async () => {
  const files = { open: () => undefined, kallsyms: () => undefined };
  for (const options of [{ times: true }, { times: true, callers: true }, { callers: false }]) {
    const profile = await loadProfile(new MemoryBytes(recording()), files, options);
    assertEquals(profile.meta.seconds, 0.002);
    assertEquals(profile.samples.count.reduce((a, b) => a + b, 0), 5);
    if (profile.times) assertEquals([...profile.times.at], [0, 1e6, 2e6]);
  }
});

Deno.test("off-CPU time is in ns, and has a color of its own in flame graphs", () => {
  assertEquals(["offcpu-time", "offcpu-time:u", "cycles"].map(weightUnit), ["ns", "ns", "events"]);
  assertEquals(["offcpu-time", "offcpu-time/x/", "offcpu"].map(isOffCpu), [true, true, false]);
  const lines = [
    "app app!main;libc.so.6!read;[kernel.kallsyms]!schedule 3 3000000000",
    "app app!main;app! 1 1000",
  ];
  const classes = (svg: string) => [...svg.matchAll(/<svg class="(\w)\d?" x/g)].map(([, letter]) => letter);
  const waiting = renderFlamegraph(profileOf(lines, "offcpu-time"), { inverted: true });
  assertEquals(classes(waiting), ["r", "r", "o", "u", "o", "o"]);
  assertStringIncludes(waiting, ">off-CPU</text>");
  assertStringIncludes(waiting, "3 samples, 3.000 s");
  const running = renderFlamegraph(profileOf(lines, "cpu-clock"), { inverted: true });
  assertEquals(classes(running), ["r", "r", "p", "u", "l", "k"]);
  assertEquals(running.includes("off-CPU"), false);
});
