/** Recordings with copies of stacks, with chains that end in marks, and with deferred ones, of one program, sound or made up. */

import { PERF_CONTEXT, PERF_RECORD, PERF_SAMPLE } from "../../../lib/base/system/abi.ts";
import { ByteWriter } from "../../../lib/base/bytes/bytes.ts";
import { makeAttr } from "../../../lib/events/attr.ts";
import type { FeatureValues } from "../../../lib/perfdata/format/feature_encoders.ts";
import { encodeSessionInfo } from "../../../lib/perfdata/own/session_info.ts";
import { X86_64 } from "../../../lib/unwind/arch.ts";
import { OTHER_MACHINE } from "../../../lib/unwind/chain_marks.ts";
import { END } from "../../../lib/unwind/ends.ts";
import { mark } from "../../perfdata/marks.ts";
import { madeFile, madeSample, type SampleFields } from "../../perfdata/sample_fixtures.ts";
import { buildFrames } from "../../unwind/build_frames.ts";
import type { Random } from "../random.ts";

const P = PERF_SAMPLE, { KERNEL, USER, USER_DEFERRED } = PERF_CONTEXT;
const ATTR = makeAttr({
  type: 1,
  samplePeriod: 1000n,
  sampleType: P.IP | P.TID | P.TIME | P.PERIOD | P.CALLCHAIN | P.REGS_USER | P.STACK_USER,
  sampleRegsUser: 0xff0fffn,
  sampleStackUser: 64,
  flags: ["sampleIdAll"],
});
/** The event of recordings that were unwound while they were made. */
const UNWOUND_ATTR = makeAttr({
  type: 1,
  samplePeriod: 1000n,
  sampleType: P.IP | P.TID | P.TIME | P.PERIOD | P.CALLCHAIN,
  flags: ["sampleIdAll", "excludeCallchainUser"],
});
const BP = 6, SP = 7, IP = 8;
/** Addresses of the program (`madeFile` maps it), of its code, and of the stack. */
const PROGRAM = 0x400000, CODE = PROGRAM + 0x1000, STACK = 0x7ffd00001000;
const KERNEL_CODE = -0x7eff0000;

/** The program that the recordings are of: frames by rsp, by rbp and by an expression, a root, and a leaf like vfork. */
export const WORKER: Uint8Array = buildFrames([
  { start: 0x1000, end: 0x1100, code: [0x0e, 24] },
  { start: 0x1100, end: 0x1200, code: [0x41, 0x0e, 16, 0x86, 2, 0x43, 0x0d, 6] },
  { start: 0x1200, end: 0x1300, code: [0x07, 16] },
  { start: 0x1300, end: 0x1400, code: [0x0f, 3, 0x77, 16, 0x06] },
  { start: 0x1400, end: 0x1500, code: [0x0e, 0, 0x09, 16, 5] },
], X86_64);

/** Path of that program. */
export const WORKER_PATH = "/bin/worker";

function deferred(tid: number, cookie: number, chain: readonly number[], claimed = chain.length): Uint8Array {
  const w = new ByteWriter(256).u32(PERF_RECORD.CALLCHAIN_DEFERRED).u16(2).u16(0).u64(cookie).u64(claimed);
  for (const address of chain) w.u64(BigInt.asUintN(64, BigInt(address)));
  w.u32(100).u32(tid).u64(2_000_000_000 + cookie);
  return w.patchU16(6, w.length).bytes().slice();
}

const fileOf = (records: readonly Uint8Array[], attr = ATTR, features?: FeatureValues) =>
  madeFile([{ attr, name: "cycles", ids: [1n] }], records, features);

