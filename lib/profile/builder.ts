/**
 * From records to a profile. Samples are answered from a cache of call chains wherever their like has
 * been seen in the same address space; maps are searched only for new ones. Symbols come at the end,
 * once for each distinct frame.
 */

import { PERF_CONTEXT, PERF_RECORD, PERF_RECORD_MISC } from "../base/abi.ts";
import { addressOf } from "../base/address.ts";
import { int32Column } from "../base/column.ts";
import type { RecordCursor, RecordHandler, SampleCursor } from "../perfdata/reader.ts";
import { decodeComm, decodeKsymbol, decodeMmap, decodeMmap2, decodeTask } from "../perfdata/records.ts";
import type { AddressSpaces } from "../symbols/address_space.ts";
import { ChainCache } from "./chain_cache.ts";
import { FrameTable, SampleTable, StackTable, TimeTable } from "./tables.ts";

/** What to take of a recording. */
export interface BuilderOptions {
  /** Of each call chain the innermost frame alone, for what looks at no callers. */
  leafOnly?: boolean;
  /** Keep the time of every sample. */
  times?: boolean;
  /** Samples for whose time (ns since the reader's base; NaN without one) this is false are passed over. */
  within?: (time: number) => boolean;
}

export class ProfileBuilder implements RecordHandler {
  readonly frames = new FrameTable();
  readonly stacks = new StackTable();
  readonly samples = new SampleTable();
  readonly comms: string[] = [];
  readonly threads = { pid: int32Column(), tid: int32Column(), comm: int32Column() };
  /** Row of `comms` by pid: the name that each process with a thread here last went by. */
  readonly processes = new Map<number, number>();
  /** Every sample that has a time, in ns since the reader's base; undefined unless asked for. */
  readonly times: TimeTable | undefined;
  /** Smallest and largest time of a sample, ns since the reader's base; Infinity and -Infinity without any. */
  firstTime = Infinity;
  lastTime = -Infinity;

  readonly #spaces: AddressSpaces;
  readonly #leafOnly: boolean;
  readonly #within: BuilderOptions["within"];
  readonly #chains = new ChainCache();
  readonly #commIds = new Map<string, number>();
  /** Thread row by tid, as long as its name and process stay. */
  readonly #threadOfTid = new Map<number, number>();
  readonly #threadIds = new Map<string, number>();
  #lastTid = NaN;
  #lastThread = -1;
  // a call chain's addresses and CPU modes while it is turned into a stack
  #addresses = new Float64Array(256);
  #modes = new Uint8Array(256);

  constructor(spaces: AddressSpaces, options: BuilderOptions = {}) {
    this.#spaces = spaces;
    this.#leafOnly = options.leafOnly ?? false;
    this.#within = options.within;
    this.times = options.times ? new TimeTable() : undefined;
  }

  sample(c: SampleCursor): void {
    if (this.#within !== undefined && !this.#within(c.time)) return;
    const thread = c.tid === this.#lastTid ? this.#lastThread : this.#thread(c.pid, c.tid);
    const space = this.#spaces.spaceOf(c.pid) * 8 + c.cpumode;
    const words = this.#leafOnly ? 0 : c.chainLength * 2;
    let stack = this.#chains.find(space, c.ip, c.u32, c.chain, words);
    if (stack < 0) {
      stack = this.#stack(c);
      this.#chains.put(space, c.ip, c.u32, c.chain, words, stack);
    }
    const row = this.samples.add(c.event, thread, c.cpu, stack, c.period);
    if (this.times !== undefined && c.time === c.time) this.times.add(c.time, row, c.period);
    if (c.time < this.firstTime) this.firstTime = c.time;
    if (c.time > this.lastTime) this.lastTime = c.time;
  }

  record(c: RecordCursor): void {
    switch (c.type) {
      case PERF_RECORD.MMAP: {
        const map = decodeMmap(c);
        this.#spaces.mmap({ ...map, cpumode: c.misc & PERF_RECORD_MISC.CPUMODE_MASK });
        break;
      }
      case PERF_RECORD.MMAP2: {
        const map = decodeMmap2(c);
        this.#spaces.mmap({ ...map, cpumode: c.misc & PERF_RECORD_MISC.CPUMODE_MASK });
        break;
      }
      case PERF_RECORD.COMM: {
        const { pid, tid, comm, exec } = decodeComm(c);
        this.#spaces.comm(pid, tid, comm, exec);
        if (pid === tid && this.processes.has(pid)) this.processes.set(pid, this.#comm(comm));
        this.#forget(tid);
        break;
      }
      case PERF_RECORD.FORK: {
        const { pid, ppid, tid, ptid } = decodeTask(c);
        this.#spaces.fork(pid, ppid, tid, ptid, (c.misc & PERF_RECORD_MISC.FORK_EXEC) === 0);
        this.#forget(tid);
        break;
      }
      case PERF_RECORD.EXIT: {
        const { pid, tid } = decodeTask(c);
        this.#spaces.exit(pid, tid);
        this.#forget(tid);
        break;
      }
      case PERF_RECORD.KSYMBOL:
        this.#spaces.ksymbol(decodeKsymbol(c));
        break;
    }
  }

  #forget(tid: number) {
    this.#threadOfTid.delete(tid);
    this.#lastTid = NaN;
  }

  /** The thread's row: one for each name it has had in each process. */
  #thread(pid: number, tid: number): number {
    let row = this.#threadOfTid.get(tid);
    if (row === undefined) {
      const comm = this.#comm(this.#spaces.commOf(pid, tid));
      const key = `${pid} ${tid} ${comm}`;
      row = this.#threadIds.get(key);
      if (row === undefined) {
        row = this.threads.pid.push(pid);
        this.threads.tid.push(tid);
        this.threads.comm.push(comm);
        this.#threadIds.set(key, row);
        this.processes.set(pid, pid === tid ? comm : this.#comm(this.#spaces.commOf(pid, pid)));
      }
      this.#threadOfTid.set(tid, row);
    }
    this.#lastTid = tid;
    this.#lastThread = row;
    return row;
  }

  #comm(name: string): number {
    let id = this.#commIds.get(name);
    if (id === undefined) {
      id = this.comms.push(name) - 1;
      this.#commIds.set(name, id);
    }
    return id;
  }

