import { assertEquals, assertThrows } from "@std/assert";
import { PERF_FORMAT, PERF_RECORD, PERF_SAMPLE } from "../../../lib/base/system/abi.ts";
import { MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { ByteWriter } from "../../../lib/base/bytes/bytes.ts";
import { BadInputError } from "../../../lib/base/system/errors.ts";
import { type AttrFlag, makeAttr } from "../../../lib/events/attr.ts";
import { LastCounts } from "../../../lib/perfdata/format/group_read.ts";
import { PerfDataReader } from "../../../lib/perfdata/read/reader.ts";
import { encodeFileStart } from "../../../lib/perfdata/format/writer.ts";

Deno.test("LastCounts.advance() gives how far a count has come, by id and thread", () => {
  const counts = new LastCounts();
  assertEquals(counts.advance(7, 0, 1, 100, 0), 100);
  assertEquals(counts.advance(7, 0, 1, 130, 0), 30);
  assertEquals(counts.advance(7, 0, 2, 5, 0), 5);
  assertEquals(counts.advance(7, 1, 1, 6, 0), 6);
  assertEquals(counts.advance(7, 0, 1, 130, 0), 0);
});

Deno.test("LastCounts.advance() crosses 32 bits, and gives 0 for a count that went back and for id 0", () => {
  const counts = new LastCounts();
  assertEquals(counts.advance(1, 0, -1, 0xfffffff0 | 0, 2), 2 * 2 ** 32 + 0xfffffff0);
  assertEquals(counts.advance(1, 0, -1, 0x10, 3), 0x20);
  assertEquals(counts.advance(1, 0, -1, 0, 0), 0);
  assertEquals(counts.advance(0, 0, -1, 50, 0), 0);
});

Deno.test("LastCounts keeps thousands apart", () => {
  const counts = new LastCounts();
  for (let i = 1; i <= 5000; i++) assertEquals(counts.advance(i, i % 3, i % 7, i, 0), i);
  for (let i = 1; i <= 5000; i++) assertEquals(counts.advance(i, i % 3, i % 7, i + 2, 0), 2);
});

const { IDENTIFIER, IP, TID, TIME, READ, PERIOD, CALLCHAIN } = PERF_SAMPLE;
const { GROUP, ID, LOST, TOTAL_TIME_ENABLED, TOTAL_TIME_RUNNING } = PERF_FORMAT;

interface Count {
  id: bigint;
  value: bigint;
}

/** Returns a file of two events, the leader with id 11 and a member with id 12, and these samples. */
function file(
  options: { readFormat: number; flags?: AttrFlag[]; chain?: boolean },
  samples: { tid: number; counts: Count[]; claimed?: number }[],
): Uint8Array {
  const { readFormat, flags = [], chain = false } = options;
  const sampleType = IDENTIFIER | IP | TID | TIME | READ | PERIOD | (chain ? CALLCHAIN : 0);
  const attr = makeAttr({
    type: 1,
    sampleType,
    readFormat,
    samplePeriod: 9n,
    flags: ["sampleIdAll", ...flags],
  });
  const w = new ByteWriter();
  w.raw(encodeFileStart([{ attr, ids: [11n] }, { attr: { ...attr, config: 2n }, ids: [12n] }]).bytes);
  samples.forEach(({ tid, counts, claimed }, i) => {
    const at = w.length;
    w.u32(PERF_RECORD.SAMPLE).u16(2).u16(0);
    w.u64(11n).u64(0x400000n).u32(tid).u32(tid).u64(BigInt(1000 + i)).u64(9n);
    const times = (readFormat & TOTAL_TIME_ENABLED ? 1 : 0) + (readFormat & TOTAL_TIME_RUNNING ? 1 : 0);
    if (readFormat & GROUP) {
      w.u64(BigInt(claimed ?? counts.length)).zeros(8 * times);
      for (const { id, value } of counts) w.u64(value).u64(id).zeros(readFormat & LOST ? 8 : 0);
    } else {
      w.u64(counts[0].value).zeros(8 * times);
      if (readFormat & ID) w.u64(counts[0].id);
      w.zeros(readFormat & LOST ? 8 : 0);
    }
    if (chain) w.u64(1n).u64(0x400000n);
    w.patchU16(at + 6, w.length - at);
  });
  return w.bytes();
}

/** Reads event, thread, period and chain length of each sample. */
async function read(bytes: Uint8Array): Promise<[number, number, number, number][]> {
  const reader = new PerfDataReader(new MemoryBytes(bytes));
  await reader.open();
  const rows: [number, number, number, number][] = [];
  const stats = reader.read({ sample: (c) => rows.push([c.event, c.tid, c.period, c.chainLength]) });
  assertEquals(stats.samples, rows.length);
  return rows;
}

const counts = (
  leader: bigint,
  member: bigint,
): Count[] => [{ id: 11n, value: leader }, { id: 12n, value: member }];

for (const extra of [0, LOST, TOTAL_TIME_ENABLED | TOTAL_TIME_RUNNING | LOST]) {
  for (const chain of [false, true]) {
    Deno.test(`reader() makes samples of each event of a group's counts (read_format +${extra}, chain ${chain})`, async () => {
      const bytes = file({ readFormat: GROUP | ID | extra, chain }, [
        { tid: 5, counts: counts(100n, 3n) },
        { tid: 6, counts: counts(150n, 3n) },
        { tid: 5, counts: counts(300n, 10n) },
      ]);
      const length = chain ? 1 : 0;
      assertEquals(await read(bytes), [
        [0, 5, 100, length],
        [1, 5, 3, length],
        [0, 6, 50, length],
        [0, 5, 150, length],
        [1, 5, 7, length],
      ]);
    });
  }
}

Deno.test("reader() takes the counts of an event that is inherited as each thread's own", async () => {
  const bytes = file({ readFormat: GROUP | ID, flags: ["inherit"] }, [
    { tid: 5, counts: counts(100n, 3n) },
    { tid: 6, counts: counts(40n, 1n) },
    { tid: 5, counts: counts(110n, 3n) },
  ]);
  assertEquals((await read(bytes)).map((row) => row.slice(0, 3)), [
    [0, 5, 100],
    [1, 5, 3],
    [0, 6, 40],
    [1, 6, 1],
    [0, 5, 10],
  ]);
});

Deno.test("reader() takes a single count with its id, and leaves samples without ids as they are", async () => {
  const samples = [{ tid: 5, counts: counts(70n, 0n) }, { tid: 5, counts: counts(100n, 0n) }];
  assertEquals((await read(file({ readFormat: ID }, samples))).map((row) => row[2]), [70, 30]);
  assertEquals((await read(file({ readFormat: TOTAL_TIME_ENABLED | ID | LOST }, samples))).map((r) => r[2]), [
    70,
    30,
  ]);
  assertEquals((await read(file({ readFormat: GROUP }, samples))).map((row) => row[2]), [9, 9]);
});

Deno.test("reader() refuses a group that claims more counts than its sample holds", async () => {
  for (const claimed of [4, 0xffffffff]) {
    const bytes = file({ readFormat: GROUP | ID }, [{ tid: 5, counts: counts(1n, 1n), claimed }]);
    const reader = new PerfDataReader(new MemoryBytes(bytes));
    await reader.open();
    assertThrows(() => reader.read({ sample() {} }), BadInputError, "does not hold the fields");
  }
});
