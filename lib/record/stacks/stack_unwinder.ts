/** Turns samples with copied stacks into samples with call chains. */

import { PERF_RECORD_MISC, REGS_ABI_64 } from "../../base/system/abi.ts";
import type { EventDesc } from "../../perfdata/format/events.ts";
import { SampleTail } from "../../perfdata/read/sample_tail.ts";
import type { UnwindObjects } from "../../profile/load/stacks/unwind_objects.ts";
import { AARCH64, X86_64 } from "../../unwind/arch.ts";
import { markOf, OTHER_MACHINE } from "../../unwind/chain_marks.ts";
import { END, type End } from "../../unwind/ends.ts";
import { mostAddress } from "../../unwind/no_cfi.ts";
import { type RegisterPlan, registerPlan, Unwinder } from "../../unwind/walk.ts";
import { FramePointerChain } from "./frame_pointer_chain.ts";
import type { RingCursor } from "./ring_cursor.ts";
import type { RingOutput } from "./ring_output.ts";
import { type UserChain, writeSample } from "./sample_writer.ts";

/** Most callers that are written: as many as there is room for when the rest of a sample is as large as it gets. */
const MAX_CALLERS = 1023;
/** Callers at the end of a chain of Go's that may be wrong. */
const MAX_STRAYED = 4;
/** Limits on reading code, which takes long the first time: rings fill meanwhile. */
const READING_LIMITS = { atOnce: 1 << 18, perSecond: 1 << 20 };

/** Counts of unwound stacks. */
export interface StackCounts {
  /** Samples with a user stack, and those of them that reach a root. */
  unwound: number;
  whole: number;
}

/** Unwinder of one sample at a time, on the machine that it runs on. */
export class StackUnwinder {
  readonly counts: StackCounts = { unwound: 0, whole: 0 };
  /** Whether there is no time to unwind: only where the thread was is written then. */
  isBehind = false;
  readonly #objects: UnwindObjects;
  readonly #unwinder = new Unwinder(Deno.build.arch === "aarch64" ? AARCH64 : X86_64, READING_LIMITS);
  /** First address above user space. */
  readonly #most = mostAddress(this.#unwinder.arch);
  readonly #tail = new SampleTail();
  readonly #taken = new FramePointerChain();
  /** Plans by event. */
  readonly #plans = new WeakMap<EventDesc, RegisterPlan>();
  readonly #chain: UserChain = { addresses: new Float64Array(MAX_CALLERS), count: 0, mark: 0 };
  readonly #returnAddresses = new Float64Array(MAX_CALLERS);

  readonly #ownPid: number;

  /** @param ownPid pid of the recorder, whose own stacks are left out. */
  constructor(objects: UnwindObjects, ownPid: number) {
    this.#objects = objects;
    this.#ownPid = ownPid;
    // perf, too, writes the call rather than what follows it, which may be another function, or another line
    this.#unwinder.places = this.#chain.addresses;
  }

  /**
   * Writes the sample under `c` with its callers, and without its stack. Returns false for one that has no copy of a
   * stack, which is to be written as it is.
   */
  write(c: RingCursor, event: EventDesc, output: RingOutput): boolean {
    const tail = this.#tail, taken = this.#taken, { layout } = event;
    if (!layout.tail.copiesStack || !tail.read(c.u32, c.at, c.size, layout)) return false;
    taken.split(c, layout);
    return writeSample(c, { taken, tail }, this.#userChain(c, event), output);
  }

  /** Unwinds the stack; returns undefined where there is none, like that of a kernel thread. */
  #userChain(c: RingCursor, event: EventDesc): UserChain | undefined {
    const tail = this.#tail, chain = this.#chain;
    const mode = c.misc & PERF_RECORD_MISC.CPUMODE_MASK;
    if (tail.abi === 0 || mode === 0 || mode > PERF_RECORD_MISC.USER) return undefined;
    const unwinder = this.#unwinder;
    unwinder.loadRegisters(this.#planOf(event), c.u32, tail.registers);
    // the thread has left its program, or does not run its next one yet
    const isBetween = tail.copied === 0 || unwinder.isBeforeCode;
    if (mode === PERF_RECORD_MISC.KERNEL && isBetween) return undefined;
    const { code } = this.#objects;
    const ids = (c.at + event.layout.tid) >>> 2;
    code.pid = c.u32[ids] | 0;
    if (code.pid === this.#ownPid) {
      // the runtime's code has no tables: its frames would be a large part of what unwinding costs
      this.#leave(END.OWN);
      return chain;
    }
    this.counts.unwound++;
    if (tail.abi === REGS_ABI_64) {
      unwinder.thread = c.u32[ids + 1] | 0;
      if (this.isBehind) this.#leave(END.NO_TIME);
      else this.#unwind(c);
    } else {
      chain.count = 0;
      chain.mark = markOf(OTHER_MACHINE);
      this.#continue(0);
    }
    if (chain.mark === 0) this.counts.whole++;
    return chain;
  }

  /** Leaves the callers out, for this reason. */
  #leave(end: End): void {
    const chain = this.#chain, { registers, arch, isBeforeCode } = this.#unwinder;
    chain.addresses[0] = registers[arch.pc];
    chain.count = isBeforeCode ? 0 : 1;
    chain.mark = markOf(end);
  }

  #unwind(c: RingCursor): void {
    const tail = this.#tail, chain = this.#chain, unwinder = this.#unwinder;
    this.#objects.trimIfDue();
    unwinder.loadStack(c.view, tail.stack, tail.copied, tail.copied === tail.room);
    chain.count = unwinder.walk(this.#objects.code, this.#returnAddresses);
    const { end, endObject } = unwinder, taken = this.#taken;
    chain.mark = end === END.ROOT ? 0 : markOf(end);
    if (end === END.ROOT) return;
    if (endObject?.isGo && end !== END.SHORT) return this.#followTaken();
    const last = taken.indexOf(this.#returnAddresses, chain.count);
    if (last > 0 && last + 1 < taken.count) this.#continue(last + 1);
  }

  /**
   * Goes on as the kernel's chain does from where both part, if that is in one of the last callers: Go keeps frame pointers in
   * all of its code, and has none in the first function of a stack. Of that one's caller, and where its runtime changes from
   * stack to stack, its tables tell something that is not so.
   */
  #followTaken(): void {
    const chain = this.#chain, taken = this.#taken;
    for (let count = chain.count; count > 1 && count > chain.count - MAX_STRAYED; count--) {
      const last = taken.indexOf(this.#returnAddresses, count);
      if (last < 1) continue;
      chain.count = count;
      if (last + 1 < taken.count) this.#continue(last + 1);
      else chain.mark = 0;
      return;
    }
  }

  /** Adds the callers that the kernel has found, from entry `first` on; the chain is whole if they reach a root. */
  #continue(first: number): void {
    const chain = this.#chain, taken = this.#taken, { code } = this.#objects;
    let isRoot = false;
    for (let i = first; i < taken.count && chain.count < MAX_CALLERS; i++) {
      const address = taken.at(i), place = i === 0 ? address : address - 1;
      if (!(place < this.#most) || code.find(place) === undefined) break;
      chain.addresses[chain.count++] = place;
      isRoot = i > 0 && this.#unwinder.isRoot(code, address);
    }
    if (isRoot) chain.mark = 0;
  }

  #planOf(event: EventDesc): RegisterPlan {
    let plan = this.#plans.get(event);
    if (plan === undefined) {
      this.#plans.set(event, plan = registerPlan(this.#unwinder.arch, event.attr.sampleRegsUser));
    }
    return plan;
  }
}
