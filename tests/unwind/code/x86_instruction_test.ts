/** Instructions of x86-64 against what objdump makes of the C library's, of vector code and of the compiler's own. */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { DOES, Instruction } from "../../../lib/unwind/code/x86_instruction.ts";
import { NEEDS, testUnless } from "../../needs.ts";

const instruction = new Instruction();

/** Reads the only instruction of some bytes in hex. */
function read(hex: string): [does: number, value: number, register: number, length: number] {
  instruction.open(Uint8Array.fromHex(hex.replaceAll(" ", "")));
  assert(instruction.read(0), hex);
  const { does, value, register, length } = instruction;
  return [does, value, register, length];
}

Deno.test("what changes the stack pointer or the frame pointer is told", () => {
  assertEquals(read("55"), [DOES.PUSH, 0, 0, 1]); // push %rbp
  assertEquals(read("41 54"), [DOES.PUSH, 0, 0, 2]); // push %r12
  assertEquals(read("68 00 01 00 00"), [DOES.PUSH, 0, 0, 5]); // push $0x100
  assertEquals(read("ff 75 10"), [DOES.PUSH, 0, 0, 3]); // push 0x10(%rbp)
  assertEquals(read("41 5f"), [DOES.POP, 0, 15, 2]); // pop %r15
  assertEquals(read("5d"), [DOES.POP, 0, 5, 1]); // pop %rbp
  assertEquals(read("8f 44 24 08"), [DOES.ADD_SP, 8, 0, 4]); // pop 0x8(%rsp)
  assertEquals(read("48 83 ec 18"), [DOES.ADD_SP, -24, 0, 4]); // sub $0x18,%rsp
  assertEquals(read("48 81 c4 88 00 00 00"), [DOES.ADD_SP, 0x88, 0, 7]); // add $0x88,%rsp
  assertEquals(read("48 8d 64 24 f8"), [DOES.ADD_SP, -8, 0, 5]); // lea -0x8(%rsp),%rsp
  assertEquals(read("48 8d 65 d8"), [DOES.SP_FROM_FP, -0x28, 0, 4]); // lea -0x28(%rbp),%rsp
  assertEquals(read("48 89 ec"), [DOES.SP_FROM_FP, 0, 0, 3]); // mov %rbp,%rsp
  assertEquals(read("48 89 e5"), [DOES.FP_FROM_SP, 0, 0, 3]); // mov %rsp,%rbp
  assertEquals(read("48 8b ec"), [DOES.FP_FROM_SP, 0, 0, 3]); // the same, the other way
  assertEquals(read("48 8d 6c 24 10"), [DOES.FP_FROM_SP, 0x10, 0, 5]); // lea 0x10(%rsp),%rbp
  assertEquals(read("c9"), [DOES.LEAVE, 0, 0, 1]);
  assertEquals(read("48 83 e4 f0")[0], DOES.LOSE_SP); // and $-16,%rsp
  assertEquals(read("4c 89 dc")[0], DOES.LOSE_SP); // mov %r11,%rsp
  assertEquals(read("48 89 fd")[0], DOES.LOSE_FP); // mov %rdi,%rbp
  assertEquals(read("31 ed")[0], DOES.LOSE_FP); // xor %ebp,%ebp
  assertEquals(read("48 39 ec")[0], DOES.OTHER); // cmp %rbp,%rsp
  assertEquals(read("49 89 e4")[0], DOES.OTHER); // mov %rsp,%r12
  assertEquals(read("44 89 e4")[0], DOES.LOSE_SP); // mov %r12d,%esp
  assertEquals(read("41 bd 01 00 00 00")[0], DOES.OTHER); // mov $1,%r13d
});

Deno.test("jumps, calls and returns lead where they lead", () => {
  assertEquals(read("c3")[0], DOES.RETURN);
  assertEquals(read("f2 c3"), [DOES.RETURN, 0, 0, 2]); // bnd ret
  assertEquals(read("c2 10 00"), [DOES.RETURN, 0, 0, 3]);
  assertEquals(read("e8 fb ff ff ff"), [DOES.CALL, 0, 0, 5]);
  assertEquals(read("ff d0")[0], DOES.CALL); // call *%rax
  assertEquals(read("41 ff 54 24 18"), [DOES.CALL, 0, 0, 5]); // call *0x18(%r12)
  assertEquals(read("eb 02"), [DOES.JUMP, 4, 0, 2]);
  assertEquals(read("e9 f0 ff ff ff"), [DOES.JUMP, -11, 0, 5]);
  assertEquals(read("74 10"), [DOES.BRANCH, 0x12, 0, 2]);
  assertEquals(read("0f 85 00 01 00 00"), [DOES.BRANCH, 0x106, 0, 6]);
  assertEquals(read("3e ff e0"), [DOES.JUMP_INDIRECT, 0, 0, 3]); // notrack jmp *%rax
  assertEquals(read("ff 25 00 00 00 00"), [DOES.JUMP_INDIRECT, 0, 0, 6]);
  for (const trap of ["cc", "f4", "0f 0b", "06", "82"]) assertEquals(read(trap)[0], DOES.STOP, trap);
  for (const nop of ["90", "66 90", "0f 1f 00", "66 2e 0f 1f 84 00 00 00 00 00", "f3 0f 1e fa"]) {
    assertEquals(read(nop)[0], DOES.NOP, nop);
    assertEquals(read(nop)[3], nop.replaceAll(" ", "").length / 2);
  }
});

