import { assertEquals, assertStringIncludes } from "@std/assert";
import { BadInputError } from "../../../lib/base/system/errors.ts";

Deno.test("a message that quotes what is very long keeps its start and its end", () => {
  const { message } = new BadInputError(`cannot read x: it is of schema '${"y".repeat(1e6)}': make it anew`);
  assertEquals(message.length < 5000, true);
  assertStringIncludes(message, "cannot read x: it is of schema 'yyy");
  assertStringIncludes(message, "yyy': make it anew");
});

Deno.test("a message is one line that a terminal only shows", () => {
  assertEquals(new BadInputError("a\nb\x1b[31m\x9b").message, "a\\nb\\x1b[31m\\x9b");
});
