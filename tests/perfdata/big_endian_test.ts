import { assert, assertEquals } from "@std/assert";
import { MemoryBytes } from "../../lib/base/bytes/byte_source.ts";
import { bigEndianFile, bigEndianPipe } from "./big_endian.ts";
import { collect, fixture, type Reading, stream } from "./read_recording.ts";

/**
 * Compares two readings. Bodies of the tools' records keep the recorder's byte order; everything else must be equal.
 */
function assertSame(swapped: Reading, original: Reading): void {
  assert(!swapped.header.littleEndian && original.header.littleEndian);
  assertEquals(swapped.samples, original.samples);
  const kernels = (reading: Reading) => reading.records.filter((record) => record.type < 64);
  assertEquals(kernels(swapped), kernels(original));
  assertEquals(swapped.records.map((r) => [r.type, r.size]), original.records.map((r) => [r.type, r.size]));
  assertEquals(swapped.stats, original.stats);
  assertEquals(swapped.header.events.map((e) => e.ids), original.header.events.map((e) => e.ids));
  assertEquals(swapped.header.events.map((e) => e.attr), original.header.events.map((e) => e.attr));
}

for (const name of ["callgraph", "two_events", "clock", "group_read", "extras"]) {
  Deno.test(`reader() reads ${name} from a big-endian machine as from a little-endian one`, async () => {
    const bytes = fixture(`${name}.data`);
    const original = await collect(new MemoryBytes(bytes));
    const swapped = bigEndianFile(bytes);
    assertSame(await collect(new MemoryBytes(swapped)), original);
    assertSame(await collect(stream(swapped, 7), { window: 64 }), original);
  });
}

Deno.test("reader() reads a pipe from a big-endian machine", async () => {
  const bytes = fixture("pipe.data");
  const original = await collect(new MemoryBytes(bytes));
  // What features say in the wrong byte order is damage: leave them out on both sides.
  const swapped = bigEndianPipe(bytes);
  const reading = await collect(new MemoryBytes(withoutFeatures(swapped)));
  assertEquals(reading.samples, original.samples);
  assertEquals(reading.header.events.map((e) => e.name), ["cpu-clock", "page-faults"]);
});

/** Returns a big-endian pipe without its HEADER_FEATURE records (type 80). */
function withoutFeatures(pipe: Uint8Array): Uint8Array {
  const view = new DataView(pipe.buffer);
  const parts = [pipe.subarray(0, 16)];
  for (let at = 16; at < pipe.length; at += view.getUint16(at + 6)) {
    if (view.getUint32(at) !== 80) parts.push(pipe.subarray(at, at + view.getUint16(at + 6)));
  }
  return new Uint8Array(parts.flatMap((part) => [...part]));
}
