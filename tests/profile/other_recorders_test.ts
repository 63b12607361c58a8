/** Recordings as other recorders make them: what their samples hold besides call chains by frame pointers. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  PERF_CONTEXT,
  PERF_RECORD_MISC,
  PERF_SAMPLE,
  PERF_SAMPLE_BRANCH,
} from "../../lib/base/system/abi.ts";
import { MemoryBytes } from "../../lib/base/bytes/byte_source.ts";
import { encodeAttr, type EventAttr, makeAttr } from "../../lib/events/attr.ts";
import { loadProfile } from "../../lib/profile/load/load.ts";
import type { LoadOptions } from "../../lib/profile/request/load_options.ts";
import type { Profile } from "../../lib/profile/model/profile.ts";
import { hexAddress } from "../../lib/base/bytes/address.ts";
import { ByteWriter } from "../../lib/base/bytes/bytes.ts";
import { madeFile, madeSample, type SampleFields } from "../perfdata/sample_fixtures.ts";
import { perf } from "../perfdata/run_perf.ts";
import { testNeeding } from "../needs.ts";

const P = PERF_SAMPLE, { KERNEL, USER } = PERF_CONTEXT;
const COMMON = P.IP | P.TID | P.TIME | P.PERIOD;

const attrWith = (sampleType: number, more: Partial<EventAttr> = {}) =>
  makeAttr({ type: 1, samplePeriod: 1000n, sampleType: COMMON | sampleType, ...more });

/** The profile of samples of one event. */
async function profileOf(
  attr: EventAttr,
  samples: readonly SampleFields[],
  options: LoadOptions = {},
  others: Uint8Array[] = [],
): Promise<Profile> {
  const file = madeFile([{ attr, name: "an-event", ids: [1n] }], [
    ...samples.map((s) => madeSample(attr, s)),
    ...others,
  ]);
  return await loadProfile(
    new MemoryBytes(file),
    { open: () => undefined, kallsyms: () => undefined },
    options,
  );
}

/** Each row's stack as addresses, the innermost first. */
function stacks({ samples, stacks, frames, objects }: Profile): string[] {
  return Array.from(samples.stack, (leaf) => {
    const names: string[] = [];
    for (let stack = leaf; stack >= 0; stack = stacks.parent[stack]) {
      const object = frames.object[stacks.frame[stack]], address = frames.address[stacks.frame[stack]];
      names.push(`${object < 0 ? "?" : objects[object].name}+${hexAddress(address)}`);
    }
    return names.join(" ");
  });
}

const BRANCHES: [from: number, to: number][] = [[0x400200, 0x400300], [0x400100, 0x4001f0], [
  0x400050,
  0x4000f0,
]];
const CALLERS = "worker+200 worker+100 worker+50";

for (
  const [what, bits, raw] of [
    ["as they are", 0, undefined],
    ["with the index of the hardware", PERF_SAMPLE_BRANCH.HW_INDEX, undefined],
    ["with counters", PERF_SAMPLE_BRANCH.COUNTERS, undefined],
    ["with both, behind raw data", PERF_SAMPLE_BRANCH.HW_INDEX | PERF_SAMPLE_BRANCH.COUNTERS, 20],
  ] as const
) {
  Deno.test(`calls that the CPU has kept are the callers in user space: ${what}`, async () => {
    const attr = attrWith(P.CALLCHAIN | P.BRANCH_STACK | (raw ? P.RAW : 0), {
      branchSampleType: BigInt(PERF_SAMPLE_BRANCH.CALL_STACK | 1 | bits),
    });
    const profile = await profileOf(attr, [
      // what the kernel found by frame pointers is wrong
      { ip: 0x400310, chain: [USER, 0x400310, 0x999999], branches: BRANCHES, raw },
      {
        ip: -0x7eff0000,
        chain: [KERNEL, -0x7eff0000, -0x7efe0000, USER, 0x400310, 0x999999],
        branches: BRANCHES,
        raw,
      },
      { ip: 0x400320, chain: [USER, 0x400320, 0x400030], branches: [], raw },
      { ip: -0x7eff0000, chain: [KERNEL, -0x7eff0000], branches: BRANCHES, raw },
    ]);
    assertEquals(stacks(profile), [
      `worker+310 ${CALLERS}`,
      `[kernel.kallsyms]+ffffffff81010000 [kernel.kallsyms]+ffffffff81020000 worker+300 ${CALLERS}`,
      "worker+320 worker+30", // the CPU has kept none
      "[kernel.kallsyms]+ffffffff81010000", // no user space behind it
    ]);
    assertEquals(
      profile.meta.notes,
      raw ? ["the recording holds more than this shows: raw data of the PMU (perf script -D)"] : [],
    );
  });
}

