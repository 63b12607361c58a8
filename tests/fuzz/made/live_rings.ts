/** Contents of rings as the kernel might write them, sound or made up, and what is made of them while recording. */

import { PERF_CONTEXT, PERF_RECORD } from "../../../lib/base/system/abi.ts";
import { ByteWriter, concat } from "../../../lib/base/bytes/bytes.ts";
import type { SampleFields } from "../../perfdata/sample_fixtures.ts";
import { MadeMachine, MAPPED, STACK, unwoundEvent } from "../../record/stacks/made_machine.ts";
import type { Random } from "../random.ts";
import { WORKER_PATH } from "./copies.ts";

/** Ids of the events; others are unknown. */
const IDS = [7n, 17n];
const BP = 6, SP = 7, IP = 8;
const KERNEL_CODE = -0x7eff0000;

/** Events of such rings: one with all registers, and one with two of them and a stack that is read from `sp` on. */
export const LIVE_EVENTS = [
  unwoundEvent("cpu-clock", [IDS[0]]),
  unwoundEvent("page-faults", [IDS[1]], 0x180n),
];
const MACHINES = LIVE_EVENTS.map((event) => new MadeMachine(event));
/** Places of times in their records. */
export const LIVE_PLACES = MACHINES[0].places;

/** Two rings: what each holds, and the position of its first record. */
export interface LiveRings {
  contents: [Uint8Array, Uint8Array];
  starts: [number, number];
}

/** Bytes of the front: u32 start and u32 length of the first ring, u32 start of the second, u32 of its upper half. */
const FRONT = 16;

/** Returns the rings that an input stands for. */
export function ringsOf(bytes: Uint8Array): LiveRings {
  const front = new Uint8Array(FRONT);
  front.set(bytes.subarray(0, FRONT));
  const [first, length, second, high] = new Uint32Array(front.buffer), rest = bytes.subarray(FRONT);
  const split = Math.min(length, rest.length);
  return {
    contents: [rest.subarray(0, split), rest.subarray(split)],
    starts: [first - (first % 8), second - (second % 8) + (high % 4) * 2 ** 32],
  };
}

/** Returns rings that a sound kernel could have written, now and then with numbers that make no sense. */
export function makeLiveRings(random: Random): Uint8Array<ArrayBuffer> {
  let time = 1000;
  const contents = [0, 1].map(() =>
    concat(Array.from({ length: random.below(24) }, () => makeRecord(random, time += random.below(3))))
  );
  const front = Uint32Array.of(random.u32(), contents[0].length, random.u32(), random.u32());
  return concat([new Uint8Array(front.buffer), ...contents]);
}

function makeRecord(random: Random, time: number): Uint8Array {
  const machine = random.pick(MACHINES), pid = 100 + random.below(3), other = 100 + random.below(3);
  switch (random.below(12)) {
    case 0:
      return machine.mmap(time, pid, random.pick([WORKER_PATH, "/lib/other", "//anon", "[vdso]", ""]), {
        start: random.oneIn(4) ? random.below(2 ** 47) : MAPPED,
        length: random.oneIn(4) ? random.below(2 ** 50) : 0x3000,
        pgoff: random.oneIn(4) ? random.below(2 ** 40) : 0,
        misc: random.pick([0, 1, 2, 2, 2, 3, 0x2002]),
      });
    case 1:
      return machine.fork(time, pid, other, 100 + random.below(5));
    case 2:
      return random.oneIn(2) ? machine.exit(time, pid, 100 + random.below(5)) : machine.exec(time, pid, "x");
    case 3:
      return new ByteWriter(24).u32(random.below(80)).u16(0).u16(24).u64(time).u64(random.u64()).bytes();
    case 4:
      return new ByteWriter(8).u32(random.pick([PERF_RECORD.SAMPLE, PERF_RECORD.MMAP2, PERF_RECORD.FORK]))
        .u16(2)
        .u16(random.pick([8, 8, 16, 0, 4, 65528])).bytes();
    default:
      return machine.sample(time, pid, makeSample(random));
  }
}

function makeSample(random: Random): Partial<SampleFields> {
  const address = () =>
    random.pick([
      MAPPED + 0x1000 + random.below(0x600),
      MAPPED + 0x1000 + random.below(0x600),
      STACK + 8 * random.below(40),
      STACK + random.below(400),
      random.below(2 ** 31),
      2 ** 47 - 1 - random.below(4096),
      random.below(2 ** 21) * 2 ** 31,
    ]);
  const ip = random.oneIn(3) ? KERNEL_CODE : MAPPED + 0x1000 + random.below(0x500);
  const registers = random.oneIn(8)
    ? Object.fromEntries(Array.from({ length: 24 }, (_, i) => [i, address()]))
    : { [IP]: MAPPED + 0x1000 + random.below(0x500), [SP]: STACK, [BP]: address() };
  const words = Array.from({ length: random.below(random.oneIn(8) ? 400 : 24) }, address);
  const sample: Partial<SampleFields> = {
    id: random.oneIn(8) ? random.u64() : undefined,
    ip,
    tid: 100 + random.below(4),
    chain: makeChain(random, address),
    mode: random.oneIn(8) ? random.below(8) : undefined,
    abi: random.oneIn(8) ? random.below(4) : 2,
    registers,
    words,
  };
  if (random.oneIn(4)) sample.stack = random.below(2 * 8 * words.length + 1);
  if (random.oneIn(8)) sample.words = undefined;
  return Object.fromEntries(Object.entries(sample).filter(([, value]) => value !== undefined));
}

/** The kernel's callers, and those that it found by frame pointers. */
function makeChain(random: Random, address: () => number): number[] {
  const { KERNEL, USER } = PERF_CONTEXT, kernel = random.oneIn(2) ? [KERNEL, KERNEL_CODE] : [];
  if (random.oneIn(3)) return kernel;
  const code = () => random.oneIn(6) ? address() : MAPPED + 0x1000 + 0x10 * random.below(0x50);
  return [...kernel, USER, ...Array.from({ length: random.below(8) }, code)];
}
