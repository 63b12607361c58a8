/** Source lines against addr2line, address by address, and against damage. */

import { assertEquals, assertGreater } from "@std/assert";
import { MemoryBytes } from "../../lib/base/bytes/byte_source.ts";
import { findLines } from "../../lib/symbols/dwarf/dwarf_line.ts";
import { ElfFile } from "../../lib/symbols/elf/elf.ts";
import { Budget, Cost } from "../../lib/symbols/object/limits.ts";
import type { DebugInfo } from "../../lib/symbols/elf/debug_section.ts";
import { REASON } from "../../lib/symbols/object/missing_symbol_reasons.ts";
import { HeldBytes } from "../../lib/symbols/object/windows.ts";
import { ObjectTable } from "../../lib/symbols/object/objects.ts";
import { sourceLines } from "../../lib/symbols/source_lines.ts";
import type { SymbolFiles } from "../../lib/symbols/files/symbol_files.ts";
import { testNeeding } from "../needs.ts";
import { fileBytes } from "./oracle.ts";

/** Code of two files, one of them included from a folder of its own, so that there are directories to find. */
const HEADER = `
static inline __attribute__((always_inline)) int half(int x) {
  if (x & 1) x++;
  return x / 2;
}
`;
const SOURCE = `
#include "deep/half.h"
int global;
__attribute__((noinline)) int collatz(int x) {
  int steps = 0;
  while (x != 1) {
    x = x & 1 ? 3 * x + 1 : half(x);
    steps++;
  }
  return steps;
}
int main(int argc, char **argv) {
  for (int i = 1; i < argc * 100; i++)
    global += collatz(i);
  return global & 1;
}
`;

const BUILDS: [what: string, flags: string[], objcopy: string[]][] = [
  ...[2, 3, 4, 5].map((v): [string, string[], string[]] => [`DWARF ${v}`, [`-gdwarf-${v}`], []]),
  ["DWARF 5 without optimization, at a fixed address", ["-gdwarf-5", "-O0", "-no-pie"], []],
  ["sections compressed with zlib", ["-g", "-gz=zlib"], []],
  ["sections compressed with zstd", ["-g"], ["--compress-debug-sections=zstd"]],
  ["64-bit DWARF", ["-gdwarf-4", "-gdwarf64"], []],
];

async function run(command: string, args: string[], cwd: string, input = ""): Promise<string> {
  const child = new Deno.Command(command, { args, cwd, stdin: "piped", stdout: "piped", stderr: "piped" })
    .spawn();
  const writer = child.stdin.getWriter();
  const output = child.output();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { success, stdout, stderr } = await output;
  if (!success) throw new Error(`${command} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** Builds the program in a new folder, and cleans up after `check`. */
async function withProgram(
  flags: string[],
  objcopy: string[],
  check: (path: string, dir: string) => Promise<void>,
): Promise<void> {
  const dir = await Deno.realPath(await Deno.makeTempDir());
  try {
    await Deno.mkdir(`${dir}/deep`);
    await Deno.writeTextFile(`${dir}/deep/half.h`, HEADER);
    await Deno.writeTextFile(`${dir}/program.c`, SOURCE);
    await run("cc", ["-O2", ...flags, "-o", "program", "program.c"], dir);
    if (objcopy.length > 0) await run("objcopy", [...objcopy, "program"], dir);
    await check(`${dir}/program`, dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const files = (debug?: string): SymbolFiles => ({
  open: (object) => fileBytes(object.path),
  debugFiles: () => debug === undefined ? [] : [fileBytes(debug)],
  kallsyms: () => undefined,
});
const objectAt = (path: string) => new ObjectTable().of({ pid: 1, pgoff: 0, filename: path });

/** Offsets of all bytes of .text, and how far the addresses there are from them. */
function textOf(path: string): { offsets: Float64Array; shift: number } {
  const text = new ElfFile(fileBytes(path)).section(".text")!;
  return {
    offsets: new Float64Array(text.size).map((_, i) => text.offset + i),
    shift: text.addr - text.offset,
  };
}

/** A table of lines without the sections that it refers to. */
function onlyLines(line: Uint8Array): DebugInfo {
  const bytes = new HeldBytes(line);
  return {
    littleEndian: true,
    cost: new Cost(new Budget(1000)),
    get: (name) => name === ".debug_line" ? bytes : undefined,
  };
}

/** Our line of each offset, as addr2line writes it. */
function ourLines(path: string, offsets: Float64Array, hooks = files()): string[] {
  const lines = sourceLines(hooks, objectAt(path), offsets);
  return Array.from(
    offsets,
    (_, i) =>
      !("file" in lines) || lines.file[i] < 0
        ? "?"
        : `${lines.paths[lines.file[i]].replace("/./", "/")}:${lines.line[i]}`,
  );
}

for (const [what, flags, objcopy] of BUILDS) {
  testNeeding(
    ["cc", "addr2line"],
    `sourceLines() gives addr2line's line at every byte: ${what}`,
    () =>
      withProgram(flags, objcopy, async (path, dir) => {
        const { offsets, shift } = textOf(path);
        const input = Array.from(offsets, (offset) => (offset + shift).toString(16)).join("\n");
        const theirs = (await run("addr2line", ["-e", path], dir, input + "\n")).trimEnd().split("\n").map((
          line,
        ) =>
          // what no line covers it gives the file of the symbol there
          /^[^/]*:\?$/.test(line) || line === "??:0" ? "?" : line.replace(/ \(discriminator \d+\)/, "")
        );
        const ours = ourLines(path, offsets);
        assertEquals(ours.filter((line, i) => line !== theirs[i]), []);
        assertEquals(new Set(ours).has(`${dir}/deep/half.h:4`), true);
        assertGreater(ours.filter((line) => line.startsWith(`${dir}/program.c:`)).length, 50);
      }),
  );
}

