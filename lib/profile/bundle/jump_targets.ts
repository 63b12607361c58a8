/**
 * Finds where code may jump to or call: all places that a disassembler can name, and some more. On x86_64 instructions
 * begin anywhere, so whatever looks like a jump counts.
 */

import { viewOf } from "../../base/bytes/bytes.ts";
import { EM } from "../../symbols/elf/elf.ts";
import type { FunctionCode } from "../../symbols/bundle/bundled_code.ts";

/** Yields the addresses outside of a function's code that it may jump to or call, and those of pointers that it may jump through. */
export function* jumpTargets(code: FunctionCode): Generator<number> {
  const { address, bytes: { length } } = code;
  for (const offset of code.machine === EM.AARCH64 ? aarch64Targets(code) : x86Targets(code)) {
    if (offset < 0 || offset >= length) yield address + offset;
  }
}

/** Yields offsets: Intel's manual, volume 2: CALL, JMP, Jcc, LOOP. */
function* x86Targets({ bytes }: FunctionCode): Generator<number> {
  const view = viewOf(bytes);
  for (let at = 1; at < bytes.length; at++) {
    const opcode = bytes[at - 1], before = bytes[at - 2];
    // jcc, loop, jrcxz, jmp rel8
    if ((opcode & 0xf0) === 0x70 || (opcode & 0xfc) === 0xe0 || opcode === 0xeb) {
      yield at + 1 + view.getInt8(at);
    }
    if (at + 4 > bytes.length) continue;
    // call, jmp, jcc rel32; call, jmp [rip + disp32]
    const isNear = opcode === 0xe8 || opcode === 0xe9 || ((opcode & 0xf0) === 0x80 && before === 0x0f) ||
      ((opcode === 0x15 || opcode === 0x25) && before === 0xff);
    if (isNear) yield at + 4 + view.getInt32(at, true);
  }
}

/** Yields offsets: Arm's B, BL, B.cond, CBZ, TBZ. */
function* aarch64Targets({ bytes }: FunctionCode): Generator<number> {
  const view = viewOf(bytes);
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    const word = view.getInt32(at, true), top = word >>> 24;
    if ((top & 0x7c) === 0x14) yield at + ((word << 6) >> 4);
    else if (top === 0x54 || (top & 0x7e) === 0x34) yield at + ((word << 8) >> 13 << 2);
    else if ((top & 0x7e) === 0x36) yield at + ((word << 13) >> 18 << 2);
  }
}
