/**
 * What was mapped where, in which process, as of now. Fed with the records of a recording in the order
 * of time and asked in between; so a process id that is used again, an exec or a library that was
 * replaced all come out right without any clock.
 */

import { PERF_RECORD_MISC } from "../../base/system/abi.ts";
import { ABSENT, IntMap } from "../../base/bytes/int_map.ts";
import type { CodeMapping } from "../jit/jitdump.ts";
import { GUEST_NAMES, type ObjectInfo, type ObjectKey, ObjectTable } from "../object/objects.ts";
import { RangeMap } from "./range_map.ts";
import { TaskTable } from "./tasks.ts";

/** A mapping as a record announces it (PERF_RECORD_MMAP, MMAP2). */
export interface MapEvent extends ObjectKey {
  /** First address, signed (lib/base/bytes/address.ts). */
  start: number;
  /** In bytes. */
  length: number;
}

/** Code in the kernel that came or went under a name (PERF_RECORD_KSYMBOL). */
export interface KernelSymbolEvent {
  address: number;
  /** In bytes. */
  length: number;
  /** PERF_RECORD_KSYMBOL_FLAGS_UNREGISTER is bit 0. */
  flags: number;
  name: string;
}

const UNREGISTER = 1;
const KERNEL_PID = -1;
const RECENT = 256;
const TWO_63 = 2 ** 63;
/**
 * The idle task's pid, which never maps a file, nor begins or ends. Records of a recording that was made in a pid namespace
 * have it for each process outside; they are passed over, since nothing tells those processes apart.
 */
const OUTSIDE = 0;
/** No pid. */
const NO_PID = -0x80000000;

/** Address spaces and thread names of everything recorded. */
export class AddressSpaces {
  /** Every object that was ever mapped. */
  readonly objects: ObjectTable = new ObjectTable();
  /** Where in its object the address is that `find` was asked for last: a file offset, or the address itself without a file. */
  at = 0.5;
  /** By pid: index in #spaces. */
  readonly #spaceIndex = new IntMap();
  readonly #spaces: RangeMap[] = [];
  /** Indices in #spaces of processes that are gone. */
  readonly #free: number[] = [];
  readonly #kernel: RangeMap;
  /** A process nothing is known of. */
  readonly #nothing: RangeMap;
  readonly #tasks = new TaskTable();
  #lastId = 0;
  /**
   * The kernel proper, and where it starts. Its record spans _text to _etext; but call chains reach into the code
   * behind that which started the machine, and data has symbols too. So all that is behind the start and no module's is
   * the kernel's: above 2^63, or from the start on where the record spans more than half of all addresses, as those do
   * of perf before Linux 3.9 (from 0 to the first module) and of simpleperf (from 0 to the end).
   */
  #kernelObject = -1;
  #kernelStart = Infinity;
  #kernelWraps = false;
  /** What #spaceFor has found, by the low bits of the pid: CPUs take turns in a recording, each with its process. */
  readonly #recentPids = new Int32Array(RECENT).fill(NO_PID);
  readonly #recentSpaces: RangeMap[];

  constructor() {
    this.#kernel = new RangeMap(this.#nextId());
    this.#nothing = new RangeMap(this.#nextId());
    this.#recentSpaces = new Array(RECENT).fill(this.#nothing);
  }

  /**
   * A mapping appeared, in a process or (pid -1) in the kernel. It takes the place of what was there.
   * @param cpumode PERF_RECORD_MISC.*; mappings of guests and hypervisors are passed over.
   */
  mmap(event: MapEvent, cpumode: number = PERF_RECORD_MISC.USER): void {
    if (cpumode > PERF_RECORD_MISC.USER || (event.pid === OUTSIDE && cpumode !== PERF_RECORD_MISC.KERNEL)) {
      return;
    }
    const { start } = event;
    const end = start + event.length;
    const object = this.objects.of(event);
    if (event.pid === KERNEL_PID) {
      this.#mapKernel(start, end, object);
      return;
    }
    // so do the perf maps of code without a file, whose pgoff may be zero or the address
    const byAddress = object.kind === "jit" || object.kind === "anon";
    this.#writable(event.pid).insert(start, end, object.id, byAddress ? 0 : event.pgoff - start);
  }

  /** A process made code, that of `object` from `at` on in the object's own numbering. */
  mapCode(pid: number, object: ObjectInfo, { address, size, at }: Omit<CodeMapping, "time">): void {
    this.#writable(pid).insert(address, address + size, object.id, at - address);
  }

  /**
   * A thread got a name, maybe by an exec. An exec drops no mapping: while the kernel loads the new program,
   * call chains still begin in the old one, whose execve() called it. The new program's mappings take the
   * place of the old one's as they are announced; what is left over of those is never run again.
   */
  comm(pid: number, tid: number, name: string, _exec: boolean): void {
    if (pid !== OUTSIDE) this.#tasks.named(pid, tid, name);
  }

  /**
   * A process or thread began, with its parent's name and, a process, with its parent's mappings.
   * @param copyMaps false for the records a recorder made up for what ran before it
   *   (PERF_RECORD_MISC_FORK_EXEC): all mappings of the child follow in records of their own.
   */
  fork(pid: number, ppid: number, tid: number, ptid: number, copyMaps = true): void {
    if (pid === OUTSIDE) return;
    this.#tasks.began(pid, tid, ptid);
    if (pid === ppid) return;
    const index = copyMaps ? this.#spaceIndex.get(ppid) : ABSENT;
    const parent = index === ABSENT ? undefined : this.#spaces[index];
    if (parent !== undefined) parent.users++;
    this.#replace(pid, parent ?? new RangeMap(this.#nextId()));
  }

