import { assertEquals } from "@std/assert";
import { isQuick, matcherOf } from "../../../lib/report/page/search.ts";

Deno.test("isQuick() lets links search for texts and for expressions that take linear time", () => {
  for (
    const text of [
      "",
      "main",
      "(a+)+",
      "/^main$/",
      "/foo|bar|baz/",
      "/alloc.*page/",
      "/^(?:do|sys)_\\w+/",
      "/a\\.b\\*/",
    ]
  ) {
    assertEquals(isQuick(text), true, text);
  }
});

Deno.test("isQuick() makes expressions wait that may take for ever", () => {
  for (
    const text of [
      "/(a+)+$/",
      "/(a|a)*b/",
      "/a.*b.*c.*d/",
      "/(?=a)/",
      "/(a)\\1/",
      "/(?<x>a)\\k<x>/",
      "/(a|a)(a|a)(a|a)b/",
      "/a?a?a?aaa/",
      "/(.{1,9}){9}/",
      "/(?:a|a)+b/",
    ]
  ) {
    assertEquals(isQuick(text), false, text);
  }
});

Deno.test("matcherOf() finds in upper and lower case, and expressions between slashes", () => {
  assertEquals(["MAIN", "remaining", "man"].map(matcherOf("main")!), [true, true, false]);
  assertEquals(["Main", "remaining"].map(matcherOf("/^ma/")!), [true, false]);
  assertEquals(matcherOf("  "), undefined);
});
