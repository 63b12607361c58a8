import { assertEquals, assertThrows } from "@std/assert";
import { PERF_RECORD, PERF_RECORD_MISC, PERF_SAMPLE } from "../../../lib/base/system/abi.ts";
import { BadInputError } from "../../../lib/base/system/errors.ts";
import { makeAttr } from "../../../lib/events/attr.ts";
import { compileLayout } from "../../../lib/perfdata/format/attr_layout.ts";
import type { RecordCursor } from "../../../lib/perfdata/format/cursor.ts";
import {
  encodeComm,
  encodeFork,
  encodeMmap2,
  encodeRecord,
} from "../../../lib/perfdata/format/record_encoders.ts";
import { decodeComm, decodeMmap2, decodeTask, type Mmap2 } from "../../../lib/perfdata/format/records.ts";
import { TaskRecords } from "../../../lib/perfdata/read/task_records.ts";
import { BUILD_ID, MAP, NAMED } from "../mmap2_fixture.ts";

const LAYOUT = compileLayout(makeAttr({
  sampleType: PERF_SAMPLE.TID | PERF_SAMPLE.TIME | PERF_SAMPLE.CPU | PERF_SAMPLE.IDENTIFIER,
  flags: ["sampleIdAll"],
}));
const encoder = new TextEncoder();
let time = 0n;

/** Returns a trailer that differs from all before it, as times go on. */
function trailer() {
  return { pid: 1, tid: 2, time: ++time, cpu: 4, id: 5n };
}

/** Returns the bytes as the reader's cursor would present them: somewhere in a larger window. */
function cursorOn(bytes: Uint8Array, misc?: number): RecordCursor {
  const u8 = new Uint8Array(bytes.length + 64).fill(0xee);
  u8.set(bytes, 24);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return {
    u8,
    u32: new Uint32Array(u8.buffer),
    pos: 24,
    size: view.getUint16(6, true),
    type: view.getUint32(0, true),
    misc: misc ?? view.getUint16(4, true),
    trailer: LAYOUT.trailer.size,
    fileOffset: 1000,
    event: 0,
    pid: 1,
    tid: 2,
    time: Number(time),
    cpu: 4,
  };
}

const mmap2 = (map: Mmap2, misc?: number) => cursorOn(encodeMmap2(map, LAYOUT, trailer()), misc);

/** Returns a COMM record with exactly these bytes as its name. */
function comm(name: Uint8Array, misc = 0): RecordCursor {
  const padded = new Uint8Array(Math.ceil((name.length + 1) / 8) * 8);
  padded.set(name);
  return cursorOn(
    encodeRecord(PERF_RECORD.COMM, misc, LAYOUT, trailer(), (w) => w.u32(3).u32(4).raw(padded)),
  );
}

/** Maps that differ in what may change from one map of a file to the next, or in what makes it another file. */
const MAPS: [what: string, map: Mmap2][] = [
  ["a map", MAP],
  ["the same file elsewhere", {
    ...MAP,
    pid: 9,
    tid: 10,
    start: 0x5000,
    length: 2 ** 33 + 4096,
    pgoff: 2 ** 35,
  }],
  ["an address in the kernel", { ...MAP, pid: -1, start: -2130706432, pgoff: -2130706432 }],
  ["a longer name", { ...MAP, filename: `${MAP.filename}.1.2.3.4.5.6` }],
  ["a shorter name", { ...MAP, filename: "/usr/lib" }],
  ["no name", { ...MAP, filename: "" }],
  ["another inode", { ...MAP, ino: MAP.ino + 1n }],
  ["an inode that differs in its high half", { ...MAP, ino: MAP.ino + 2n ** 32n }],
  ["another generation of the inode", { ...MAP, inoGeneration: 3n }],
  ["another device", { ...MAP, maj: 9 }],
  ["another part of the device", { ...MAP, min: 2 }],
  ["another protection", { ...MAP, prot: 1 }],
  ["other flags", { ...MAP, flags: 1 }],
  ["a build id", NAMED],
  ["another build id", { ...NAMED, buildId: `ff${BUILD_ID.slice(2)}` }],
  ["a shorter build id", { ...NAMED, buildId: BUILD_ID.slice(0, 32) }],
];

