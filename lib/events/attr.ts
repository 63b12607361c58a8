/**
 * Encoding and decoding of struct perf_event_attr, which perf_event_open(2) takes and a perf.data file
 * stores for each event. Layout: the kernel's include/uapi/linux/perf_event.h.
 *
 *     u32 type, size; u64 config; u64 sample_period | sample_freq; u64 sample_type; u64 read_format;
 *     u64 flag bits; u32 wakeup_events | wakeup_watermark; u32 bp_type; u64 config1; u64 config2;   (64 + 8)
 *     u64 branch_sample_type; u64 sample_regs_user; u32 sample_stack_user; s32 clockid;
 *     u64 sample_regs_intr; u32 aux_watermark; u16 sample_max_stack; u16; u32 aux_sample_size; u32;
 *     u64 sig_data                                                                                  (128)
 */

import { PERF_ATTR_SIZE, PERF_ATTR_SIZE_VER0, PERF_SAMPLE } from "../base/system/abi.ts";
import { ByteReader, ByteWriter } from "../base/bytes/bytes.ts";
import { BadInputError } from "../base/system/errors.ts";

/** Bit numbers of the one-bit fields of perf_event_attr. `precise_ip` has two bits and is handled separately. */
const FLAG_BITS = {
  disabled: 0,
  inherit: 1,
  pinned: 2,
  exclusive: 3,
  excludeUser: 4,
  excludeKernel: 5,
  excludeHv: 6,
  excludeIdle: 7,
  mmap: 8,
  comm: 9,
  freq: 10,
  inheritStat: 11,
  enableOnExec: 12,
  task: 13,
  watermark: 14,
  mmapData: 17,
  sampleIdAll: 18,
  excludeHost: 19,
  excludeGuest: 20,
  excludeCallchainKernel: 21,
  excludeCallchainUser: 22,
  mmap2: 23,
  commExec: 24,
  useClockid: 25,
  contextSwitch: 26,
  writeBackward: 27,
  namespaces: 28,
  ksymbol: 29,
  bpfEvent: 30,
  auxOutput: 31,
  cgroup: 32,
  textPoke: 33,
  buildId: 34,
  inheritThread: 35,
  removeOnExec: 36,
  sigtrap: 37,
} as const;
const PRECISE_SHIFT = 15n;

/** Name of a one-bit field. */
export type AttrFlag = keyof typeof FLAG_BITS;

/** Decoded perf_event_attr: numbers where 32 bits suffice, bigint for the kernel's 64 bits. */
export interface EventAttr {
  /** Type: PERF_TYPE.* or a dynamic PMU's number. */
  type: number;
  /** Size in bytes of the struct as it was read or will be written. */
  size: number;
  config: bigint;
  config1: bigint;
  config2: bigint;
  /** Period: a sample every so many events, or samples per second with the `freq` flag; 0 = counting only. */
  samplePeriod: bigint;
  /** Fields of samples: PERF_SAMPLE.* bits. */
  sampleType: number;
  /** Fields of reads: PERF_FORMAT.* bits. */
  readFormat: number;
  flags: Set<AttrFlag>;
  /** Precision: 0 (any skid) to 3 (no skid). */
  preciseIp: number;
  /** Records before a wake-up, or bytes with the `watermark` flag. */
  wakeup: number;
  bpType: number;
  branchSampleType: bigint;
  sampleRegsUser: bigint;
  sampleStackUser: number;
  clockid: number;
  sampleRegsIntr: bigint;
  auxWatermark: number;
  sampleMaxStack: number;
  auxSampleSize: number;
  sigData: bigint;
}

/** Builds an attr of zeros, overridden by `fields`. `flags` may be any iterable of names. */
export function makeAttr(
  fields: Partial<Omit<EventAttr, "flags">> & { flags?: Iterable<AttrFlag> } = {},
): EventAttr {
  return {
    type: 0,
    size: PERF_ATTR_SIZE,
    config: 0n,
    config1: 0n,
    config2: 0n,
    samplePeriod: 0n,
    sampleType: 0,
    readFormat: 0,
    preciseIp: 0,
    wakeup: 0,
    bpType: 0,
    branchSampleType: 0n,
    sampleRegsUser: 0n,
    sampleStackUser: 0,
    clockid: 0,
    sampleRegsIntr: 0n,
    auxWatermark: 0,
    sampleMaxStack: 0,
    auxSampleSize: 0,
    sigData: 0n,
    ...fields,
    flags: new Set(fields.flags ?? []),
  };
}

