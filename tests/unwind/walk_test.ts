import { assertEquals, assertStringIncludes } from "@std/assert";
import { MemoryBytes } from "../../lib/base/bytes/byte_source.ts";
import { ElfFile } from "../../lib/symbols/elf/elf.ts";
import { AARCH64, type Arch, X86_64 } from "../../lib/unwind/arch.ts";
import { END } from "../../lib/unwind/ends.ts";
import { type CodeSpace, UnwindObject } from "../../lib/unwind/object.ts";
import { registerPlan, Unwinder } from "../../lib/unwind/walk.ts";
import { buildFrames, type Function } from "./build_frames.ts";

const BIAS = 0x7f0000000000, STACK = 0x7ffd00001000;

/** DW_CFA_def_cfa_offset */
const offset = (bytes: number) => [0x0e, bytes];

/** Functions of 0x100 bytes each, from 0x1000 on. */
const FUNCTIONS: Function[] = [
  { start: 0x1000, end: 0x1100, code: [...offset(24)] },
  // push %rbp at 0x1100, mov %rsp,%rbp at 0x1101, pop %rbp up to 0x11ff
  {
    start: 0x1100,
    end: 0x1200,
    code: [0x41, ...offset(16), 0x86, 2, 0x43, 0x0d, 6, 0x03, 0xfb, 0, 0x0c, 7, 8],
  },
  { start: 0x1200, end: 0x1300, code: [0x07, 16] }, // the return address is undefined
  { start: 0x1300, end: 0x1400, code: [...offset(0)] }, // ends below its own return address
  { start: 0x1400, end: 0x1500, code: [0x0f, 3, 0x77, 16, 0x06] }, // CFA = *(rsp + 16)
  { start: 0x1500, end: 0x1600, code: [0x0f, 3, 0x2f, 0xfd, 0xff] }, // an expression that does not end
  { start: 0x1600, end: 0x1700, code: [0x0b] }, // restores what nothing remembered
  { start: 0x1700, end: 0x1800, code: [0x0d, 10, ...offset(8)] }, // CFA = r10 + 8
  { start: 0x1800, end: 0x1900, code: [...offset(0), 0x09, 16, 5] }, // the return address is in rdi, as in vfork
  { start: 0x1900, end: 0x1a00, code: [...offset(16), 0x16, 16, 2, 0x80, 1] }, // returns to rip + 1, which takes no stack
];

/** One object at BIAS, as a space. */
function spaceOf(object: UnwindObject, end = 0x2000): CodeSpace {
  return {
    bias: BIAS,
    find(address) {
      this.bias = BIAS;
      return address >= BIAS + 0x1000 && address < BIAS + end ? object : undefined;
    },
  };
}

function objectOf(functions: readonly Function[], arch: Arch = X86_64): UnwindObject {
  return UnwindObject.open(new ElfFile(new MemoryBytes(buildFrames(functions, arch), "object")));
}

/** Walks from `pc` over `words` from the stack pointer on; addresses as the object was linked. */
function walk(
  object: UnwindObject,
  pc: number,
  words: readonly (number | bigint)[],
  { registers = {}, isCut = true, arch = X86_64, most = 64 }: {
    registers?: Record<number, number>;
    isCut?: boolean;
    arch?: Arch;
    most?: number;
  } = {},
) {
  const unwinder = new Unwinder(arch);
  unwinder.registers[arch.pc] = BIAS + pc;
  unwinder.registers[arch.sp] = STACK;
  for (const [number, value] of Object.entries(registers)) unwinder.registers[Number(number)] = value;
  const view = new DataView(new ArrayBuffer(8 * words.length + 16));
  words.forEach((word, i) => view.setBigUint64(8 + 8 * i, BigInt.asUintN(64, BigInt(word)), true));
  unwinder.loadStack(view, 8, 8 * words.length, isCut);
  const out = new Float64Array(most);
  const depth = unwinder.walk(spaceOf(object), out);
  const chain = Array.from(out.subarray(0, depth), (address) => (address - BIAS).toString(16));
  return { chain, end: unwinder.end, missing: unwinder.missing, unwinder };
}

const at = (address: number) => BIAS + address;

Deno.test("a chain leads over frames by rsp and by rbp to the root", () => {
  const { chain, end } = walk(objectOf(FUNCTIONS), 0x1050, [
    1,
    2,
    at(0x1180), // returns into the function with rbp
    3,
    STACK + 0x100, // rbp of its caller
    at(0x1240), // the root
  ], { registers: { 6: STACK + 32 } });
  assertEquals([chain, end], [["1050", "1180", "1240"], END.ROOT]);
});

