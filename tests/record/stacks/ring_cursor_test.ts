import { assertEquals } from "@std/assert";
import { ByteWriter } from "../../../lib/base/bytes/bytes.ts";
import { PERF_RECORD } from "../../../lib/base/system/abi.ts";
import { RingCursor } from "../../../lib/record/stacks/ring_cursor.ts";
import { MadeRing } from "./made_rings.ts";

const PLACES = { sampleTimeAt: 16, recordTimeBack: 8 };

/** A record of `size` bytes with this time where PLACES has it, if it fits, and filled with a pattern of its own. */
function record(type: number, time: number, size = 40): Uint8Array {
  const w = new ByteWriter(size).u32(type).u16(0x4002).u16(size);
  for (let i = 8; i < size; i++) w.u8((time + i) & 0xff);
  const bytes = w.bytes(), view = new DataView(bytes.buffer);
  const at = type === PERF_RECORD.SAMPLE ? 16 : size - 8;
  if (at >= 8 && at + 8 <= size) view.setBigUint64(at, BigInt(time), true);
  return bytes;
}

const sample = (time: number, size?: number) => record(PERF_RECORD.SAMPLE, time, size);

/** All records from the cursor's on. */
function all(cursor: RingCursor) {
  const found = [];
  for (; cursor.size > 0; cursor.next()) {
    const { type, misc, time, at, size, u8, u32, view } = cursor;
    const bytes = u8.slice(at, at + size);
    // the three views are of the same bytes
    assertEquals(new Uint8Array(u32.slice(at >>> 2, (at + size) >>> 2).buffer), bytes);
    assertEquals(view.getUint16(at + 6, true), size);
    found.push({ type, misc, time, bytes });
  }
  assertEquals(cursor.time, Infinity);
  return found;
}

Deno.test("RingCursor reads record after record, each with its time", () => {
  const ring = new MadeRing(), cursor = new RingCursor(PLACES);
  const records = [sample(5, 64), record(PERF_RECORD.MMAP2, 7, 88), sample(2 ** 45 + 1)];
  ring.put(...records);
  cursor.begin(ring);
  const found = all(cursor);
  assertEquals(found.map(({ bytes }) => bytes), records);
  assertEquals(found.map(({ type, misc, time }) => [type, misc, time]), [
    [PERF_RECORD.SAMPLE, 0x4002, 5],
    [PERF_RECORD.MMAP2, 0x4002, 7],
    [PERF_RECORD.SAMPLE, 0x4002, 2 ** 45 + 1],
  ]);
  assertEquals([cursor.position, cursor.isBroken], [ring.head, false]);
});

Deno.test("RingCursor gives a record without a time that of the record before it", () => {
  const ring = new MadeRing(), nowhere = new RingCursor({ sampleTimeAt: -1, recordTimeBack: 0 });
  ring.put(
    sample(5),
    record(PERF_RECORD.COMM, 7),
    record(PERF_RECORD.COMM, 9, 8),
    sample(10, 16),
    sample(11),
  );
  nowhere.begin(ring);
  assertEquals(all(nowhere).map(({ time }) => time), [0, 0, 0, 0, 0]);
  const cursor = new RingCursor(PLACES);
  cursor.begin(ring);
  assertEquals(all(cursor).map(({ time }) => time), [5, 7, 7, 7, 11]);
});

Deno.test("RingCursor reads a record that wraps around the end of the ring at any word", () => {
  for (const high of [0, 2 ** 32 - 4096, 2 ** 32, 2 ** 44]) {
    for (let before = 0; before <= 88; before += 8) {
      const ring = new MadeRing(4096, high + 3 * 4096 - before), cursor = new RingCursor(PLACES);
      const records = [record(PERF_RECORD.MMAP2, 1000, 88), sample(2000), record(PERF_RECORD.EXIT, 3000)];
      ring.put(...records);
      cursor.begin(ring);
      const found = all(cursor);
      assertEquals(found.map(({ bytes }) => bytes), records, `${before} bytes before the end, above ${high}`);
      assertEquals(found.map(({ time }) => time), [1000, 2000, 3000]);
    }
  }
});

Deno.test("RingCursor reads the largest record there is, whole and wrapped around", () => {
  for (const start of [0, 8, (1 << 17) - 8, (1 << 17) - 32_000]) {
    const ring = new MadeRing(1 << 17, start), cursor = new RingCursor(PLACES);
    const records = [sample(1, 65528), sample(2, 65528)];
    ring.put(...records);
    cursor.begin(ring);
    assertEquals(all(cursor).map(({ bytes }) => bytes), records);
  }
});

Deno.test("RingCursor goes on with what has come since, in other memory, and where another drain has stopped", () => {
  const ring = new MadeRing(4096), cursor = new RingCursor(PLACES);
  ring.put(sample(1), sample(2));
  cursor.begin(ring);
  assertEquals(all(cursor).length, 2);
  cursor.begin(ring);
  assertEquals(all(cursor), []);
  ring.put(sample(3));
  const again = new MadeRing(4096);
  new Uint8Array(again.memory).set(new Uint8Array(ring.memory));
  again.head = ring.head;
  cursor.begin(again);
  assertEquals(all(cursor).map(({ time }) => time), [3]);
  again.put(sample(4), sample(5));
  again.tail = again.head - 40;
  cursor.begin(again);
  assertEquals(all(cursor).map(({ time }) => time), [5]);
});

Deno.test("RingCursor ends at a header that is none, and reads nothing behind it", () => {
  for (const size of [0, 4, 7, 12, 41, 48, 65535]) {
    const ring = new MadeRing(4096), cursor = new RingCursor(PLACES);
    const broken = sample(3);
    new DataView(broken.buffer).setUint16(6, size, true);
    ring.put(sample(1), sample(2), broken);
    cursor.begin(ring);
    assertEquals(all(cursor).map(({ time }) => time), [1, 2], `a size of ${size}`);
    assertEquals([cursor.isBroken, cursor.position], [true, 80]);
    ring.put(sample(4));
    cursor.begin(ring);
    assertEquals(all(cursor), []);
    assertEquals([cursor.isBroken, cursor.position], [true, 80]);
  }
});

Deno.test("RingCursor ends at positions that no record has", () => {
  const cut = new MadeRing(4096), cursor = new RingCursor(PLACES);
  cut.put(sample(1));
  cut.head += 4;
  cursor.begin(cut);
  assertEquals([all(cursor).length, cursor.isBroken], [1, true]);
  for (const start of [4, 4094]) {
    const odd = new MadeRing(4096, start), cursor = new RingCursor(PLACES);
    odd.put(sample(1));
    cursor.begin(odd);
    assertEquals([all(cursor).length, cursor.isBroken], [0, true]);
  }
});
