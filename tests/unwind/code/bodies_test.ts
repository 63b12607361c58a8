/** Stretches of code that have one answer. */

import { assertEquals } from "@std/assert";
import { Bodies } from "../../../lib/unwind/code/bodies.ts";

const STRIDE = 3;

Deno.test("all addresses of a stretch have its answer, and no others", () => {
  const bodies = new Bodies(STRIDE), START = 0x7f0000001234;
  bodies.put(7, START, START + 1000, Int32Array.of(9, 1, 2, 3), 1);
  const answers = new Int32Array(8);
  const take = (object: number, pc: number) => {
    answers.fill(0);
    return bodies.take(object, pc, answers, 2) ? answers.slice(2, 2 + STRIDE).join() : undefined;
  };
  for (const at of [0, 1, 255, 256, 999, 1000]) assertEquals(take(7, START + at), "1,2,3");
  for (const at of [-1, 1001, 5000]) assertEquals(take(7, START + at), undefined);
  assertEquals(take(8, START), undefined);
  // a later one replaces it where both lie in a block
  bodies.put(7, START + 500, START + 2000, Int32Array.of(4, 5, 6), 0);
  assertEquals([take(7, START), take(7, START + 700), take(7, START + 1900)], ["1,2,3", "4,5,6", "4,5,6"]);
});

Deno.test("a stretch of any size takes a bounded time to remember", () => {
  const bodies = new Bodies(STRIDE), answers = Int32Array.of(1, 2, 3);
  bodies.put(1, 0x1000, 2 ** 47, answers, 0);
  assertEquals(bodies.take(1, 0x1000, new Int32Array(3), 0), true);
  assertEquals(bodies.take(1, 2 ** 46, new Int32Array(3), 0), false);
});
