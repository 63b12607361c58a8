import { assertEquals, assertThrows } from "@std/assert";
import { PERF_RECORD, PERF_RECORD_MISC, PERF_SAMPLE } from "../../../lib/base/system/abi.ts";
import { addressFromBigint } from "../../../lib/base/bytes/address.ts";
import { ByteWriter } from "../../../lib/base/bytes/bytes.ts";
import { BadInputError } from "../../../lib/base/system/errors.ts";
import { makeAttr } from "../../../lib/events/attr.ts";
import { compileLayout } from "../../../lib/perfdata/format/attr_layout.ts";
import {
  encodeComm,
  encodeFork,
  encodeKsymbol,
  encodeMmap,
  encodeMmap2,
  encodeRecord,
} from "../../../lib/perfdata/format/record_encoders.ts";
import * as decode from "../../../lib/perfdata/format/records.ts";
import { MAP, NAMED } from "../mmap2_fixture.ts";
import { encodeExit } from "../exit_record.ts";

const LAYOUT = compileLayout(makeAttr({
  sampleType: PERF_SAMPLE.TID | PERF_SAMPLE.TIME | PERF_SAMPLE.CPU | PERF_SAMPLE.IDENTIFIER,
  flags: ["sampleIdAll"],
}));
const TRAILER = { pid: 1, tid: 2, time: 3n, cpu: 4, id: 5n };
const KERNEL = addressFromBigint(0xffffffff81000000n);

/** Returns the bytes as the reader's cursor would present them: at an odd place in a larger buffer. */
function cursorOn(bytes: Uint8Array): decode.RecordBytes {
  const u8 = new Uint8Array(bytes.length + 64);
  u8.set(bytes, 16);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return {
    u8,
    pos: 16,
    size: view.getUint16(6, true),
    misc: view.getUint16(4, true),
    trailer: LAYOUT.trailer.size,
    fileOffset: 1000,
  };
}

/** Returns a record with the body that `body` writes, and a trailer. */
function other(type: number, body: (w: ByteWriter) => void, misc = 0): decode.RecordBytes {
  return cursorOn(encodeRecord(type, misc, LAYOUT, TRAILER, body));
}

Deno.test("MMAP comes back as it was encoded", () => {
  const map = {
    pid: -1,
    tid: 0,
    start: KERNEL,
    length: 0x1200000,
    pgoff: KERNEL,
    filename: "[kernel.kallsyms]_text",
  };
  const bytes = encodeMmap({ ...map, misc: PERF_RECORD_MISC.KERNEL }, LAYOUT, TRAILER);
  assertEquals(bytes.length % 8, 0);
  assertEquals(decode.decodeMmap(cursorOn(bytes)), map);
  assertEquals(cursorOn(bytes).misc, PERF_RECORD_MISC.KERNEL);
});

Deno.test("MMAP2 with a device where its header promises a build id comes back with the device", () => {
  const map = {
    pid: 7,
    tid: 8,
    start: 0x1000,
    length: 0x2000,
    pgoff: 0,
    prot: 5,
    flags: 2,
    filename: "/bin/a",
  };
  for (const [maj, inoGeneration] of [[254, 0n], [8, 3198809627n]] as const) {
    const bytes = encodeMmap2({ ...map, maj, min: 1, ino: 99n, inoGeneration }, LAYOUT, TRAILER);
    const record = { ...cursorOn(bytes), misc: PERF_RECORD_MISC.USER | PERF_RECORD_MISC.MMAP_BUILD_ID };
    const decoded = decode.decodeMmap2(record);
    assertEquals([decoded.maj, decoded.min, decoded.ino, decoded.buildId], [maj, 1, 99n, undefined]);
  }
});

Deno.test("MMAP2 comes back as it was encoded, with an inode or with a build id", () => {
  assertEquals(decode.decodeMmap2(cursorOn(encodeMmap2(MAP, LAYOUT, TRAILER))), MAP);
  const cursor = cursorOn(encodeMmap2(NAMED, LAYOUT, TRAILER));
  assertEquals(cursor.misc & PERF_RECORD_MISC.MMAP_BUILD_ID, PERF_RECORD_MISC.MMAP_BUILD_ID);
  assertEquals(decode.decodeMmap2(cursor), NAMED);
});

Deno.test("COMM, FORK, EXIT and KSYMBOL come back as they were encoded", () => {
  for (const exec of [false, true]) {
    // 7 and 8 bytes: just short of and just over a boundary with the NUL
    for (const comm of ["a", "sevench", "eightchr"]) {
      const row = { pid: 1, tid: 2, comm, exec };
      assertEquals(decode.decodeComm(cursorOn(encodeComm(row, LAYOUT, TRAILER))), row);
    }
  }
  const task = { pid: 10, ppid: 11, tid: 12, ptid: 13, time: 123456789012345n };
  assertEquals(decode.decodeTask(cursorOn(encodeFork(task, LAYOUT, TRAILER))), task);
  assertEquals(decode.decodeTask(cursorOn(encodeExit(task, LAYOUT, TRAILER))), task);
  const symbol = { address: KERNEL, length: 64, ksymType: 1, flags: 1, name: "bpf_prog_x" };
  assertEquals(decode.decodeKsymbol(cursorOn(encodeKsymbol(symbol, LAYOUT, TRAILER))), symbol);
});

Deno.test("a record has the trailer of its layout, and none without one", () => {
  const bytes = encodeComm({ pid: 9, tid: 9, comm: "x", exec: false }, LAYOUT, TRAILER);
  const view = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 32, 32);
  assertEquals([view.getInt32(0, true), view.getInt32(4, true)], [1, 2]);
  assertEquals(view.getBigUint64(8, true), 3n);
  assertEquals(view.getUint32(16, true), 4);
  assertEquals(view.getBigUint64(24, true), 5n);
  const bare = encodeComm({ pid: 9, tid: 9, comm: "x", exec: false }, compileLayout(makeAttr()));
  assertEquals(bare.length, 8 + 8 + 8);
});

Deno.test("records of losses are decoded by the kernel's layouts", () => {
  const R = PERF_RECORD;
  assertEquals(decode.decodeLost(other(R.LOST, (w) => w.u64(5n).u64(77))), { id: 5n, lost: 77 });
  assertEquals(decode.decodeLostSamples(other(R.LOST_SAMPLES, (w) => w.u64(6))), 6);
  assertEquals(decode.decodeThrottle(other(R.THROTTLE, (w) => w.u64(1).u64(2).u64(3))), {
    time: 1n,
    id: 2n,
    streamId: 3n,
  });
});

Deno.test("a record that is too short for its struct is refused with its place", () => {
  const short = other(PERF_RECORD.MMAP2, (w) => w.u64(1));
  const error = assertThrows(() => decode.decodeMmap2(short), BadInputError, "MMAP2 record at offset 1000");
  assertEquals(error instanceof BadInputError, true);
});
