import { assertEquals } from "@std/assert";
import { Evaluator, type ExpressionMemory } from "../../../lib/unwind/cfi/expression.ts";

/** Memory that has its own address in each 8 bytes, from 0x1000 to 0x2000. */
const memory: ExpressionMemory = {
  low: 0,
  high: 0,
  read(address) {
    this.low = address;
    this.high = address === 0x1ff0 ? 0x7fff : 0;
    return address >= 0x1000 && address < 0x2000;
  },
};
const registers = Float64Array.from({ length: 17 }, (_, i) => i === 7 ? 0x1000 : i === 16 ? 0x40102b : i);

function evaluate(hex: string, first = NaN): number {
  return new Evaluator(memory).evaluate(Uint8Array.fromHex(hex), registers, first);
}

Deno.test("the expression of a PLT stub adds 8 to the stack pointer from the stub's 11th byte on", () => {
  const plt = "770880003f1a3b2a332422";
  assertEquals(evaluate(plt), 0x1010);
  registers[16] = 0x40102a;
  assertEquals(evaluate(plt), 0x1008);
  registers[16] = 0x40102b;
});

Deno.test("the expressions of signal frames and of realigned stacks read registers and memory", () => {
  assertEquals(evaluate("77a00106"), 0x10a0); // breg7 160, deref
  assertEquals(evaluate("767806"), NaN); // breg6 -8, deref: at -2
  assertEquals(evaluate("7710", 5), 0x1010);
  assertEquals(evaluate("0af01f06"), 0x7fff00001ff0);
  assertEquals(evaluate("0af01f9404"), 0x1ff0); // deref_size 4
  assertEquals(evaluate("0af01f9406"), 0x7fff00001ff0);
});

Deno.test("arithmetic is that of 64 bits with a sign", () => {
  const cases: [string, number][] = [
    ["0affff0affff1e", 0xffff * 0xffff],
    ["09ff0c0000000122", 0xffffff],
    ["09ff31221c", NaN], // minus with one value
    ["31321c", -1],
    ["31321c1f", 1],
    ["09fe19", 2],
    ["09f8331b", -2], // -8 / 3
    ["09f8321d", 0], // mod is unsigned: (2 ** 64 - 8) % 2
    ["31301b", NaN], // division by zero
    ["31083f24", -(2 ** 63)], // 1 << 63
    ["31082024", 2 ** 32],
    ["09ff083c25", 15], // shr
    ["09ff083c26", -1], // shra
    ["3020", -1],
    ["09ff3f1a", 15],
    ["313221", 3],
    ["333227", 1],
    ["31322a", 0],
    ["32312b", 1],
    ["09ff302d", 1], // -1 < 0
    ["30302c", 1],
    ["303029", 1],
    ["31302e", 1],
  ];
  for (const [hex, value] of cases) assertEquals(evaluate(hex), value, hex);
});

Deno.test("values are copied and moved on the stack", () => {
  assertEquals(evaluate("313212"), 2);
  assertEquals(evaluate("313214"), 1);
  assertEquals(evaluate("3132331502"), 1);
  assertEquals(evaluate("313216"), 1);
  assertEquals(evaluate("31323317"), 2); // 3 goes below 1 and 2
  assertEquals(evaluate("3132331713"), 1);
  assertEquals(evaluate("313213"), 1);
  assertEquals(evaluate("2305"), NaN);
  assertEquals(evaluate("312305"), 6);
});

Deno.test("branches are taken or not", () => {
  assertEquals(evaluate("312801003532"), 2); // over lit5
  assertEquals(evaluate("302801003532"), 2); // not taken: 5, then 2
  assertEquals(evaluate("2f010030"), NaN); // over all there is
});

Deno.test("expressions that do not end, grow or read outside have no value", () => {
  assertEquals(evaluate("2ffdff"), NaN); // skip to itself
  assertEquals(evaluate("312ffcff"), NaN); // pushes for ever
  assertEquals(evaluate("2ff0ff"), NaN); // to before its start
  assertEquals(evaluate("3".repeat(2 * 200)), NaN);
  assertEquals(evaluate(""), NaN);
  assertEquals(evaluate("06"), NaN);
  assertEquals(evaluate("0a"), NaN);
  assertEquals(evaluate("ff"), NaN);
  assertEquals(evaluate("92ff0100"), NaN); // a register that is not there
});
