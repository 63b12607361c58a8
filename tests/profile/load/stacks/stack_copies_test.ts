/** Copies of stacks in recordings, unwound while these are read. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { MemoryBytes } from "../../../../lib/base/bytes/byte_source.ts";
import { ByteWriter } from "../../../../lib/base/bytes/bytes.ts";
import { hexAddress } from "../../../../lib/base/bytes/address.ts";
import { PERF_CONTEXT, PERF_SAMPLE } from "../../../../lib/base/system/abi.ts";
import { encodeAttr, type EventAttr, makeAttr } from "../../../../lib/events/attr.ts";
import type { FeatureValues } from "../../../../lib/perfdata/format/feature_encoders.ts";
import { loadProfile } from "../../../../lib/profile/load/load.ts";
import type { LoadOptions } from "../../../../lib/profile/request/load_options.ts";
import type { Profile } from "../../../../lib/profile/model/profile.ts";
import type { SymbolFiles } from "../../../../lib/symbols/files/symbol_files.ts";
import { AARCH64, type Arch, X86_64 } from "../../../../lib/unwind/arch.ts";
import { madeFile, madeSample, type SampleFields } from "../../../perfdata/sample_fixtures.ts";
import { buildFrames, type Function } from "../../../unwind/build_frames.ts";

const P = PERF_SAMPLE, { KERNEL, USER } = PERF_CONTEXT;
const ALL_REGISTERS = 0xff0fffn;
/** Numbers in perf's samples. */
const BP = 6, SP = 7, IP = 8;
const STACK = 0x7ffd00001000;
const MAPPED = 0x400000;

/** Functions that take 16 bytes of stack and their return address; the last one is the root. */
const FUNCTIONS: Function[] = [
  { start: 0x1000, end: 0x1100, code: [0x0e, 24] },
  { start: 0x1100, end: 0x1200, code: [0x0e, 24] },
  { start: 0x1200, end: 0x1300, code: [0x07, 16] },
];

const attrOf = (more: Partial<EventAttr> = {}) =>
  makeAttr({
    type: 1,
    samplePeriod: 1000n,
    sampleType: P.IP | P.TID | P.TIME | P.PERIOD | P.CALLCHAIN | P.REGS_USER | P.STACK_USER,
    sampleRegsUser: ALL_REGISTERS,
    sampleStackUser: 64,
    ...more,
  });

const filesWith = (functions: readonly Function[] | undefined, arch: Arch = X86_64): SymbolFiles => ({
  open: ({ kind }) =>
    kind === "file" && functions ? new MemoryBytes(buildFrames(functions, arch), "/bin/worker") : undefined,
  kallsyms: () => undefined,
});

const sampleAt = (
  address: number,
  words: readonly number[],
  more: Partial<SampleFields> = {},
): SampleFields => ({
  ip: MAPPED + address,
  chain: [],
  registers: { [IP]: MAPPED + address, [SP]: STACK },
  words,
  ...more,
});

const WHOLE = sampleAt(0x1050, [1, 2, MAPPED + 0x1180, 3, 4, MAPPED + 0x1280, 0]);

interface Setting extends LoadOptions {
  attr?: EventAttr;
  files?: SymbolFiles;
  features?: FeatureValues;
}

async function profileOf(
  samples: readonly SampleFields[],
  { attr = attrOf(), files = filesWith(FUNCTIONS), features, ...options }: Setting = {},
): Promise<Profile> {
  const made = samples.map((sample) => madeSample(attr, sample));
  const file = madeFile([{ attr, name: "an-event", ids: [1n] }], made, features);
  return await loadProfile(new MemoryBytes(file), files, options);
}

