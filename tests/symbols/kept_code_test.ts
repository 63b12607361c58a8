/** Inlined functions and lines from kept tables against the debug information that they were made of. */

import { assert, assertEquals } from "@std/assert";
import type { ByteSource } from "../../lib/base/bytes/byte_source.ts";
import { ElfFile } from "../../lib/symbols/elf/elf.ts";
import type { KeptTables, SymbolFiles } from "../../lib/symbols/files/symbol_files.ts";
import { openInlinedCode } from "../../lib/symbols/inlined_code.ts";
import { Budget } from "../../lib/symbols/object/limits.ts";
import { ObjectTable } from "../../lib/symbols/object/objects.ts";
import { sourceLines } from "../../lib/symbols/source_lines.ts";
import { run, withFolder } from "../live/harness.ts";
import { testNeeding } from "../needs.ts";
import { fileBytes } from "./oracle.ts";

/** Functions of a file of its own, with others inlined. */
const part = (name: string) => `
static inline int half(int x) { return x & 1 ? (x + 1) / 2 : x / 2; }
static inline int steps(int x) { int n = 0; while (x > 1) { x = half(x); n += x & 3; } return n; }
int ${name}(int x) { int s = steps(x); for (int i = 0; i < x; i++) s += steps(i) + half(s); return s; }
`;
const MAIN = `
int first(int), second(int);
int main(int argc, char **argv) { return first(argc) + second(argc); }
`;

/** Tables in memory. */
class Memory implements KeptTables {
  readonly tables = new Map<string, Uint8Array<ArrayBuffer>>();
  written = 0;

  read(name: string): Uint8Array<ArrayBuffer> | undefined {
    return this.tables.get(name);
  }

  write(name: string, bytes: Uint8Array<ArrayBuffer>): void {
    this.written++;
    this.tables.set(name, bytes);
  }
}

/** Program whose debug information is watched. */
class Program {
  readonly object;
  readonly files: SymbolFiles;
  readonly text: { offset: number; size: number };
  /** Number of times that debug information was read. */
  read = 0;
  stamp: string | undefined = "one";

  constructor(readonly path: string, kept?: KeptTables) {
    this.object = new ObjectTable().of({ pid: 1, pgoff: 0, filename: path });
    const bytes = fileBytes(path), elf = new ElfFile(bytes);
    const sections = ["info", "line", "abbrev"].map((name) => elf.section(`.debug_${name}`)!);
    this.text = elf.section(".text")!;
    const open = (): ByteSource => ({
      name: path,
      size: bytes.size,
      stamp: this.stamp,
      read: (offset, length) => {
        const isDebug = sections.some((s) => offset < s.offset + s.size && offset + length > s.offset);
        if (isDebug) this.read++;
        return bytes.read(offset, length);
      },
    });
    this.files = { open, kallsyms: () => undefined, kept };
  }

  /** Functions and lines of addresses, each as text; keeps tables of them. */
  answers(offsets: Float64Array): string[] {
    this.read = 0;
    const budget = new Budget();
    const code = openInlinedCode(this.files, this.object, budget.cost(this.path))!;
    const chains = Array.from(offsets, (at) => {
      const chain: string[] = [];
      for (let row = code.at(at); row >= 0; row = code.functions.parent(row)) {
        const isInlined = code.functions.parent(row) >= 0;
        chain.push(
          code.functions.name(row) +
            (isInlined ? ` ${code.functions.callPath(row)}:${code.functions.callLine(row)}` : ""),
        );
      }
      return chain.join(" < ");
    });
    code.keep();
    code.close();
    const lines = sourceLines(this.files, this.object, offsets, budget.cost(this.path));
    assert("file" in lines);
    return chains.map((chain, i) => `${chain} at ${lines.paths[lines.file[i]]}:${lines.line[i]}`);
  }

  /** All offsets of the code, and some around it. */
  offsets(step = 1): Float64Array {
    const { offset, size } = this.text;
    return Float64Array.from({ length: Math.ceil((size + 64) / step) }, (_, i) => offset - 32 + i * step);
  }
}

/** Builds a program of three units, each compiled with `flags`. */
async function withProgram(flags: string[], body: (path: string) => void): Promise<void> {
  await withFolder(async (folder) => {
    for (const [name, text] of [["first", part("first")], ["second", part("second")], ["main", MAIN]]) {
      await Deno.writeTextFile(`${folder}/${name}.c`, text);
    }
    const sources = ["main", "first", "second"].map((name) => `${folder}/${name}.c`);
    const built = await run("cc", ["-O2", ...flags, "-o", `${folder}/program`, ...sources]);
    assertEquals(built.status, 0, built.stderr);
    body(`${folder}/program`);
  });
}

for (const flags of [["-g"], ["-gdwarf-4"], ["-g", "-no-pie", "-ffunction-sections"]]) {
  testNeeding(
    ["cc"],
    `kept tables say what the debug information says: ${flags.join(" ")}`,
    () =>
      withProgram(flags, (path) => {
        const kept = new Memory(), program = new Program(path, kept), offsets = program.offsets();
        const expected = new Program(path).answers(offsets);
        assert(expected.some((answer) => answer.split(" < ").length > 2));
        assertEquals(program.answers(offsets), expected);
        assert(program.read > 0);
        assertEquals(kept.written, 2);
        assertEquals(program.answers(offsets), expected);
        assertEquals(program.read, 0, "debug information was read again");
        assertEquals(kept.written, 2);
      }),
  );
}

testNeeding(["cc"], "tables grow unit by unit, with what is asked for", () =>
  withProgram(["-g"], (path) => {
    const kept = new Memory(), program = new Program(path, kept), offsets = program.offsets();
    const expected = new Program(path).answers(offsets);
    const inFirst = offsets.filter((_, i) => /^(half .*)?(steps .*)?first /.test(expected[i]));
    const pick = (part: Float64Array) => Array.from(part, (at) => expected[offsets.indexOf(at)]);
    assert(inFirst.length > 8 && inFirst.length < offsets.length / 2);
    assertEquals(program.answers(inFirst.slice(4, 5)), pick(inFirst.slice(4, 5)));
    const small = kept.tables.get([...kept.tables.keys()][0])!.length;
    assertEquals(program.answers(inFirst), pick(inFirst));
    assertEquals(program.read, 0, "the unit was read again");
    assertEquals(program.answers(offsets), expected);
    assert(program.read > 0);
    assert(kept.tables.get([...kept.tables.keys()][0])!.length > small);
    assertEquals(program.answers(offsets), expected);
    assertEquals(program.read, 0);
  }));

testNeeding(
  ["cc"],
  "tables of other contents, damaged ones and those of no file are not used",
  () =>
    withProgram(["-g"], (path) => {
      const kept = new Memory(), program = new Program(path, kept), offsets = program.offsets(4);
      const expected = program.answers(offsets);
      program.stamp = "two";
      assertEquals(program.answers(offsets), expected);
      assert(program.read > 0);
      assertEquals(kept.written, 4);
      for (const [name, bytes] of kept.tables) kept.tables.set(name, bytes.slice(0, bytes.length / 8 * 4));
      assertEquals(program.answers(offsets), expected);
      assertEquals(kept.written, 6);
      program.stamp = undefined;
      assertEquals(program.answers(offsets), expected);
      assert(program.read > 0);
      assertEquals(kept.written, 6);
    }),
);