/** Encodes an attr as PERF_ATTR_SIZE bytes; its `size` field is PERF_ATTR_SIZE whatever `attr.size` says. */
export function encodeAttr(attr: EventAttr, littleEndian = true): Uint8Array<ArrayBuffer> {
  let bits = BigInt(attr.preciseIp & 3) << PRECISE_SHIFT;
  for (const flag of attr.flags) bits |= 1n << BigInt(FLAG_BITS[flag]);
  return new ByteWriter(PERF_ATTR_SIZE, littleEndian)
    .u32(attr.type).u32(PERF_ATTR_SIZE)
    .u64(attr.config).u64(attr.samplePeriod)
    .u64(attr.sampleType >>> 0).u64(attr.readFormat >>> 0)
    .u64(bits)
    .u32(attr.wakeup).u32(attr.bpType)
    .u64(attr.config1).u64(attr.config2)
    .u64(attr.branchSampleType).u64(attr.sampleRegsUser)
    .u32(attr.sampleStackUser).i32(attr.clockid)
    .u64(attr.sampleRegsIntr)
    .u32(attr.auxWatermark).u16(attr.sampleMaxStack).u16(0)
    .u32(attr.auxSampleSize).u32(0)
    .u64(attr.sigData)
    .bytes();
}

/** Returns a field that is followed by a reserved one. */
const first = (field: number, _reserved: number) => field;

/**
 * Decodes the attr at the start of `bytes`, which ends where its room ends. Older and newer sizes are accepted: fields
 * beyond the struct are zero, bytes beyond the known fields are ignored. Throws BadInputError for an impossible size.
 */
export function decodeAttr(bytes: Uint8Array, littleEndian = true, origin = 0): EventAttr {
  const head = new ByteReader(bytes, littleEndian, "an event's attr", origin);
  const type = head.u32();
  const size = head.u32() || PERF_ATTR_SIZE_VER0; // 0 is what the first kernels wrote
  if (size < PERF_ATTR_SIZE_VER0 || size > bytes.length) {
    throw new BadInputError(
      `an event's attr at offset ${origin} has an impossible size ${size}; expected ${PERF_ATTR_SIZE_VER0} to ${bytes.length}`,
      origin,
    );
  }
  const whole = new Uint8Array(PERF_ATTR_SIZE);
  whole.set(bytes.subarray(0, Math.min(size, PERF_ATTR_SIZE)));
  const r = new ByteReader(whole, littleEndian, "an event's attr", origin);
  r.take(8);
  const config = r.u64();
  const samplePeriod = r.u64();
  const sampleType = Number(BigInt.asUintN(32, r.u64()));
  const readFormat = Number(BigInt.asUintN(32, r.u64()));
  const bits = r.u64();
  const flags = new Set<AttrFlag>();
  for (const [flag, bit] of Object.entries(FLAG_BITS) as [AttrFlag, number][]) {
    if ((bits >> BigInt(bit)) & 1n) flags.add(flag);
  }
  return {
    type,
    size,
    config,
    samplePeriod,
    sampleType,
    readFormat,
    flags,
    preciseIp: Number((bits >> PRECISE_SHIFT) & 3n),
    wakeup: r.u32(),
    bpType: r.u32(),
    config1: r.u64(),
    config2: r.u64(),
    branchSampleType: r.u64(),
    sampleRegsUser: r.u64(),
    sampleStackUser: r.u32(),
    clockid: r.i32(),
    sampleRegsIntr: r.u64(),
    auxWatermark: r.u32(),
    sampleMaxStack: first(r.u16(), r.u16()),
    auxSampleSize: first(r.u32(), r.u32()),
    sigData: r.u64(),
  };
}

/** Formats how an event is sampled: `5000 Hz`, `every 100000`, or that it is read with its group's leader. */
export function rateText(attr: EventAttr): string {
  if (attr.samplePeriod === 0n && attr.sampleType & PERF_SAMPLE.READ) return "read at its leader's samples";
  return attr.flags.has("freq") ? `${attr.samplePeriod} Hz` : `every ${attr.samplePeriod}`;
}

/** Returns the remedy for too many samples, given the `rateText()`s of the events: `less often (-F)`. */
export function lowerRateHint(rates: readonly string[]): string {
  const counted = rates.some((rate) => rate.startsWith("every "));
  const rated = !counted || rates.some((rate) => rate.endsWith(" Hz"));
  return `less often (${[...rated ? ["-F"] : [], ...counted ? ["a larger -c"] : []].join(", ")})`;
}