/** The stacks, each as names and addresses in `worker`, innermost first, with how many samples it has. */
function stacksOf({ samples, stacks, frames, objects }: Profile): string[] {
  return Array.from(samples.stack, (leaf, row) => {
    const names: string[] = [];
    for (let stack = leaf; stack >= 0; stack = stacks.parent[stack]) {
      const object = frames.object[stacks.frame[stack]], address = frames.address[stacks.frame[stack]];
      if (object < 0) names.push("?");
      else if (objects[object].kind === "missing") names.push(objects[object].name);
      else names.push(hexAddress(address));
    }
    return `${samples.count[row]}: ${names.join(" ")}`;
  });
}

Deno.test("a copy of the stack becomes the callers of its sample, each looked up where it called", async () => {
  const profile = await profileOf([WHOLE, WHOLE]);
  assertEquals(stacksOf(profile), ["2: 1050 117f 127f"]);
  assertEquals(profile.meta.stacks, { unwound: 2, whole: 2, cut: [] });
  assertEquals(profile.meta.warnings, []);
});

Deno.test("callers in the kernel come on top of those in the copy", async () => {
  const inKernel = { ...WHOLE, ip: -0x7eff0000, chain: [KERNEL, -0x7eff0000, -0x7efe0000] };
  const profile = await profileOf([inKernel, { ...inKernel, chain: [...inKernel.chain, USER] }]);
  assertEquals(stacksOf(profile), ["2: ffffffff81010000 ffffffff81020000 1050 117f 127f"]);
});

Deno.test("a sample without a call chain is unwound, too", async () => {
  const attr = attrOf({ sampleType: P.IP | P.TID | P.TIME | P.REGS_USER | P.STACK_USER });
  assertEquals(stacksOf(await profileOf([WHOLE], { attr })), ["1: 1050 117f 127f"]);
  const inKernel = { ...WHOLE, ip: -0x7eff0000 };
  assertEquals(stacksOf(await profileOf([inKernel], { attr })), ["1: ffffffff81010000 1050 117f 127f"]);
});

Deno.test("a chain that has callers in user space already is left alone", async () => {
  const chained = { ...WHOLE, chain: [USER, MAPPED + 0x1050, MAPPED + 0x1010] };
  const profile = await profileOf([chained]);
  assertEquals(stacksOf(profile), ["1: 1050 1010"]);
  assertEquals(profile.meta.stacks, undefined);
});

Deno.test("a stack that is cut ends in a frame that says so, and is not merged with a whole one", async () => {
  const cut = sampleAt(0x1050, [1, 2, MAPPED + 0x1180, 3]);
  const profile = await profileOf([WHOLE, cut, cut]);
  assertEquals(stacksOf(profile), ["1: 1050 117f 127f", "2: 1050 117f [stack cut]"]);
  const { stacks } = profile.meta;
  assertEquals([stacks?.unwound, stacks?.whole], [3, 1]);
  assertEquals(stacks?.cut, [{
    reason: "the stack copy is too short",
    cause: "cut at 32 bytes",
    frame: "[stack cut]",
    object: null,
    samples: 2,
    remedy: "record with --call-graph dwarf,64",
  }]);
});

Deno.test("code without unwind information is named in the last frame and in the counts", async () => {
  const profile = await profileOf([
    sampleAt(0x1850, [1, 2, 3, 4], { registers: { [IP]: MAPPED + 0x1850, [SP]: STACK, [BP]: 5 } }),
  ]);
  assertEquals(stacksOf(profile), ["1: 1850 [no unwind information: worker]"]);
  assertEquals(profile.meta.stacks?.cut.map(({ object, samples }) => [object, samples]), [["worker", 1]]);
});

Deno.test("an object that cannot be read is named with the cause", async () => {
  const profile = await profileOf([WHOLE], { files: filesWith(undefined) });
  assertEquals(stacksOf(profile), ["1: 1050 [unreadable object: worker]"]);
  assertStringIncludes(profile.meta.stacks!.cut[0].remedy, "no file: report on the recorded machine");
});

