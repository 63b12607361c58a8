import { assert, assertEquals } from "@std/assert";
import { MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { readJitDump } from "../../../lib/symbols/jit/jitdump.ts";
import { anyWithin, shortJitDump } from "../../../lib/symbols/jit/short_jitdump.ts";
import { jitDump } from "./made_jitdump.ts";

const LOADS = [
  { time: 10, address: 0x1000, size: 0x40, index: 0, name: "first" },
  { time: 20, address: 0x1000, size: 0x80, index: 1, name: "second" },
  { time: 25, address: 0x9000, size: 0x8000, index: 2, name: "never hit" },
];
const MOVES = [{ time: 30, index: 0, to: 0x5000, size: 0x40 }, {
  time: 31,
  index: 2,
  to: 0x20000,
  size: 0x8000,
}];

/** Names of the code of a shortened dump: where it is from when on. */
function shortened(addresses: number[], littleEndian: boolean): string[] {
  const whole = new MemoryBytes(jitDump(LOADS, MOVES, { littleEndian }));
  const hits = Float64Array.from(addresses);
  const short = shortJitDump(whole, ({ address, size }) => anyWithin(hits, address, size));
  if (short === undefined) return [];
  assert(short.length < 500);
  const { mappings, symbols } = readJitDump(new MemoryBytes(short));
  return mappings.map(({ time, address, size, at }) =>
    `${time} ${address.toString(16)}+${size.toString(16)} ${symbols!.name(symbols!.find(at))}`
  );
}

for (const littleEndian of [true, false]) {
  const order = littleEndian ? "little" : "big";
  Deno.test(`shortJitDump() keeps all code that was at an address at any time, ${order} endian`, () => {
    assertEquals(shortened([0x1010], littleEndian), [
      "10 1000+40 first",
      "20 1000+80 second",
      "30 5000+40 first",
    ]);
    assertEquals(shortened([0x1050], littleEndian), ["20 1000+80 second"]);
    assertEquals(shortened([0x503f], littleEndian), ["10 1000+40 first", "30 5000+40 first"]);
    assertEquals(shortened([0xfff, 0x1080, 0x5040, 0x8fff, 0x11000, 0x28000], littleEndian), []);
  });
}

Deno.test("shortJitDump() tells hits by the numbering of the symbols, too", () => {
  const whole = new MemoryBytes(jitDump(LOADS, MOVES));
  const names = [0, 0x3f, 0x40, 0xbf].map((hit) => {
    const short = shortJitDump(whole, ({ at, size }) => hit >= at && hit < at + size)!;
    const { mappings, symbols } = readJitDump(new MemoryBytes(short));
    return `${symbols!.name(0)} ${mappings.length}`;
  });
  assertEquals(names, ["first 2", "first 2", "second 1", "second 1"]);
});
