import { assertEquals } from "@std/assert";
import { endOfMark, markOf, OTHER_MACHINE } from "../../lib/unwind/chain_marks.ts";
import { END } from "../../lib/unwind/ends.ts";

Deno.test("a mark tells the reason that it was made for", () => {
  for (const end of [END.SHORT, END.NO_STACK, OTHER_MACHINE] as const) {
    assertEquals(endOfMark(0, markOf(end)), end);
  }
});

Deno.test("addresses of programs and kernels are no marks", () => {
  for (const [low, high] of [[0, 0], [0x1000, 0x7fff], [0, 0xffff8000], [0xfffffe00, 0xffffffff]]) {
    assertEquals(endOfMark(low, high), -1);
  }
  assertEquals(endOfMark(1, markOf(END.SHORT)), -1, "a mark has no low word");
  assertEquals(endOfMark(0, markOf(END.ROOT)), -1, "whole chains have none");
});