  /** Interns the sample's stack, which lies innermost first, from its root. */
  #stack(c: SampleCursor): number {
    if (c.chainLength + 1 > this.#addresses.length) {
      this.#addresses = new Float64Array(c.chainLength * 2);
      this.#modes = new Uint8Array(c.chainLength * 2);
    }
    const depth = this.#unpack(c);
    let stack = -1;
    for (let i = depth - 1; i >= 0; i--) {
      stack = this.stacks.intern(stack, this.#frame(c.pid, this.#addresses[i], this.#modes[i]));
    }
    return stack;
  }

  /** Writes the chain's addresses and modes, markers left out, innermost first; gives how many. */
  #unpack(c: SampleCursor): number {
    const addresses = this.#addresses, modes = this.#modes;
    let mode = c.cpumode;
    // place 0 is the sample's own address, which the chain repeats unless it was captured without it
    addresses[0] = c.ip;
    modes[0] = mode;
    let depth = 1;
    let innermost = true;
    const length = this.#leafOnly ? 0 : c.chainLength;
    for (let i = 0; i < length; i++) {
      const at = c.chain + 2 * i;
      const address = addressOf(c.u32[at], c.u32[at + 1]);
      if (address < 0 && address >= PERF_CONTEXT.MAX) {
        mode = modeOfContext(address);
        // behind anything else is no chain: a cookie for a deferred stack, or a broken frame pointer (-1)
        if (mode < 0) break;
        continue;
      }
      if (innermost) {
        innermost = false;
        // a precise event corrects the address of the sample and not that in the chain
        if (address === c.ip || mode === c.cpumode) continue;
      }
      addresses[depth] = address;
      modes[depth] = mode;
      depth++;
    }
    return depth;
  }

  #frame(pid: number, address: number, mode: number): number {
    const spaces = this.#spaces;
    const mapping = spaces.find(pid, address, mode);
    if (mapping < 0) return this.frames.intern(-1, address);
    return this.frames.intern(spaces.objectOf(mapping), spaces.relative(mapping, address));
  }
}

/** The CPU mode of the addresses behind a marker in a call chain, or -1 when there are none behind it. */
function modeOfContext(context: number): number {
  switch (context) {
    case PERF_CONTEXT.HV:
      return PERF_RECORD_MISC.HYPERVISOR;
    case PERF_CONTEXT.KERNEL:
      return PERF_RECORD_MISC.KERNEL;
    case PERF_CONTEXT.USER:
      return PERF_RECORD_MISC.USER;
    case PERF_CONTEXT.GUEST_KERNEL:
      return PERF_RECORD_MISC.GUEST_KERNEL;
    case PERF_CONTEXT.GUEST:
    case PERF_CONTEXT.GUEST_USER:
      return PERF_RECORD_MISC.GUEST_USER;
    default:
      return -1;
  }
}
