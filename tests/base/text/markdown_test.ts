import { assert, assertEquals } from "@std/assert";
import { markdownBlock, markdownCode, markdownText, withoutMiddle } from "../../../lib/base/text/markdown.ts";

Deno.test("markdownCode() is a span that backticks, pipes, spaces and line ends in a name do not end", () => {
  const spans: [string, string][] = [
    ["sort", "`sort`"],
    ["<b>@me</b> #1 [a](http://x)", "`<b>@me</b> #1 [a](http://x)`"],
    ["a`b", "``a`b``"],
    ["`a``b`", "``` `a``b` ```"],
    ["a|b", "`a`&#124;`b`"],
    ["|", "&#124;"],
    ["a\\|b", "`a\\`&#124;`b`"],
    [" a ", "`  a  `"],
    ["  ", "`  `"],
    ["a\n\n| b\t\x1b[31m\u202e", "`a\\n\\n`&#124;` b\\t\\x1b[31m\\u202e`"],
    ["", "(empty)"],
  ];
  for (const [name, span] of spans) assertEquals(markdownCode(name), span);
  assertEquals(markdownCode("x".repeat(50) + "end", 11), "`xxxxxx…xend`");
});

Deno.test("markdownText() escapes markup, and keeps names and links from being taken for such", () => {
  const texts: [string, string][] = [
    ["plain, 5% (fine): ok", "plain, 5% (fine): ok"],
    [
      "<img src=x> | *a* _b_ `c` ~d~ \\ &lt; $x$",
      "\\<img src=x\\> \\| \\*a\\* \\_b\\_ \\`c\\` \\~d\\~ \\\\ \\&lt; \\$x\\$",
    ],
    ["@team and a@b.org", "@&#8203;team and a@&#8203;b.org"],
    ["#12, x/y#3 and gh-4", "#&#8203;12, x/y#&#8203;3 and gh-&#8203;4"],
    ["https://a.org WWW.b.org", "https:&#8203;//a.org WWW&#8203;.b.org"],
    ["![a](b)", "!\\[a\\](b)"],
    ["two\r\n\r\n# lines", "two # lines"],
  ];
  for (const [text, escaped] of texts) assertEquals(markdownText(text), escaped);
  assertEquals(markdownText("**********", 3), "\\*\\*\\*…");
});

Deno.test("markdownBlock() has a fence that nothing in it closes", () => {
  assertEquals(markdownBlock("a\nb\n"), "```\na\nb\n```");
  assertEquals(markdownBlock("a\n`````\n\x1b"), "``````\na\n`````\n\\x1b\n``````");
});

Deno.test("withoutMiddle() keeps both ends of a text, and no half of a character", () => {
  assertEquals(withoutMiddle("short", 5), "short");
  assertEquals(withoutMiddle("0123456789", 5), "012…9");
  for (let most = 2; most < 12; most++) {
    const cut = withoutMiddle("😀".repeat(8), most);
    assert(cut.length <= most && cut.isWellFormed(), cut);
  }
});
