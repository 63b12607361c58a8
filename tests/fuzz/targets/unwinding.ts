/** Call frame information, expressions, and the stacks that are walked by them. */

import { MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { ElfFile } from "../../../lib/symbols/elf/elf.ts";
import { Cost } from "../../../lib/symbols/object/limits.ts";
import { HeldBytes } from "../../../lib/symbols/object/windows.ts";
import { AARCH64, archOf, X86_64 } from "../../../lib/unwind/arch.ts";
import { END_WORDS } from "../../../lib/unwind/ends.ts";
import { Evaluator } from "../../../lib/unwind/cfi/expression.ts";
import { type CodeSpace, UnwindObject } from "../../../lib/unwind/object.ts";
import { FOUND, ObjectCfi } from "../../../lib/unwind/cfi/object_cfi.ts";
import { Row } from "../../../lib/unwind/cfi/row.ts";
import { StackPiece } from "../../../lib/unwind/stack_piece.ts";
import { CfiTable } from "../../../lib/unwind/cfi/table.ts";
import { Unwinder } from "../../../lib/unwind/walk.ts";
import { buildFrames, type Function } from "../../unwind/build_frames.ts";
import { makeCfiObject, makeEntries, makeExpression, makeInstructions } from "../made/cfi.ts";
import { mutateBytes } from "../mutate/mutate.ts";
import { ElfParts } from "../mutate/mutate_elf.ts";
import type { Random } from "../random.ts";
import { choiceBy, type Input, type Target } from "../target.ts";

const BIAS = 0x7f0000000000, STACK = 0x7ffd00001000;
const MAX_FRAMES = 64;

/** Looks up addresses all over the tables. */
function findAll(cfi: ObjectCfi, from: number, to: number): void {
  const row = new Row();
  for (let i = 0; i < 64; i++) {
    const address = from + Math.floor(i * (to - from) / 64);
    if (!cfi.findFunction(address)) continue;
    if (!(cfi.functionStart <= address && address < cfi.functionEnd)) {
      throw new Error("a function without the address");
    }
    if (cfi.findRow(address, row) !== FOUND.ROW) continue;
    if (!(cfi.rowStart <= address && address < cfi.rowEnd)) throw new Error("a row without the address");
  }
}

/** Walks a stack made of `bytes` from several places of an object. */
function walkAll(object: UnwindObject, bytes: Uint8Array): void {
  const arch = archOf(object.file?.machine ?? 0) ?? X86_64;
  const unwinder = new Unwinder(arch), { registers } = unwinder;
  const space: CodeSpace = {
    bias: BIAS,
    find(address) {
      this.bias = BIAS;
      return address >= BIAS && address < BIAS + 0x10000 ? object : undefined;
    },
  };
  const out = new Float64Array(MAX_FRAMES);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let start = 0; start < 8; start++) {
    registers.forEach((_, i) => registers[i] = i % 3 === start % 3 ? STACK + 8 * i : NaN);
    registers[arch.sp] = STACK;
    registers[arch.pc] = BIAS + 0x1000 + start * 0x35;
    unwinder.loadStack(view, 0, bytes.length, start % 2 === 0);
    const depth = unwinder.walk(space, out);
    if (!(depth >= 1 && depth <= MAX_FRAMES)) throw new Error(`a chain of ${depth}`);
    for (const address of out.subarray(0, depth)) {
      if (!(address >= 4096 && address < 2 ** 48)) throw new Error(`an address ${address}`);
    }
    if (END_WORDS[unwinder.end] === undefined) throw new Error(`a reason ${unwinder.end}`);
  }
}

function takeObject(bytes: Uint8Array): void {
  const open = () => new ElfFile(new MemoryBytes(bytes, "object"));
  const file = open();
  const cfi = ObjectCfi.open(file, file);
  if (cfi) findAll(cfi, 0x1000, 0x2000);
  walkAll(UnwindObject.open(open()), stackOf(bytes));
}

