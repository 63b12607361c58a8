/** Our choice of symbols against perf's, address by address. */

import { crc32 } from "node:zlib";
import { assertEquals, assertGreater } from "@std/assert";
import { ElfFile } from "../../lib/symbols/elf/elf.ts";
import { elfSymbols } from "../../lib/symbols/elf/elf_symbols.ts";
import type { SymbolTable } from "../../lib/symbols/table/symbol_table.ts";
import { testNeeding } from "../needs.ts";
import { answerOf, differences, fileBytes, perfFileSymbols } from "./oracle.ts";

const CASES = new URL("../testdata/symbols/cases.s", import.meta.url).pathname;

/** A program that uses the PLT, exported functions and hidden ones. */
const DYNAMIC = `
#include <stdio.h>
#include <stdlib.h>
int exported(int x) { printf("%d", x); return x * 3; }
static __attribute__((noinline)) int local(int x) { return x * 7 + getchar() + abs(x); }
int main(int argc, char **argv) { puts(argv[0]); return exported(argc) + local(argc); }
`;

async function run(command: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args, stdout: "null" }).output();
  if (!success) throw new Error(`${command} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}

/** Builds something in a directory of its own, hands it to `check`, and cleans up. */
async function withDirectory(check: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await check(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Every offset of a small file. */
function everyOffset(path: string): Float64Array {
  return new Float64Array(Deno.statSync(path).size).map((_, i) => i);
}

/** Both ends of up to 5,000 symbols, and 20,000 offsets spread evenly over the file. */
function sampledOffsets(path: string, table: SymbolTable): Float64Array {
  const size = Deno.statSync(path).size;
  const offsets: number[] = [];
  const step = Math.max(1, Math.floor(table.length / 5000));
  for (let i = 0; i < table.length; i += step) {
    offsets.push(table.starts[i] - 1, table.starts[i], table.ends[i] - 1, table.ends[i]);
  }
  for (let i = 0; i < 20000; i++) offsets.push(Math.floor((i + 0.5) * size / 20000));
  return Float64Array.from(offsets.filter((offset) => offset >= 0 && offset < size));
}

/**
 * Leaves out offsets in the PLT and up to the code behind it, which perf 6.1 knows little of: of stubs that are not in
 * .plt, of the first one and of stripped programs'. tests/symbols/elf/elf_plt_test.ts has them.
 */
function outsidePlt(file: ElfFile, offsets: Float64Array): Float64Array {
  const plt = file.section(".plt"), text = file.section(".text");
  return plt && text ? offsets.filter((offset) => offset < plt.offset || offset >= text.offset) : offsets;
}

async function assertAgrees(path: string): Promise<void> {
  const file = new ElfFile(fileBytes(path)), table = elfSymbols(file);
  const offsets = outsidePlt(file, everyOffset(path));
  const perf = await perfFileSymbols(path, offsets);
  assertEquals(differences(offsets, perf, (offset) => answerOf(table, offset)), []);
}

for (
  const [name, flags] of [
    ["position independent", ["-pie", "-fPIE"]],
    ["fixed", ["-no-pie"]],
    ["exporting its symbols", ["-rdynamic"]],
  ] as [string, string[]][]
) {
  testNeeding(
    ["perf", "cc"],
    `elfSymbols() gives perf's symbol at every byte of assembly, ${name}`,
    () =>
      withDirectory(async (dir) => {
        await run("cc", "-x", "assembler", ...flags, "-o", `${dir}/program`, CASES);
        await assertAgrees(`${dir}/program`);
      }),
  );
}

testNeeding(
  ["perf", "cc"],
  "elfSymbols() gives perf's symbol at every byte of C",
  () =>
    withDirectory(async (dir) => {
      await Deno.writeTextFile(`${dir}/program.c`, DYNAMIC);
      for (
        const flags of [[], ["-O2"], ["-no-pie"], ["-rdynamic"], ["-s"], ["-fcf-protection", "-Wl,-z,ibtplt"]]
      ) {
        await run("cc", ...flags, "-o", `${dir}/program`, `${dir}/program.c`);
        await assertAgrees(`${dir}/program`);
      }
    }),
);

testNeeding(
  ["perf", "cc"],
  "elfSymbols() joins .dynsym to a .symtab that lost some of its symbols, as perf does",
  () =>
    withDirectory(async (dir) => {
      await Deno.writeTextFile(`${dir}/program.c`, DYNAMIC);
      await run("cc", "-rdynamic", "-o", `${dir}/whole`, `${dir}/program.c`);
      await run("objcopy", "--strip-symbol=exported", "--strip-symbol=main", `${dir}/whole`, `${dir}/part`);
      const table = elfSymbols(new ElfFile(fileBytes(`${dir}/part`)));
      const names = Array.from({ length: table?.length ?? 0 }, (_, i) => table?.name(i));
      assertEquals(names.includes("exported"), true);
      await assertAgrees(`${dir}/part`);
    }),
);