  /** A thread ended. What a process had mapped is forgotten some time after its last thread has ended. */
  exit(pid: number, tid: number): void {
    if (pid === OUTSIDE) return;
    const gone = this.#tasks.ended(pid, tid);
    const index = gone < 0 ? ABSENT : this.#spaceIndex.get(gone);
    if (index === ABSENT) return;
    this.#spaces[index].users--;
    this.#spaces[index] = this.#nothing;
    this.#free.push(index);
    this.#spaceIndex.delete(gone);
    this.#recentPids[gone & (RECENT - 1)] = NO_PID;
  }

  /** Code in the kernel was registered under a name, or taken away. */
  ksymbol({ address, length, flags, name }: KernelSymbolEvent): void {
    const end = address + length;
    if (flags & UNREGISTER) this.#kernel.remove(address, end);
    else this.#kernel.insert(address, end, this.objects.ofKernelSymbol(name).id, 0);
    this.#kernelChanged();
  }

  /** The thread's name as of now; `:TID` for one that nothing named, as perf has it. */
  commOf(pid: number, tid: number): string {
    return this.#tasks.nameOf(pid, tid);
  }

  /**
   * The object that `address` is in, as its row in `objects`, and where in it, as `at`; or -1.
   * @param cpumode PERF_RECORD_MISC.KERNEL or USER; with 0 (unknown) the address itself tells. All code of
   *   guests is one object, and that of their kernels, and that of a hypervisor.
   */
  find(pid: number, address: number, cpumode: number): number {
    if (cpumode === PERF_RECORD_MISC.USER || (cpumode === 0 && address >= 0)) {
      const space = this.#spaceFor(pid);
      const object = space.find(address);
      this.at = address + space.shift;
      return object;
    }
    this.at = address;
    if (cpumode !== PERF_RECORD_MISC.KERNEL && cpumode !== 0) return this.#guest(cpumode);
    const object = this.#kernel.find(address);
    return object < 0 && this.#isKernels(address) ? this.#kernelObject : object;
  }

  /** The object of a guest or a hypervisor. */
  #guest(cpumode: number): number {
    const name = GUEST_NAMES.get(cpumode);
    return name === undefined ? -1 : this.objects.ofGuest(name).id;
  }

  /** Whether an address that is in no mapping in the kernel is in the kernel proper. */
  #isKernels(address: number): boolean {
    if (this.#kernelWraps) return address < 0 || address >= this.#kernelStart;
    return address < 0 && address >= this.#kernelStart;
  }

  /**
   * A number that stays the same only as long as no look-up for this process in this CPU mode can change, and
   * that processes share as long as all their look-ups agree: the kernel's is the same for all of them.
   * @param cpumode as for find().
   */
  spaceOf(pid: number, cpumode: number): number {
    if (cpumode === PERF_RECORD_MISC.KERNEL) return this.#kernel.id;
    const space = this.#spaceFor(pid);
    // an address of unknown mode may be either's
    if (cpumode !== PERF_RECORD_MISC.USER && space.id <= this.#kernel.id) space.id = this.#nextId();
    return space.id;
  }

  /** Maps the kernel or one of its modules, whose tables go by address. */
  #mapKernel(start: number, end: number, object: ObjectInfo): void {
    const wraps = start >= 0 && end > TWO_63;
    // what spans modules too must not take their place
    if (!wraps) this.#kernel.insert(start, start < 0 ? Math.min(end, 0) : end, object.id, 0);
    if (object.kind === "kernel") {
      this.#kernelObject = object.id;
      this.#kernelStart = start;
      this.#kernelWraps = wraps;
    }
    this.#kernelChanged();
  }

  #nextId(): number {
    return ++this.#lastId;
  }

  #kernelChanged(): void {
    this.#kernel.id = this.#nextId();
  }

  #spaceFor(pid: number): RangeMap {
    const at = pid & (RECENT - 1);
    if (this.#recentPids[at] === pid) return this.#recentSpaces[at];
    this.#recentPids[at] = pid;
    const index = this.#spaceIndex.get(pid);
    return this.#recentSpaces[at] = index === ABSENT ? this.#nothing : this.#spaces[index];
  }

  /** The process's space, about to be changed: its own, not one it shares. */
  #writable(pid: number): RangeMap {
    const index = this.#spaceIndex.get(pid);
    let space = index === ABSENT ? undefined : this.#spaces[index];
    if (space === undefined || space.users > 1) {
      space = space === undefined ? new RangeMap(this.#nextId()) : space.clone(this.#nextId());
      this.#replace(pid, space);
    }
    space.id = this.#nextId();
    return space;
  }

  #replace(pid: number, space: RangeMap): void {
    let index = this.#spaceIndex.get(pid);
    if (index === ABSENT) {
      index = this.#free.pop() ?? this.#spaces.length;
      this.#spaceIndex.set(pid, index);
    } else this.#spaces[index].users--;
    this.#spaces[index] = space;
    this.#recentPids[pid & (RECENT - 1)] = NO_PID;
  }
}