Deno.test("a leaf may have taken its return address off the stack into a register", () => {
  const { chain, end } = walk(objectOf(FUNCTIONS), 0x1850, [1, 2, at(0x1280)], {
    registers: { 5: at(0x1080) },
  });
  assertEquals([chain, end], [["1850", "1080", "1280"], END.ROOT]);
});

Deno.test("prologues and epilogues are right to the instruction", () => {
  const object = objectOf(FUNCTIONS), rbp = STACK + 8;
  const caller = (pc: number, words: number[], value = 0x1111) => {
    const { chain, end, unwinder } = walk(object, pc, words, { registers: { 6: value } });
    assertEquals([chain[1], end], ["1240", END.ROOT], pc.toString(16));
    return unwinder.registers[6];
  };
  assertEquals(caller(0x1100, [at(0x1240)]), 0x1111);
  assertEquals(caller(0x1101, [rbp, at(0x1240)]), rbp);
  assertEquals(caller(0x1104, [rbp, at(0x1240)], STACK), rbp);
  // rbp has been popped, but the table has it still on the stack: the register is right
  assertEquals(caller(0x11ff, [at(0x1240)]), 0x1111);
});

Deno.test("a piece that is too short says by how much", () => {
  const object = objectOf(FUNCTIONS);
  const { chain, end, missing } = walk(object, 0x1050, [1, 2]);
  assertEquals([chain, end, missing], [["1050"], END.SHORT, 8]);
  assertEquals(walk(object, 0x1050, [1, 2], { isCut: false }).end, END.OTHER_STACK);
  assertEquals(walk(object, 0x1050, []).end, END.NO_STACK);
});

Deno.test("a return address of zero is the root, one that leads nowhere no frame", () => {
  const object = objectOf(FUNCTIONS);
  assertEquals(walk(object, 0x1050, [1, 2, 0]).end, END.ROOT);
  const { chain, end } = walk(object, 0x1050, [1, 2, at(0x5000)]);
  assertEquals([chain, end], [["1050"], END.UNMAPPED]);
  assertEquals(walk(object, 0x1050, [1, 2, 77]).end, END.CORRUPT);
  assertEquals(walk(object, 0x1050, [1, 2, 1n << 63n]).end, END.CORRUPT);
});

Deno.test("frames that do not grow, expressions that do not end and damaged tables end a chain", () => {
  const object = objectOf(FUNCTIONS), words = [at(0x1340), at(0x1340), at(0x1340)];
  assertEquals(walk(object, 0x1340, words).end, END.CORRUPT);
  assertEquals(walk(object, 0x1440, [1, 2, STACK - 8, at(0x1240)]).end, END.CORRUPT);
  assertEquals(walk(object, 0x1440, [1, at(0x1240), STACK + 16]).end, END.ROOT);
  assertEquals(walk(object, 0x1440, [1, 2]).end, END.SHORT);
  assertEquals(walk(object, 0x1540, words).end, END.CORRUPT);
  assertEquals(walk(object, 0x1640, words).end, END.CORRUPT);
});

Deno.test("stack pointers that are no exact numbers end a chain in all code", () => {
  const object = objectOf(FUNCTIONS), words = new Array(8).fill(at(0x1280));
  for (const sp of [2 ** 53, 2 ** 58, 2 ** 62, 2 ** 64]) {
    for (let pc = 0x1050; pc < 0x1b00; pc += 0x100) {
      const { chain } = walk(object, pc, words, { registers: { 7: sp, 6: sp + 4096 } });
      assertEquals(chain.length <= 32 + words.length, true, `${pc.toString(16)}, sp ${sp}`);
    }
  }
});

Deno.test("a frame that is found by a register that was not recorded says so", () => {
  const object = objectOf(FUNCTIONS);
  assertEquals(walk(object, 0x1740, [at(0x1240)]).end, END.NO_REGISTER);
  assertEquals(walk(object, 0x1740, [at(0x1240)], { registers: { 10: STACK } }).end, END.ROOT);
});

Deno.test("a chain is as long as there is room for", () => {
  const { chain, end } = walk(objectOf(FUNCTIONS), 0x1050, Array(300).fill(at(0x1050)), { most: 7 });
  assertEquals([chain.length, end], [7, END.DEEP]);
});

