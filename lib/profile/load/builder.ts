/**
 * Builder of a profile from records. A cache of call chains answers samples like those seen before in the same address
 * space; only new ones need a search of the maps. Symbols come at the end, once for each distinct frame.
 */

import { PERF_RECORD, PERF_RECORD_MISC } from "../../base/system/abi.ts";
import { addressOf } from "../../base/bytes/address.ts";
import type { RecordCursor, RecordHandler, SampleCursor, SampleRun } from "../../perfdata/read/reader.ts";
import { decodeKsymbol, decodeMmap, deferredChainAt } from "../../perfdata/format/records.ts";
import type { TracepointTexts } from "../../perfdata/tracepoints/texts.ts";
import { TaskRecords } from "../../perfdata/read/task_records.ts";
import type { AddressSpaces } from "../../symbols/space/address_space.ts";
import type { JitCodeLoader } from "./jit_code_loader.ts";
import { isMarker } from "../../perfdata/format/context_markers.ts";
import { ChainSegments } from "./chain_segments.ts";
import { DeferredChains, type HeldSample } from "./deferred_chains.ts";
import { MarkedChains } from "./marked_chains.ts";
import type { UserStacks } from "./stacks/user_stacks.ts";
import type { ChainCounts } from "./not_shown.ts";
import { SampleCache } from "./sample_cache.ts";
import { type FrameFinder, SampleTable, StackTable, TimeTable } from "../model/tables.ts";
import { ThreadRows } from "./thread_rows.ts";
import { WordCache } from "./word_cache.ts";

const TWO_32 = 4294967296;
/**
 * Time in ns that no clock reaches: perf (tools/perf/util/bpf_off_cpu.c, OFF_CPU_TIMESTAMP) gives samples that it sums up
 * at the end ~0 << 32, so that they come last.
 */
const NO_TIME = 2 ** 63;
/**
 * Addresses in the cache of recent frames. Nine of ten samples are at a thousand addresses, and this many stay in a
 * CPU's own caches.
 */
const HOT = 1 << 12;
/** Kinds of addresses: sampled; of a call, or where code was interrupted; where a call returns to. */
const SAMPLED = 0, CALL = 1, RETURN = 2;

/** Stack number of a sample whose callers in user space come in a later record. */
const DEFERRED = -2;
/** Name of callers in user space whose record never came. */
const LOST_CALLERS = "[user callers lost]";

/** Fields that a sample is counted by. */
type CountedSample = Pick<SampleCursor, "event" | "cpu" | "period" | "time">;

/** Parts of a recording to keep. */
export interface BuilderOptions {
  /** Numbers the frames of addresses that were sampled; `frames` by default. Both number from one table. */
  sampled?: FrameFinder;
  /** Keep only the innermost frame of each call chain. */
  leafOnly?: boolean;
  /** Count samples that differ only in their CPU in one row, with CPU -1. */
  mergeCpus?: boolean;
  /** Count threads with the same name as one, whatever their processes, with the ids of the first. */
  mergeThreads?: boolean;
  /** Keep the time of every sample. */
  times?: boolean;
  /** Keep samples without a time with the times. */
  untimed?: boolean;
  /** Test of a sample's time (ns since the reader's base; NaN if it has none); samples that fail it are skipped. */
  within?: (time: number) => boolean;
  /** Loader of the code that programs generate at run time. */
  jit?: JitCodeLoader;
  /** Unwinder of stack copies; without it they are ignored. */
  copies?: UserStacks;
  /** Returns whether the chains of an event were unwound while recording: they have calls, not return addresses. */
  isUnwound?: (event: number) => boolean;
  /** Texts of what tracepoints carry, to be kept with the times. */
  texts?: TracepointTexts;
}

/** Handler of a reader's records that builds the tables of a profile. */
export class ProfileBuilder implements RecordHandler {
  readonly stacks = new StackTable();
  /** Threads of the samples, and their processes. */
  readonly tasks: ThreadRows;
  /** Every sample that has a time, and if asked for the others too, in ns since the reader's base; undefined unless asked for. */
  readonly times: TimeTable | undefined;
  readonly #untimed: boolean;
  /**
   * Smallest and largest time of a sample, in ns since the reader's base; Infinity and -Infinity if no sample has a
   * time.
   */
  firstTime = Infinity;
  lastTime = -Infinity;

  /** Counts of the samples that call chains could be made of, where callers are kept. */
  readonly chains: ChainCounts = { copied: 0, withoutCallers: 0, joined: 0, lost: 0 };
  /** Counts of the chains that lead into user space, where callers are kept. */
  readonly marked: MarkedChains;

