/** Frames of code without tables, by how it goes on to its return. */

import { assert, assertEquals } from "@std/assert";
import { X86_64 } from "../../../lib/unwind/arch.ts";
import { BASE, EpilogueScan } from "../../../lib/unwind/code/epilogue.ts";

const START = 0x1000;
const [RBX, RBP, R12] = [3, 6, 12];

interface Checks {
  isOther?: (address: number) => boolean;
  accepts?: (offset: number) => boolean;
  reach?: number;
}

/** What is found from `at` on in code that lies at START. */
function scan(hex: string, at = 0, { isOther, accepts, reach }: Checks = {}) {
  const code = Uint8Array.fromHex(hex.replaceAll(/\s+/g, "")), found = new EpilogueScan();
  const read = (address: number, length: number) => code.slice(address - START, address - START + length);
  if (!found.find(START + at, read, isOther ?? (() => false), () => accepts?.(found.offset) ?? true, reach)) {
    return undefined;
  }
  const pops: Record<string, [number, number]> = {};
  found.pops.forEach((offset, register) => {
    if (!Number.isNaN(offset)) pops[X86_64.names[register]] = [found.popBases[register], offset];
  });
  return { base: found.base, offset: found.offset, pops };
}

const { SP, FP } = BASE;

Deno.test("what is still popped lies below the return address", () => {
  // add $0x18,%rsp; pop %rbx; pop %r12; ret
  assertEquals(scan("48 83 c4 18 5b 41 5c c3"), {
    base: SP,
    offset: 0x28,
    pops: { rbx: [SP, 0x18], r12: [SP, 0x20] },
  });
  assertEquals(scan("48 83 c4 18 5b 41 5c c3", 4), {
    base: SP,
    offset: 16,
    pops: { rbx: [SP, 0], r12: [SP, 8] },
  });
  assertEquals(scan("48 83 c4 18 5b 41 5c c3", 7), { base: SP, offset: 0, pops: {} });
});

Deno.test("at the start of a function what it pushes itself is not the caller's", () => {
  // push %rbx; sub $8,%rsp; call; add $8,%rsp; pop %rbx; ret
  const code = "53 48 83 ec 08 e8 00 00 00 00 48 83 c4 08 5b c3";
  assertEquals(scan(code), { base: SP, offset: 0, pops: {} });
  assertEquals(scan(code, 1), { base: SP, offset: 8, pops: { rbx: [SP, 0] } });
  assertEquals(scan(code, 10), { base: SP, offset: 16, pops: { rbx: [SP, 8] } });
});

Deno.test("frames that are found by the frame pointer are based on it", () => {
  // mov %rbx,%rax; lea -0x10(%rbp),%rsp; pop %rbx; pop %r12; pop %rbp; ret
  assertEquals(scan("48 89 d8 48 8d 65 f0 5b 41 5c 5d c3"), {
    base: FP,
    offset: 8,
    pops: { rbx: [FP, -16], r12: [FP, -8], rbp: [FP, 0] },
  });
  // leave; ret
  assertEquals(scan("90 c9 c3"), { base: FP, offset: 8, pops: { rbp: [FP, 0] } });
  // push %rbp; mov %rsp,%rbp; sub $0x20,%rsp; leave; ret: not until it is set
  const code = "55 48 89 e5 48 83 ec 20 c9 c3";
  assertEquals(scan(code), { base: SP, offset: 0, pops: {} });
  assertEquals(scan(code, 1), { base: SP, offset: 8, pops: { rbp: [SP, 0] } });
  assertEquals(scan(code, 4), { base: FP, offset: 8, pops: { rbp: [FP, 0] } });
  // push %rbp; mov %rsp,%rbp; push %rbx; mov %rdi,%rsp; lea -8(%rbp),%rsp; pop %rbx; pop %rbp; ret
  const variable = "55 48 89 e5 53 48 89 fc 48 8d 65 f8 5b 5d c3";
  assertEquals(scan(variable, 1), { base: SP, offset: 8, pops: { rbp: [SP, 0] } });
  assertEquals(scan(variable, 5), { base: FP, offset: 8, pops: { rbx: [FP, -8], rbp: [FP, 0] } });
  assertEquals(scan("48 89 fc 5b c3"), undefined); // it is lost for good
  // mov %rdi,%rbp; leave: it is no frame pointer there
  assertEquals(scan("48 89 fd c9 c3"), undefined);
});

Deno.test("of two ways the one that comes to an end counts", () => {
  // test %eax,%eax; je +2 (to the pop); ud2; pop %rbx; ret
  assertEquals(scan("85 c0 74 02 0f 0b 5b c3")?.offset, 8);
  // jmp *%rax ends in nothing; jne led over it
  assertEquals(scan("75 02 ff e0 5b 5d c3")?.offset, 16);
  // a loop: pause; jmp back
  assertEquals(scan("f3 90 eb fc"), undefined);
  // jmp over a trap
  assertEquals(scan("eb 02 0f 0b c3"), { base: SP, offset: 0, pops: {} });
});

