/** Samples with chains in place of stacks: each has to be the sample that the kernel would write without a stack. */

import { assertEquals } from "@std/assert";
import { PERF_CONTEXT, PERF_FORMAT, PERF_SAMPLE, PERF_SAMPLE_BRANCH } from "../../../lib/base/system/abi.ts";
import { type EventAttr, makeAttr } from "../../../lib/events/attr.ts";
import { compileLayout } from "../../../lib/perfdata/format/attr_layout.ts";
import { SampleTail } from "../../../lib/perfdata/read/sample_tail.ts";
import { fileEvents } from "../../../lib/record/open/open_on_cpus.ts";
import { RingCursor } from "../../../lib/record/stacks/ring_cursor.ts";
import { RingOutput } from "../../../lib/record/stacks/ring_output.ts";
import { FramePointerChain } from "../../../lib/record/stacks/frame_pointer_chain.ts";
import { type UserChain, writeSample } from "../../../lib/record/stacks/sample_writer.ts";
import { markOf } from "../../../lib/unwind/chain_marks.ts";
import { END } from "../../../lib/unwind/ends.ts";
import { mark } from "../../perfdata/marks.ts";
import { madeSample, type SampleFields } from "../../perfdata/sample_fixtures.ts";
import { fakeSampler } from "../fake_rings.ts";
import { MadePass, MadeRing } from "./made_rings.ts";

const P = PERF_SAMPLE, { KERNEL, USER } = PERF_CONTEXT;
const KERNEL_CODE = -0x7eff0000, CODE = 0x401050, HIGH_CODE = 0x7fff_ffff_f123;
const BASE = P.IP | P.TID | P.TIME | P.CALLCHAIN | P.REGS_USER | P.STACK_USER;
const COPY: SampleFields = {
  ip: CODE,
  time: 77,
  registers: { 7: 0x7ffd00001000, 8: CODE },
  words: [1, 2, 3, 4, 5, 6],
};

const attrOf = (sampleType: number, more: Partial<EventAttr> = {}) =>
  makeAttr({
    type: 1,
    sampleType,
    sampleRegsUser: 0xff0fffn,
    sampleStackUser: 4096,
    flags: ["sampleIdAll", "excludeCallchainUser"],
    ...more,
  });

/** The attr of the event as files have it. */
const writtenAttr = (attr: EventAttr) => fileEvents([{ ...fakeSampler(), attr, unwound: true }])[0].attr;

const chainOf = (addresses: readonly number[], mark = 0): UserChain => ({
  addresses: Float64Array.from([...addresses, NaN]),
  count: addresses.length,
  mark,
});

/** What is written for a sample, from a ring where it wraps around the end; undefined where nothing is. */
function written(attr: EventAttr, sample: Uint8Array, chain: UserChain | undefined): Uint8Array | undefined {
  const results = [0, 8, sample.length - 8].map((before) => {
    const ring = new MadeRing(1 << 17, (1 << 20) - before), pass = new MadePass(ring);
    const cursor = new RingCursor({ sampleTimeAt: -1, recordTimeBack: 0 }),
      output = new RingOutput(0, ring.tail);
    ring.put(sample);
    cursor.begin(ring);
    const layout = compileLayout(attr), tail = new SampleTail(), taken = new FramePointerChain();
    const isRead = tail.read(cursor.u32, cursor.at, cursor.size, layout);
    taken.split(cursor, layout);
    if (!isRead || !writeSample(cursor, { taken, tail }, chain, output)) {
      assertEquals(output.length, 0);
      return undefined;
    }
    output.give(pass, ring.head);
    return pass.records[0];
  });
  assertEquals(results[1], results[0]);
  assertEquals(results[2], results[0]);
  return results[0];
}

const GROUP = PERF_FORMAT.GROUP | PERF_FORMAT.ID | PERF_FORMAT.LOST;
const LAYOUTS: Record<string, [number, Partial<EventAttr>?, Partial<SampleFields>?]> = {
  "the fields of every sample": [BASE],
  "IDENTIFIER, ID, ADDR, CPU and PERIOD": [BASE | P.IDENTIFIER | P.ID | P.ADDR | P.CPU | P.PERIOD],
  "READ of one event": [BASE | P.READ, { readFormat: PERF_FORMAT.ID | PERF_FORMAT.LOST }, {
    read: [11, 12, 13],
  }],
  "READ of a group": [BASE | P.READ, { readFormat: GROUP }, { read: [2, 11, 12, 13, 21, 22, 23] }],
  "READ of a larger group": [BASE | P.READ, { readFormat: GROUP }, { read: [5, ...Array(15).keys()] }],
  "RAW": [BASE | P.RAW, {}, { raw: 4 }],
  "a long RAW": [BASE | P.RAW, {}, { raw: 1004 }],
  "a branch stack": [BASE | P.BRANCH_STACK, {}, { branches: [[CODE, CODE + 1], [CODE + 2, CODE + 3]] }],
  "a branch stack with its index": [BASE | P.BRANCH_STACK, {
    branchSampleType: BigInt(PERF_SAMPLE_BRANCH.HW_INDEX),
  }, { branches: [[CODE, CODE + 1]] }],
  "WEIGHT and what follows": [BASE | P.WEIGHT | P.DATA_SRC | P.PHYS_ADDR | P.CGROUP, {}, { weight: 99 }],
  "everything at once": [
    BASE | P.IDENTIFIER | P.CPU | P.PERIOD | P.READ | P.RAW | P.BRANCH_STACK | P.WEIGHT,
    { readFormat: GROUP },
    { read: [1, 11, 12, 13], raw: 12, branches: [[CODE, CODE + 1]], weight: 99 },
  ],
};