testNeeding(
  ["perf", "cc"],
  "elfSymbols() counts in file offsets where they differ from addresses",
  () =>
    withDirectory(async (dir) => {
      await Deno.writeTextFile(`${dir}/program.c`, DYNAMIC);
      await run(
        "cc",
        "-no-pie",
        "-Wl,--section-start=.text=0x10123000",
        "-o",
        `${dir}/program`,
        `${dir}/program.c`,
      );
      const file = new ElfFile(fileBytes(`${dir}/program`));
      const text = file.section(".text");
      assertGreater((text?.addr ?? 0) - (text?.offset ?? 0), 0x10000000);
      await assertAgrees(`${dir}/program`);
    }),
);

testNeeding(
  ["perf", "cc"],
  "elfSymbols() stops with perf at a symbol of a section that is not there",
  () =>
    withDirectory(async (dir) => {
      await run("cc", "-x", "assembler", "-o", `${dir}/program`, CASES);
      const bytes = await Deno.readFile(`${dir}/program`);
      const symtab = new ElfFile(fileBytes(`${dir}/program`)).section(".symtab");
      if (symtab === undefined) throw new Error("the linker wrote no .symtab");
      const view = new DataView(bytes.buffer);
      const functions: number[] = [];
      for (let at = symtab.offset; at < symtab.offset + symtab.size; at += 24) {
        if ((bytes[at + 4] & 15) === 2) functions.push(at);
      }
      view.setUint16(functions[5] + 6, 9999, true);
      await Deno.writeFile(`${dir}/damaged`, bytes);
      await assertAgrees(`${dir}/damaged`);
    }),
);

testNeeding(
  ["perf"],
  "elfSymbols() gives perf's symbols in programs and libraries of this machine",
  async () => {
    let checked = 0;
    for (const name of ["bash", "perf", "python3", "sh", "gdb", "ld", "node", "cc1plus"]) {
      const path = await which(name);
      if (path === undefined) continue;
      const file = new ElfFile(fileBytes(path));
      // perf would find the debug file; that case has a test of its own
      if (debugFileOf(file) !== undefined) continue;
      const table = elfSymbols(file);
      if (table === undefined) continue;
      const offsets = outsidePlt(file, sampledOffsets(path, table));
      const perf = await perfFileSymbols(path, offsets);
      assertEquals(differences(offsets, perf, (offset) => answerOf(table, offset)), [], path);
      checked++;
    }
    assertGreater(checked, 0);
  },
);

testNeeding(
  ["perf", "cc"],
  "elfSymbols() takes the symbols of a debug file as perf does, and the stubs of the program",
  () =>
    withDirectory(async (dir) => {
      await Deno.writeTextFile(`${dir}/program.c`, DYNAMIC);
      // without a build id, so that the link is all there is to go by
      await run("cc", "-g", "-Wl,--build-id=none", "-o", `${dir}/program`, `${dir}/program.c`);
      await run("objcopy", "--only-keep-debug", `${dir}/program`, `${dir}/program.debug`);
      await run("objcopy", "--strip-all", `--add-gnu-debuglink=${dir}/program.debug`, `${dir}/program`);
      const file = new ElfFile(fileBytes(`${dir}/program`));
      assertEquals(file.debugLink(), {
        name: "program.debug",
        crc: crc32(await Deno.readFile(`${dir}/program.debug`)),
      });
      const table = elfSymbols(file, new ElfFile(fileBytes(`${dir}/program.debug`)));
      const offsets = outsidePlt(file, everyOffset(`${dir}/program`));
      const perf = await perfFileSymbols(`${dir}/program`, offsets);
      assertEquals(perf.some((answer) => answer.name === "local"), true);
      const stubs = Array.from(table!.starts, (_, i) => table!.name(i)).filter((name) =>
        name.endsWith("@plt")
      );
      assertEquals(stubs.includes("printf@plt"), true, stubs.join());
      assertEquals(differences(offsets, perf, (offset) => answerOf(table, offset)), []);
    }),
);

async function which(name: string): Promise<string | undefined> {
  for (const dir of (Deno.env.get("PATH") ?? "").split(":")) {
    try {
      const path = await Deno.realPath(`${dir}/${name}`);
      if (Deno.statSync(path).isFile && new TextDecoder().decode(fileBytes(path).read(1, 3)) === "ELF") {
        return path;
      }
    } catch {
      continue;
    }
  }
  return undefined;
}

function debugFileOf(file: ElfFile): string | undefined {
  const id = file.buildId();
  if (id === undefined) return undefined;
  const path = `/usr/lib/debug/.build-id/${id.slice(0, 2)}/${id.slice(2)}.debug`;
  try {
    Deno.statSync(path);
    return path;
  } catch {
    return undefined;
  }
}