Deno.test("samples of kernel threads and of programs that were about to start have no stack to unwind", async () => {
  const bare = { ip: -0x7eff0000, chain: [KERNEL, -0x7eff0000] };
  const starting = { ...bare, registers: {}, words: [0, 0] };
  const profile = await profileOf([bare, starting]);
  assertEquals(stacksOf(profile), ["2: ffffffff81010000"]);
  assertEquals(profile.meta.stacks, undefined);
});

Deno.test("code of 32 bits and of other machines is said to be left out", async () => {
  const narrow = await profileOf([{ ...WHOLE, abi: 1 }]);
  assertEquals(stacksOf(narrow), ["1: 1050 [stack not unwound]"]);
  const riscv = await profileOf([WHOLE], { features: { arch: "riscv64" } });
  assertEquals(stacksOf(riscv), ["1: 1050 [stack not unwound]"]);
  assertStringIncludes(riscv.meta.stacks!.cut[0].cause, "not 64-bit x86 or Arm");
});

Deno.test("a recording of the other order of bytes is said to be left out", async () => {
  const attr = attrOf(), sample = madeSample(attr, WHOLE, false);
  const w = new ByteWriter(1024, false).u64(0x32454c4946524550n).u64(16);
  w.u32(64).u16(0).u16(8 + 128 + 8).raw(encodeAttr(attr, false)).u64(1n).raw(sample);
  const profile = await loadProfile(new MemoryBytes(w.bytes()), filesWith(FUNCTIONS));
  assertEquals(profile.meta.stacks?.cut.map(({ frame }) => frame), ["[stack not unwound]"]);
});

Deno.test("stacks of aarch64 are unwound by what the recording says of its machine, or by its registers", async () => {
  const attr = attrOf({ sampleRegsUser: 0x1ffffffffn });
  const functions: Function[] = [
    { start: 0x1000, end: 0x1100, code: [0x0e, 32, 0x9e, 4] },
    { start: 0x1100, end: 0x1200, code: [0x07, 30] },
  ];
  const sample = {
    ip: MAPPED + 0x1050,
    chain: [],
    registers: { 32: MAPPED + 0x1050, 31: STACK },
    words: [MAPPED + 0x1180, 1, 2, 3],
  };
  for (const features of [{ arch: "aarch64" }, {}]) {
    const profile = await profileOf([sample], { attr, files: filesWith(functions, AARCH64), features });
    assertEquals(stacksOf(profile), ["1: 1050 117f"]);
  }
});

Deno.test("copies are left unread where nobody asks for them", async () => {
  const unread = await profileOf([WHOLE], { noUnwind: true });
  assertEquals(stacksOf(unread), ["1: 1050"]);
  assertStringIncludes(unread.meta.warnings[0], "--no-unwind");
  const leaves = await profileOf([WHOLE], { leafOnly: true });
  assertEquals([stacksOf(leaves), leaves.meta.stacks, leaves.meta.warnings], [["1: 1050"], undefined, []]);
});

Deno.test("copies that are wild end their stacks and nothing else", async () => {
  const wild = [2 ** 47, 2 ** 52, 4095, MAPPED, MAPPED + 0x10ffff].map((value) =>
    sampleAt(0x1050, [value, value, value, value], {
      registers: { [IP]: MAPPED + 0x1050, [SP]: value, [BP]: value },
    })
  );
  const profile = await profileOf([...wild, WHOLE]);
  assertEquals(profile.meta.stacks?.unwound, wild.length + 1);
  assertEquals(profile.meta.stacks?.whole, 1);
  assertEquals(stacksOf(profile).at(-1), "1: 1050 117f 127f");
});

Deno.test("merging addresses of one function keeps cut stacks apart", async () => {
  const profile = await profileOf([WHOLE, sampleAt(0x1050, [1, 2, MAPPED + 0x1180, 3])], {
    mergeAddresses: true,
  });
  assertEquals(stacksOf(profile).filter((stack) => stack.endsWith("[stack cut]")).length, 1);
  assertEquals(profile.samples.stack.length, 2);
});
