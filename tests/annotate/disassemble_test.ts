/** Disassembly by objdump: several functions at once, each as it is alone. */

import { assert, assertEquals } from "@std/assert";
import { codeElf, sectionOf } from "../../lib/annotate/code_elf.ts";
import { disassemble, listedLine } from "../../lib/annotate/disassemble.ts";
import { EM } from "../../lib/symbols/elf/elf.ts";
import { testNeeding } from "../needs.ts";
import { run, withFolder } from "../live/harness.ts";

/** Bytes that are no program: every instruction there is, and cut ones. */
function anyBytes(length: number, seed: number): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length }, () => (state = Math.imul(state, 1103515245) + 12345) >>> 16);
}

const CODES = [
  { address: 0x401000, bytes: anyBytes(500, 1), machine: EM.X86_64 },
  { address: 0x401100, bytes: anyBytes(3, 2), machine: EM.X86_64 }, // inside the first one
  { address: -0x7eabcd00, bytes: anyBytes(2000, 3), machine: EM.X86_64 },
  { address: 0, bytes: new Uint8Array(40), machine: EM.X86_64 },
  { address: 0x500000, bytes: Uint8Array.of(0xe8, 0, 0, 0, 0, 0xe9, 1), machine: EM.X86_64 },
];

/** Offsets and texts of instructions, as objdump prints raw bytes. */
async function alone({ address, bytes }: (typeof CODES)[number], folder: string): Promise<unknown[]> {
  await Deno.writeFile(`${folder}/code`, bytes);
  const first = BigInt.asUintN(64, BigInt(address));
  const raw = ["-D", "-b", "binary", "-m", "i386:x86-64", "--no-show-raw-insn", `--adjust-vma=${first}`];
  const { stdout } = await run("objdump", [...raw, `${folder}/code`], { env: { LC_ALL: "C" } });
  return stdout.split("\n").flatMap((line) => {
    const listed = listedLine(line, address);
    return listed ? [[address + listed.offset, listed.text.replace(/\s+/g, " ")]] : [];
  });
}

testNeeding(
  ["binutils"],
  "functions are disassembled together as each is alone, whatever their bytes",
  () =>
    withFolder(async (folder) => {
      const asked = CODES.map((code) => ({ code, weights: new Map() }));
      const results = await disassemble([...asked, asked[0]], {});
      for (const [i, code] of [...CODES, CODES[0]].entries()) {
        const result = results[i];
        assert("shown" in result, JSON.stringify(result));
        const expected = await alone(code, folder);
        assertEquals(result.shown.map(({ address, text }) => [address, text]), expected, `${i}`);
        assertEquals(result.total, expected.length);
      }
    }),
);

testNeeding(
  ["binutils"],
  "a large function is disassembled near its samples, for each event that it has some of",
  async () => {
    const code = { address: 0x1000, bytes: new Uint8Array(4000).fill(0x90), machine: EM.X86_64 };
    const weight = { samples: 1, period: 1 };
    const [first, second] = await disassemble([
      { code, weights: new Map([[100, weight]]) },
      { code, weights: new Map([[3000, weight]]) },
    ], { maxWhole: 1000 });
    assert("shown" in first && "shown" in second);
    assertEquals([first.shown.length, first.shown[0].address], [21, 0x1000 + 90]);
    assertEquals([second.shown.length, second.shown[0].address], [21, 0x1000 + 2990]);
  },
);

Deno.test("code of a machine that objdump is not told of has a reason", async () => {
  const code = { address: 0, bytes: Uint8Array.of(1), machine: 9999 };
  const [result] = await disassemble([{ code, weights: new Map() }], {});
  assert("cause" in result);
});

Deno.test("sections of the file for objdump go by numbers", () => {
  assertEquals(sectionOf("Disassembly of section .c12:"), 12);
  assertEquals(sectionOf("Disassembly of section .text:"), undefined);
  assertEquals(sectionOf("  401000:\tret"), undefined);
  const file = codeElf(CODES), view = new DataView(file.buffer);
  assertEquals([view.getUint16(60, true), file.length], [7, Number(view.getBigUint64(40, true)) + 7 * 64]);
});
