import { assertEquals, assertThrows } from "@std/assert";
import { readBigint, writtenBigint } from "../../../lib/base/text/json_bigint.ts";

Deno.test("bigints come back from JSON, and nothing else turns into one", () => {
  const values = [(1n << 64n) - 1n, -5n, { bigint: 7 }, { bigint: "7", and: 1 }, "8", null, [9n]];
  const text = JSON.stringify(values, (_, value) => writtenBigint(value));
  assertEquals(JSON.parse(text, (_, value) => readBigint(value)), values);
});

Deno.test("a bigint of other text than up to 20 digits is refused", () => {
  for (const text of ["", "0x10", "1e3", "1".repeat(21)]) {
    assertThrows(() => readBigint({ bigint: text }), SyntaxError, "more than digits");
  }
});
