import { assertEquals } from "@std/assert";
import { fnv1a, fold, mix } from "../../../lib/base/bytes/hash.ts";

Deno.test("fnv1a() gives the values that its authors publish", () => {
  const hash = (text: string) => fnv1a(new TextEncoder().encode(text)).toString(16);
  assertEquals(["", "a", "foobar"].map(hash), ["811c9dc5", "e40c292c", "bf9cf968"]);
  assertEquals(fnv1a(Uint8Array.of(1, 2, 97), 2).toString(16), "e40c292c");
});

Deno.test("mix() spreads neighbours over the low bits, and fold() tells the high words of addresses apart", () => {
  const buckets = new Set(Array.from({ length: 1000 }, (_, i) => mix(i * 4096, 7) & 1023));
  // of 1000 balls in 1024 bins, 638 bins are hit on average
  assertEquals(buckets.size > 550, true);
  assertEquals(fold(7), 7);
  assertEquals(fold(2 ** 40 + 7) === fold(2 ** 41 + 7), false);
});
