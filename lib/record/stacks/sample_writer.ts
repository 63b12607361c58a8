/**
 * Writes samples with call chains in place of samples with copied stacks. The copy is the last but a few fields; the
 * callers go to the end of the chain, which the kernel has filled with its own part:
 *
 *     taken     header ... { nr; kernel, by frame pointers } CALLCHAIN  RAW  BRANCH_STACK  REGS_USER  STACK_USER  WEIGHT ...
 *     written   header ... { nr; kernel, PERF_CONTEXT_USER, callers, mark } CALLCHAIN  RAW  BRANCH_STACK  WEIGHT ...
 */

import { PERF_CONTEXT } from "../../base/system/abi.ts";
import { MAX_RECORD_SIZE } from "../../perfdata/format/attr_layout.ts";
import type { SampleTail } from "../../perfdata/read/sample_tail.ts";
import { markOf } from "../../unwind/chain_marks.ts";
import { END } from "../../unwind/ends.ts";
import type { FramePointerChain } from "./frame_pointer_chain.ts";
import type { RingCursor } from "./ring_cursor.ts";
import type { RingOutput } from "./ring_output.ts";

const TWO_32 = 4294967296;
/** Entries besides the callers: PERF_CONTEXT_USER and a mark. */
const OTHER_ENTRIES = 2;

/** User's part of a call chain. */
export interface UserChain {
  /** Addresses in the instructions that were running, or calling, the innermost first: `count` of them. */
  addresses: Float64Array;
  count: number;
  /** High word of the mark that ends it (lib/unwind/chain_marks.ts); 0 for a whole one. */
  mark: number;
}

/**
 * Writes the sample under `c` without its registers and its stack, which `tail` has found, and with this user's part of
 * its chain in place of the one that was `taken`. Returns false for a sample without a chain; nothing is written then.
 */
export function writeSample(
  c: RingCursor,
  { taken, tail: { userAt, userEnd } }: { taken: FramePointerChain; tail: SampleTail },
  chain: UserChain | undefined,
  output: RingOutput,
): boolean {
  const { u32 } = c, { lengthWord, kernel } = taken;
  if (lengthWord < 0) return false;
  const start = c.at >>> 2;
  const out = output.u32, first = output.length;
  let to = first;
  for (let from = start; from < lengthWord + 2 + 2 * kernel; from++) out[to++] = u32[from];
  let entries = kernel;
  if (chain !== undefined) {
    out[to++] = PERF_CONTEXT.USER;
    out[to++] = 0xffffffff;
    const { addresses } = chain;
    // as many as the stack took space, in a sample that is as large as it gets
    const room = (MAX_RECORD_SIZE - c.size + userEnd - userAt) / 8 - OTHER_ENTRIES;
    const count = Math.min(chain.count, room);
    const mark = count < chain.count ? markOf(END.DEEP) : chain.mark;
    for (let i = 0; i < count; i++) {
      const address = addresses[i];
      out[to++] = address;
      out[to++] = address / TWO_32;
    }
    if (mark !== 0) {
      out[to++] = 0;
      out[to++] = mark;
    }
    entries += 1 + count + (mark === 0 ? 0 : 1);
  }
  out[first + lengthWord - start] = entries;
  const behindChain = lengthWord + 2 + 2 * u32[lengthWord];
  for (let from = behindChain, end = userAt >>> 2; from < end; from++) out[to++] = u32[from];
  for (let from = userEnd >>> 2, end = (c.at + c.size) >>> 2; from < end; from++) out[to++] = u32[from];
  // perf_event_header { u32 type; u16 misc, size; }
  out[first + 1] = ((4 * (to - first)) << 16) | c.misc;
  output.length = to;
  return true;
}
