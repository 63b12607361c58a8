/** Bounds on the cost of compressed records, with made-up recordings in which a few bytes unpack to very many. */

import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { PERF_RECORD_USER } from "../../../lib/base/system/abi.ts";
import { MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { ByteWriter, concat } from "../../../lib/base/bytes/bytes.ts";
import { PerfDataReader } from "../../../lib/perfdata/read/reader.ts";
import { encodeFileStart } from "../../../lib/perfdata/format/writer.ts";
import { zstdStored } from "../../fuzz/made/packed.ts";
import { stream } from "../read_recording.ts";
import { EVENTS, records } from "../small_recording.ts";

const MIB = 1 << 20;
/** Bytes of packed data in a record, whose size is a u16. */
const PART = 65_000;

const TYPES = { COMPRESSED: PERF_RECORD_USER.COMPRESSED, COMPRESSED2: PERF_RECORD_USER.COMPRESSED2 };

/** Wraps `packed` in records of `type`, each with at most `most` bytes. */
function wrapped(packed: Uint8Array, type: number, most: number): Uint8Array<ArrayBuffer> {
  const w = new ByteWriter(packed.length + 1024);
  for (let at = 0; at < packed.length; at += most) {
    const part = packed.subarray(at, at + most);
    if (type === TYPES.COMPRESSED) {
      w.u32(type).u16(0).u16(8 + part.length).raw(part);
    } else {
      const size = Math.ceil((16 + part.length) / 8) * 8;
      w.u32(type).u16(0).u16(size).u64(part.length).raw(part).zeros(size - 16 - part.length);
    }
  }
  return w.bytes();
}

/** Returns a recording without an end, as a killed recorder leaves it. */
function recording(
  packed: Uint8Array,
  type: number,
  most = PART,
): { file: Uint8Array<ArrayBuffer>; dataOffset: number } {
  const { bytes, dataOffset } = encodeFileStart(EVENTS);
  return { file: concat([bytes, wrapped(packed, type, most)]), dataOffset };
}

/** Reads the whole recording, and measures how much memory that took. */
async function read(file: Uint8Array, chunk?: number) {
  const input = chunk ? stream(file, chunk) : new MemoryBytes(file, "a bomb");
  const reader = new PerfDataReader(input, { damaged: "stop" });
  await reader.open();
  let most = 0, samples = 0;
  const before = Deno.memoryUsage().external;
  const look = () => {
    if (samples++ % 10_000 === 0) most = Math.max(most, Deno.memoryUsage().external - before);
  };
  const stats = reader.read({ sample: look, record: look });
  most = Math.max(most, Deno.memoryUsage().external - before);
  return { stats, most, samples };
}

/** Returns the sizes of blocks of 128 KiB that repeat one byte each. */
const run = (blocks: number) => Array<number>(blocks).fill(131072);

for (const [name, type] of Object.entries(TYPES)) {
  Deno.test(`${name} records that expand 30,000 times end in one line, and take little memory`, async () => {
    // zeros are a record of no size; what comes before them is read
    const { file, dataOffset } = recording(zstdStored(concat(records().slice(0, 5)), run(16_000)), type);
    assertLess(file.length, 80_000);
    for (const chunk of [undefined, 1000]) {
      const { stats, most, samples } = await read(file, chunk);
      assertEquals(samples, 5);
      assertMatch(stats.damage!.message, /^[^\n]*at offset \d+[^\n]*$/);
      assert(stats.damage!.offset >= dataOffset);
      assertLess(most, 512 * MIB);
    }
  });

  Deno.test(`${name} records of whole records without end end where they expand too much`, async () => {
    // bytes of 8 are records of 0x0808 bytes, of a type that nobody knows
    const packed = zstdStored(new Uint8Array(0), run(16_000), 8);
    for (
      const [part, message] of [
        [PART, /compressed data at offset \d+ is damaged: one record unpacks to more than 67108864 bytes$/],
        [1600, /compressed data at offset \d+ is damaged: it unpacks to more than 1000 times its size$/],
      ] as const
    ) {
      const { file, dataOffset } = recording(packed, type, part);
      assertLess(file.length, 80_000);
      const { stats, most } = await read(file);
      assertMatch(stats.damage!.message, message);
      assert(stats.damage!.offset >= dataOffset && stats.damage!.offset < file.length);
      assertLess(stats.bytes, 64 * MIB + 1000 * file.length + MIB);
      assertLess(most, 512 * MIB);
    }
  });

  Deno.test(`a byte changed in ${name} records is an error at that record, or changes what is in them`, async () => {
    const good = zstdStored(concat(records()));
    for (let at = 0; at < 16; at++) {
      const bad = good.slice();
      bad[at] ^= 0x80;
      const { file, dataOffset } = recording(bad, type);
      const { stats } = await read(file);
      if (!stats.damage) continue;
      assertMatch(stats.damage.message, /^[^\n]*at offset \d+[^\n]*$/);
      assert(stats.damage.offset >= dataOffset && stats.damage.offset <= file.length);
    }
  });

  Deno.test(`${name} records that are cut off give the records before, and say that they are`, async () => {
    const { file } = recording(zstdStored(concat(records())), type);
    const whole = (await read(file)).stats.records;
    const { stats } = await read(file.subarray(0, file.length - 40));
    assertEquals(stats.records, 0);
    assert(stats.damage && stats.cut);
    // a frame that ends within a record, in records that are whole
    const short = recording(zstdStored(concat(records()).subarray(0, -4)), type);
    const less = (await read(short.file)).stats;
    assertEquals([less.records + less.rounds < whole + 2, less.cut], [true, true]);
  });
}
