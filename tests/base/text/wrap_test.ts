import { assertEquals } from "@std/assert";
import { wrap } from "../../../lib/base/text/wrap.ts";

Deno.test("wrap() breaks between words, and leaves a word whole that is longer than a line", () => {
  assertEquals(wrap("one two three", 8, "  "), ["one two", "  three"]);
  assertEquals(wrap("see /a/very/long/path now", 8, " "), ["see", " /a/very/long/path", " now"]);
  assertEquals(wrap("one two three", Infinity, ""), ["one two three"]);
  assertEquals(wrap("note     漢字 漢字", 13, "         "), ["note     漢字", "         漢字"]);
});
