/** Symbols inside stripped programs, made as Fedora's find-debuginfo makes them. */

import { assertEquals } from "@std/assert";
import { MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { FrameSymbols } from "../../../lib/profile/load/frame_symbols.ts";
import { FrameTable } from "../../../lib/profile/model/tables.ts";
import { ObjectTable } from "../../../lib/symbols/object/objects.ts";
import { Symbolizer } from "../../../lib/symbols/symbolizer.ts";
import { testNeeding } from "../../needs.ts";
import { fileBytes } from "../oracle.ts";

const SOURCE = `
static __attribute__((noinline)) int hidden(int x) { return x * 7 + 1; }
__attribute__((noinline)) int exported(int x) { return hidden(x) + 2; }
int main(int argc, char **argv) { return exported(argc); }
`;

async function run(dir: string, command: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args, cwd: dir }).output();
  if (!success) throw new Error(`${command} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}

/** The symbol at each address of the program that `cc` made, by name. */
async function symbolsOf(path: string, offsets: number[]): Promise<string[]> {
  const object = new ObjectTable().of({ pid: 1, pgoff: 0, filename: path });
  const symbolizer = new Symbolizer({ open: () => fileBytes(path), kallsyms: () => undefined });
  await symbolizer.prepare([object]);
  return offsets.map((offset) => {
    const id = symbolizer.symbolize(object, offset);
    return id < 0 ? "" : symbolizer.symbol(id).name;
  });
}

/** A program that exports one function, stripped, with the rest inside, and where its functions are. */
async function withStripped(check: (path: string, offsets: number[]) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${dir}/program.c`, SOURCE);
    await run(dir, "cc", "-O1", "-rdynamic", "-o", "program", "program.c");
    const { stdout } = await new Deno.Command("nm", { args: ["program"], cwd: dir }).output();
    const symbols = new TextDecoder().decode(stdout).split("\n").map((line) => line.split(" "));
    const offsets = ["hidden", "exported"].map((name) =>
      parseInt(symbols.find((s) => s[2] === name)![0], 16)
    );
    await run(dir, "objcopy", "--only-keep-debug", "program", "program.debug");
    await run(dir, "objcopy", "-S", "--keep-symbol=hidden", "program.debug", "mini");
    await run(dir, "xz", "-k", "mini");
    await run(dir, "objcopy", "-S", "--add-section", ".gnu_debugdata=mini.xz", "program", "stripped");
    await check(`${dir}/stripped`, offsets);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

testNeeding(
  ["cc", "binutils", "xz"],
  "symbols inside a stripped program (.gnu_debugdata) join those that it exports",
  () =>
    withStripped(async (path, offsets) => {
      assertEquals(await symbolsOf(path, offsets), ["hidden", "exported"]);
    }),
);

testNeeding(
  ["cc", "binutils", "xz"],
  "the addresses of a program whose symbols are still packed have a frame each, and the right symbol once unpacked",
  () =>
    withStripped(async (path, [hidden]) => {
      const objects = new ObjectTable();
      const object = objects.of({ pid: 1, pgoff: 0, filename: path });
      const symbolizer = new Symbolizer({ open: () => fileBytes(path), kallsyms: () => undefined });
      const symbols = new FrameSymbols({ frames: new FrameTable(), objects: objects.rows, symbolizer });
      const frames = [hidden, hidden + 1, hidden].map((at) => symbols.frameOf(object.id, at));
      assertEquals(frames, [0, 1, 0]);
      await symbolizer.prepare([object]);
      symbols.find();
      const names = Array.from(
        symbols.columns(new Float64Array(2)).frames.symbol,
        (id) => symbolizer.symbol(id).name,
      );
      assertEquals(names, ["hidden", "hidden"]);
    }),
);

testNeeding(
  ["cc", "binutils", "xz"],
  "a damaged .gnu_debugdata leaves a program the symbols that it exports",
  () =>
    withStripped(async (path, offsets) => {
      const bytes = await Deno.readFile(path);
      const xz = bytes.findIndex((_, i) =>
        bytes[i] === 0xfd && bytes[i + 1] === 0x37 && bytes[i + 2] === 0x7a
      );
      bytes.fill(0x55, xz + 24, xz + 200);
      const object = new ObjectTable().of({ pid: 1, pgoff: 0, filename: path });
      const symbolizer = new Symbolizer({ open: () => new MemoryBytes(bytes), kallsyms: () => undefined });
      await symbolizer.prepare([object]);
      assertEquals(symbolizer.symbol(symbolizer.symbolize(object, offsets[1])).name, "exported");
      assertEquals(symbolizer.warnings.length, 1);
    }),
);