Deno.test("tables that make up callers make no more than the piece of stack could hold", () => {
  for (const words of [0, 16, 160]) {
    const { chain, end } = walk(objectOf(FUNCTIONS), 0x1910, Array(words).fill(1), {
      registers: { 16: BIAS + 0x1910 },
      most: 4096,
    });
    assertEquals([chain.length, end], [32 + words, END.CORRUPT]);
  }
});

Deno.test("expressions of a walk take no more steps than the frames of its piece of stack need", () => {
  // three hundred operations that leave rip + 1
  const long = [0x80, 1, ...Array(240).fill(0x96)];
  const code = [...offset(16), 0x16, 16, long.length % 128 + 128, long.length >> 7, ...long];
  const object = objectOf([{ start: 0x1800, end: 0x1900, code }]);
  const depthOver = (words: number) =>
    walk(object, 0x1810, Array(words).fill(1), { most: 4096 }).chain.length;
  assertEquals([depthOver(0), depthOver(2048)], [2, 10]);
});

Deno.test("code that a program made is followed by its frame pointers", () => {
  const generated = UnwindObject.generated();
  const words = [1, STACK + 32, at(0x1222), 5, 0, at(0x1333)];
  const { chain, end } = walk(generated, 0x1111, words, { registers: { 6: STACK + 8 } });
  assertEquals([chain, end], [["1111", "1222", "1333"], END.ROOT]);
  assertEquals(walk(generated, 0x1111, words, { registers: { 6: 12345 } }).end, END.NO_CFI);
  assertEquals(walk(generated, 0x1111, words, { registers: { 6: STACK + 40 } }).end, END.SHORT);
});

Deno.test("code that a program made is read where it can be, and needs no frame pointers then", () => {
  // add $8,%rsp; ret, behind a call
  const code = Uint8Array.of(0xff, 0xd1, 0x48, 0x83, 0xc4, 8, 0xc3);
  let isThere = true;
  const generated = UnwindObject.generated((address, length) =>
    isThere ? code.slice(address - 0x1110, address - 0x1110 + length) : new Uint8Array(0)
  );
  const words = [1, at(0x1112), 2, at(0x1112), 3, 0];
  const over = (pc: number) => walk(generated, pc, words, { registers: { 6: 12345 } });
  assertEquals(over(0x1112).chain, ["1112", "1112", "1112"]);
  // what cannot be a return address is none, so nothing leads on
  assertEquals(over(0x1112).end, END.NO_CFI);
  // where the piece is too short for the place
  const { end, missing } = walk(generated, 0x1112, [1], {});
  assertEquals([end, missing], [END.SHORT, 8]);
  isThere = false;
  const gone = UnwindObject.generated(() => new Uint8Array(0));
  assertEquals(walk(gone, 0x1112, words, { registers: { 6: 12345 } }).chain, ["1112"]);
});

Deno.test("compiled code that calls an interpreter's is found behind the arguments between them", () => {
  // interpreted code, which jumps to what its next instruction says; compiled code: add $8,%rsp; ret; each behind a call
  const code = new Uint8Array(0x40);
  code.set([0xff, 0xd1, 0xff, 0xe0], 0);
  code.set([0xff, 0xd1, 0x48, 0x83, 0xc4, 8, 0xc3], 0x20);
  const generated = UnwindObject.generated((address, length) =>
    address < 0x1100 ? new Uint8Array(0) : code.slice(address - 0x1100, address - 0x1100 + length)
  );
  // the caller's stack pointer, frame record, two arguments, a local variable of the caller's, its return address
  const words = [STACK + 40, 12345, at(0x1122), at(0x1122), at(0x1122), 7, at(0x1122), 8, 0];
  const { chain } = walk(generated, 0x1102, words, { registers: { 6: STACK + 8 } });
  assertEquals(chain, ["1102", "1122", "1122"]);
});

/** A file without call frame information, with these bytes of code; calls of 0x1140 end at 0x1205 and 0x1505. */
function bareObject(code: Record<number, readonly number[]>, arch: Arch = X86_64): UnwindObject {
  const file = buildFrames([], arch);
  new DataView(file.buffer).setUint32(64 + 2 * 56, 0, true); // PT_NULL for .eh_frame_hdr
  const call = (at: number) => [0xe8, ...new Uint8Array(Int32Array.of(0x1140 - at - 5).buffer)];
  for (const [at, bytes] of Object.entries({ 0x1200: call(0x1200), 0x1500: call(0x1500), ...code })) {
    file.set(bytes, Number(at));
  }
  return UnwindObject.open(new ElfFile(new MemoryBytes(file, "object")));
}

