/** Samples whose user callers come in later records (PERF_RECORD_CALLCHAIN_DEFERRED). */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { hexAddress } from "../../../lib/base/bytes/address.ts";
import { MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { ByteWriter } from "../../../lib/base/bytes/bytes.ts";
import { addressToBigint } from "../../../lib/base/bytes/address.ts";
import { PERF_CONTEXT, PERF_RECORD, PERF_SAMPLE } from "../../../lib/base/system/abi.ts";
import { makeAttr } from "../../../lib/events/attr.ts";
import { compileLayout } from "../../../lib/perfdata/format/attr_layout.ts";
import { loadProfile } from "../../../lib/profile/load/load.ts";
import type { LoadOptions } from "../../../lib/profile/request/load_options.ts";
import type { Profile } from "../../../lib/profile/model/profile.ts";
import { bigEndianFile } from "../../perfdata/big_endian.ts";
import { madeFile, madeSample, type SampleFields } from "../../perfdata/sample_fixtures.ts";
import { encodeExit } from "../../perfdata/exit_record.ts";

const P = PERF_SAMPLE, { KERNEL, USER, USER_DEFERRED } = PERF_CONTEXT;
const ATTR = makeAttr({
  type: 1,
  samplePeriod: 1000n,
  sampleType: P.IP | P.TID | P.TIME | P.PERIOD | P.CALLCHAIN,
  flags: ["sampleIdAll"],
});
const ENTRY = -0x7eff0000, CALLER = -0x7efe0000;

/** A sample in the kernel whose user callers come with `cookie`. */
const sample = (time: number, cookie: number, more: Partial<SampleFields> = {}) =>
  madeSample(ATTR, { ip: ENTRY, time, chain: [KERNEL, ENTRY, CALLER, USER_DEFERRED, cookie], ...more });

/** The record with the callers of thread `tid`; `claimed` is how many it says that it has. */
function callers(time: number, cookie: number, chain: readonly number[], tid = 100, claimed = chain.length) {
  const w = new ByteWriter().u32(PERF_RECORD.CALLCHAIN_DEFERRED).u16(2).u16(0).u64(cookie).u64(claimed);
  for (const address of chain) w.u64(addressToBigint(address));
  w.u32(100).u32(tid).u64(time);
  return w.patchU16(6, w.length).bytes().slice();
}

async function profileOf(records: readonly Uint8Array[], options: LoadOptions = {}, bigEndian = false) {
  const file = madeFile([{ attr: ATTR, name: "an-event", ids: [1n] }], records);
  const files = { open: () => undefined, kallsyms: () => undefined };
  return await loadProfile(new MemoryBytes(bigEndian ? bigEndianFile(file) : file), files, options);
}

function stacksOf({ samples, stacks, frames, objects, threads }: Profile): string[] {
  return Array.from(samples.stack, (leaf, row) => {
    const names: string[] = [];
    for (let stack = leaf; stack >= 0; stack = stacks.parent[stack]) {
      const object = frames.object[stacks.frame[stack]], address = frames.address[stacks.frame[stack]];
      names.push(objects[object]?.kind === "missing" ? objects[object].name : hexAddress(address));
    }
    return `${threads.tid[samples.thread[row]]}: ${samples.count[row]} ${names.join(" ")}`;
  }).sort();
}

const IN_KERNEL = "ffffffff81010000 ffffffff81020000";

Deno.test("callers that come later are joined to all samples with their cookie", async () => {
  const records = [
    sample(1000, 7),
    sample(2000, 7),
    callers(3000, 7, [USER, 0x401000, 0x402000]),
    sample(4000, 8),
    callers(5000, 8, [USER, 0x403000]),
  ];
  for (const bigEndian of [false, true]) {
    const profile = await profileOf(records, {}, bigEndian);
    assertEquals(stacksOf(profile), [`100: 1 ${IN_KERNEL} 3000`, `100: 2 ${IN_KERNEL} 1000 2000`]);
    assertEquals(profile.meta.warnings, []);
  }
});

Deno.test("a sample in user space has its address once", async () => {
  const inUser = madeSample(ATTR, { ip: 0x401000, time: 1000, chain: [USER_DEFERRED, 7] });
  const profile = await profileOf([inUser, callers(2000, 7, [USER, 0x401000, 0x402000])]);
  assertEquals(stacksOf(profile), ["100: 1 1000 2000"]);
});

Deno.test("threads that are in the kernel at the same time get their own callers", async () => {
  const profile = await profileOf([
    sample(1000, 7, { tid: 101 }),
    sample(2000, 9, { tid: 102 }),
    callers(3000, 9, [USER, 0x402000], 102),
    callers(4000, 7, [USER, 0x401000], 101),
  ]);
  assertEquals(stacksOf(profile), [`101: 1 ${IN_KERNEL} 1000`, `102: 1 ${IN_KERNEL} 2000`]);
});

Deno.test("samples whose callers never come say so, and are not merged with whole ones", async () => {
  const exit = encodeExit({ pid: 100, ppid: 1, tid: 103, ptid: 1, time: 5500n }, compileLayout(ATTR), {
    pid: 100,
    tid: 103,
    time: 5500n,
  });
  const profile = await profileOf([
    sample(1000, 7),
    callers(2000, 6, [USER, 0x401000]), // of others
    sample(3000, 8), // another cookie: the first is over
    callers(4000, 8, [USER, 0x402000]),
    sample(5000, 9, { tid: 103 }),
    exit,
    callers(6000, 9, [USER, 0x403000], 103),
    sample(7000, 10), // the recording ends
  ]);
  assertEquals(stacksOf(profile), [
    `100: 1 ${IN_KERNEL} 2000`,
    `100: 2 ${IN_KERNEL} [user callers lost]`,
    `103: 1 ${IN_KERNEL} [user callers lost]`,
  ]);
  assertStringIncludes(profile.meta.warnings[0], "callers in user space of 3 of 4 samples are not shown");
});

Deno.test("times stay those of the samples, and in order", async () => {
  const profile = await profileOf([
    sample(1000, 7, { tid: 101 }),
    madeSample(ATTR, { ip: 0x401000, time: 2000 }),
    callers(3000, 7, [USER, 0x402000], 101),
  ], { times: true });
  assertEquals([...profile.times!.at], [0, 1000]);
});

Deno.test("records with wild counts give what they have", async () => {
  for (const claimed of [3, 1000, 2 ** 31, 2 ** 40]) {
    const profile = await profileOf([sample(1000, 7), callers(2000, 7, [USER, 0x401000], 100, claimed)]);
    assertEquals(stacksOf(profile), [`100: 1 ${IN_KERNEL} 1000`]);
  }
});

Deno.test("as many as want to can wait: the oldest go on without callers", async () => {
  const waiting = Array.from({ length: 10_000 }, (_, i) => sample(1000 + i, 7, { tid: 1000 + i }));
  const profile = await profileOf([...waiting, callers(20_000, 7, [USER, 0x401000], 10_999)], {
    mergeThreads: true,
  });
  assertEquals(profile.samples.count.reduce((a, b) => a + b), 10_000);
  assertStringIncludes(profile.meta.warnings[0], "of 9999 of 10000 samples");
});
