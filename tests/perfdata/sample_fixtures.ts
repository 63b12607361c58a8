/** Samples with any of the fields that other recorders write, and files of them. */

import { PERF_CONTEXT, PERF_RECORD, PERF_SAMPLE, PERF_SAMPLE_BRANCH } from "../../lib/base/system/abi.ts";
import { addressToBigint } from "../../lib/base/bytes/address.ts";
import { ByteWriter, concat } from "../../lib/base/bytes/bytes.ts";
import type { EventAttr } from "../../lib/events/attr.ts";
import { compileLayout } from "../../lib/perfdata/format/attr_layout.ts";
import { encodeFeatures, type FeatureValues } from "../../lib/perfdata/format/feature_encoders.ts";
import { encodeComm, encodeMmap, encodeMmap2 } from "../../lib/perfdata/format/record_encoders.ts";
import { encodeFileEnd, encodeFileStart } from "../../lib/perfdata/format/writer.ts";

/** Fields of a sample; those that its event does not have are ignored. */
export interface SampleFields {
  /** PERF_RECORD_MISC.*; user mode unless the address is negative. */
  mode?: number;
  id?: bigint;
  ip: number;
  pid?: number;
  tid?: number;
  /** Time in ns; rises from call to call unless given. */
  time?: number;
  period?: number;
  /** Words of READ, as its event's read_format has them. */
  read?: readonly number[];
  /** Addresses and PERF_CONTEXT markers. */
  chain?: readonly number[];
  raw?: number;
  /** Branches, most recent first. */
  branches?: readonly (readonly [from: number, to: number])[];
  /** Bytes of the stack that were copied, of 64 reserved, or of as many as `words` take. */
  stack?: number;
  /** User registers by their numbers in perf's samples; others are 0. */
  registers?: Readonly<Record<number, number>>;
  /** Contents of the stack, from the stack pointer up. */
  words?: readonly (number | bigint)[];
  /** PERF_SAMPLE_REGS_ABI_* of the registers (default: 64 bits). */
  abi?: number;
  /** WEIGHT, and the fields behind it. */
  weight?: number;
}

let clock = 1_000_000_000;

/** Encodes a sample as the kernel writes it (perf_output_sample()). */
export function madeSample(attr: EventAttr, s: SampleFields, littleEndian = true): Uint8Array<ArrayBuffer> {
  const w = new ByteWriter(512, littleEndian), type = attr.sampleType, P = PERF_SAMPLE;
  const put = (bit: number, value: bigint | number) => type & bit ? w.u64(value) : w;
  w.u32(PERF_RECORD.SAMPLE).u16(s.mode ?? (s.ip < 0 ? 1 : 2)).u16(0);
  put(P.IDENTIFIER, s.id ?? 1n);
  put(P.IP, addressToBigint(s.ip));
  if (type & P.TID) w.u32(s.pid ?? 100).u32(s.tid ?? s.pid ?? 100);
  put(P.TIME, s.time ?? (clock += 1000));
  put(P.ADDR, 0);
  put(P.ID, s.id ?? 1n);
  if (type & P.CPU) w.u32(0).u32(0);
  put(P.PERIOD, s.period ?? 1000);
  if (type & P.READ) { for (const word of s.read ?? []) w.u64(word); }
  if (type & P.CALLCHAIN) {
    const chain = s.chain ?? [s.ip < 0 ? PERF_CONTEXT.KERNEL : PERF_CONTEXT.USER, s.ip];
    w.u64(chain.length);
    for (const address of chain) w.u64(addressToBigint(address));
  }
  if (type & P.RAW) w.u32(s.raw ?? 4).zeros(s.raw ?? 4);
  if (type & P.BRANCH_STACK) {
    const branches = s.branches ?? [], what = Number(attr.branchSampleType);
    w.u64(branches.length);
    if (what & PERF_SAMPLE_BRANCH.HW_INDEX) w.u64(0);
    for (const [from, to] of branches) w.u64(addressToBigint(from)).u64(addressToBigint(to)).u64(0);
    if (what & PERF_SAMPLE_BRANCH.COUNTERS) w.zeros(8 * branches.length);
  }
  putCopies(w, attr, s);
  for (const bit of [P.WEIGHT, P.DATA_SRC, P.PHYS_ADDR, P.CGROUP]) put(bit, s.weight ?? 0);
  return w.patchU16(6, w.length).bytes();
}

function putCopies(w: ByteWriter, { sampleType, sampleRegsUser }: EventAttr, s: SampleFields): void {
  const words = s.words ?? new Array(8).fill(0), room = 8 * words.length;
  const copied = s.stack ?? (s.words && room);
  if (sampleType & PERF_SAMPLE.REGS_USER) {
    w.u64(copied === undefined ? 0 : s.abi ?? 2);
    for (let bit = 0; bit < 64 && copied !== undefined; bit++) {
      if ((sampleRegsUser >> BigInt(bit)) & 1n) w.u64(s.registers?.[bit] ?? 0);
    }
  }
  if (!(sampleType & PERF_SAMPLE.STACK_USER)) return;
  w.u64(copied === undefined ? 0 : room);
  if (copied === undefined) return;
  for (const word of words) w.u64(word);
  if (room > 0) w.u64(copied);
}

/** Event of a made-up file. */
export interface MadeEvent {
  attr: EventAttr;
  name: string;
  ids: bigint[];
}

/**
 * Returns a file with these events, of process 100, `worker`, which has /bin/worker mapped at 0x400000, and of a
 * kernel from -0x7f000000 up. Their attrs have no `sampleIdAll`.
 */
export function madeFile(
  events: readonly MadeEvent[],
  records: readonly Uint8Array[],
  features: FeatureValues = {},
): Uint8Array<ArrayBuffer> {
  const layout = compileLayout(events[0].attr);
  const known = [
    encodeMmap({
      pid: -1,
      tid: 0,
      start: -0x7f000000,
      length: 0x1000000,
      pgoff: -0x7f000000,
      filename: "[kernel.kallsyms]_text",
      misc: 1,
    }, layout),
    encodeComm({ pid: 100, tid: 100, comm: "worker", exec: false }, layout),
    encodeMmap2({
      pid: 100,
      tid: 100,
      start: 0x400000,
      length: 0x100000,
      pgoff: 0,
      prot: 5,
      flags: 2,
      filename: "/bin/worker",
    }, layout),
  ];
  const start = encodeFileStart(events.map(({ attr, ids }) => ({ attr, ids })));
  const data = concat([...known, ...records]);
  const end = encodeFileEnd(
    start.dataOffset,
    data.length,
    encodeFeatures({ eventDesc: [...events], ...features }),
  );
  const file = concat([start.bytes, data, end.tail]);
  for (const { offset, bytes } of end.patches) file.set(bytes, offset);
  return file;
}