Deno.test("frame records of code without tables end where the frame pointer is zero", () => {
  const object = bareObject({ 0x1300: [0x90, 0xe8, 1, 2, 0, 0, 0x90] });
  const chainTo = (last: number) => {
    const words = [1, STACK + 32, at(0x1205), 3, 0, at(last), at(0x1205), at(0x1205)];
    const { chain, end } = walk(object, 0x1150, words, { registers: { 6: STACK + 8 } });
    return [...chain, end];
  };
  assertEquals(chainTo(0x1505), ["1150", "1205", "1505", END.ROOT]);
  // where goroutines return to, which nothing calls
  assertEquals(chainTo(0x1301), ["1150", "1205", "1301", END.ROOT]);
  assertEquals(chainTo(0x1401).at(-1), END.NO_CFI);
});

Deno.test("goroutines end where they return to, whatever its tables say", () => {
  const file = buildFrames([...FUNCTIONS, { start: 0x1a00, end: 0x1a20, code: [...offset(8)] }], X86_64);
  file.set([0x90, 0xe8, 1, 2, 0, 0, 0x90], 0x1a00);
  const object = UnwindObject.open(new ElfFile(new MemoryBytes(file, "object")));
  const words = [1, 2, at(0x1a01), at(0x1050), 3];
  const { chain, end } = walk(object, 0x1050, words);
  assertEquals([chain, end], [["1050", "1a01"], END.ROOT]);
  // but not behind any other call
  const other = walk(object, 0x1050, [1, 2, at(0x1a06), 3]);
  assertEquals([other.chain, other.end], [["1050", "1a06"], END.CORRUPT]);
});

Deno.test("code just before a thread's first function, which no table has, has no caller", () => {
  const object = objectOf([
    { start: 0x1000, end: 0x1100, code: [...offset(24)] },
    { start: 0x110a, end: 0x1120, code: [0x07, 16] },
    { start: 0x1180, end: 0x1190, code: [...offset(8)] },
  ]);
  assertEquals(walk(object, 0x1104, [1, 2]).end, END.ROOT);
  assertEquals(walk(object, 0x1175, [1, 2]).end, END.NO_CFI); // before one that has a caller
});

Deno.test("the code that signal handlers return to is known behind all tables, too", () => {
  const file = buildFrames([{ start: 0x1000, end: 0x1010, code: [...offset(16)] }], X86_64);
  file.set([0x48, 0xc7, 0xc0, 15, 0, 0, 0, 0x0f, 0x05], 0x1800);
  const object = UnwindObject.open(new ElfFile(new MemoryBytes(file, "object")));
  // return address; what the kernel has saved: 5 words, r8 ... r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip
  const saved = [...Array(5).fill(0), ...Array(15).fill(7), STACK + 24 + 8 * 23, at(0x1008)];
  const { chain, end } = walk(object, 0x1008, [1, at(0x1800), ...saved, 1, 2, 3, 0, 5]);
  assertEquals([chain.slice(0, 3), end === END.NO_CFI], [["1008", "1800", "1008"], false]);
});

Deno.test("goroutines of aarch64 end in the same way", () => {
  const word = (value: number) => [...new Uint8Array(Uint32Array.of(value).buffer)];
  const object = bareObject({ 0x1300: [...word(0xaa0003e0), ...word(0x940005c3)] }, AARCH64);
  const { chain, end } = walk(object, 0x1150, [0, at(0x1304)], {
    registers: { 29: STACK, 30: at(0x1150) },
    arch: AARCH64,
  });
  assertEquals([chain, end], [["1150", "1304"], END.ROOT]);
});

Deno.test("a file that cannot be read is the reason where its frames do not go on", () => {
  const { end, unwinder } = walk(UnwindObject.unreadable("no such file"), 0x1111, [1], {
    registers: { 6: 5 },
  });
  assertEquals(end, END.UNREADABLE);
  assertStringIncludes(unwinder.endObject!.failure!, "no such file");
});