Deno.test("an instruction that the code ends in is none", () => {
  for (const hex of ["e8 00 00", "48", "0f", "48 8b 84 24 00", "c4 e2", "62 f1", ""]) {
    instruction.open(Uint8Array.fromHex(hex.replaceAll(" ", "")));
    assertEquals(instruction.read(0), false, hex);
  }
});

Deno.test("any bytes are an instruction of one to fifteen bytes and a few", () => {
  const bytes = new Uint8Array(1 << 16);
  crypto.getRandomValues(bytes);
  instruction.open(bytes);
  for (let at = 0; at < bytes.length - 32; at++) {
    assert(instruction.read(at));
    assert(instruction.length > 0 && instruction.length < 32);
  }
});

/** What a mnemonic of objdump does; undefined for those that may be one or the other. */
function expected(text: string): number | undefined {
  const [mnemonic, ...rest] = text.replace(/^(bnd|notrack|rep|repz|repnz|data16|lock|cs|rex\.\w+) /g, "")
    .split(/\s+/);
  const operands = rest.join(" ");
  if (/^push[wq]?$|^pushf/.test(mnemonic)) return DOES.PUSH;
  if (/^pop$/.test(mnemonic) && operands.startsWith("%")) return operands === "%rsp" ? undefined : DOES.POP;
  if (/^call[q]?$/.test(mnemonic)) return DOES.CALL;
  if (/^ret[q]?$/.test(mnemonic)) return DOES.RETURN;
  if (/^leave[q]?$/.test(mnemonic)) return DOES.LEAVE;
  if (/^jmp[q]?$/.test(mnemonic)) return operands.startsWith("*") ? DOES.JUMP_INDIRECT : DOES.JUMP;
  if (/^j[a-z]+$/.test(mnemonic)) return DOES.BRANCH;
  if (/^(hlt|ud2|int3)$/.test(mnemonic)) return DOES.STOP;
  if (/^(add|sub)$/.test(mnemonic) && /^\$.*,%rsp$/.test(operands)) return DOES.ADD_SP;
  if (/^(cmp|test|mov[a-z]*|lea|xor|and|or|vmov[a-z]*|vp[a-z]+)[bwlq]?$/.test(mnemonic)) {
    return /(%[re]?[sb]pl?|[sb]p)(\s|$)/.test(operands.slice(operands.lastIndexOf(",") + 1))
      ? undefined
      : DOES.OTHER;
  }
  return undefined;
}

/** Holds the instructions of a file against objdump's, up to `most`; returns how many there were. */
async function compare(path: string, most: number): Promise<number> {
  const args = ["-dw", "--section=.text", path];
  const { stdout } = await new Deno.Command("objdump", { args }).output();
  const wrong: string[] = [];
  let count = 0;
  for (const line of new TextDecoder().decode(stdout).split("\n")) {
    const parts = /^\s*[0-9a-f]+:\t([0-9a-f ]+)\t(.*)$/.exec(line);
    if (!parts || parts[2].includes("(bad)") || parts[2].startsWith(".byte")) continue;
    if (count++ === most) break;
    const code = Uint8Array.fromHex(parts[1].replaceAll(" ", "") + "00".repeat(16)),
      length = code.length - 16;
    instruction.open(code);
    instruction.read(0);
    const does = expected(parts[2].replace(/\s+[#<].*$/, ""));
    const isWrong = does !== undefined && does !== instruction.does;
    if (instruction.length !== length || isWrong) {
      wrong.push(`${parts[0]}: ${instruction.length}, ${instruction.does}`);
    }
  }
  assertEquals(wrong.slice(0, 20), []);
  return count;
}

testUnless(
  Deno.build.arch !== "x86_64" ? "it needs x86_64" : NEEDS.binutils(),
  "instructions are as long as objdump says, and do what it says",
  async () => {
    const libc = /\S+libc\.so\.6$/m.exec(Deno.readTextFileSync("/proc/self/maps"))?.[0];
    assert(libc !== undefined);
    assertGreater(await compare(libc, 500_000), 200_000);
  },
);
