import { assertEquals } from "@std/assert";
import { parseIdList } from "../../../lib/base/text/id_list.ts";

Deno.test("parseIdList() gives each id once, and takes nothing else for a list", () => {
  assertEquals(parseIdList("34,12,34"), [34, 12]);
  for (const text of ["", "0", "12,", ",12", "abc", "1 2", "-3", "012", "12345678901"]) {
    assertEquals([text, parseIdList(text)], [text, undefined]);
  }
});

Deno.test("parseIdList() takes 0, the idle task, only where it may be named", () => {
  assertEquals(parseIdList("0,7,0", 0), [0, 7]);
  assertEquals(parseIdList("7,0", 1), undefined);
});
