import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../lib/base/system/errors.ts";
import { quoteWords, splitWords } from "../../lib/cli/shell_words.ts";

const PLAIN = [
  "gcc -O2  -c x.c",
  " a\tb  c ",
  `'a b' "c d" e\\ f`,
  `a'b'"c"d`,
  `"" '' x`,
  `"a\\"b\\\\c\\d" '\\n'`,
  `"it's" 'say "hi"'`,
  `a\\'b x=1 {} a{1}b a#b a~ '$HOME|*?' "a|b;c" \\$x`,
  `"a\\$b" a!b`,
  "a\\\nb",
];

Deno.test("splitWords() tells words, quotes and backslashes apart", () => {
  assertEquals(splitWords(`sh -c 'echo "a b"' "it's" a\\ b ''`, "--vs"), [
    "sh",
    "-c",
    'echo "a b"',
    "it's",
    "a b",
    "",
  ]);
});

Deno.test("splitWords() splits as /bin/sh does", () => {
  for (const text of PLAIN) {
    const script = `for word in ${text}; do printf '%s\\0' "$word"; done`;
    const { stdout } = new Deno.Command("/bin/sh", { args: ["-c", script] }).outputSync();
    assertEquals(splitWords(text, "--vs"), new TextDecoder().decode(stdout).split("\0").slice(0, -1), text);
  }
});

Deno.test("splitWords() refuses what only a shell could do, naming it", () => {
  for (
    const text of ["a | b", "a;b", "a && b", "a > f", "$HOME/x", '"$x"', '"`x`"', "a *", "~/x", "# a", "a?"]
  ) {
    assertThrows(() => splitWords(text, "--vs"), UsageError, "--shell");
  }
});

Deno.test("splitWords() refuses an open quote, a last backslash and no words", () => {
  assertThrows(() => splitWords("a 'b", "--vs"), UsageError, "missing a closing '");
  assertThrows(() => splitWords("a\\", "--vs"), UsageError, "backslash");
  assertThrows(() => splitWords("  ", "--prepare"), UsageError, "expected a command");
});

Deno.test("quoteWords() gives what splitWords() takes apart again", () => {
  const words = ["gcc", "-O2", "a b", "it's", "", "$x", "a\nb"];
  assertEquals(quoteWords(words), `gcc -O2 'a b' 'it'\\''s' '' '$x' 'a\nb'`);
  assertEquals(splitWords(quoteWords(words), "--vs"), words);
  assertEquals(splitWords("a\nb", "--vs"), ["a", "b"]); // where a shell would run two
});