Deno.test("return addresses of aarch64 lose their signatures, in registers and on the stack", () => {
  const functions: Function[] = [
    { start: 0x1000, end: 0x1100, code: [] }, // a leaf
    // stp x29, x30, [sp, #-32]!; signed
    { start: 0x1100, end: 0x1200, code: [0x2d, 0x0e, 32, 0x9d, 4, 0x9e, 3] },
    { start: 0x1200, end: 0x1300, code: [0x07, 30] },
  ];
  const object = objectOf(functions, AARCH64), unwinder = new Unwinder(AARCH64);
  const plan = registerPlan(AARCH64, (1n << 29n) | (1n << 30n) | (1n << 31n) | (1n << 32n));
  const sign = (address: number) => BigInt(address) | 0x00ab_0000_0000_0000n;
  const stack = BigUint64Array.of(BigInt(STACK + 64), sign(at(0x1280)), 0n, 0n);
  const regs = BigUint64Array.of(BigInt(STACK), sign(at(0x1180)), BigInt(STACK), BigInt(at(0x1010)));
  unwinder.loadRegisters(plan, new Uint32Array(regs.buffer), 0);
  unwinder.loadStack(new DataView(stack.buffer), 0, 32, true);
  const out = new Float64Array(8), depth = unwinder.walk(spaceOf(object), out);
  assertEquals(Array.from(out.subarray(0, depth)), [at(0x1010), at(0x1180), at(0x1280)]);
  assertEquals(unwinder.end, END.ROOT);
});

Deno.test("an aarch64 function without tables that has called nobody returns to where x30 leads", () => {
  const functions: Function[] = [
    { start: 0x1100, end: 0x1200, code: [0x0e, 16, 0x9e, 1] }, // the return address at sp + 8
    { start: 0x1200, end: 0x1300, code: [0x07, 30] },
  ];
  const bytes = buildFrames(functions, AARCH64), view = new DataView(bytes.buffer);
  view.setUint32(0x1080, 0xd63f0020, true); // blr x1, in the same function
  view.setUint32(0x1180, 0xd63f0020, true);
  view.setUint32(0x1280, 0x97ffffa0, true); // bl
  const object = UnwindObject.open(new ElfFile(new MemoryBytes(bytes, "object")));
  const registers = { 29: STACK + 4096, 30: at(0x1184) };
  const { chain, end } = walk(object, 0x1040, [0, at(0x1284)], { registers, arch: AARCH64 });
  assertEquals([chain, end], [["1040", "1184", "1284"], END.ROOT]);
  // x30 is of a call that has returned
  const own = walk(object, 0x1090, [0, at(0x1284)], {
    registers: { 29: 8, 30: at(0x1084) },
    arch: AARCH64,
  });
  assertEquals([own.chain, own.end], [["1090"], END.NO_CFI]);
});

Deno.test("on aarch64 a return address may be kept in another register while others are called", () => {
  const functions: Function[] = [
    { start: 0x1000, end: 0x1100, code: [] },
    { start: 0x1100, end: 0x1200, code: [0x09, 30, 19] }, // in x19, and no stack is taken
    { start: 0x1200, end: 0x1300, code: [0x07, 30] },
  ];
  const registers = { 19: at(0x1240), 30: at(0x1140) };
  const { chain, end } = walk(objectOf(functions, AARCH64), 0x1040, [1, 2], { registers, arch: AARCH64 });
  assertEquals([chain, end], [["1040", "1140", "1240"], END.ROOT]);
});

Deno.test("code that was not read in time ends a chain, whatever the frame pointer leads to", () => {
  const object = objectOf(FUNCTIONS), notRead = UnwindObject.notRead();
  const space = spaceOf(object),
    unwinder = new Unwinder(X86_64),
    stack = BigUint64Array.of(0n, BigInt(at(0x1240)));
  unwinder.registers[X86_64.pc] = at(0x1050);
  unwinder.registers[X86_64.sp] = unwinder.registers[X86_64.fp] = STACK;
  unwinder.loadStack(new DataView(stack.buffer), 0, 16, true);
  const mixed: CodeSpace = {
    bias: BIAS,
    find: (address) => address < at(0x1200) ? notRead : space.find(address),
  };
  assertEquals([unwinder.walk(mixed, new Float64Array(8)), unwinder.end], [1, END.NOT_READ]);
});

Deno.test("what is known is not looked up again", () => {
  const object = objectOf(FUNCTIONS);
  const { unwinder } = walk(object, 0x1050, [1, 2, at(0x1060), 1, 2, at(0x1240)]);
  const { misses } = unwinder;
  assertEquals(misses, 2);
  unwinder.registers[X86_64.pc] = at(0x1050);
  unwinder.registers[X86_64.sp] = STACK;
  assertEquals(unwinder.walk(spaceOf(object), new Float64Array(8)), 3);
  assertEquals(unwinder.misses, misses);
});