Deno.test("mmap2() says what the plain decoder does, of a file it knows and of one that differs in anything", () => {
  const records = new TaskRecords();
  for (let turn = 0; turn < 3; turn++) {
    for (const [what, map] of MAPS) {
      const c = mmap2(map);
      assertEquals(decodeMmap2(c), map, what);
      assertEquals(records.mmap2(c), map, what);
    }
  }
});

Deno.test("mmap2() takes the same bytes for a build id or for a device as the header says", () => {
  const records = new TaskRecords();
  const { USER, MMAP_BUILD_ID } = PERF_RECORD_MISC;
  for (const misc of [USER, USER | MMAP_BUILD_ID, USER, USER | MMAP_BUILD_ID]) {
    const c = mmap2(NAMED, misc);
    assertEquals(records.mmap2(c), decodeMmap2(c));
    assertEquals(records.mmap2(c).buildId, misc & MMAP_BUILD_ID ? BUILD_ID : undefined);
  }
});

Deno.test("mmap2() and comm() decode two thousand names that differ little, twice", () => {
  const records = new TaskRecords();
  for (let i = 0; i < 4000; i++) {
    const filename = `/tmp/build/${i % 2000}/a.out (deleted)`;
    assertEquals(records.mmap2(mmap2({ ...MAP, filename })).filename, filename);
    assertEquals(records.comm(comm(encoder.encode(`worker/${i % 2000}`))).comm, `worker/${i % 2000}`);
  }
});

Deno.test("comm() gives bytes that are no UTF-8 as the plain decoder does, and has no name for another", () => {
  const records = new TaskRecords();
  const names = [[0xff], [0xfe], [0xff, 0xff], [0xc3, 0xa9], [0xc3], [], [0x61], [0x61, 0, 0x62], [
    0x61,
    0,
    0x63,
  ]];
  for (let turn = 0; turn < 2; turn++) {
    for (const name of names) {
      const c = comm(Uint8Array.from(name));
      assertEquals(records.comm(c), decodeComm(c), `${name}`);
    }
  }
  assertEquals(records.comm(comm(Uint8Array.of(0xc3, 0xa9))).comm, "é");
});

Deno.test("comm() tells an exec by each record's own header", () => {
  const records = new TaskRecords();
  const exec = [false, true, false].map((exec) => {
    return records.comm(cursorOn(encodeComm({ pid: 3, tid: 4, comm: "ls", exec }, LAYOUT, trailer())));
  });
  assertEquals(exec, [false, true, false].map((exec) => ({ pid: 3, tid: 4, comm: "ls", exec })));
});

Deno.test("task() gives the ids of a FORK", () => {
  const ids = { pid: 10, ppid: 11, tid: 12, ptid: -1 };
  const c = cursorOn(encodeFork({ ...ids, time: 123456789012345n }, LAYOUT, trailer()));
  assertEquals(new TaskRecords().task(c), ids);
  assertEquals(decodeTask(c).ptid, -1);
});

Deno.test("a record that is too short for its struct is refused, as the plain decoder refuses it", () => {
  const records = new TaskRecords();
  const short = (type: number, words: number) =>
    cursorOn(encodeRecord(type, 0, LAYOUT, trailer(), (w) => w.zeros(words * 4)));
  for (const words of [0, 2, 8, 14]) {
    assertThrows(
      () => records.mmap2(short(PERF_RECORD.MMAP2, words)),
      BadInputError,
      "MMAP2 record at offset 1000",
    );
  }
  assertThrows(() => records.comm(short(PERF_RECORD.COMM, 0)), BadInputError, "COMM record at offset 1000");
  for (const words of [0, 2, 4]) {
    assertThrows(() => records.task(short(PERF_RECORD.FORK, words)), BadInputError, "FORK or EXIT record");
  }
});
