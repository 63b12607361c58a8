import { assertEquals } from "@std/assert";
import { ByteReader, ByteWriter } from "../../lib/base/bytes/bytes.ts";

Deno.test("ByteWriter grows at any scalar and keeps what was written", () => {
  const w = new ByteWriter(1);
  w.u8(1).u16(2).u32(3).i32(-4).u64(5n).raw(new Uint8Array([6, 7])).u32(8).paddedString("nine").u64(10);
  const r = new ByteReader(w.bytes());
  assertEquals([r.u8(), r.u16(), r.u32(), r.i32(), r.u64()], [1, 2, 3, -4, 5n]);
  assertEquals([...r.slice(2)], [6, 7]);
  assertEquals([r.u32(), r.fixedString(8), r.u64(), r.left], [8, "nine", 10n, 0]);
});