/**
 * Walks stacks of one thread, one after the other, with one unwinder; returns the chain of each. `other` is mapped from
 * the stack on that has it.
 */
function walkInTurn(
  object: UnwindObject,
  stacks: { pc: number; skip?: number; words: number[]; thread?: number; other?: UnwindObject }[],
) {
  const unwinder = new Unwinder(X86_64);
  let space = spaceOf(object), version = 1;
  return stacks.map(({ pc, skip = 0, words, thread = 7, other }) => {
    if (other) space = { ...spaceOf(other), version: ++version };
    const { registers } = unwinder;
    registers.fill(NaN);
    registers[X86_64.pc] = at(pc);
    registers[X86_64.sp] = STACK + 8 * skip;
    registers[6] = 0;
    const view = new DataView(new ArrayBuffer(8 * words.length));
    words.forEach((word, i) => view.setBigUint64(8 * i, BigInt(word), true));
    unwinder.loadStack(view, 0, 8 * words.length, true);
    unwinder.thread = thread;
    const out = new Float64Array(8), before = unwinder.misses;
    unwinder.places = new Float64Array(8);
    const depth = unwinder.walk(space, out);
    return {
      chain: Array.from(out.subarray(0, depth), (address) => (address - BIAS).toString(16)),
      places: Array.from(unwinder.places.subarray(0, depth), (address) => (address - BIAS).toString(16)),
      misses: unwinder.misses - before,
      end: unwinder.end,
    };
  });
}

Deno.test("what is left of a thread's last stack is taken over", () => {
  const object = objectOf(FUNCTIONS), rest = [3, 4, at(0x1060), 5, 6, at(0x1240)];
  const [first, deeper, same] = walkInTurn(object, [
    { pc: 0x1050, skip: 3, words: rest },
    { pc: 0x1080, words: [1, 2, at(0x1051), ...rest] },
    { pc: 0x1080, words: [9, 9, at(0x1051), ...rest] },
  ]);
  assertEquals(first.chain, ["1050", "1060", "1240"]);
  for (const each of [deeper, same]) {
    assertEquals(each.chain, ["1080", "1051", "1060", "1240"]);
    assertEquals(each.places, ["1080", "1050", "105f", "123f"]);
    assertEquals(each.end, END.ROOT);
  }
});

Deno.test("a caller that changed is found, though the frames below look as before", () => {
  const object = objectOf(FUNCTIONS);
  const [first, changed, back, other] = walkInTurn(object, [
    { pc: 0x1050, words: [1, 2, at(0x1060), 5, 6, at(0x1070), 7, 8, at(0x1240)] },
    { pc: 0x1050, words: [1, 2, at(0x1060), 5, 6, at(0x1080), 7, 8, at(0x1240)] },
    { pc: 0x1050, words: [1, 2, at(0x1060), 5, 6, at(0x1070), 7, 8, at(0x1250)] },
    { pc: 0x1050, words: [1, 2, at(0x1060), 5, 6, at(0x1240)], thread: 8 },
  ]);
  assertEquals(first.chain, ["1050", "1060", "1070", "1240"]);
  assertEquals(changed.chain, ["1050", "1060", "1080", "1240"]);
  assertEquals(back.chain, ["1050", "1060", "1070", "1250"]);
  assertEquals(other.chain, ["1050", "1060", "1240"], "of another thread");
});

Deno.test("nothing of a thread's last stack is taken over once other code is mapped", () => {
  const other = objectOf([{ ...FUNCTIONS[0], code: [0x0e, 40] }, ...FUNCTIONS.slice(1)]);
  const words = [1, 2, at(0x1060), 5, at(0x1240), at(0x1240), 9, 9, at(0x1240)];
  const [first, changed] = walkInTurn(objectOf(FUNCTIONS), [
    { pc: 0x1050, words },
    { pc: 0x1050, words, other },
  ]);
  assertEquals(first.chain, ["1050", "1060", "1240"]);
  assertEquals(changed.chain, ["1050", "1240"]);
});

Deno.test("a piece of stack that ends before the rest of the last one says so", () => {
  const [, short] = walkInTurn(objectOf(FUNCTIONS), [
    { pc: 0x1050, words: [1, 2, at(0x1060), 5, 6, at(0x1240)] },
    { pc: 0x1050, words: [1, 2, at(0x1060), 5] },
  ]);
  assertEquals([short.chain, short.end], [["1050", "1060"], END.SHORT]);
});
