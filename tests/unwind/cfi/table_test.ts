import { assert, assertEquals, assertThrows } from "@std/assert";
import { MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { ByteWriter } from "../../../lib/base/bytes/bytes.ts";
import { LineReader } from "../../../lib/symbols/dwarf/dwarf_line_header.ts";
import { ElfFile } from "../../../lib/symbols/elf/elf.ts";
import { Budget, Cost, LimitError } from "../../../lib/symbols/object/limits.ts";
import { HeldBytes } from "../../../lib/symbols/object/windows.ts";
import { X86_64 } from "../../../lib/unwind/arch.ts";
import { FOUND, ObjectCfi } from "../../../lib/unwind/cfi/object_cfi.ts";
import { OMIT, pointerSize, readPointer } from "../../../lib/symbols/dwarf/cfi_pointer.ts";
import { CFA, Row } from "../../../lib/unwind/cfi/row.ts";
import { CfiTable } from "../../../lib/unwind/cfi/table.ts";
import { buildFrames, frameSection, type Function, headerSection } from "../build_frames.ts";

const FUNCTIONS: Function[] = [
  { start: 0x1000, end: 0x1040, code: [0x0e, 16] },
  { start: 0x1040, end: 0x1080, code: [0x0e, 24] },
  { start: 0x1100, end: 0x1140, code: [0x0e, 32] },
];

function functionsBy(cfi: ObjectCfi): string[] {
  return [0xfff, 0x1000, 0x103f, 0x1040, 0x10ff, 0x1100, 0x113f, 0x1140].map((address) =>
    cfi.findFunction(address) ? `${cfi.functionStart.toString(16)}-${cfi.functionEnd.toString(16)}` : "none"
  );
}

const FOUND_BY = [
  "none",
  "1000-1040",
  "1000-1040",
  "1040-1080",
  "none",
  "1100-1140",
  "1100-1140",
  "none",
];

function objectWith(header?: Uint8Array): ObjectCfi {
  return ObjectCfi.open(new ElfFile(new MemoryBytes(buildFrames(FUNCTIONS, X86_64, header), "object")))!;
}

Deno.test("functions are found by the sorted table, and by the entries alone where that is not to be trusted", () => {
  const { entries } = frameSection(FUNCTIONS, X86_64);
  assertEquals(functionsBy(objectWith()), FOUND_BY);
  assertEquals(functionsBy(objectWith(headerSection(entries.toReversed()))), FOUND_BY, "not sorted");
  const wrong = entries.map(({ start }, i) => ({ start, at: entries[(i + 1) % 3].at }));
  assertEquals(functionsBy(objectWith(headerSection(wrong))), FOUND_BY, "leads to others");
  const shifted = entries.map(({ start, at }) => ({ start: start - 8, at }));
  assertEquals(functionsBy(objectWith(headerSection(shifted))), FOUND_BY, "other addresses");
  const counts = headerSection(entries);
  new DataView(counts.buffer).setUint32(8, 0x7fffffff, true);
  assertEquals(functionsBy(objectWith(counts)), FOUND_BY, "more than there are");
  const omitted = headerSection(entries);
  omitted[3] = OMIT;
  assertEquals(functionsBy(objectWith(omitted)), FOUND_BY, "no table");
});

Deno.test("where functions overlap the one that starts last has an address", () => {
  const { bytes } = frameSection(
    [{ start: 0x1000, end: 0x1200, code: [] }, { start: 0x1080, end: 0x1090, code: [] }],
    X86_64,
    0,
  );
  const bases = { text: NaN, data: NaN, addressSize: 8 };
  const section = { bytes: new HeldBytes(bytes), address: 0, isEh: true, littleEndian: true, bases };
  const cfi = new ObjectCfi([() => new CfiTable(section, undefined, new Cost())]);
  const starts = [0x1000, 0x1085, 0x1090, 0x11ff].map((address) =>
    cfi.findFunction(address) && cfi.functionStart
  );
  assertEquals(starts, [0x1000, 0x1080, 0x1000, 0x1000]);
});

/** .debug_frame with one function from 0x1000 to 0x1100 whose frame ends at rsp + 48. */
function debugFrame(version: number, is64: boolean): Uint8Array {
  const w = new ByteWriter(128);
  const entry = (id: bigint, body: () => void) => {
    if (is64) w.u32(0xffffffff).u64(0);
    else w.u32(0);
    const from = w.length;
    if (is64) w.u64(id);
    else w.u32(Number(id & 0xffffffffn));
    body();
    if (is64) w.patchU32(from - 8, w.length - from); // its high half is 0
    else w.patchU32(from - 4, w.length - from);
  };
  entry((1n << 64n) - 1n, () => {
    w.u8(version).u8(0);
    if (version === 4) w.u8(8).u8(2); // address_size, segment_selector_size
    w.u8(1).u8(0x78);
    if (version === 1) w.u8(16);
    else w.u8(0x90).u8(0); // 16, as a long LEB128
    w.raw(Uint8Array.of(0x0c, 7, 8, 0x90, 1));
  });
  entry(0n, () => {
    if (version === 4) w.u16(0);
    w.u64(0x1000).u64(0x100).raw(Uint8Array.of(0x0e, 48));
  });
  return w.bytes().slice();
}

Deno.test(".debug_frame is read in versions 1, 3 and 4, with offsets of 32 and 64 bits", () => {
  for (const version of [1, 3, 4]) {
    for (const is64 of [false, true]) {
      const bytes = new HeldBytes(debugFrame(version, is64));
      const bases = { text: NaN, data: NaN, addressSize: 8 };
      const section = { bytes, address: 0, isEh: false, littleEndian: true, bases };
      const cfi = new ObjectCfi([() => new CfiTable(section, undefined, new Cost())]), row = new Row();
      assertEquals(cfi.findRow(0x10ff, row), FOUND.ROW, `version ${version}, ${is64 ? 64 : 32} bits`);
      assertEquals([row.values[CFA], row.extras[CFA], cfi.returnRegister], [7, 48, 16]);
      assertEquals(cfi.findRow(0x1100, row), FOUND.NONE);
    }
  }
});

Deno.test("pointers are read in each encoding", () => {
  const bases = { text: 0x10000, data: 0x20000, addressSize: 8, memory: (at: number) => at + 1 };
  const read = (encoding: number, hex: string, place = 0x5000) =>
    readPointer(new LineReader(Uint8Array.fromHex(hex), true), encoding, place, bases, 0x30000);
  assertEquals(read(0x00, "1032547698ba0000"), 0xba9876543210);
  assertEquals(read(0x01, "8008"), 1024);
  assertEquals(read(0x09, "7f"), -1);
  assertEquals(read(0x02, "ffff"), 0xffff);
  assertEquals(read(0x0a, "ffff"), -1);
  assertEquals(read(0x03, "feffffff"), 0xfffffffe);
  assertEquals(read(0x0b, "feffffff"), -2);
  assertEquals(read(0x0c, "feffffffffffffff"), -2);
  assertEquals(read(0x1b, "feffffff"), 0x4ffe); // relative to its place
  assertEquals(read(0x2b, "10000000"), 0x10010); // to the code
  assertEquals(read(0x3b, "10000000"), 0x20010); // to the data
  assertEquals(read(0x4b, "10000000"), 0x30010); // to the function
  assertEquals(read(0x9b, "00010000"), 0x5101); // what is in memory there
  assertEquals(read(0x50, "0000001032547698ba0000", 0x5005), 0xba9876543210); // aligned
  assertEquals(read(0x1b, "00000000"), 0); // none, whatever it is relative to
  assert(Number.isNaN(read(OMIT, "00")));
  assert(Number.isNaN(read(0x05, "0000000000000000")));
  assertEquals([0x00, 0x1b, 0x3a, 0x04, 0x01, 0x50, OMIT].map((each) => pointerSize(each, 8)), [
    8,
    4,
    2,
    8,
    0,
    0,
    0,
  ]);
});

Deno.test("entries of any kind are charged in the pass over a section, terminators included", () => {
  const cost = new Cost(new Budget(0.05));
  const section = {
    bytes: new HeldBytes(new Uint8Array(1 << 20)),
    address: 0,
    isEh: true,
    littleEndian: true,
    bases: { text: NaN, data: NaN, addressSize: 8, memory: () => NaN },
  };
  const find = () => new CfiTable(section, undefined, cost).find(0x1000);
  for (let i = 0; i < 2; i++) assertEquals(find(), undefined);
  assertThrows(() => find(), LimitError, "time for one object");
});

Deno.test("long instructions are charged each time that they are run", () => {
  const rows = 40_000; // each remembered and restored
  const code = new Uint8Array(2 * rows);
  for (let i = 0; i < rows; i++) code.set([0x0a, 0x0b], 2 * i);
  const functions = [{ start: 0x1000, end: 0x1100, code: Array.from(code) }];
  const { bytes } = frameSection(functions, X86_64, 0);
  const cost = new Cost(new Budget(0.05));
  const section = {
    bytes: new HeldBytes(bytes),
    address: 0,
    isEh: true,
    littleEndian: true,
    bases: { text: NaN, data: NaN, addressSize: 8, memory: () => NaN },
  };
  const cfi = new ObjectCfi([() => new CfiTable(section, undefined, cost)]);
  const row = new Row();
  assertEquals(cfi.findRow(0x1001, row), FOUND.ROW);
  assertThrows(
    () => {
      for (let i = 0; i < 100; i++) cfi.findRow(0x1002 + i, row);
    },
    LimitError,
    "time for one object",
  );
});