/** Words of a stack: pieces of the bytes, and addresses of code and stack where they lie. */
function stackOf(bytes: Uint8Array): Uint8Array {
  const stack = new Uint8Array(2048), view = new DataView(stack.buffer);
  stack.set(bytes.subarray(-stack.length));
  for (let at = 0; at < stack.length; at += 8) {
    const low = view.getUint16(at, true), kind = stack[at + 2] & 3;
    if (kind === 0) continue;
    view.setBigUint64(at, BigInt(kind < 3 ? BIAS + low : STACK + (low & 0xff8)), true);
  }
  return stack;
}

/** Takes entries as .eh_frame and as .debug_frame, in both byte orders. */
function takeEntries(bytes: Uint8Array): void {
  for (const isEh of [true, false]) {
    const littleEndian = choiceBy(bytes, 8) !== 0;
    const bases = { text: 0x1000, data: 0x2000, addressSize: 8, memory: () => 0x1000 };
    const section = { bytes: new HeldBytes(bytes), address: 0, isEh, littleEndian, bases };
    findAll(new ObjectCfi([() => new CfiTable(section, undefined, new Cost())]), 0xf00, 0x2100);
  }
}

function takeExpression(bytes: Uint8Array): void {
  const stack = new StackPiece(), evaluator = new Evaluator(stack);
  stack.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  stack.length = bytes.length;
  stack.start = STACK;
  const registers = Float64Array.from({ length: 17 }, (_, i) => i % 5 === 4 ? NaN : STACK + 8 * i);
  for (const first of [NaN, STACK]) evaluator.evaluate(bytes, registers, first);
}

/** A program whose functions call each other, for stacks that are made up. */
function fixedObject(random: Random): Function[] {
  return Array.from({ length: 8 }, (_, i) => ({
    start: 0x1000 + 0x80 * i,
    end: 0x1080 + 0x80 * i,
    code: i % 2 ? makeInstructions(random) : [0x0e, 16 + 8 * i],
  }));
}

export function unwindTargets(): Target[] {
  const folder = new URL("../../testdata/fuzz/", import.meta.url);
  const real = ["library", "dwarf5", "mini", "dwarf64"].map((name) =>
    new ElfParts(Deno.readFileSync(new URL(`${name}.elf`, folder)))
  );
  const make = (bytes: Uint8Array, made: string): Input => ({ bytes, made });
  return [
    {
      name: "cfi-object",
      what: "object files with call frame information made up from nothing, and stacks walked by it",
      weight: 10,
      make: (random) => make(makeCfiObject(random), "made up"),
      take: takeObject,
    },
    {
      name: "cfi-changed",
      what: "object files whose call frame information was changed",
      weight: 6,
      make(random) {
        const elf = random.pick(real), section = elf.section(".eh_frame");
        const contents = mutateBytes(elf.contents(section), random);
        return make(elf.with([{ name: ".eh_frame", contents }]), ".eh_frame changed");
      },
      take: takeObject,
    },
    {
      name: "cfi-entries",
      what: "entries of .eh_frame and .debug_frame",
      weight: 10,
      make: (random) => make(makeEntries(random), "made up"),
      take: takeEntries,
    },
    {
      name: "dwarf-expression",
      what: "expressions of call frame information",
      weight: 10,
      make: (random) => make(makeExpression(random, random.oneIn(20) ? 4000 : 60), "made up"),
      take: takeExpression,
    },
    {
      name: "stack",
      what: "stacks walked over a sound program",
      weight: 10,
      make(random) {
        const object = buildFrames(fixedObject(random), random.oneIn(3) ? AARCH64 : X86_64);
        const stack = Uint8Array.from({ length: 2048 }, () => random.below(256));
        object.set(stack, object.length - stack.length);
        return make(object, "a program with a stack at its end");
      },
      take: takeObject,
    },
  ];
}
