/** Functions of programs without symbols, by what unwinds them. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { type ByteSource, MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { BadInputError } from "../../../lib/base/system/errors.ts";
import { ElfFile } from "../../../lib/symbols/elf/elf.ts";
import { functionRanges } from "../../../lib/symbols/dwarf/function_ranges.ts";
import { LimitError } from "../../../lib/symbols/object/limits.ts";
import { ObjectTable } from "../../../lib/symbols/object/objects.ts";
import type { SymbolFiles } from "../../../lib/symbols/files/symbol_files.ts";
import { Symbolizer } from "../../../lib/symbols/symbolizer.ts";
import { testNeeding } from "../../needs.ts";

const SOURCE = `
static __attribute__((noinline)) int first(int x) { return x * 7 + 1; }
static __attribute__((noinline, section(".text.unlikely"))) int far(int x) { return x * 3 + first(x); }
__attribute__((noinline)) int second(int x) { return first(x) + far(x) + 2; }
int main(int argc, char **argv) { return second(argc); }
`;
const NAMES = ["first", "far", "second", "main"];

interface Built {
  bytes: Uint8Array;
  /** Offsets in the file. */
  functions: { start: number; size: number }[];
}

async function run(dir: string, command: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args, cwd: dir }).output();
  if (!success) throw new Error(`${command} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** A program built with `flags` and stripped, and where nm had its functions. */
async function build(...flags: string[]): Promise<Built> {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${dir}/program.c`, SOURCE);
    await run(dir, "cc", "-O1", ...flags, "-o", "program", "program.c");
    const lines = (await run(dir, "nm", "-S", "program")).split("\n").map((line) => line.split(" "));
    const whole = new ElfFile(new MemoryBytes(await Deno.readFile(`${dir}/program`), "program"));
    const text = whole.segments.find(({ type, vaddr, memsz }) =>
      type === 1 && vaddr <= addressOf(lines, "main") && addressOf(lines, "main") < vaddr + memsz
    )!;
    const functions = NAMES.map((name) => ({
      start: addressOf(lines, name) - text.vaddr + text.offset,
      size: parseInt(lines.find((line) => line[3] === name)![1], 16),
    }));
    await run(dir, "objcopy", "--strip-all", "program");
    return { bytes: await Deno.readFile(`${dir}/program`), functions };
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const addressOf = (lines: string[][], name: string) =>
  parseInt(lines.find((line) => line[3] === name)![0], 16);

const rangesOf = (bytes: Uint8Array) => functionRanges(new ElfFile(new MemoryBytes(bytes, "program")));

for (
  const [what, ...flags] of [["a position-independent program"], ["a program at a fixed place", "-no-pie"]]
) {
  testNeeding(
    ["cc", "binutils"],
    `functionRanges() finds each function of ${what} without symbols`,
    async () => {
      const { bytes, functions } = await build(...flags);
      const ranges = rangesOf(bytes);
      for (const { start, size } of functions) {
        assertEquals(
          [start, start + size - 1].map((offset) => ranges.startAt(offset)),
          [start, start],
        );
        assert(ranges.startAt(start - 1) !== start && ranges.startAt(start + size) !== start);
      }
      assertEquals([ranges.startAt(0), ranges.startAt(bytes.length)], [-1, -1]);
    },
  );
}

testNeeding(["cc", "binutils"], "functionRanges() needs no section headers", async () => {
  const { bytes, functions } = await build();
  new DataView(bytes.buffer).setBigUint64(0x28, 0n, true); // e_shoff
  const ranges = rangesOf(bytes);
  for (const { start } of functions) assertEquals(ranges.startAt(start + 1), start);
});

testNeeding(
  ["cc", "binutils"],
  "functionRanges() of damaged rules gives no function that is not there",
  async () => {
    const { bytes, functions } = await build();
    const { offset, size } = new ElfFile(new MemoryBytes(bytes, "program")).section(".eh_frame")!;
    const starts = new Set(functions.map(({ start }) => start));
    for (let at = offset; at < offset + size; at++) {
      for (const value of [0, 0xff, bytes[at] ^ 0x80]) {
        const damaged = bytes.slice();
        damaged[at] = value;
        const found = rangesOf(damaged).startAt(functions[0].start);
        assert(found === -1 || (found >= 0 && found <= functions[0].start), `${at}: ${found}`);
      }
    }
    assert(starts.has(rangesOf(bytes).startAt(functions[0].start)));
  },
);

testNeeding(["cc", "binutils"], "functionRanges() refuses rules that lie outside the file", async () => {
  const { bytes } = await build();
  const { offset } = new ElfFile(new MemoryBytes(bytes, "program")).section(".eh_frame")!;
  assertThrows(() => rangesOf(bytes.subarray(0, offset + 8)), BadInputError);
});

testNeeding(
  ["cc", "binutils"],
  "functionRanges() holds rules to the limits, wherever they point",
  async () => {
    const { bytes } = await build();
    const file = new ElfFile(new MemoryBytes(bytes, "program"));
    const rows = file.segments.findIndex(({ type, offset }) => type === 1 && offset === 0);
    // entries of 8 bytes behind the program, each of another CIE; no sections, and a header that leads there
    const count = 6_000_000, at = (bytes.length + 7) & ~7, vaddr = 0x40000000;
    const large = new Uint8Array(at + 8 * count);
    large.set(bytes);
    const view = new DataView(large.buffer);
    view.setBigUint64(0x28, 0n, true); // e_shoff
    const header = Number(view.getBigUint64(0x20, true)) + 56 * rows;
    view.setBigUint64(header + 8, BigInt(at), true); // p_offset
    for (const [field, value] of [[16, vaddr], [32, 8 * count], [40, 8 * count]]) {
      view.setBigUint64(header + field, BigInt(value), true); // p_vaddr, p_filesz, p_memsz
    }
    const hdr = file.segments.find(({ type }) => type === 0x6474e550)!;
    large.set([1, 0x1b], hdr.offset);
    view.setInt32(hdr.offset + 4, vaddr - (hdr.vaddr + 4), true);
    for (let i = 0; i < count; i++) {
      view.setUint32(at + 8 * i, 4, true);
      view.setUint32(at + 8 * i + 4, 1, true);
    }
    assertThrows(() => rangesOf(large), LimitError);
  },
);

testNeeding(
  ["cc", "binutils"],
  "functionStart() reads the rules of an object once, and of none whose file is another now",
  async () => {
    const { bytes, functions } = await build();
    let opened = 0;
    const files: SymbolFiles = {
      open(): ByteSource {
        opened++;
        return new MemoryBytes(bytes, "program");
      },
      kallsyms: () => undefined,
    };
    const objects = new ObjectTable();
    const same = objects.of({ pid: 1, pgoff: 0, filename: "/bin/program" });
    const other = objects.of({ pid: 1, pgoff: 0, filename: "/bin/other", buildId: "00".repeat(20) });
    const symbolizer = new Symbolizer(files);
    const start = (object: typeof same, offset: number) => {
      assert(symbolizer.symbolize(object, offset) < 0);
      return symbolizer.functionStart(object, offset);
    };
    assertEquals(functions.map((f) => start(same, f.start + 2)), functions.map((f) => f.start));
    assertEquals(opened, 2); // for its symbols, of which it has none, and for its functions
    assertEquals(start(other, functions[0].start), -1);
    assertEquals(opened, 3);
  },
);
