/**
 * Handmade perf.data as perf up to Linux 3.2 wrote it: another magic, no event descriptions, and the kernel's own
 * ids.
 */

import { PERF_RECORD, PERF_SAMPLE } from "../../lib/base/system/abi.ts";
import { ByteWriter, concat, toCString } from "../../lib/base/bytes/bytes.ts";

/** Differences between versions of perf, and between machines. */
export interface OldForm {
  magic?: "PERFFILE" | "PERFILE2";
  littleEndian?: boolean;
  /** Size of the header; 72 is without the bitmap of features. */
  headerSize?: 72 | 104;
  /** Size of the `unsigned long` that the bitmap is made of. */
  wordBits?: 32 | 64;
  /** True for build id records with a pid; before Linux 2.6.35 they had none. */
  buildIdPid?: boolean;
  /**
   * True to make the first event a hardware event, for perf, which refuses a tracepoint with an incomplete
   * description.
   */
  hardware?: boolean;
}

const ATTR_SIZE = 72;
const BUILD_ID = 2;
/** Number of the tracepoint, which the names of events refer to. */
const TRACEPOINT = 317n;
const SAMPLE_TYPE = PERF_SAMPLE.IP | PERF_SAMPLE.TID | PERF_SAMPLE.TIME | PERF_SAMPLE.ID;
export const KERNEL_ID = "c0ffee".padEnd(40, "0");

/**
 * Returns a file with the events `sched:sched_switch` and `cycles`, three samples of the first and one of the second.
 */
export function oldFile(form: OldForm = {}): Uint8Array<ArrayBuffer> {
  const { magic = "PERFFILE", littleEndian = true, headerSize = 104 } = form;
  const writer = () => new ByteWriter(1024, littleEndian);
  const idsAt = headerSize, attrsAt = idsAt + 2 * 8;
  const typesAt = attrsAt + 2 * (ATTR_SIZE + 16), dataAt = typesAt + 2 * 72;
  const data = oldRecords(writer);
  const types = writer();
  for (const [config, name] of [[TRACEPOINT, "sched:sched_switch"], [0n, "cycles"]] as const) {
    const bytes = toCString(name);
    types.u64(config).raw(bytes).zeros(64 - bytes.length);
  }
  const head = writer().raw(new TextEncoder().encode(magic)).u64(headerSize).u64(ATTR_SIZE + 16)
    .u64(attrsAt).u64(2 * (ATTR_SIZE + 16)).u64(dataAt).u64(data.length).u64(typesAt).u64(2 * 72);
  if (headerSize === 104) head.raw(featureBits(form)).zeros(24);
  head.u64(7).u64(8).raw(form.hardware ? attr(writer(), 0, 1n, idsAt) : attr(writer(), 2, TRACEPOINT, idsAt))
    .raw(attr(writer(), 0, 0n, idsAt + 8)).raw(
      types.bytes(),
    );
  if (headerSize === 72) return concat([head.bytes(), data]);
  const section = buildIds(writer(), form.buildIdPid ?? false);
  const tableAt = dataAt + data.length;
  return concat([head.bytes(), data, writer().u64(tableAt + 16).u64(section.length).bytes(), section]);
}

/** Returns the first 64 bits of the bitmap, as the C code of that machine has them in memory. */
function featureBits({ littleEndian = true, wordBits = 64 }: OldForm): Uint8Array {
  const w = new ByteWriter(8, littleEndian);
  return wordBits === 64 ? w.u64(1 << BUILD_ID).bytes() : w.u32(1 << BUILD_ID).u32(0).bytes();
}

/** Writes a struct perf_file_attr of an event with one id. */
function attr(w: ByteWriter, type: number, config: bigint, idsAt: number): Uint8Array {
  return w.u32(type).u32(ATTR_SIZE).u64(config).u64(1000).u64(SAMPLE_TYPE).u64(4).u64(0)
    .zeros(ATTR_SIZE - 48).u64(idsAt).u64(8).bytes();
}

function buildIds(w: ByteWriter, pid: boolean): Uint8Array {
  const kernel = toCString("[kernel.kallsyms]"),
    id = Uint8Array.from(KERNEL_ID.match(/../g)!, (hex) => parseInt(hex, 16));
  w.u32(0).u16(1).u16(8 + (pid ? 4 : 0) + 24 + 64);
  if (pid) w.i32(-1);
  return w.raw(id).zeros(4).raw(kernel).zeros(64 - kernel.length).bytes();
}

function oldRecords(writer: () => ByteWriter): Uint8Array {
  const comm = writer().u32(PERF_RECORD.COMM).u16(0).u16(8 + 8 + 16).u32(55).u32(55);
  const name = toCString("worker");
  comm.raw(name).zeros(16 - name.length);
  const sample = (id: number, time: number) =>
    writer().u32(PERF_RECORD.SAMPLE).u16(2).u16(8 + 32).u64(0x400000 + time).u32(55).u32(55).u64(
      1_000_000 + time,
    )
      .u64(id).bytes();
  return concat([comm.bytes(), sample(7, 1), sample(8, 2), sample(7, 3), sample(7, 4)]);
}
