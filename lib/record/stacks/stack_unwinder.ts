/** Turns samples with copied stacks into samples with call chains. */

import { PERF_RECORD_MISC } from "../../base/system/abi.ts";
import type { EventDesc } from "../../perfdata/format/events.ts";
import { SampleTail } from "../../perfdata/read/sample_tail.ts";
import type { UnwindObjects } from "../../profile/load/unwind_objects.ts";
import { AARCH64, X86_64 } from "../../unwind/arch.ts";
import { markOf, OTHER_MACHINE } from "../../unwind/chain_marks.ts";
import { END } from "../../unwind/ends.ts";
import { type RegisterPlan, registerPlan, Unwinder } from "../../unwind/walk.ts";
import type { RingCursor } from "./ring_cursor.ts";
import type { RingOutput } from "./ring_output.ts";
import { type UserChain, writeSample } from "./sample_writer.ts";

/** PERF_SAMPLE_REGS_ABI_64. */
const ABI_64 = 2;
/** Most callers that are written: as many as there is room for when the rest of a sample is as large as it gets. */
const MAX_CALLERS = 1023;
/** Lowest address of code. A thread with a lower one has not been in user space yet. */
const MIN_CODE_ADDRESS = 4096;
/** Stacks between two checks of the memory of open files. */
const TRIM_EVERY = 1024;

/** Counts of unwound stacks. */
export interface StackCounts {
  /** Samples with a user stack, and those of them that reach a root. */
  unwound: number;
  whole: number;
}

/** Unwinder of one sample at a time, on the machine that it runs on. */
export class StackUnwinder {
  readonly counts: StackCounts = { unwound: 0, whole: 0 };
  readonly #objects: UnwindObjects;
  readonly #unwinder = new Unwinder(Deno.build.arch === "aarch64" ? AARCH64 : X86_64);
  readonly #tail = new SampleTail();
  /** Plans by event. */
  readonly #plans = new WeakMap<EventDesc, RegisterPlan>();
  #lastEvent: EventDesc | undefined;
  #lastPlan: RegisterPlan = new Int8Array(0);
  readonly #chain: UserChain = { addresses: new Float64Array(MAX_CALLERS), count: 0, mark: 0 };
  readonly #returnAddresses = new Float64Array(MAX_CALLERS);
  #sinceTrim = 0;

  constructor(objects: UnwindObjects) {
    this.#objects = objects;
    // perf, too, writes the call rather than what follows it, which may be another function, or another line
    this.#unwinder.places = this.#chain.addresses;
  }

  /**
   * Writes the sample under `c` with its callers, and without its stack. Returns false for one that has no copy of a
   * stack, which is to be written as it is.
   */
  write(c: RingCursor, event: EventDesc, output: RingOutput): boolean {
    const tail = this.#tail, { layout } = event;
    if (!layout.tail.copiesStack || !tail.read(c.u32, c.at, c.size, layout)) return false;
    return writeSample(c, layout, tail, this.#userChain(c, event), output);
  }

  /** Unwinds the stack; returns undefined where there is none, like that of a kernel thread. */
  #userChain(c: RingCursor, event: EventDesc): UserChain | undefined {
    const tail = this.#tail, chain = this.#chain, unwinder = this.#unwinder;
    const mode = c.misc & PERF_RECORD_MISC.CPUMODE_MASK;
    if (tail.abi === 0 || mode === 0 || mode > PERF_RECORD_MISC.USER) return undefined;
    const counts = this.counts;
    if (tail.abi !== ABI_64) {
      counts.unwound++;
      chain.count = 0;
      chain.mark = markOf(OTHER_MACHINE);
      return chain;
    }
    if (++this.#sinceTrim >= TRIM_EVERY || this.#objects.isFull) {
      this.#sinceTrim = 0;
      this.#objects.trim();
    }
    unwinder.loadRegisters(this.#planOf(event), c.u32, tail.registers);
    // the kernel was about to start the program
    if (mode === PERF_RECORD_MISC.KERNEL && unwinder.registers[unwinder.arch.pc] < MIN_CODE_ADDRESS) {
      return undefined;
    }
    unwinder.loadStack(c.view, tail.stack, tail.copied, tail.copied === tail.room);
    const { code } = this.#objects;
    const ids = (c.at + event.layout.tid) >>> 2;
    code.pid = c.u32[ids] | 0;
    unwinder.thread = c.u32[ids + 1] | 0;
    chain.count = unwinder.walk(code, this.#returnAddresses);
    const { end } = unwinder;
    chain.mark = end === END.ROOT ? 0 : markOf(end);
    counts.unwound++;
    if (end === END.ROOT) counts.whole++;
    return chain;
  }

  #planOf(event: EventDesc): RegisterPlan {
    if (event === this.#lastEvent) return this.#lastPlan;
    let plan = this.#plans.get(event);
    if (plan === undefined) {
      this.#plans.set(event, plan = registerPlan(this.#unwinder.arch, event.attr.sampleRegsUser));
    }
    this.#lastEvent = event;
    return this.#lastPlan = plan;
  }
}
