import { assertEquals } from "@std/assert";
import { WordMemo } from "../../../lib/perfdata/read/word_memo.ts";

Deno.test("known words are told apart though far more of them are known than there are buckets", () => {
  const known = new WordMemo<number>();
  const words = (i: number) => Uint32Array.of(7, i, 7);
  for (let i = 0; i < 8000; i++) known.put(words(i), 0, 3, i);
  for (let i = 0; i < 8000; i++) assertEquals(known.find(words(i), 0, 3), i);
  assertEquals(known.find(words(8000), 0, 3), undefined);
});

Deno.test("words that begin or end like known ones are others", () => {
  const known = new WordMemo<string>();
  const words = Uint32Array.of(1, 2, 3, 0, 0);
  known.put(words, 0, 3, "123");
  assertEquals(known.find(words, 0, 3), "123");
  for (const [from, to] of [[0, 2], [1, 3], [0, 4], [0, 0]]) {
    assertEquals(known.find(words, from, to), undefined, `${from} to ${to}`);
  }
  known.put(words, 0, 4, "1230");
  known.put(words, 0, 0, "none");
  assertEquals([[0, 3], [0, 4], [0, 0]].map(([from, to]) => known.find(words, from, to)), [
    "123",
    "1230",
    "none",
  ]);
});

Deno.test("known words are a copy, and found wherever they stand", () => {
  const known = new WordMemo<string>();
  const words = Uint32Array.of(1, 2, 0xffffffff);
  known.put(words, 1, 3, "x");
  words.fill(0);
  assertEquals(known.find(Uint32Array.of(9, 9, 2, 0xffffffff), 2, 4), "x");
  assertEquals(known.find(words, 1, 3), undefined);
});

Deno.test("a file that never says a thing twice does not fill the memory", () => {
  const known = new WordMemo<number>();
  const last = 20000;
  for (let i = 0; i <= last; i++) known.put(Uint32Array.of(i), 0, 1, i);
  assertEquals(known.find(Uint32Array.of(last), 0, 1), last);
  let kept = 0;
  for (let i = 0; i <= last; i++) {
    const value = known.find(Uint32Array.of(i), 0, 1);
    if (value === undefined) continue;
    assertEquals(value, i);
    kept++;
  }
  assertEquals(kept <= 8192, true);
});
