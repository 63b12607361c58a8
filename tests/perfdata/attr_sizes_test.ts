import { concat } from "../../lib/base/bytes/bytes.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { MemoryBytes } from "../../lib/base/bytes/byte_source.ts";
import { BadInputError } from "../../lib/base/system/errors.ts";
import { decodeAttr, encodeAttr, makeAttr } from "../../lib/events/attr.ts";
import { collect } from "./read_recording.ts";
import { killedFile } from "./small_recording.ts";

/** PERF_ATTR_SIZE_VER0 to VER9 of the kernel's uapi header, and sizes that no kernel has yet. */
const SIZES = [64, 72, 80, 96, 104, 112, 120, 128, 136, 144, 152, 512];

/** Returns killedFile() with its attrs in structs of another size; new fields are filled with ones. */
function withAttrSize(size: number): Uint8Array<ArrayBuffer> {
  const file = killedFile();
  const view = new DataView(file.buffer);
  const at = (offset: number) => Number(view.getBigUint64(offset, true));
  const attrs = at(24), attrsSize = at(32), data = at(40);
  const parts: Uint8Array[] = [file.slice(0, attrs)];
  for (let entry = attrs; entry < attrs + attrsSize; entry += 144) {
    const attr = new Uint8Array(size).fill(0xff);
    attr.set(file.subarray(entry, entry + Math.min(size, 128)));
    new DataView(attr.buffer).setUint32(4, size, true);
    parts.push(attr, file.slice(entry + 128, entry + 144));
  }
  const out = concat([...parts, file.subarray(data)]);
  const outView = new DataView(out.buffer);
  const entries = attrsSize / 144;
  outView.setBigUint64(16, BigInt(size + 16), true);
  outView.setBigUint64(32, BigInt(entries * (size + 16)), true);
  outView.setBigUint64(40, BigInt(attrs + entries * (size + 16)), true);
  return out;
}

Deno.test("reader() reads recordings with an attr of any kernel's size", async () => {
  const usual = await collect(new MemoryBytes(killedFile()));
  for (const size of SIZES) {
    const reading = await collect(new MemoryBytes(withAttrSize(size)));
    assertEquals(reading.samples, usual.samples, `attr of ${size} bytes`);
    assertEquals(reading.header.events.map(({ name }) => name), usual.header.events.map(({ name }) => name));
    assertEquals(reading.header.events.map(({ attr }) => attr.size), [size, size]);
    assertEquals(reading.stats.damage, undefined);
  }
});

Deno.test("decodeAttr() takes fields that an old attr does not reach for zero, and ignores those of a new one", () => {
  const whole = encodeAttr(makeAttr({ type: 1, config1: 5n, branchSampleType: 7n, clockid: 3, sigData: 9n }));
  const cut = (size: number) => {
    const bytes = new Uint8Array(size).fill(0xff);
    bytes.set(whole.subarray(0, Math.min(size, 128)));
    new DataView(bytes.buffer).setUint32(4, size, true);
    const { config1, branchSampleType, clockid, sigData } = decodeAttr(bytes);
    return [config1, branchSampleType, clockid, sigData];
  };
  assertEquals(cut(64), [5n, 0n, 0, 0n]);
  assertEquals(cut(80), [5n, 7n, 0, 0n]);
  assertEquals(cut(96), [5n, 7n, 3, 0n]);
  assertEquals(cut(128), [5n, 7n, 3, 9n]);
  assertEquals(cut(144), [5n, 7n, 3, 9n]);
});

Deno.test("decodeAttr() takes a size of 0 for the first kernels', and refuses one that cannot be", () => {
  const bytes = encodeAttr(makeAttr({ type: 4, config: 0x1a8n }));
  const sized = (size: number) => {
    new DataView(bytes.buffer).setUint32(4, size, true);
    return decodeAttr(bytes);
  };
  assertEquals(sized(0).size, 64);
  for (const size of [1, 63, 129, 0xffffffff]) {
    assertThrows(() => sized(size), BadInputError, "has an impossible size");
  }
});