  readonly samples = new SampleTable();
  /** Handler of many samples at once; absent where samples must be looked at one by one. */
  readonly sampleRun?: RecordHandler["sampleRun"];
  readonly #spaces: AddressSpaces;
  readonly #records = new TaskRecords();
  readonly #frames: FrameFinder;
  readonly #sampled: FrameFinder;
  readonly #leafOnly: boolean;
  readonly #jit: JitCodeLoader | undefined;
  readonly #copies: UserStacks | undefined;
  readonly #texts: TracepointTexts | undefined;
  /** Samples whose callers come later: there from the first of them on. */
  #deferred: DeferredChains | undefined;
  readonly #within: BuilderOptions["within"];
  readonly #isUnwound: BuilderOptions["isUnwound"];
  readonly #mergeCpus: boolean;
  // recent results of #frameAt: address, address space, frame
  readonly #hotAddress = new Float64Array(HOT).fill(NaN);
  readonly #hotSpace = new Int32Array(HOT);
  readonly #hotFrame = new Int32Array(HOT);
  /** Recent results of #leaves. */
  readonly #sampleCache = new SampleCache();
  readonly #segments = new ChainSegments();
  /** Stack of each call chain segment, by its fingerprint and the stack below it. */
  readonly #stackOf = new WordCache();

