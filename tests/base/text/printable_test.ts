import { assertEquals } from "@std/assert";
import { osText } from "../../../lib/base/text/os_text.ts";
import { printable } from "../../../lib/base/text/printable.ts";

const SHOWN: [what: string, text: string, shown: string][] = [
  ["letters of any script", "naïve 名前 😀 a\u200db", "naïve 名前 😀 a\u200db"],
  ["an escape sequence", "a\x1b[31mred\x1b]0;T\x07", "a\\x1b[31mred\\x1b]0;T\\x07"],
  ["line ends and tabs", "a\nb\rc\td\0", "a\\nb\\rc\\td\\x00"],
  ["controls of eight bits", "\x7f\x85\x9b2J", "\\x7f\\x85\\x9b2J"],
  ["separators of lines and paragraphs", "a\u2028b\u2029c", "a\\u2028b\\u2029c"],
  [
    "marks that reverse the reading order",
    "\u202ecod.exe\u202c \u2066x\u2069\u200f",
    "\\u202ecod.exe\\u202c \\u2066x\\u2069\\u200f",
  ],
  ["halves of characters", "\ud800x\udfff", "\\ud800x\\udfff"],
  ["bytes that are no text", osText(Uint8Array.of(0x61, 0xff, 0x9b, 0x62)), "a\\xff\\x9bb"],
];
for (const [what, text, shown] of SHOWN) {
  Deno.test(`printable() shows ${what}`, () => {
    assertEquals(printable(text), shown);
    assertEquals(printable(shown), shown);
  });
}
