import { assertEquals, assertThrows } from "@std/assert";
import { MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { ByteWriter } from "../../../lib/base/bytes/bytes.ts";
import { BadInputError } from "../../../lib/base/system/errors.ts";
import { isJitDump, readJitDump } from "../../../lib/symbols/jit/jitdump.ts";

interface Load {
  time: number;
  address: number;
  size: number;
  index: number;
  name: string;
}

/** A dump of code that was loaded, then moved, in either byte order. */
function jitDump(
  loads: Load[],
  moves: { time: number; index: number; to: number; size: number }[] = [],
  { littleEndian = true, flags = 0 } = {},
): Uint8Array {
  const w = new ByteWriter(4096, littleEndian);
  w.u32(0x4a695444).u32(1).u32(40).u32(62).u32(0).u32(7).u64(0).u64(flags);
  for (const { time, address, size, index, name } of loads) {
    w.u32(0).u32(16 + 40 + name.length + 1 + size).u64(time);
    w.u32(7).u32(7).u64(address).u64(address).u64(size).u64(index);
    w.raw(new TextEncoder().encode(name + "\0")).zeros(size);
  }
  w.u32(2).u32(32).u64(1).u64(0x1000).u64(0); // debug info, of no lines
  for (const { time, index, to, size } of moves) {
    w.u32(1).u32(16 + 48).u64(time).u32(7).u32(7).u64(to).u64(0).u64(to).u64(size).u64(index);
  }
  return w.bytes();
}

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
