/** Call frame information made up from nothing: mostly of the right form, with operands, lengths and offsets that lie now and then. */

import { ByteWriter } from "../../../lib/base/bytes/bytes.ts";
import { AARCH64, type Arch, X86_64 } from "../../../lib/unwind/arch.ts";
import { buildFrames, frameSection, type Function, headerSection } from "../../unwind/build_frames.ts";
import { mutateBytes } from "../mutate/mutate.ts";
import type { Random } from "../random.ts";

/** Operations of expressions: all that there are, and some that are none. */
const OPERATIONS = Array.from({ length: 0x9f }, (_, op) => op);
const AUGMENTATIONS = ["zR", "zRS", "zR", "zPLR", "zRB", "zRX", "R", "", "eh"];

function uleb(w: ByteWriter, random: Random): void {
  if (random.oneIn(40)) w.raw(new Uint8Array(random.pick([2, 9, 30])).fill(0x80 + random.below(128)));
  else if (random.oneIn(4)) w.u8(0x80 | random.below(128));
  w.u8(random.oneIn(3) ? random.below(128) : random.below(34));
}

/** An expression, mostly of operations that have the operands they need. */
export function makeExpression(random: Random, most = 40): Uint8Array {
  const w = new ByteWriter(64);
  for (let n = random.below(most); n > 0; n--) {
    const op = random.oneIn(3)
      ? random.pick(OPERATIONS)
      : random.pick([0x06, 0x77, 0x76, 0x80, 0x22, 0x1c, 0x12, 0x31]);
    w.u8(op);
    const width = [1, 1, 2, 2, 4, 4, 8, 8][op - 0x08];
    if (width !== undefined || op === 0x03) { for (let i = width ?? 8; i > 0; i--) w.u8(random.below(256)); }
    else if (op >= 0x70 && op <= 0x92) uleb(w, random);
    else if (op === 0x28 || op === 0x2f) w.u16((random.below(40) - 25) & 0xffff);
    else if (op === 0x10 || op === 0x11 || op === 0x23 || op === 0x15 || op === 0x94) uleb(w, random);
  }
  return w.bytes().slice();
}

/** Call frame instructions. */
export function makeInstructions(random: Random): number[] {
  const w = new ByteWriter(64);
  const block = () => {
    const expression = makeExpression(random, random.oneIn(20) ? 400 : 12);
    w.u8(random.oneIn(20) ? random.below(256) : expression.length & 0x7f).raw(expression.subarray(0, 0x7f));
  };
  for (let n = random.below(24); n > 0; n--) {
    const op = random.below(0x40), kind = random.below(9);
    if (kind < 3) w.u8(random.below(256));
    else if (kind < 5) w.raw(Uint8Array.of(0x0e, 8 * random.below(12)));
    else {
      w.u8(op);
      if (op >= 0x02 && op <= 0x04) { for (let i = 1 << (op - 2); i > 0; i--) w.u8(random.below(16)); }
      else if (op === 0x0f) block();
      else if (op === 0x10 || op === 0x16) {
        uleb(w, random);
        block();
      } else if (op === 0x06 || op === 0x07 || op === 0x08 || op === 0x0d || op === 0x0e || op === 0x13) {
        uleb(w, random);
      } else if (op !== 0x0a && op !== 0x0b) {
        uleb(w, random);
        uleb(w, random);
      }
    }
  }
  return [...w.bytes()];
}

/** Functions of any sizes, next to each other or one over the other. */
export function makeFunctions(random: Random): Function[] {
  let at = 0x1000;
  return Array.from({ length: 1 + random.below(12) }, () => {
    if (random.oneIn(8)) at = 0x1000 + random.below(0x1000);
    const start = at, end = start + random.pick([0, 1, 16, 64, 300]);
    at = end;
    return { start, end, code: makeInstructions(random) };
  });
}

/** An object file with them; its tables are changed, unsorted, or lead elsewhere now and then. */
export function makeCfiObject(random: Random): Uint8Array {
  const arch: Arch = random.oneIn(3) ? AARCH64 : X86_64;
  const functions = makeFunctions(random);
  const { entries } = frameSection(functions, arch);
  const header = headerSection(random.oneIn(6) ? entries.toReversed() : entries);
  const bytes = buildFrames(
    functions,
    arch,
    random.oneIn(4) ? mutateBytes(header, random).subarray(0, 0x1f8) : header,
  );
  return random.oneIn(2) ? bytes : mutateBytes(bytes, random, random.oneIn(4) ? 0 : 0x200);
}

/** One section of entries alone. */
export function makeEntries(random: Random): Uint8Array {
  const functions = makeFunctions(random);
  const { bytes } = frameSection(functions, X86_64, 0, random.pick(AUGMENTATIONS));
  return random.oneIn(3) ? bytes : mutateBytes(bytes, random);
}
