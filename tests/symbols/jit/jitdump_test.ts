import { assertEquals, assertThrows } from "@std/assert";
import { MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { BadInputError } from "../../../lib/base/system/errors.ts";
import { isJitDump, readJitDump } from "../../../lib/symbols/jit/jitdump.ts";
import { jitDump } from "./made_jitdump.ts";

const LOADS = [
  { time: 10, address: 0x1000, size: 0x40, index: 0, name: "first" },
  { time: 20, address: 0x1000, size: 0x80, index: 1, name: "second" },
];
const MOVES = [{ time: 30, index: 0, to: 0x5000, size: 0x40 }];

for (const littleEndian of [true, false]) {
  Deno.test(`readJitDump() tells what was where from when on, ${littleEndian ? "little" : "big"} endian`, () => {
    const { mappings, symbols } = readJitDump(new MemoryBytes(jitDump(LOADS, MOVES, { littleEndian })));
    assertEquals(mappings, [
      { time: 10n, address: 0x1000, size: 0x40, at: 0 },
      { time: 20n, address: 0x1000, size: 0x80, at: 0x40 },
      { time: 30n, address: 0x5000, size: 0x40, at: 0 },
    ]);
    assertEquals([0, 0x3f, 0x40, 0xbf].map((at) => symbols!.name(symbols!.find(at))), [
      "first",
      "first",
      "second",
      "second",
    ]);
    assertEquals(symbols!.find(0xc0), -1);
  });
}

Deno.test("readJitDump() takes what comes before the end of a dump that is cut off anywhere", () => {
  const bytes = jitDump(LOADS, MOVES);
  for (let length = 40; length < bytes.length; length++) {
    const { mappings } = readJitDump(new MemoryBytes(bytes.subarray(0, length)));
    assertEquals(mappings.length <= 3, true);
  }
  assertEquals(readJitDump(new MemoryBytes(bytes.subarray(0, 40))).symbols, undefined);
});

Deno.test("readJitDump() refuses what is no dump, and times of the CPU's counter", () => {
  assertThrows(() => readJitDump(new MemoryBytes(new Uint8Array(64))), BadInputError, "not a jitdump");
  assertThrows(() => readJitDump(new MemoryBytes(new Uint8Array(2))), BadInputError);
  assertThrows(
    () => readJitDump(new MemoryBytes(jitDump([], [], { flags: 1 }))),
    BadInputError,
    "times of the CPU's own counter",
  );
});

Deno.test("isJitDump() goes by the name that the specification gives", () => {
  assertEquals(["/tmp/jit-12.dump", "/a/jit-.dump", "/a/jit-1.dump.so", "jit-1.dump"].map(isJitDump), [
    true,
    false,
    false,
    false,
  ]);
});
