/** Callers of aarch64 functions that are interrupted in a prologue or an epilogue, of which their tables say nothing. */

import { assertEquals } from "@std/assert";
import { MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { ElfFile } from "../../../lib/symbols/elf/elf.ts";
import { AARCH64 } from "../../../lib/unwind/arch.ts";
import { END } from "../../../lib/unwind/ends.ts";
import { type CodeSpace, UnwindObject } from "../../../lib/unwind/object.ts";
import { Unwinder } from "../../../lib/unwind/walk.ts";
import { buildFrames, type Function, TEXT_AT } from "../build_frames.ts";

const CALLED = 0x1000,
  LAST = 0x1100,
  CALLER = 0x1200,
  ROOT = 0x1300,
  BEHIND_CALL = CALLER + 0x40,
  BEHIND_ROOT = ROOT + 0x40;
/** Stack pointer of the caller, whose frame takes 16 bytes and has the return address in its last 8. */
const CALLER_SP = 0x7ffd00002000, STACK_BYTES = 8192;
/** Value that a register must not be taken to have. */
const WRONG = 0xdead0000n;

/** DW_CFA_advance_loc, in instructions; DW_CFA_def_cfa_offset; DW_CFA_offset, where the number times -8 is the place. */
const after = (instructions: number) => 0x40 | instructions;
const frameOf = (bytes: number) => [0x0e, ...(bytes < 128 ? [bytes] : [(bytes & 0x7f) | 0x80, bytes >>> 7])];
const saved = (register: number, times: number) => [0x80 | register, times];

/** Code of a function, its call frame instructions, and for each instruction the bytes that its frame has before it. */
interface Case {
  code: number[];
  cfi: number[];
  /** Bytes from the stack pointer to the frame's end before each instruction. */
  depths: number[];
  /** Words at offsets from the frame's end: registers that were saved there, by number. */
  saves: Record<number, number>;
  /** Before which instruction x30 is saved, and before which it is restored. */
  linkSaved: number;
  linkRestored: number;
  /** Before which instruction x29 holds the stack pointer, until it is restored with x30. */
  framePointerSet?: number;
}

/** Interrupts the function before each of its instructions. Returns the callers that are found, and why the chain ends. */
function callersOf(
  { code, cfi, depths, saves, linkSaved, linkRestored, framePointerSet = Infinity }: Case,
) {
  const functions: Function[] = [
    { start: CALLED, end: CALLED + 4 * code.length, code: cfi },
    { start: LAST, end: LAST + 0x100, code: [] },
    { start: CALLER, end: CALLER + 0x100, code: [...frameOf(16), ...saved(30, 1)] },
    { start: ROOT, end: ROOT + 0x100, code: [0x07, 30] }, // the return address is undefined
  ];
  const bytes = buildFrames(functions, AARCH64), view = new DataView(bytes.buffer);
  code.forEach((word, i) => view.setUint32(TEXT_AT + 4 * i, word, true));
  const object = UnwindObject.open(new ElfFile(new MemoryBytes(bytes, "object")));
  const space: CodeSpace = {
    bias: 0,
    find: (at) => at >= TEXT_AT && at < TEXT_AT + 0x400 ? object : undefined,
  };
  return depths.map((depth, i) => {
    const unwinder = new Unwinder(AARCH64), { registers } = unwinder, sp = CALLER_SP - depth;
    const words = new BigUint64Array(STACK_BYTES / 8).fill(WRONG), out = new Float64Array(8);
    words[(depth + 8) / 8] = BigInt(BEHIND_ROOT);
    for (const [offset, register] of Object.entries(saves)) {
      const at = depth + Number(offset);
      if (at >= 0) words[at / 8] = register === 30 ? BigInt(BEHIND_CALL) : 0n;
    }
    registers[AARCH64.pc] = CALLED + 4 * i;
    registers[AARCH64.sp] = sp;
    registers[AARCH64.ra] = i >= linkSaved && i < linkRestored ? Number(WRONG) : BEHIND_CALL;
    registers[AARCH64.fp] = i >= framePointerSet && i < linkRestored ? CALLER_SP - 16 : CALLER_SP + 64;
    unwinder.loadStack(new DataView(words.buffer), 0, STACK_BYTES, true);
    const count = unwinder.walk(space, out);
    return { callers: [...out.subarray(1, count)], end: unwinder.end };
  });
}

/** Returns the chains that are not as they should be. */
function wrongChains(each: Case): string[] {
  return callersOf(each).flatMap(({ callers, end }, i) => {
    const isRight = end === END.ROOT && callers.join() === `${BEHIND_CALL},${BEHIND_ROOT}`;
    return isRight ? [] : [`instruction ${i}: ${callers.map((at) => at.toString(16))}, ended by ${end}`];
  });
}

Deno.test("a frame by x30 alone is right in its prologue and epilogue, as clang 14 describes it", () => {
  const code = [
    0xf81e0ffe, // str x30, [sp, #-32]!
    0xa9014ff4, // stp x20, x19, [sp, #16]
    0x94000100, // bl
    0x52000800, // eor w0, w0, #7
    0xa9414ff4, // ldp x20, x19, [sp, #16]
    0xf84207fe, // ldr x30, [sp], #32
    0xd65f03c0, // ret
  ];
  const cfi = [after(2), ...frameOf(32), ...saved(19, 1), ...saved(20, 2), ...saved(30, 4)];
  const saves = { [-32]: 30 };
  assertEquals(
    wrongChains({ code, cfi, depths: [0, 32, 32, 32, 32, 32, 0], saves, linkSaved: 2, linkRestored: 6 }),
    [],
  );
});

Deno.test("large frames, signed return addresses and last calls are right to the instruction, too", () => {
  const code = [
    0xd503233f, // paciasp
    0xa9be7bfd, // stp x29, x30, [sp, #-32]!
    0xf9000bf3, // str x19, [sp, #16]
    0xd14007ff, // sub sp, sp, #1, lsl #12
    0xd10083ff, // sub sp, sp, #32
    0x94000100, // bl
    0x914007ff, // add sp, sp, #1, lsl #12
    0x910083ff, // add sp, sp, #32
    0xf9400bf3, // ldr x19, [sp, #16]
    0x2a1303e0, // mov w0, w19
    0xa8c27bfd, // ldp x29, x30, [sp], #32
    0xd50323bf, // autiasp
    0x14000034, // b to another function
  ];
  const cfi = [after(5), ...frameOf(32 + 4096 + 32), ...saved(19, 2), ...saved(30, 3), ...saved(29, 4)];
  const depths = [0, 0, 32, 32, 32 + 4096, 4160, 4160, 64, 32, 32, 32, 0, 0];
  const saves = { [-32]: 29, [-24]: 30 };
  assertEquals(wrongChains({ code, cfi, depths, saves, linkSaved: 2, linkRestored: 11 }), []);
});

Deno.test("a frame that is found by x29 is right where the stack pointer has been set from it", () => {
  const code = [
    0xa9bf7bfd, // stp x29, x30, [sp, #-16]!
    0x910003fd, // mov x29, sp
    0xcb2163ff, // sub sp, sp, x1
    0x94000100, // bl
    0x910003bf, // mov sp, x29
    0xa8c17bfd, // ldp x29, x30, [sp], #16
    0xd61f0020, // br x1
  ];
  const cfi = [after(2), 0x0c, 29, 16, ...saved(30, 1), ...saved(29, 2)]; // DW_CFA_def_cfa
  const depths = [0, 16, 16, 80, 80, 16, 0], saves = { [-16]: 29, [-8]: 30 };
  assertEquals(
    wrongChains({ code, cfi, depths, saves, linkSaved: 1, linkRestored: 6, framePointerSet: 2 }),
    [],
  );
});

Deno.test("what the tables say counts where no more than part of an epilogue follows, or a jump within the function", () => {
  const code = [
    0xa9be7bfd, // stp x29, x30, [sp, #-32]!
    0x94000100, // bl
    0xf9400bf3, // ldr x19, [sp, #16]
    0x17fffffe, // b to the call
    0xd61f0020, // br x1: a table of cases
    0xf9400bf3, // ldr x19, [sp, #16]
    0x1400007a, // b to a part of it that lies elsewhere
    0x94000100, // bl
  ];
  const cfi = [after(1), ...frameOf(32), ...saved(30, 3), ...saved(29, 4)];
  const saves = { [-32]: 29, [-24]: 30, [-16]: 19 };
  const depths = [0, 32, 32, 32, 32, 32, 32, 32];
  assertEquals(wrongChains({ code, cfi, depths, saves, linkSaved: 1, linkRestored: Infinity }), []);
});

Deno.test("a frame ends above its return address, though the C library says that of what resolves symbols otherwise", () => {
  const code = [
    0xa9b327e8, // stp x8, x9, [sp, #-208]!
    0x94000100, // bl
    0xf9406fe0, // ldr x0, [sp, #216]
  ];
  // x30 is 8 bytes above what is called the frame's end: the PLT has pushed it, and x16
  const cfi = [0x11, 30, 0x7f, after(1), ...frameOf(208)]; // DW_CFA_offset_extended_sf
  const depths = [16, 224, 224], saves = { [-8]: 30 };
  assertEquals(wrongChains({ code, cfi, depths, saves, linkSaved: 0, linkRestored: Infinity }), []);
});

Deno.test("damaged code leads to no caller that neither a register nor the stack has", () => {
  let seed = 1;
  const random = () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0);
  const cfi = [after(30), ...frameOf(32), ...saved(30, 1)];
  const likely = [0xa9be7bfd, 0xf84207fe, 0x910083ff, 0xd10083ff, 0x910003bf, 0xd65f03c0, 0xa8c27bfd];
  for (let round = 0; round < 50; round++) {
    const code = Array.from({ length: 40 }, () => random() % 2 ? random() : likely[random() % likely.length]);
    const found = callersOf({
      code,
      cfi,
      depths: code.map(() => 64),
      saves: {},
      linkSaved: Infinity,
      linkRestored: 0,
    });
    const callers = new Set(found.flatMap(({ callers }) => callers));
    assertEquals([...callers].filter((at) => at !== BEHIND_CALL && at !== BEHIND_ROOT), []);
  }
});
