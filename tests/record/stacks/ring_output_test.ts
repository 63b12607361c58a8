import { assertEquals } from "@std/assert";
import { RingOutput } from "../../../lib/record/stacks/ring_output.ts";
import { MadePass, MadeRing } from "./made_rings.ts";

/** The largest record, in words. */
const MAX_WORDS = 65528 / 4;

function made() {
  const ring = new MadeRing(1 << 20), pass = new MadePass(new MadeRing(), ring);
  ring.head = 1 << 20;
  return { pass, output: new RingOutput(1, 0) };
}

Deno.test("RingOutput gives what it has collected, with the space of what it stands for", () => {
  const { pass, output } = made();
  assertEquals(output.give(pass, 0), true);
  assertEquals(pass.given, []); // there was nothing to give
  output.copy(Uint32Array.of(1, 2, 3, 4, 5, 6), 2, 4);
  output.u32[output.length++] = 7;
  output.u32[output.length++] = 8;
  assertEquals(output.giveIfDue(pass, 80, 100), true);
  assertEquals(pass.given, []); // that is not due
  assertEquals(output.give(pass, 88), true);
  assertEquals(pass.given, [{ ring: 1, bytes: new Uint8Array(Uint32Array.of(3, 4, 7, 8).buffer), upto: 88 }]);
  assertEquals(output.give(pass, 88), true);
  assertEquals(output.give(pass, 96), true); // nothing stands for those eight bytes
  assertEquals(pass.given.slice(1), [{ ring: 1, bytes: new Uint8Array(0), upto: 96 }]);
});

Deno.test("RingOutput gives what is due: much of the ring waits, or little room is left for another record", () => {
  const { pass, output } = made();
  const record = new Uint32Array(MAX_WORDS).fill(9);
  output.giveIfDue(pass, 99, 100);
  assertEquals(pass.given.length, 0);
  output.giveIfDue(pass, 100, 100);
  assertEquals(pass.given.map(({ upto }) => upto), [100]);
  let copied = 0;
  while (pass.given.length === 1) {
    output.copy(record, 0, MAX_WORDS);
    copied++;
    output.giveIfDue(pass, 101, 100);
  }
  assertEquals(pass.given[1].bytes.length, copied * 65528);
  assertEquals(copied >= 3, true);
});

Deno.test("RingOutput keeps all it has while the drain has no room", () => {
  const { pass, output } = made();
  pass.room = 7;
  output.copy(Uint32Array.of(1, 2), 0, 2);
  assertEquals([output.give(pass, 8), output.giveIfDue(pass, 8, 8)], [false, false]);
  output.copy(Uint32Array.of(3, 4), 0, 2);
  pass.room = 16;
  assertEquals(output.giveIfDue(pass, 16, 16), true);
  assertEquals(pass.given.map(({ bytes, upto }) => [...new Uint32Array(bytes.buffer), upto]), [[
    1,
    2,
    3,
    4,
    16,
  ]]);
});

Deno.test("RingOutput begins at the ring's first record, wherever that is", () => {
  const ring = new MadeRing(4096, 2 ** 40), pass = new MadePass(ring), output = new RingOutput(0, 2 ** 40);
  assertEquals([output.giveIfDue(pass, 2 ** 40, 512), output.give(pass, 2 ** 40)], [true, true]);
  assertEquals(pass.given, []);
});
