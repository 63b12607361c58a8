/**
 * Encoders of the records that a recorder synthesizes, the inverse of the decoders in records.ts, which has the C
 * layouts. All are little-endian, like every machine that this recorder runs on.
 */

import { PERF_RECORD, PERF_RECORD_MISC } from "../../base/system/abi.ts";
import { addressToBigint } from "../../base/bytes/address.ts";
import { ByteWriter } from "../../base/bytes/bytes.ts";
import type { AttrLayout } from "./attr_layout.ts";
import { bytesOfHex } from "./feature_encoders.ts";
import type { Comm, Ksymbol, Mmap, Mmap2, Task } from "./records.ts";

/** Values of the sample_id trailer. Those that the layout lacks are not written. */
export interface TrailerValues {
  pid?: number;
  tid?: number;
  /** Time in ns of the recording's clock; 0 sorts the record before all samples. */
  time?: bigint;
  cpu?: number;
  /** Event id; 0 stands for the first event. */
  id?: bigint;
  streamId?: bigint;
}

/** Fields of an MMAP record; `misc` gives the CPU mode, PERF_RECORD_MISC.USER by default. */
export type MmapFields = Mmap & { misc?: number };
/** Fields of an MMAP2 record. With a `buildId` the record has the build id form, otherwise the inode form. */
export type Mmap2Fields =
  & Mmap
  & Pick<Mmap2, "prot" | "flags">
  & Partial<Pick<Mmap2, "maj" | "min" | "ino" | "inoGeneration" | "buildId">>
  & { misc?: number };

/** Encodes a PERF_RECORD_MMAP. */
export function encodeMmap(map: MmapFields, layout: AttrLayout, trailer: TrailerValues = {}): Uint8Array {
  return encodeRecord(PERF_RECORD.MMAP, map.misc ?? PERF_RECORD_MISC.USER, layout, trailer, (w) => {
    mapping(w, map).paddedString(map.filename);
  });
}

/** Encodes a PERF_RECORD_MMAP2. `buildId` is in hex, at most 40 digits. */
export function encodeMmap2(map: Mmap2Fields, layout: AttrLayout, trailer: TrailerValues = {}): Uint8Array {
  const form = map.buildId === undefined ? 0 : PERF_RECORD_MISC.MMAP_BUILD_ID;
  return encodeRecord(PERF_RECORD.MMAP2, (map.misc ?? PERF_RECORD_MISC.USER) | form, layout, trailer, (w) => {
    mapping(w, map);
    if (map.buildId === undefined) {
      w.u32(map.maj ?? 0).u32(map.min ?? 0).u64(map.ino ?? 0n).u64(map.inoGeneration ?? 0n);
    } else {
      const id = bytesOfHex(map.buildId, 20);
      w.u8(id.length).zeros(3).raw(id).zeros(20 - id.length);
    }
    w.u32(map.prot).u32(map.flags).paddedString(map.filename);
  });
}

function mapping(w: ByteWriter, map: Mmap): ByteWriter {
  return w.i32(map.pid).i32(map.tid).u64(addressToBigint(map.start)).u64(map.length).u64(
    addressToBigint(map.pgoff),
  );
}

/** Encodes a PERF_RECORD_COMM. */
export function encodeComm(comm: Comm, layout: AttrLayout, trailer: TrailerValues = {}): Uint8Array {
  const misc = comm.exec ? PERF_RECORD_MISC.COMM_EXEC : 0;
  return encodeRecord(PERF_RECORD.COMM, misc, layout, trailer, (w) => {
    w.i32(comm.pid).i32(comm.tid).paddedString(comm.comm);
  });
}

/**
 * Encodes a PERF_RECORD_FORK. With `ownMaps` it is marked as perf marks processes that it found running
 * (PERF_RECORD_MISC_FORK_EXEC): their maps come in records of their own rather than from the parent.
 */
export function encodeFork(
  task: Task,
  layout: AttrLayout,
  trailer: TrailerValues = {},
  ownMaps = false,
): Uint8Array {
  const misc = ownMaps ? PERF_RECORD_MISC.FORK_EXEC : 0;
  return encodeRecord(PERF_RECORD.FORK, misc, layout, trailer, (w) => {
    w.i32(task.pid).i32(task.ppid).i32(task.tid).i32(task.ptid).u64(task.time);
  });
}

/** Encodes a PERF_RECORD_LOST_SAMPLES. */
export function encodeLostSamples(lost: bigint, layout: AttrLayout, trailer: TrailerValues = {}): Uint8Array {
  return encodeRecord(PERF_RECORD.LOST_SAMPLES, 0, layout, trailer, (w) => {
    w.u64(lost);
  });
}

/** Encodes a PERF_RECORD_KSYMBOL. */
export function encodeKsymbol(symbol: Ksymbol, layout: AttrLayout, trailer: TrailerValues = {}): Uint8Array {
  return encodeRecord(PERF_RECORD.KSYMBOL, 0, layout, trailer, (w) => {
    w.u64(addressToBigint(symbol.address)).u32(symbol.length).u16(symbol.ksymType).u16(symbol.flags);
    w.paddedString(symbol.name);
  });
}

/** Encodes a record: header, the bytes that `body` writes, then the trailer that `layout` requires. */
export function encodeRecord(
  type: number,
  misc: number,
  layout: AttrLayout,
  trailer: TrailerValues,
  body: (w: ByteWriter) => void,
): Uint8Array {
  const w = new ByteWriter(128);
  w.u32(type).u16(misc).u16(0);
  body(w);
  const { tid, time, id, streamId, cpu, identifier } = layout.trailer;
  if (tid) w.i32(trailer.pid ?? 0).i32(trailer.tid ?? 0);
  if (time) w.u64(trailer.time ?? 0n);
  if (id) w.u64(trailer.id ?? 0n);
  if (streamId) w.u64(trailer.streamId ?? 0n);
  if (cpu) w.u32(trailer.cpu ?? 0).u32(0);
  if (identifier) w.u64(trailer.id ?? 0n);
  w.patchU16(6, w.length); // perf_event_header.size
  return w.bytes();
}
