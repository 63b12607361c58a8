import { assert, assertEquals } from "@std/assert";
import { PERF_RECORD_USER } from "../../lib/base/system/abi.ts";
import { ByteWriter, concat } from "../../lib/base/bytes/bytes.ts";
import { FileBytes } from "../../lib/base/files/file_bytes.ts";
import { encodeFeatures } from "../../lib/perfdata/format/feature_encoders.ts";
import { encodeFileEnd, encodeFileStart } from "../../lib/perfdata/format/writer.ts";
import { collect } from "./read_recording.ts";
import { EVENTS, FEATURES, records, writtenFile } from "./small_recording.ts";
import { MemoryBytes } from "../../lib/base/bytes/byte_source.ts";

/**
 * Returns an AUXTRACE, struct { header; u64 size, offset, reference; u32 idx, tid, cpu, reserved; }, and `size` bytes
 * after it.
 */
function auxtrace(size: number): Uint8Array {
  const w = new ByteWriter(48).u32(PERF_RECORD_USER.AUXTRACE).u16(0).u16(48);
  return w.u64(size).u64(0).u64(0).u32(0).u32(0).u32(0).u32(0).bytes();
}

for (const gib of [2.5, 5]) {
  Deno.test(`reader() finds records and features behind ${gib} GiB`, async () => {
    const path = await Deno.makeTempFile();
    try {
      const hole = gib * 2 ** 30;
      const start = encodeFileStart(EVENTS), trace = auxtrace(hole), rest = concat(records());
      const dataSize = trace.length + hole + rest.length;
      const end = encodeFileEnd(start.dataOffset, dataSize, encodeFeatures(FEATURES));
      const restAt = start.dataOffset + trace.length + hole;
      {
        using file = await Deno.open(path, { write: true });
        const put = async (offset: number, bytes: Uint8Array) => {
          await file.seek(offset, Deno.SeekMode.Start);
          assertEquals(await file.write(bytes), bytes.length);
        };
        await put(0, concat([start.bytes, trace]));
        await put(restAt, concat([rest, end.tail])); // what lies between takes no room on the disk
        for (const { offset, bytes } of end.patches) await put(offset, bytes);
      }
      const input = FileBytes.tryOpen(path)!;
      const reading = await collect(input);
      input.close();
      const small = await collect(new MemoryBytes(writtenFile()));
      assertEquals(reading.samples, small.samples);
      assertEquals(reading.stats.damage, undefined);
      assertEquals(reading.header.features.hostname, FEATURES.hostname);
      const offsets = reading.offsets.filter((offset) => offset >= restAt);
      assertEquals(offsets.length, reading.offsets.length - 1); // all but AUXTRACE itself
      const shift = restAt - start.dataOffset;
      assertEquals(offsets.map((offset) => offset - shift), small.offsets);
      assert(reading.stats.bytes === dataSize);
    } finally {
      await Deno.remove(path);
    }
  });
}
