import { assertEquals } from "@std/assert";
import { osBytes, osText } from "../../../lib/base/text/os_text.ts";

const bytes = (...values: number[]) => Uint8Array.from(values);

Deno.test("UTF-8 is text as anywhere, a byte order mark included", () => {
  for (const text of ["", "plain", "ünïcode 漢 🙂", "\ufeffmarked", "\ufffd", "\0"]) {
    assertEquals(osText(new TextEncoder().encode(text)), text);
    assertEquals(osBytes(text), new TextEncoder().encode(text));
  }
});

Deno.test("bytes that are no UTF-8 are lone surrogates, and come back", () => {
  assertEquals(osText(bytes(0x61, 0xff, 0x62)), "a\udcffb");
  assertEquals(osText(bytes(0xe2, 0x82)), "\udce2\udc82"); // cut short
  assertEquals(osText(bytes(0xed, 0xa0, 0x80)), "\udced\udca0\udc80"); // a surrogate
  assertEquals(osText(bytes(0xc0, 0x80)), "\udcc0\udc80"); // longer than need be
  assertEquals(osText(bytes(0xe2, 0x82, 0xac, 0x80)), "€\udc80");
});

Deno.test("any bytes round-trip", () => {
  let state = 1;
  for (let n = 0; n < 2000; n++) {
    const some = Uint8Array.from({ length: n % 23 }, () => {
      state = Math.imul(state, 1103515245) + 12345;
      // half of them starts and parts of characters
      return state & 0x10000 ? 0x80 | ((state >>> 20) & 0x7f) : (state >>> 20) & 0xff;
    });
    assertEquals(osBytes(osText(some)), some);
  }
});