for (const [name, [sampleType, settings, fields]] of Object.entries(LAYOUTS)) {
  Deno.test(`a written sample is the one without a stack: ${name}`, () => {
    const attr = attrOf(sampleType, settings),
      without = writtenAttr(attr),
      user = [CODE, HIGH_CODE, CODE + 7];
    assertEquals(without.sampleType, sampleType & ~(P.REGS_USER | P.STACK_USER));
    for (
      const kernel of [[], [KERNEL, KERNEL_CODE], [KERNEL, KERNEL_CODE, KERNEL_CODE + 5, KERNEL_CODE + 9]]
    ) {
      const sample = { ...COPY, ...fields, mode: 2 | 0x4000 };
      const taken = madeSample(attr, { ...sample, chain: kernel });
      for (const cut of [0, markOf(END.SHORT)]) {
        const marks = cut === 0 ? [] : [mark(END.SHORT)];
        const chain = [...kernel, USER, ...user, ...marks];
        assertEquals(written(attr, taken, chainOf(user, cut)), madeSample(without, { ...sample, chain }));
      }
    }
  });
}

Deno.test("a sample without a user part of its chain keeps the kernel's", () => {
  const attr = attrOf(BASE), without = writtenAttr(attr);
  for (const chain of [[KERNEL, KERNEL_CODE], []]) {
    const taken = madeSample(attr, { ...COPY, chain });
    assertEquals(written(attr, taken, undefined), madeSample(without, { ...COPY, chain }));
  }
});

Deno.test("a chain of nothing is a context and a mark", () => {
  const attr = attrOf(BASE), taken = madeSample(attr, { ...COPY, chain: [] });
  const empty = madeSample(writtenAttr(attr), { ...COPY, chain: [USER, mark(END.CORRUPT)] });
  assertEquals(written(attr, taken, chainOf([], markOf(END.CORRUPT))), empty);
});

Deno.test("a sample whose task has no registers, or no stack, loses the fields that say so", () => {
  const attr = attrOf(BASE | P.WEIGHT), without = writtenAttr(attr);
  // of a kernel thread, and of a thread about to end: PERF_SAMPLE_REGS_ABI_NONE, and no room
  const bare = { ip: KERNEL_CODE, time: 5, chain: [KERNEL, KERNEL_CODE], weight: 3 };
  assertEquals(written(attr, madeSample(attr, bare), undefined), madeSample(without, bare));
  const ending = { ...COPY, ...bare, words: [] };
  const chain = [...bare.chain, USER, CODE, mark(END.NO_STACK)];
  const taken = madeSample(attr, ending);
  assertEquals(
    written(attr, taken, chainOf([CODE], markOf(END.NO_STACK))),
    madeSample(without, { ...bare, chain }),
  );
});

Deno.test("a sample that is not as its event says is not written", () => {
  const attr = attrOf(BASE), sample = madeSample(attr, { ...COPY, chain: [KERNEL, KERNEL_CODE] });
  const short = sample.slice(0, sample.length - 8);
  new DataView(short.buffer).setUint16(6, short.length, true);
  assertEquals(written(attr, short, chainOf([CODE])), undefined);
  const long = sample.slice();
  new DataView(long.buffer).setUint32(8 + 8 + 8 + 8, 1 << 20, true); // entries of the chain
  assertEquals(written(attr, long, chainOf([CODE])), undefined);
  const grouped = attrOf(BASE | P.READ, { readFormat: GROUP });
  assertEquals(
    written(grouped, madeSample(grouped, { ...COPY, read: [1 << 24] }), chainOf([CODE])),
    undefined,
  );
  const chainless = attrOf(BASE & ~P.CALLCHAIN);
  assertEquals(written(chainless, madeSample(chainless, COPY), chainOf([CODE])), undefined);
});

Deno.test("a written sample is never larger than a record can be", () => {
  const attr = attrOf(BASE | P.RAW), without = writtenAttr(attr);
  const callers = Array.from({ length: 1023 }, (_, i) => CODE + i);
  const beside = madeSample(attr, { ...COPY, raw: 4, words: [], chain: [KERNEL, KERNEL_CODE] }).length;
  const sample: SampleFields = { ...COPY, words: [], chain: [KERNEL, KERNEL_CODE], raw: 65528 - beside + 4 };
  const taken = madeSample(attr, sample);
  assertEquals(taken.length, 65528);
  const result = written(attr, taken, chainOf(callers))!;
  // as many as the registers took, and the size of no stack: 22 words, less two for the context and the mark
  const chain = [KERNEL, KERNEL_CODE, USER, ...callers.slice(0, 20), mark(END.DEEP)];
  assertEquals(result, madeSample(without, { ...sample, chain }));
  assertEquals(result.length, 65528);
});
