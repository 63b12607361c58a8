import { assertEquals, assertThrows } from "@std/assert";
import { type ByteSource, MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { BadInputError } from "../../../lib/base/system/errors.ts";
import { ElfFile } from "../../../lib/symbols/elf/elf.ts";
import { elfSymbols } from "../../../lib/symbols/elf/elf_symbols.ts";
import { buildElf, type ElfSymbol, TEXT_SHIFT } from "../build_elf.ts";

const SYMBOLS: ElfSymbol[] = [
  { name: "first", value: TEXT_SHIFT + 0x1010, size: 16 },
  { name: "second", value: TEXT_SHIFT + 0x1020, size: 0 },
  { name: "third", value: TEXT_SHIFT + 0x1040, size: 8 },
];
const BUILD_ID = Uint8Array.of(0xde, 0xad, 0xbe, 0xef, 1, 2, 3, 4);

for (const is64 of [true, false]) {
  for (const littleEndian of [true, false]) {
    const kind = `ELF${is64 ? 64 : 32} of ${littleEndian ? "little" : "big"} endian machines`;
    Deno.test(`elfSymbols() reads ${kind}`, () => {
      const bytes = buildElf({ is64, littleEndian, symbols: SYMBOLS, buildId: BUILD_ID });
      const file = new ElfFile(new MemoryBytes(bytes));
      assertEquals(file.buildId(), "deadbeef01020304");
      const table = elfSymbols(file);
      const nameAt = (offset: number) => {
        const at = table?.find(offset) ?? -1;
        return at < 0 ? undefined : table?.name(at);
      };
      assertEquals(nameAt(0x100f), undefined);
      assertEquals(nameAt(0x1010), "first");
      assertEquals(nameAt(0x101f), "first");
      assertEquals(nameAt(0x103f), "second");
      assertEquals(nameAt(0x1047), "third");
      assertEquals(nameAt(0x1048), undefined);
    });
  }
}

Deno.test("elfSymbols() leaves out the mapping symbols of ARM and clears the mark of Thumb code", () => {
  const symbols = [
    { name: "$t", value: TEXT_SHIFT + 0x1010, size: 0, type: 0, bind: 0 },
    { name: "$d.4", value: TEXT_SHIFT + 0x1018, size: 0, type: 0, bind: 0 },
    { name: "$total", value: TEXT_SHIFT + 0x1020, size: 8 },
    { name: "thumb", value: TEXT_SHIFT + 0x1011, size: 16 },
  ];
  const bytes = buildElf({ is64: false, machine: 40, symbols });
  const table = elfSymbols(new ElfFile(new MemoryBytes(bytes)));
  assertEquals([0, 1].map((i) => [table?.name(i), table?.starts[i]]), [["thumb", 0x1010], [
    "$total",
    0x1020,
  ]]);
  assertEquals(table?.length, 2);
});

Deno.test("elfSymbols() gives nothing for a file without symbols", () => {
  assertEquals(elfSymbols(new ElfFile(new MemoryBytes(buildElf({ symbols: [] })))), undefined);
});

Deno.test("ElfFile says what is wrong with a file that is no ELF file, and names it", () => {
  const script = new MemoryBytes(new TextEncoder().encode("#!/bin/sh\necho hello\n"), "/bin/script");
  assertThrows(() => new ElfFile(script), BadInputError, "/bin/script: it is not an ELF file");
});

Deno.test("ElfFile reads headers only, until symbols are asked for", () => {
  const bytes = buildElf({ symbols: SYMBOLS });
  let read = 0;
  const source: ByteSource = {
    name: "counted",
    size: bytes.length,
    read(offset, length) {
      read += length;
      return bytes.subarray(offset, offset + length);
    },
  };
  new ElfFile(source);
  assertEquals(read < 1000, true);
});

Deno.test("a file cut off anywhere gives symbols or a BadInputError, nothing else", () => {
  const bytes = buildElf({ symbols: SYMBOLS, buildId: BUILD_ID });
  for (let length = 0; length < bytes.length; length += length < 100 ? 1 : 37) {
    tryRead(bytes.slice(0, length));
  }
});

Deno.test("a file with any header field gone bad gives symbols or a BadInputError, and reads no more than there is", () => {
  const bytes = buildElf({ symbols: SYMBOLS, buildId: BUILD_ID });
  const headersAt = Number(new DataView(bytes.buffer).getBigUint64(40, true));
  const places = [
    ...Array(64).keys(),
    ...Array.from({ length: bytes.length - headersAt }, (_, i) => headersAt + i),
  ];
  for (const place of places) {
    for (const value of [0, 1, 0x7f, 0x80, 0xff]) {
      const damaged = bytes.slice();
      damaged[place] = value;
      tryRead(damaged);
    }
    if (place + 8 <= bytes.length) {
      const damaged = bytes.slice();
      damaged.fill(0xff, place, place + 8);
      tryRead(damaged);
    }
  }
});

/** Reads everything there is to read; only BadInputError may come out of it. */
function tryRead(bytes: Uint8Array): void {
  const source: ByteSource = {
    name: "hostile",
    size: bytes.length,
    read(offset, length) {
      if (length > Math.max(bytes.length, 64)) throw new Error(`${length} bytes asked of ${bytes.length}`);
      return bytes.subarray(offset, offset + length);
    },
  };
  try {
    const file = new ElfFile(source);
    file.buildId();
    file.debugLink();
    const table = elfSymbols(file);
    for (let i = 0; i < (table?.length ?? 0); i++) table?.name(i);
    table?.find(0x1010);
  } catch (error) {
    if (!(error instanceof BadInputError)) throw error;
  }
}