testNeeding(["perf"], "perf finds the same callers in the calls that the CPU has kept", async () => {
  const attr = attrWith(P.CALLCHAIN | P.BRANCH_STACK, {
    branchSampleType: BigInt(PERF_SAMPLE_BRANCH.CALL_STACK | 1),
  });
  const file = madeFile([{ attr, name: "cycles", ids: [1n] }], [
    madeSample(attr, {
      ip: -0x7eff0000,
      chain: [KERNEL, -0x7eff0000, USER, 0x400310, 0x999999],
      branches: BRANCHES,
    }),
  ]);
  const script = await perf(["script", "-F", "ip"], file);
  // of code in files, perf prints where it is there
  assertEquals(script.trim().split(/\s+/), ["ffffffff81010000", "300", "200", "100", "50"]);
});

Deno.test("branches that are no call stack leave the call chain alone, and are named once", async () => {
  const attr = attrWith(P.CALLCHAIN | P.BRANCH_STACK, { branchSampleType: 9n });
  const profile = await profileOf(attr, [{
    ip: 0x400310,
    chain: [USER, 0x400310, 0x400020],
    branches: BRANCHES,
  }]);
  assertEquals(stacks(profile), ["worker+310 worker+20"]);
  assertEquals(profile.meta.notes, [
    "the recording holds more than this shows: branch stacks (perf report --branch-history)",
  ]);
});

Deno.test("a sample that is too short for its calls is refused", async () => {
  const attr = attrWith(P.CALLCHAIN | P.BRANCH_STACK, {
    branchSampleType: BigInt(PERF_SAMPLE_BRANCH.CALL_STACK),
  });
  const whole = madeSample(attr, { ip: 0x400310, branches: BRANCHES });
  for (const count of [4n, 2n ** 32n, 2n ** 61n, 2n ** 64n - 1n]) {
    const bad = whole.slice();
    new DataView(bad.buffer).setBigUint64(bad.length - 8 - 24 * BRANCHES.length, count, true);
    const profile = await profileOf(attr, [{ ip: 0x400320, branches: [] }], { force: true }, [bad]);
    assertEquals(stacks(profile), ["worker+320"]);
    assertStringIncludes(profile.meta.warnings[0], "does not hold the fields");
  }
});

const COPIES = { sampleRegsUser: 0xff0fffn, sampleStackUser: 64 };

Deno.test("callers in user space that are left unread are said to be missing where a copy has them", async () => {
  const attr = attrWith(P.CALLCHAIN | P.REGS_USER | P.STACK_USER, COPIES);
  const bare = { ip: 0x400310, chain: [USER, 0x400310], stack: 48 };
  const inKernel = { ip: -0x7eff0000, chain: [KERNEL, -0x7eff0000, -0x7efe0000], stack: 48 };
  const unwound = { ip: 0x400310, chain: [USER, 0x400310, 0x400020], stack: 48 };
  const unwoundInKernel = { ip: -0x7eff0000, chain: [KERNEL, -0x7eff0000, USER, 0x400310], stack: 48 };
  const stripped = { ip: 0x400310, chain: [USER, 0x400310] }; // no stack left, as simpleperf does
  const warningOf = async (...samples: SampleFields[]) =>
    (await profileOf(attr, samples, { noUnwind: true })).meta.warnings;
  assertEquals(await warningOf(unwound, unwoundInKernel, stripped), []);
  assertStringIncludes(
    (await warningOf(bare, inKernel))[0],
    "callers in user space are not shown: they are in copies of the stack",
  );
  assertStringIncludes(
    (await warningOf(bare, unwound, inKernel, stripped))[0],
    "callers in user space of 2 of 3 samples are not shown",
  );
  assertEquals((await profileOf(attr, [bare], { leafOnly: true })).meta.warnings, []);
});

Deno.test("copied stacks are found behind raw data, branches and registers, of either byte order", async () => {
  const attr = attrWith(P.CALLCHAIN | P.RAW | P.BRANCH_STACK | P.REGS_USER | P.STACK_USER, {
    ...COPIES,
    branchSampleType: BigInt(PERF_SAMPLE_BRANCH.HW_INDEX),
  });
  for (const littleEndian of [true, false]) {
    const sample = madeSample(attr, { ip: 0x400310, raw: 12, branches: BRANCHES, stack: 8 }, littleEndian);
    const w = new ByteWriter(1024, littleEndian).u64(0x32454c4946524550n).u64(16);
    w.u32(64).u16(0).u16(8 + 128 + 8).raw(encodeAttr(attr, littleEndian)).u64(1n).raw(sample);
    const files = { open: () => undefined, kallsyms: () => undefined };
    const profile = await loadProfile(new MemoryBytes(w.bytes()), files, { noUnwind: true });
    assertStringIncludes(profile.meta.warnings[0] ?? "", "they are in copies of the stack");
  }
});