testNeeding(
  ["cc"],
  "sourceLines() reads the older .zdebug sections, too",
  () =>
    withProgram(["-g"], [], async (path, dir) => {
      const { offsets } = textOf(path);
      const before = ourLines(path, offsets);
      await run("objcopy", ["--compress-debug-sections=zlib-gnu", "program", "older"], dir);
      assertEquals(new ElfFile(fileBytes(`${dir}/older`)).section(".zdebug_line") !== undefined, true);
      assertEquals(ourLines(`${dir}/older`, offsets), before);
    }),
);

testNeeding(
  ["cc"],
  "sourceLines() finds the lines of a stripped program in its debug file, and in no other",
  () =>
    withProgram(["-g", "-Wl,--build-id"], [], async (path, dir) => {
      const { offsets } = textOf(path);
      const before = ourLines(path, offsets);
      await run("objcopy", ["--only-keep-debug", "program", "program.debug"], dir);
      await run("cc", ["-g", "-O1", "-Wl,--build-id", "-o", "other", "program.c"], dir);
      await run("strip", ["-g", "program"], dir);
      assertEquals(sourceLines(files(), objectAt(path), offsets), { reason: REASON.NO_SYMBOLS });
      const withOther = files(`${dir}/other`);
      assertEquals(sourceLines(withOther, objectAt(path), offsets), { reason: REASON.NO_SYMBOLS });
      assertEquals(ourLines(path, offsets, files(`${dir}/program.debug`)), before);
    }),
);

testNeeding(
  ["cc"],
  "findLines() ends, and throws nothing, whatever byte of a line table is wrong",
  () =>
    withProgram(["-gdwarf-5"], [], (path) => {
      const elf = new ElfFile(fileBytes(path));
      const line = elf.contents(elf.section(".debug_line")!);
      const wanted = new Float64Array(64).map((_, i) => elf.section(".text")!.addr + 16 * i);
      for (let at = 0; at < line.length; at++) {
        for (const value of [0, 0x7f, 0xff]) {
          const wrong = line.slice();
          wrong[at] = value;
          findLines(onlyLines(wrong), wanted);
        }
        findLines(onlyLines(line.slice(0, at)), wanted);
      }
      return Promise.resolve();
    }),
);

Deno.test("sourceLines() says so of what is no ELF file", () => {
  const hooks = { ...files(), open: () => new MemoryBytes(new Uint8Array(100)) };
  assertEquals(sourceLines(hooks, objectAt("/x"), Float64Array.of(1)), { reason: REASON.DAMAGED });
});
