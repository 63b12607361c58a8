import { assertEquals, assertLess } from "@std/assert";
import { type ByteSource, MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { ByteWriter, concat } from "../../../lib/base/bytes/bytes.ts";
import { fileBuildId, sameBuildId } from "../../../lib/symbols/elf/build_id.ts";
import { SparseBytes } from "../sparse_bytes.ts";

const ID = Uint8Array.of(0xde, 0xad, 0xbe, 0xef, 1, 2, 3, 4);
const HEX = "deadbeef01020304";
const NOTE_AT = 0x400;

interface Header {
  phnum?: number;
  noteSize?: number;
  /** Of the sections, where there are any: their count, where they are, and the one that has the count. */
  sections?: { shnum: number; shoff: number };
}

/** The front of an ELF64 file with a PT_NOTE at NOTE_AT; other program headers repeat it. */
function front({ phnum = 1, noteSize = 24, sections }: Header = {}): Uint8Array {
  const w = new ByteWriter(0x400).raw(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1)).zeros(9);
  w.u16(3).u16(62).u32(1).u64(0).u64(64).u64(sections?.shoff ?? 0);
  w.u32(0).u16(64).u16(56).u16(phnum).u16(64).u16(sections?.shnum ?? 0).u16(0);
  for (let i = 0; i < Math.min(phnum, 10); i++) {
    w.u32(4).u32(4).u64(NOTE_AT).u64(0).u64(0).u64(noteSize).u64(noteSize).u64(4);
  }
  return w.bytes();
}

const note = (id: Uint8Array) =>
  new ByteWriter(64).u32(4).u32(id.length).u32(3).raw(new TextEncoder().encode("GNU\0")).raw(id).bytes();

Deno.test("fileBuildId() reads the id of a file that claims a thousand million sections, in a few kilobytes", () => {
  const size = 70e9;
  const count = new ByteWriter(64).zeros(32).u64(1e9).zeros(24).bytes();
  const file = new SparseBytes(size, [
    [0, front({ sections: { shnum: 0, shoff: 0x1000 } })],
    [NOTE_AT, note(ID)],
    [0x1000, count],
  ]);
  assertEquals(fileBuildId(file), HEX);
  assertLess(file.readBytes, 1000);
});

Deno.test("fileBuildId() reads a bounded part of a file whose notes and program headers claim to be huge", () => {
  const claims: Header[] = [{ noteSize: 60e9 }, { phnum: 65535 }, { phnum: 10, noteSize: 60000 }];
  for (const claim of claims) {
    const file = new SparseBytes(70e9, [[0, front(claim)]]);
    assertEquals(fileBuildId(file), undefined);
    assertLess(file.readBytes, 500_000);
  }
});

Deno.test("fileBuildId() finds an id in a section that no program header points to, as Go's linker leaves it", () => {
  const header = (type: number, offset: number, size: number) =>
    new ByteWriter(64).u32(0).u32(type).u64(2).u64(0).u64(offset).u64(size).zeros(24).bytes();
  const sections = concat([
    header(0, 0, 0),
    header(1, 0, 70e9),
    header(7, 0x3000, 70e9),
    header(7, 0x500, 24),
  ]);
  const file = new SparseBytes(70e9, [
    [0, front({ noteSize: 0, sections: { shnum: 4, shoff: 0x1000 } })],
    [0x500, note(ID)],
    [0x1000, sections],
  ]);
  assertEquals(fileBuildId(file), HEX);
  assertLess(file.readBytes, 1000);
});

Deno.test("fileBuildId() gives none where the note has no id, or one longer than any", () => {
  for (const length of [0, 65, 1000]) {
    const bytes = note(new Uint8Array(length).fill(1));
    const file = new SparseBytes(0x1000, [[0, front({ noteSize: bytes.length })], [NOTE_AT, bytes]]);
    assertEquals(fileBuildId(file), undefined);
  }
});

Deno.test("fileBuildId() never throws: not for what is no ELF file, nor for one that cannot be read", () => {
  assertEquals(fileBuildId(new MemoryBytes(new TextEncoder().encode("#!/bin/sh\n"))), undefined);
  assertEquals(fileBuildId(new MemoryBytes(new Uint8Array(0))), undefined);
  assertEquals(fileBuildId("/nowhere/at/all"), undefined);
  const broken: ByteSource = {
    name: "broken",
    size: 1000,
    read() {
      throw new RangeError("Array buffer allocation failed");
    },
  };
  assertEquals(fileBuildId(broken), undefined);
});

Deno.test("fileBuildId() survives every byte of the headers gone bad", () => {
  const good = new Uint8Array(0x500);
  good.set(front());
  good.set(note(ID), NOTE_AT);
  for (let at = 0; at < 0x430; at++) {
    for (const value of [0, 0x7f, 0x80, 0xff]) {
      const bad = good.slice();
      bad[at] = value;
      fileBuildId(new MemoryBytes(bad));
    }
  }
});

Deno.test("sameBuildId() takes the zeros for padding that perf fills short ids up with", () => {
  assertEquals(sameBuildId("abcd", "abcd0000"), true);
  assertEquals(sameBuildId("abcd", "abce"), false);
  assertEquals(sameBuildId("abcd", "abcd0001"), false);
});

Deno.test("sameBuildId() goes by the 20 bytes that a recording holds", () => {
  const sha256 = "0123456789abcdef".repeat(4);
  assertEquals(sameBuildId(sha256, sha256.slice(0, 40)), true);
  assertEquals(sameBuildId(sha256, sha256.slice(0, 38)), false);
});