Deno.test("code of virtual machines says so, in samples and in call chains", async () => {
  const { GUEST_KERNEL, GUEST_USER, HYPERVISOR } = PERF_RECORD_MISC;
  const attr = attrWith(P.CALLCHAIN);
  const profile = await profileOf(attr, [
    { ip: -0x7eff0000, mode: GUEST_KERNEL, chain: [PERF_CONTEXT.GUEST_KERNEL, -0x7eff0000] },
    { ip: 0x400310, mode: GUEST_USER, chain: [PERF_CONTEXT.GUEST_USER, 0x400310] },
    { ip: 0x1000, mode: HYPERVISOR, chain: [PERF_CONTEXT.HV, 0x1000] },
  ]);
  assertEquals(
    stacks(profile),
    [
      "[guest.kernel]+ffffffff81010000",
      "[guest]+400310",
      "[hypervisor]+1000",
    ],
  );
  const said = profile.unresolved.filter(({ object }) => object !== "worker");
  assertEquals(said.map(({ object, cause }) => `${object}: ${cause}`).sort(), [
    "[guest.kernel]: in a virtual machine",
    "[guest]: in a virtual machine",
    "[hypervisor]: in a virtual machine",
  ]);
});

Deno.test("what is in a recording and not shown is named once, however often it is there", async () => {
  const attr = attrWith(P.ADDR | P.WEIGHT | P.DATA_SRC | P.PHYS_ADDR | P.CGROUP, { type: 4 });
  const record = (type: number, body: number) =>
    new ByteWriter().u32(type).u16(0).u16(8 + body).zeros(body).bytes();
  const profile = await profileOf(attr, [{ ip: 0x400310 }, { ip: 0x400310 }], {}, [
    record(14, 0), // SWITCH
    record(14, 0),
    record(11, 24), // AUX
    record(62, 8), // of the kernel, in years
    record(99, 8), // of perf, in years
  ]);
  assertEquals(profile.meta.notes, [
    "the recording holds more than this shows: data addresses (perf script -F addr), " +
    "costs of memory accesses (perf mem report), physical addresses (perf script -F phys_addr), " +
    "control groups (perf report -s cgroup), AUX data (perf report --itrace), " +
    "context switches (perf script --show-switch-events), 2 records of unknown types (a newer perf)",
  ]);
});

Deno.test("fields that software events have nothing in are not named", async () => {
  const fields = P.ADDR | P.WEIGHT | P.DATA_SRC | P.PHYS_ADDR;
  const notesOf = async (config: bigint) =>
    (await profileOf(attrWith(fields, { type: 1, config }), [{ ip: 0x400310 }])).meta.notes;
  assertEquals(await notesOf(0n), []); // cpu-clock
  assertEquals(await notesOf(2n), [ // page-faults
    "the recording holds more than this shows: data addresses (perf script -F addr)",
  ]);
});

Deno.test("fields of an event without samples are not named", async () => {
  const attr = attrWith(P.CALLCHAIN), other = attrWith(P.CALLCHAIN | P.RAW | P.IDENTIFIER, { type: 2 });
  const named = { ...attr, sampleType: attr.sampleType | P.IDENTIFIER };
  const file = madeFile([{ attr: named, name: "a", ids: [1n] }, { attr: other, name: "b:c", ids: [2n] }], [
    madeSample(named, { ip: 0x400310 }),
  ]);
  const { meta } = await loadProfile(new MemoryBytes(file), {
    open: () => undefined,
    kallsyms: () => undefined,
  });
  assertEquals(meta.notes, []);
});

Deno.test("a chain of 1,000 calls is kept whole", async () => {
  const attr = attrWith(P.CALLCHAIN);
  const chain = Array.from({ length: 1000 }, (_, i) => 0x400000 + 16 * i);
  const [stack] = stacks(await profileOf(attr, [{ ip: 0x400000, chain: [USER, ...chain] }]));
  assertEquals(stack.split(" "), chain.map((address) => `worker+${hexAddress(address - 0x400000)}`));
});
