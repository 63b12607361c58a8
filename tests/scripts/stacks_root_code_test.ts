/** Code in which processes and threads begin, in files without symbols. */

import { assert, assertEquals } from "@std/assert";
import { FoundRootCode, libraryRoots, namedByEntry, rootsInFrames } from "../../scripts/stacks/root_code.ts";
import { SOURCES } from "../../scripts/stacks/program.ts";
import { NEEDS, testUnless } from "../needs.ts";
import { withFolder } from "../live/harness.ts";

/** glibc 2.36: the last functions of clone and clone3, and one that has a caller. */
const FRAMES = `Contents of the .eh_frame section:


00000000 0000000000000014 00000000 CIE
  Version:               1
  DW_CFA_def_cfa: r7 (rsp) ofs 8

00018144 0000000000000010 00018148 FDE cie=00000000 pc=0000000000108b10..0000000000108b40
  DW_CFA_nop

00018158 0000000000000010 0001815c FDE cie=00000000 pc=0000000000108b4a..0000000000108b5a
  DW_CFA_undefined: r16 (rip)
  DW_CFA_nop

00018504 0000000000000010 00018508 FDE cie=00000000 pc=0000000000208b00..0000000000208b0a
  DW_CFA_undefined: r16 (rip)
`;

async function built(folder: string, name: string, ...args: string[]): Promise<string> {
  const path = `${folder}/${name}`;
  const { success } = await new Deno.Command("cc", { args: ["-pthread", "-o", path, ...args] }).output();
  assert(success, `cc ${args.join(" ")}`);
  return path;
}

Deno.test("functions without a caller are those whose return address is undefined, with the code just before", () => {
  assertEquals(rootsInFrames(FRAMES), [[0x108b40, 0x108b5a], [0x208b00, 0x208b0a]]);
});

Deno.test("the code at an entry names main and what it calls", () => {
  const pie = [0x31, 0xed, 0x48, 0x8d, 0x3d, 0x10, 0, 0, 0, 0xff, 0x15, 0, 0, 0, 0, 0xf4];
  assertEquals(namedByEntry(Uint8Array.from(pie), 0x1000), [0x1000 + 9 + 0x10]);
  const fixed = [0x48, 0xc7, 0xc7, 0xa0, 0x7c, 0x62, 0, 0xe8, 1, 0, 0, 0, 0xf4, 0x90];
  assertEquals(namedByEntry(Uint8Array.from(fixed), 0x400000), [0x627ca0, 0x400000 + 12 + 1]);
});

testUnless(
  NEEDS.cc() || NEEDS.binutils(),
  "in a stripped program entry and main are known, and in the C library what calls them",
  () =>
    withFolder(async (folder) => {
      const full = await built(folder, "full", "-O2", `${SOURCES}roots.c`);
      const stripped = await built(folder, "stripped", "-O2", "-s", `${SOURCES}roots.c`);
      const library = await libraryRoots(full);
      const code = new FoundRootCode(library);
      const symbols = await symbolsOf(full);
      for (const name of ["_start", ...Deno.build.arch === "x86_64" ? ["main"] : []]) {
        const offset = symbols.get(name)!;
        assert(code.has(stripped, offset) && code.has(stripped, offset + 8), name);
      }
      assert(!code.has(stripped, symbols.get("in_thread")!));
      assert(!code.has(stripped, NaN));
      assert(!code.has(`${folder}/none`, 0));
      // what main and the thread returned to, and what the thread was started by
      for (const { path, ranges } of library) {
        assert(ranges.length >= 4);
        for (const [start, end] of ranges) assert(code.has(path, start + 1) && code.has(path, end));
      }
      const all = library.flatMap(({ ranges }) => ranges);
      assert(all.every(([start, end]) => end > start && end - start < 4096));
    }),
);

/** Returns the symbols of a file whose segments lie where its sections do. */
async function symbolsOf(path: string): Promise<Map<string, number>> {
  const { stdout } = await new Deno.Command("readelf", { args: ["-sW", path] }).output();
  const lines = new TextDecoder().decode(stdout).split("\n").map((line) => line.trim().split(/\s+/));
  return new Map(lines.map((words) => [words[7], parseInt(words[1], 16)]));
}
