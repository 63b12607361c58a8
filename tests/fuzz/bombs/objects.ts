/** Object files that claim huge sections, tables, names or unpacked sizes. */

import { type ByteSource, MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { ByteWriter, concat } from "../../../lib/base/bytes/bytes.ts";
import { SparseBytes } from "../../symbols/sparse_bytes.ts";
import { xzZeros, zlibZeros, zstdStored, zstdTables } from "../made/packed.ts";
import { ElfParts } from "../mutate/mutate_elf.ts";
import { readObject } from "../targets/objects.ts";
import type { Bomb } from "./bomb.ts";

const folder = new URL("../../testdata/fuzz/", import.meta.url);
const elf = (name: string) => new ElfParts(Deno.readFileSync(new URL(`${name}.elf`, folder)));
/** Where .text is in the programs of testdata. */
const TEXT = 0x400150;

/** An object file of `size` bytes, sparse behind those of `parts`, with numbers of its headers set. */
function sparse(
  parts: ElfParts,
  size: number,
  numbers: readonly { at: number; width: 2 | 4 | 8; value: number }[],
  more: readonly (readonly [at: number, bytes: Uint8Array])[] = [],
): SparseBytes {
  const bytes = new Uint8Array(parts.bytes);
  const view = new DataView(bytes.buffer);
  for (const { at, width, value } of numbers) {
    if (width === 2) view.setUint16(at, value, true);
    else if (width === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
  }
  return new SparseBytes(size, [[0, bytes], ...more], "object");
}

/** A section of a program moved behind all else, where it has `size` bytes: zeros but for `parts` of them. */
function grown(
  parts: ElfParts,
  name: string,
  size: number,
  inside: readonly (readonly [number, Uint8Array])[] = [],
) {
  const { headerAt } = parts.section(name), at = 1 << 20;
  return sparse(
    parts,
    at + size,
    [{ at: headerAt + 24, width: 8, value: at }, { at: headerAt + 32, width: 8, value: size }],
    inside.map(([offset, bytes]) => [at + offset, bytes] as const),
  );
}

const read = (source: ByteSource): Promise<void> => readObject(() => source);
const readWith = (parts: ElfParts, name: string, contents: Uint8Array, flags = 0) =>
  read(new MemoryBytes(parts.with([{ name, contents, flags }]), "object"));

/** A section's head as SHF_COMPRESSED has it: Elf64_Chdr. */
const packedHead = (type: number, size: number) =>
  new ByteWriter(24).u32(type).u32(0).u64(size).u64(1).bytes();

export const objectBombs: readonly Bomb[] = [
  {
    name: "section-count",
    sizes: [1e5, 1e7, 1e9],
    go: (n) => {
      const parts = elf("dwarf5"), at = 1 << 20;
      return read(sparse(parts, at + 64 * n, [
        { at: 40, width: 8, value: at },
        { at: 60, width: 2, value: 0 },
        { at: 62, width: 2, value: 0 },
      ], [[at + 32, new ByteWriter(8).u64(n).bytes()]]));
    },
  },
  {
    name: "segment-size",
    sizes: [56, 65535],
    go: (n) =>
      read(sparse(elf("dwarf5"), 2 ** 33, [
        { at: 32, width: 8, value: 1 << 20 },
        { at: 54, width: 2, value: n },
        { at: 56, width: 2, value: 65535 },
      ])),
  },
  {
    name: "note-segments", // each a large note section, all the same one
    sizes: [100, 65535],
    go(n) {
      const header = new ByteWriter(56).u32(4).u32(4).u64(2 ** 24).u64(0).u64(0).u64(15 << 20).u64(15 << 20)
        .u64(4).bytes();
      return read(sparse(elf("dwarf5"), 2 ** 33, [
        { at: 32, width: 8, value: 1 << 20 },
        { at: 54, width: 2, value: 56 },
        { at: 56, width: 2, value: n },
      ], [[1 << 20, concat(Array(n).fill(header))]]));
    },
  },
  { name: "symbol-count", sizes: [1e6, 1e8, 1e10], go: (n) => read(grown(elf("dwarf5"), ".symtab", 24 * n)) },
  {
    name: "symbols", // that are what they seem, at one address each or all at one
    sizes: [2e5, 1e6],
    go(n) {
      const w = new ByteWriter(24 * n).zeros(24);
      for (let i = 0; i < n; i++) {
        w.u32(1 + i % 60).u8(0x12).u8(0).u16(2).u64(TEXT + (i % 2 ? 0 : i)).u64(i % 7 * 1000);
      }
      return readWith(elf("dwarf5"), ".symtab", w.bytes());
    },
  },
  {
    name: "string-size",
    sizes: [1e8, 1e11],
    go: (n) => read(grown(elf("dwarf5"), ".strtab", n, [[1, Uint8Array.of(65)]])),
  },
  {
    name: "symbol-names", // that are all the same long one
    sizes: [1e4, 1e5],
    go(n) {
      const w = new ByteWriter(24 * n).zeros(24);
      for (let i = 1; i < n; i++) w.u32(i).u8(0x12).u8(0).u16(2).u64(TEXT).u64(16);
      const names = new Uint8Array(8 << 20).fill(65);
      const parts = elf("dwarf5");
      const bytes = parts.with([{ name: ".symtab", contents: w.bytes() }, {
        name: ".strtab",
        contents: names,
      }]);
      return read(new MemoryBytes(bytes, "object"));
    },
  },
  {
    name: "debuglink-size",
    sizes: [1e8, 1e11],
    go: (n) => read(grown(elf("debuglink"), ".gnu_debuglink", n, [[0, new Uint8Array(1000).fill(65)]])),
  },
  {
    name: "xz",
    sizes: [10, 100, 2000, 20_000],
    go: (n) =>
      readWith(elf("mini"), ".gnu_debugdata", xzZeros(Deno.readFileSync(new URL("zeros.xz", folder)), n)),
  },
  { name: "xz-size", sizes: [1e8, 1e11], go: (n) => read(grown(elf("mini"), ".gnu_debugdata", n)) },
  {
    name: "zlib",
    sizes: [4, 64, 640],
    go: (n) => readWith(elf("dwarf5"), ".debug_line", concat([packedHead(1, n << 24), zlibZeros(n)]), 0x800),
  },
  {
    name: "zstd",
    sizes: [100, 10_000, 100_000],
    go: (n) =>
      readWith(
        elf("dwarf5"),
        ".debug_line",
        concat([packedHead(2, n * 131072), zstdStored(new Uint8Array(1), Array(n).fill(131072))]),
        0x800,
      ),
  },
  {
    name: "zstd-tables",
    sizes: [1e5, 1e7],
    go: (n) => readWith(elf("dwarf5"), ".debug_line", concat([packedHead(2, n), zstdTables(n)]), 0x800),
  },
  {
    name: "packed-claims", // an unpacked size that is not true
    sizes: [1e6, 5e8, 1e9, 1e15],
    go: async (n) => {
      for (const type of [1, 2]) {
        await readWith(
          elf("dwarf5"),
          ".debug_line",
          concat([packedHead(type, n), zstdStored(new Uint8Array(100))]),
          0x800,
        );
      }
    },
  },
  { name: "line-table-size", sizes: [1e8, 1e10], go: (n) => read(grown(elf("dwarf5"), ".debug_line", n)) },
  {
    name: "line-rows",
    sizes: [1e6, 3e7],
    go: (n) =>
      readWith(elf("dwarf5"), ".debug_line", lineUnit(new Uint8Array(0), new Uint8Array(n).fill(0x20))),
  },
  {
    name: "line-sequences", // each covers all
    sizes: [1e5, 1e6],
    go(n) {
      const one = concat([
        Uint8Array.of(0, 9, 2),
        new ByteWriter(8).u64(0x400000).bytes(),
        Uint8Array.of(1, 2, 0x80, 0x80, 4, 1, 0, 1, 1),
      ]);
      return readWith(elf("dwarf5"), ".debug_line", lineUnit(new Uint8Array(0), concat(Array(n).fill(one))));
    },
  },
  {
    name: "line-strings", // many names that are the tails of one long one
    sizes: [1e4, 1e5, 1e6],
    go(n) {
      const entries = new ByteWriter(4 * n);
      for (let i = 0; i < n; i++) entries.u32(i % 100);
      const count = uleb(n);
      const tables = concat([
        Uint8Array.of(1, 1, 0x1f),
        count,
        entries.bytes(),
        Uint8Array.of(1, 1, 0x1f),
        uleb(2),
        new Uint8Array(8),
      ]);
      const cover = concat([
        Uint8Array.of(0, 9, 2),
        new ByteWriter(8).u64(0x400000).bytes(),
        Uint8Array.of(1, 2, 0x80, 0x80, 4, 0, 1, 1),
      ]);
      const parts = elf("dwarf5");
      return read(
        new MemoryBytes(
          parts.with([
            { name: ".debug_line", contents: lineUnit(tables, cover) },
            { name: ".debug_line_str", contents: new Uint8Array(4 * n).fill(97) },
          ]),
          "object",
        ),
      );
    },
  },
  {
    name: "abbreviations", // many units, each of which names the last of many
    sizes: [1000, 10_000, 100_000],
    go(n) {
      const abbrev = new ByteWriter(16 * n);
      for (let i = 1; i <= n; i++) abbrev.raw(uleb(i)).raw(Uint8Array.of(0x11, 0, 0, 0));
      const code = uleb(n);
      const unit = concat([new ByteWriter(16).u32(7 + code.length).u16(4).u32(0).u8(8).bytes(), code]);
      const parts = elf("dwarf4");
      return read(
        new MemoryBytes(
          parts.with([
            { name: ".debug_info", contents: concat(Array(n).fill(unit)) },
            { name: ".debug_abbrev", contents: abbrev.u8(0).bytes() },
          ]),
          "object",
        ),
      );
    },
  },
  {
    name: "attributes", // one abbreviation of very many
    sizes: [1e5, 1e7],
    go(n) {
      const abbrev = concat([
        Uint8Array.of(1, 0x11, 0),
        new Uint8Array(2 * n).fill(0x19),
        Uint8Array.of(0, 0, 0),
      ]);
      const unit = new ByteWriter(16).u32(8).u16(4).u32(0).u8(8).u8(1).bytes();
      const parts = elf("dwarf4");
      return read(
        new MemoryBytes(
          parts.with([
            { name: ".debug_info", contents: concat(Array(1000).fill(unit)) },
            { name: ".debug_abbrev", contents: abbrev },
          ]),
          "object",
        ),
      );
    },
  },
];

function uleb(value: number): Uint8Array {
  const bytes: number[] = [];
  let left = value;
  for (; left >= 0x80; left = Math.floor(left / 128)) bytes.push(left % 128 | 0x80);
  return Uint8Array.from([...bytes, left]);
}

/** A unit of version 5 with these tables, or those of no file, and this program. */
function lineUnit(tables: Uint8Array, program: Uint8Array): Uint8Array {
  const head = Uint8Array.of(1, 1, 1, 0xfb, 14, 13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1);
  const own = tables.length > 0 ? tables : Uint8Array.of(0, 0, 0, 0);
  const body = concat([
    new ByteWriter(16).u16(5).u8(8).u8(0).u32(head.length + own.length).bytes(),
    head,
    own,
    program,
  ]);
  return concat([new ByteWriter(4).u32(body.length).bytes(), body]);
}