Deno.test("a call that never returns ends a function", () => {
  const next = "f3 0f 1e fa 5b c3", call = "e8 00 00 00 00", pad = "66 2e 0f 1f 84 00 00 00 00 00 90";
  // call; gap up to the next multiple of 16; a function
  assertEquals(scan(`${call} ${pad} ${next}`), undefined);
  // the same without a gap
  assertEquals(scan(`${pad} ${call} ${next}`, 11), undefined);
  // but a loop may begin at such a place, which an earlier branch leads to
  assertEquals(scan(`74 19 ${call} ${"90".repeat(9)} ${next} ${"cc".repeat(5)} 5b 5d c3`)?.offset, 16);
});

Deno.test("a jump to another function leaves it to that one to return", () => {
  // pop %rbx; jmp +0x100
  const code = "5b e9 00 01 00 00 cc";
  const isOther = (address: number) => address >= START + 0x100;
  assertEquals(scan(code, 0, { isOther }), { base: SP, offset: 8, pops: { rbx: [SP, 0] } });
  // add $8,%rsp; pop %rbx; jmp *%rax: gives up its frame first, but a switch does not
  assertEquals(scan("48 83 c4 08 5b ff e0")?.offset, 16);
  assertEquals(scan("48 83 c4 08 5b 90 ff e0"), undefined);
  // pop %rbp; pop %rdx; jmp *%r8: passes its return address on in a register
  assertEquals(scan("5d 5a 41 ff e0", 0, { accepts: (offset) => offset === 8 })?.offset, 8);
  // add $8,%rsp; pop %rbx; jmp +0x100, which is too far to be in the function
  const far = "48 83 c4 08 5b e9 00 01 00 00" + "90".repeat(0x100) + "5b 5b c3";
  assertEquals([scan(far)?.offset, scan(far, 0, { reach: 64 })?.offset], [32, 16]);
  // what follows in another function is not read
  assertEquals(scan("90 90 c3", 0, { isOther: (address) => address >= START + 2 }), undefined);
});

Deno.test("an end that cannot be is passed over", () => {
  // je to a second end; pop %rbx; ret; add $0x10,%rsp; ret
  const code = "74 02 5b c3 48 83 c4 10 c3";
  assertEquals(scan(code)?.offset, 8);
  assertEquals(scan(code, 0, { accepts: (offset) => offset === 16 })?.offset, 16);
  assertEquals(scan(code, 0, { accepts: () => false }), undefined);
});

Deno.test("hostile code takes bounded time, and is not read beyond its end", () => {
  const branches = "74 00".repeat(4000), jumps = "e9 f0 02 00 00".repeat(4000);
  for (const code of [branches, jumps, "90".repeat(20_000), "c9".repeat(9000), "50".repeat(9000), ""]) {
    assertEquals(scan(code), undefined);
  }
  const bytes = new Uint8Array(4096);
  for (let i = 0; i < 500; i++) {
    crypto.getRandomValues(bytes);
    const found = scan(bytes.toHex());
    assert(found === undefined || Number.isInteger(found.offset));
  }
});

Deno.test("a sweep takes the first end behind a place, whatever leads there", () => {
  const sweep = (hex: string, accepts = (_: number): boolean => true) => {
    const code = Uint8Array.fromHex(hex.replaceAll(/\s+/g, "")), found = new EpilogueScan();
    const read = (address: number, length: number) => code.slice(address - START, address - START + length);
    const isFound = found.sweep(START, read, () => accepts(found.offset));
    return isFound ? [found.offset, found.bodyEnd - START] : undefined;
  };
  // jmp *%rax; mov; add $0x30,%rsp; pop %rbp; cmp 0x340(%r15),%rsp; ja; ret
  const end = "48 83 c4 30 5d 49 3b a7 40 03 00 00 0f 87 00 00 00 00 c3";
  assertEquals(sweep(`ff e0 48 89 d8 ${end}`), [0x38, 5]);
  assertEquals(sweep(`c3 ${end}`), [0x38, 1]); // a return that gives up nothing is another kind of code's
  // a second end, where the first one cannot be
  assertEquals(sweep(`5d c3 ${end}`, (offset) => offset > 8), [0x38, 2]);
  // traps behind the method
  assertEquals(sweep(`90 f4 f4 f4 f4 ${end}`), undefined);
  assertEquals(sweep(""), undefined);
});

Deno.test("registers are numbered as in call frame information", () => {
  assertEquals([X86_64.names[RBX], X86_64.names[RBP], X86_64.names[R12]], ["rbx", "rbp", "r12"]);
  // pop of each, then ret
  const all = "58 59 5a 5b 5d 5e 5f 41 58 41 59 41 5a 41 5b 41 5c 41 5d 41 5e 41 5f c3";
  const order = [
    "rax",
    "rcx",
    "rdx",
    "rbx",
    "rbp",
    "rsi",
    "rdi",
    "r8",
    "r9",
    "r10",
    "r11",
    "r12",
    "r13",
    "r14",
    "r15",
  ];
  const { pops } = scan(all)!;
  assertEquals(Object.keys(pops).toSorted((a, b) => pops[a][1] - pops[b][1]), order);
});