/** Returns a sound recording: stacks that are whole and cut, in user space and in the kernel, and deferred chains. */
export function copiesSeed(): Uint8Array<ArrayBuffer> {
  const registers = { [IP]: CODE + 0x50, [SP]: STACK, [BP]: STACK + 40 };
  const whole = { ip: CODE + 0x50, chain: [], registers, words: [1, 2, CODE + 0x280, 0, 0, 0, 0, 0] };
  const later = { ip: KERNEL_CODE, chain: [KERNEL, KERNEL_CODE, USER_DEFERRED, 7] };
  return fileOf([
    madeSample(ATTR, { ...whole, time: 1000 }),
    madeSample(ATTR, { ...whole, time: 2000, ip: KERNEL_CODE, chain: [KERNEL, KERNEL_CODE, USER] }),
    madeSample(ATTR, { ...whole, time: 3000, words: [1, 2, CODE + 0x80, 0] }),
    madeSample(ATTR, { ...later, time: 4000 }),
    deferred(100, 7, [USER, CODE, CODE + 0x280]),
    madeSample(ATTR, { ...later, time: 5000, tid: 101 }),
  ]);
}

/** Returns a sound recording that was unwound while it was made: a whole stack, the same in the kernel, and one that is cut. */
export function markedSeed(): Uint8Array<ArrayBuffer> {
  const user = [USER, CODE + 0x50, CODE + 0x280], inUser = { ip: CODE + 0x50, chain: user };
  const samples = [
    { ...inUser, time: 1000 },
    { ip: KERNEL_CODE, chain: [KERNEL, KERNEL_CODE, ...user], time: 2000 },
    { ...inUser, chain: [...user, mark(END.SHORT)], time: 3000 },
  ].map((sample) => madeSample(UNWOUND_ATTR, sample));
  const info = encodeSessionInfo({
    tool: "1.0",
    command: ["worker"],
    seconds: 1,
    unwound: { stackBytes: 16384 },
    ledger: { rows: [], total: { sample: samples.length } },
  });
  return fileOf(samples, UNWOUND_ATTR, { version: "pmuctl 1.0", ledger: info });
}

/** Returns a recording whose registers, stacks, sizes and cookies are made up. */
export function makeCopies(random: Random): Uint8Array<ArrayBuffer> {
  const address = () =>
    random.pick([
      CODE + random.below(0x600),
      CODE + random.below(0x600),
      STACK + 8 * random.below(40),
      STACK + random.below(400),
      random.below(2 ** 31),
      2 ** 47 - 1 - random.below(4096),
      random.below(2 ** 21) * 2 ** 31,
      mark(random.pick([END.SHORT, END.NO_CFI, END.UNREADABLE, OTHER_MACHINE])),
    ]);
  const records: Uint8Array[] = [];
  let time = 1_000_000_000;
  for (let n = 1 + random.below(30); n > 0; n--, time += 1000) {
    const tid = 100 + random.below(3), cookie = random.below(4);
    if (random.oneIn(5)) {
      const chain = Array.from({ length: random.below(6) }, () => random.oneIn(4) ? USER : address());
      records.push(deferred(tid, cookie, chain, random.oneIn(4) ? random.below(2 ** 31) : undefined));
      continue;
    }
    const ip = random.oneIn(3) ? KERNEL_CODE : address();
    const sample: SampleFields = {
      ip,
      tid,
      time,
      chain: random.pick([[], [KERNEL, ip], [KERNEL, ip, USER_DEFERRED, cookie], [USER_DEFERRED, cookie], [
        USER,
        ip,
        address(),
      ], [KERNEL, ip, USER, ...Array.from({ length: random.below(4) }, address)]]),
    };
    if (!random.oneIn(8)) {
      sample.registers = Object.fromEntries(Array.from({ length: 24 }, (_, i) => [i, address()]));
      if (!random.oneIn(8)) {
        sample.registers = { ...sample.registers, [IP]: CODE + random.below(0x600), [SP]: STACK };
      }
      sample.words = Array.from({ length: random.below(40) }, address);
      sample.abi = random.oneIn(8) ? random.below(4) : 2;
      if (random.oneIn(3)) sample.stack = random.below(2 * 8 * sample.words.length + 1);
    }
    records.push(madeSample(ATTR, sample));
  }
  return fileOf(records);
}