  /** @param frames numbers the frames from 0 on, in the order in which they appear. */
  constructor(spaces: AddressSpaces, frames: FrameFinder, options: BuilderOptions = {}) {
    this.#spaces = spaces;
    this.marked = new MarkedChains(spaces);
    this.#frames = frames;
    this.#sampled = options.sampled ?? frames;
    this.#leafOnly = options.leafOnly ?? false;
    this.#mergeCpus = options.mergeCpus ?? false;
    this.tasks = new ThreadRows(spaces, options.mergeThreads ?? false);
    this.#within = options.within;
    this.#isUnwound = options.isUnwound;
    this.#jit = options.jit;
    this.#copies = options.leafOnly ? undefined : options.copies;
    this.times = options.times ? new TimeTable() : undefined;
    this.#untimed = options.untimed ?? false;
    this.#texts = options.texts;
    if (this.#leafOnly && !options.times && !options.within) this.sampleRun = (run) => this.#leaves(run);
  }

  sample(c: SampleCursor): void {
    if (this.#jit !== undefined && c.time >= this.#jit.next) this.#jit.advance(c.time);
    if (this.#within !== undefined && !this.#within(c.time)) return;
    const thread = isOutside(c.pid, c.cpumode) ? this.tasks.outside() : this.tasks.of(c.pid, c.tid);
    if (c.time < this.firstTime) this.firstTime = c.time;
    if (c.time > this.lastTime && c.time < NO_TIME) this.lastTime = c.time;
    const stack = this.#leafOnly
      ? this.#leafOf(this.#frameAt(c.pid, c.ip, c.cpumode, SAMPLED))
      : this.#stack(c);
    const text = this.#texts?.of(c);
    if (stack === DEFERRED) this.#defer(c, thread, text);
    else this.#count(c, thread, stack, text);
  }

  /** Counts a sample of this thread and stack. */
  #count({ event, cpu, period, time }: CountedSample, thread: number, stack: number, text?: string): void {
    const row = this.samples.add(event, thread, this.#mergeCpus ? -1 : cpu, stack, period);
    if (this.times !== undefined && (time < NO_TIME || this.#untimed)) {
      this.times.add(time, row, period, text);
    }
  }

  /** Holds a sample back until its callers in user space come. */
  #defer(c: SampleCursor, thread: number, text: string | undefined): void {
    this.#deferred ??= new DeferredChains((sample, u32, from, to) =>
      this.#countDeferred(sample, u32, from, to)
    );
    this.#deferred.hold(c, this.#segments.deferredAt, thread, text);
  }

  /** Counts a sample that was held back, with its callers in user space, or with what says that those are missing. */
  #countDeferred(sample: HeldSample, u32: Uint32Array, from: number, to: number): void {
    const isMissing = Number.isNaN(from);
    this.#segments.splitWith(sample, u32, isMissing ? 0 : from, isMissing ? 0 : to);
    const stack = isMissing
      ? this.#stackOfSegments(sample, this.#rootOf(this.#spaces.objects.ofMissing(LOST_CALLERS).id))
      : this.#stackOfChain(sample);
    this.#count(sample, sample.thread, stack, sample.text);
  }

  /** Counts the samples that are still held back: there are no more records. */
  finish(): void {
    this.#deferred?.endAll();
    this.chains.joined = this.#deferred?.joined ?? 0;
    this.chains.lost = this.#deferred?.missing ?? 0;
  }

  record(c: RecordCursor): void {
    if (this.#jit !== undefined && c.time >= this.#jit.next) this.#jit.advance(c.time);
    switch (c.type) {
      case PERF_RECORD.MMAP:
      case PERF_RECORD.MMAP2: {
        const map = c.type === PERF_RECORD.MMAP ? decodeMmap(c) : this.#records.mmap2(c);
        this.#spaces.mmap(map, c.misc & PERF_RECORD_MISC.CPUMODE_MASK);
        this.#jit?.map(map);
        break;
      }
      case PERF_RECORD.COMM: {
        const { pid, tid, comm, exec } = this.#records.comm(c);
        this.#spaces.comm(pid, tid, comm, exec);
        this.tasks.rename(pid, tid, comm);
        break;
      }
      case PERF_RECORD.FORK: {
        const { pid, ppid, tid, ptid } = this.#records.task(c);
        this.#spaces.fork(pid, ppid, tid, ptid, (c.misc & PERF_RECORD_MISC.FORK_EXEC) === 0);
        this.tasks.forget(tid);
        break;
      }
      case PERF_RECORD.EXIT: {
        const { pid, tid } = this.#records.task(c);
        this.#deferred?.end(tid);
        this.#spaces.exit(pid, tid);
        this.tasks.forget(tid);
        break;
      }
      case PERF_RECORD.CALLCHAIN_DEFERRED: {
        if (this.#deferred === undefined) break;
        const { cookie, from, to } = deferredChainAt(c);
        this.#deferred.join(c.tid, c.u32, cookie, from, to);
        break;
      }
      case PERF_RECORD.KSYMBOL:
        this.#spaces.ksymbol(decodeKsymbol(c));
        break;
    }
  }

  /**
   * Counts a run of samples of which only the innermost frame is kept. Returns false if they must be counted one by
   * one.
   */
  #leaves(run: SampleRun): boolean {
    if (this.#jit !== undefined && run.lastTime >= this.#jit.next) return false;
    const { u32, words, count, event, fixedPeriod, ip: ipAt, pid: pidAt, cpu: cpuAt, period: periodAt } = run;
    const cache = this.#sampleCache, { samples, tasks } = this;
    // no other record comes between these samples, so address spaces do not change
    const kernel = this.#space(-1, PERF_RECORD_MISC.KERNEL);
    let lastPid = -1, lastMode = -1, lastSpace = 0;
    let pid = -1, tid = -1, cpu = -1, low = 0, high = 0, period = fixedPeriod;
    for (let i = 0; i < count; i++) {
      const word = words[i];
      const mode = u32[word + 1] & PERF_RECORD_MISC.CPUMODE_MASK;
      if (pidAt >= 0) {
        pid = u32[word + pidAt] | 0;
        tid = u32[word + pidAt + 1] | 0;
      }
      if (cpuAt >= 0 && !this.#mergeCpus) cpu = u32[word + cpuAt] | 0;
      if (ipAt >= 0) {
        low = u32[word + ipAt] | 0;
        high = u32[word + ipAt + 1] | 0;
      }
      if (periodAt >= 0) {
        const above = u32[word + periodAt + 1];
        period = above === 0 ? u32[word + periodAt] : above * TWO_32 + u32[word + periodAt];
      }
      const thread = isOutside(pid, mode) ? tasks.outside() : tasks.of(pid, tid);
      let space = kernel;
      if (mode !== PERF_RECORD_MISC.KERNEL) {
        if (pid !== lastPid || mode !== lastMode) lastSpace = this.#space(lastPid = pid, lastMode = mode);
        space = lastSpace;
      }
      let row = cache.find(low, high, space, thread, cpu, event);
      if (row < 0) {
        const stack = this.#leafOf(this.#findFrame(pid, addressOf(low, high), mode, SAMPLED));
        row = samples.rowOf(event, thread, cpu, stack);
        cache.put(low, high, space, thread, cpu, event, row);
      }
      samples.count(row, period);
    }
    if (run.firstTime < this.firstTime) this.firstTime = run.firstTime;
    if (run.lastTime > this.lastTime && run.lastTime < NO_TIME) this.lastTime = run.lastTime;
    return true;
  }

  /** Returns a frame as a stack of its own. Every frame becomes one, so they have the same numbers. */
  #leafOf(frame: number): number {
    return frame < this.stacks.parent.length ? frame : this.stacks.intern(-1, frame);
  }

  /** Interns the stack of a sample, from its root; returns DEFERRED where its callers in user space come later. */
  #stack(c: SampleCursor): number {
    const segments = this.#segments, copies = this.#copies;
    segments.split(c);
    if (segments.deferredAt >= 0) return DEFERRED;
    if (copies !== undefined) {
      if (!segments.hasUserCallers && copies.unwind(c)) {
        segments.splitWith(c, copies.words, 0, 2 * copies.count);
        return this.#stackOfSegments(c, copies.cut < 0 ? -1 : this.#rootOf(copies.cut));
      }
    } else if (c.copiedStack > 0) {
      this.chains.copied++;
      if (!segments.hasUserCallers) this.chains.withoutCallers++;
    }
    if (this.#isUnwound?.(c.event)) segments.userReturns = false;
    return this.#stackOfChain(c);
  }

  /** Interns the stack of the chain that was split last, on top of what its mark stands for if it has one. */
  #stackOfChain(c: Pick<SampleCursor, "event" | "pid" | "ip">): number {
    const cut = this.marked.take(this.#segments, c);
    return this.#stackOfSegments(c, cut < 0 ? -1 : this.#rootOf(cut));
  }

  /** Returns the stack whose one frame stands for callers that are not known. */
  #rootOf(object: number): number {
    return this.stacks.intern(-1, this.#frames.frameOf(object, 0));
  }

  /** Returns the stack of the chain that was split last, on top of `stack`. */
  #stackOfSegments(c: Pick<SampleCursor, "pid" | "ip">, stack: number): number {
    const segments = this.#segments, stackOf = this.#stackOf;
    for (let i = segments.count - 1; i >= 0; i--) {
      if (i > 0 && segments.from[i] === segments.to[i]) continue;
      const space = this.#space(c.pid, segments.mode[i]);
      const low = segments.low[i] ^ Math.imul(space, 0x9e3779b1);
      const high = segments.high[i] ^ Math.imul(space, 0x27d4eb2f);
      let found = stackOf.find(low, high, stack);
      if (found < 0) {
        found = this.#segment(c, i, stack);
        stackOf.put(low, high, stack, found);
      }
      stack = found;
    }
    return stack;
  }

  /** Interns all frames of segment `i` on top of `stack`. */
  #segment(c: Pick<SampleCursor, "pid" | "ip">, i: number, stack: number): number {
    const { pid } = c, { u32, userReturns } = this.#segments;
    const mode = this.#segments.mode[i], from = this.#segments.from[i];
    const callsReturn = mode !== PERF_RECORD_MISC.USER || userReturns;
    for (let at = this.#segments.to[i] - 2; at >= from; at -= 2) {
      const low = u32[at], high = u32[at + 1];
      if (isMarker(low, high)) continue;
      // a segment further out begins where the code was interrupted
      const returns = callsReturn && (i === 0 || at > from);
      stack = this.stacks.intern(
        stack,
        this.#frameAt(pid, addressOf(low, high), mode, returns ? RETURN : CALL),
      );
    }
    return i > 0 ? stack : this.stacks.intern(stack, this.#frameAt(pid, c.ip, mode, SAMPLED));
  }

  /** Returns a number that changes whenever the meaning of an address in this process and mode may change. */
  #space(pid: number, mode: number): number {
    return this.#spaces.spaceOf(pid, mode) * 8 + mode;
  }

  /**
   * Returns the frame of an address, from the cache of recent ones if possible.
   * @param kind SAMPLED, CALL or RETURN.
   */
  #frameAt(pid: number, address: number, mode: number, kind: number): number {
    const space = this.#space(pid, mode) * 4 + kind;
    const at = ((address | 0) ^ Math.imul(space, 0x9e3779b1)) & (HOT - 1);
    if (this.#hotAddress[at] === address && this.#hotSpace[at] === space) return this.#hotFrame[at];
    this.#hotAddress[at] = address;
    this.#hotSpace[at] = space;
    return this.#hotFrame[at] = this.#findFrame(pid, address, mode, kind);
  }

  /** Searches the maps for the frame of an address. */
  #findFrame(pid: number, address: number, mode: number, kind: number): number {
    const spaces = this.#spaces, frames = kind === SAMPLED ? this.#sampled : this.#frames;
    const object = spaces.find(pid, address, mode), at = object < 0 ? ofNoObject(address, mode) : spaces.at;
    return frames.frameOf(object, at, kind === RETURN, address);
  }
}

/**
 * Returns whether a sample is of a process outside the recorded pid namespace. The kernel gives these pid 0, as it does
 * the idle task, which never runs in user space.
 */
function isOutside(pid: number, mode: number): boolean {
  return pid === 0 && mode === PERF_RECORD_MISC.USER;
}

/**
 * Returns the number to keep for an address in no object. Broken frame pointers lead to user addresses above 2^63,
 * which must not become negative, as the kernel's are. Doubles of that size are 2048 apart, so only 2^64 itself must be
 * avoided.
 */
function ofNoObject(address: number, mode: number): number {
  return address < 0 && mode === PERF_RECORD_MISC.USER
    ? Math.min(address + TWO_32 ** 2, TWO_32 ** 2 - 2048)
    : address;
}
