/**
 * Unwinder of the copies of user stacks in samples (`--call-graph dwarf`). It makes the entries that a call chain would
 * have, and an object that stands for the missing part of a stack that ends too early.
 */

import { PERF_RECORD_MISC, REGS_ABI_64 } from "../../../base/system/abi.ts";
import type { BadInputError } from "../../../base/system/errors.ts";
import type { ObjectInfo } from "../../../symbols/object/objects.ts";
import type { EventDesc, SampleCursor } from "../../../perfdata/read/reader.ts";
import { SampleTail } from "../../../perfdata/read/sample_tail.ts";
import type { SymbolFiles } from "../../../symbols/files/symbol_files.ts";
import type { AddressSpaces } from "../../../symbols/space/address_space.ts";
import { AARCH64, type Arch, X86_64 } from "../../../unwind/arch.ts";
import { OTHER_MACHINE } from "../../../unwind/chain_marks.ts";
import { END } from "../../../unwind/ends.ts";
import { type RegisterPlan, registerPlan, Unwinder } from "../../../unwind/walk.ts";
import type { ProfileStacks } from "../../model/profile.ts";
import { CutStacks } from "./cut_stacks.ts";
import { longerCopies, MAX_FRAMES, type UserStacks } from "./user_stacks.ts";
import { type Unreadable, UnwindObjects } from "./unwind_objects.ts";

const TWO_32 = 4294967296;

/** Options of StackCopies. */
export interface CopiesOptions {
  spaces: AddressSpaces;
  files: SymbolFiles;
  /** Events of the recording. The list may grow. */
  events: readonly EventDesc[];
  /** Returns the recorded machine as from `uname -m`; "" if unknown. Called at the first sample. */
  machine: () => string;
}

/** Unwinder of one sample at a time. */
export class StackCopies implements UserStacks {
  /** Entries of the last chain: pairs of words, low and high, innermost first. */
  readonly words = new Uint32Array(2 * MAX_FRAMES);
  count = 0;
  /** Row of the object that stands for the missing part of the last chain; -1 if it is whole. */
  cut = -1;
  /** End of the last chain that is not whole, as CutStacks.cut() was told. */
  cutEnd = 0;
  cutRoom = 0;
  cutObject: ObjectInfo | undefined;
  cutError: BadInputError | undefined;
  readonly #options: CopiesOptions;
  readonly #objects: UnwindObjects;
  readonly #cuts: CutStacks;
  readonly #tail = new SampleTail();
  readonly #pcs = new Float64Array(MAX_FRAMES);
  readonly #places = new Float64Array(MAX_FRAMES);
  /** Plans by event. */
  readonly #plans: RegisterPlan[] = [];
  #unwinder: Unwinder | undefined;
  #isKnown = false;
  #view = new DataView<ArrayBufferLike>(new ArrayBuffer(0));
  /** Number of stacks that were unwound, or should have been. */
  #unwound = 0;

  constructor(options: CopiesOptions) {
    this.#options = options;
    this.#objects = new UnwindObjects(options.spaces, options.files);
    this.#cuts = new CutStacks(options.spaces.objects, {
      longer: longerCopies,
      unreadable: (object, error) => this.unreadable(object, error),
    });
  }

  /**
   * Sets `words`, `count` and `cut` for the sample under `c`. Returns false if it has no user stack to unwind, like
   * those of kernel threads.
   */
  unwind(c: SampleCursor): boolean {
    const { layout, attr } = this.#options.events[c.event];
    if (!layout.tail.copiesStack || c.cpumode === 0 || c.cpumode > PERF_RECORD_MISC.USER) return false;
    const tail = this.#tail;
    if (!tail.read(c.u32, c.pos, c.size, layout) || tail.abi === 0) return false;
    // the thread has left its program, or does not run its next one yet
    if (c.cpumode === PERF_RECORD_MISC.KERNEL && tail.copied === 0) return false;
    if (!this.#isKnown) this.#start(attr.sampleRegsUser);
    const unwinder = this.#unwinder;
    if (unwinder === undefined || layout.tail.swapped || tail.abi !== REGS_ABI_64) {
      return this.#leave(OTHER_MACHINE);
    }
    this.#objects.trimIfDue();
    const plan = this.#plans[c.event] ??= registerPlan(unwinder.arch, attr.sampleRegsUser);
    if (this.#view.buffer !== c.u8.buffer) this.#view = new DataView(c.u8.buffer);
    unwinder.loadRegisters(plan, c.u32, tail.registers);
    if (c.cpumode === PERF_RECORD_MISC.KERNEL && unwinder.isBeforeCode) return false;
    const isCut = tail.copied === tail.room;
    unwinder.loadStack(this.#view, c.u8.byteOffset + tail.stack, tail.copied, isCut);
    const { code } = this.#objects;
    code.pid = c.pid;
    unwinder.thread = c.tid;
    this.#take(unwinder.walk(code, this.#pcs));
    const { end, endObject } = unwinder;
    this.#unwound++;
    this.cut = -1;
    if (end !== END.ROOT) {
      this.#cut(end, endObject && this.#objects.infoOf(endObject), tail.room, endObject?.error);
    }
    return true;
  }

  #cut(end: number, object?: ObjectInfo, room = 0, error?: BadInputError): void {
    this.cutEnd = end;
    this.cutObject = object;
    this.cutRoom = room;
    this.cutError = error;
    this.cut = this.#cuts.cut(end, object, room, error);
  }

  /** Returns why an object could not be read; see UnwindObjects. */
  unreadable(object: ObjectInfo, error?: BadInputError): Unreadable {
    return this.#objects.unreadable(object, error);
  }

  /** Returns the results of all samples. */
  summary(): ProfileStacks {
    return this.#cuts.summary(this.#unwound);
  }

  /** Closes the files that were opened. */
  close(): void {
    this.#objects.close();
  }

  #start(mask: bigint): void {
    this.#isKnown = true;
    const arch = archOf(this.#options.machine(), mask);
    if (arch === undefined) return;
    this.#unwinder = new Unwinder(arch);
    this.#unwinder.places = this.#places;
  }

  #leave(end: number): boolean {
    this.count = 0;
    this.#unwound++;
    this.#cut(end);
    return true;
  }

  #take(depth: number): void {
    const words = this.words, places = this.#places;
    this.count = depth;
    for (let i = 0, to = 0; i < depth; i++) {
      const place = places[i];
      words[to++] = place;
      words[to++] = place / TWO_32;
    }
  }
}

/** Returns the machine with that name; without one, guesses it by the recorded registers, of which x86 has 24. */
function archOf(name: string, mask: bigint): Arch | undefined {
  if (name === "") return mask >> 24n === 0n ? X86_64 : AARCH64;
  if (name === "x86_64" || name === "amd64") return X86_64;
  return name === "aarch64" || name === "arm64" ? AARCH64 : undefined;
}
