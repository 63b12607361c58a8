/**
 * Address spaces: what is mapped where, in which process, at the current time. Records are fed in the order of time,
 * and lookups come in between. So a reused pid, an exec or a replaced library comes out right without any clock.
 */

import { PERF_RECORD_MISC } from "../../base/system/abi.ts";
import { ABSENT, IntMap } from "../../base/bytes/int_map.ts";
import type { CodeMapping } from "../jit/jitdump.ts";
import { GUEST_NAMES, type ObjectInfo, type ObjectKey, ObjectTable } from "../object/objects.ts";
import { RangeMap } from "./range_map.ts";
import { TaskTable } from "./tasks.ts";

/** Mapping in a record (PERF_RECORD_MMAP, MMAP2). */
export interface MapEvent extends ObjectKey {
  /** First address, signed (lib/base/bytes/address.ts). */
  start: number;
  /** Length in bytes. */
  length: number;
}

/** Named code that appeared in the kernel, or was removed (PERF_RECORD_KSYMBOL). */
export interface KernelSymbolEvent {
  address: number;
  /** Length in bytes. */
  length: number;
  /** Flags; bit 0 is PERF_RECORD_KSYMBOL_FLAGS_UNREGISTER. */
  flags: number;
  name: string;
}

const UNREGISTER = 1;
const KERNEL_PID = -1;
const RECENT = 256;
const TWO_63 = 2 ** 63;
/**
 * Pid of the idle task, which never maps a file, starts or ends. In a recording from inside a pid namespace, records of
 * all processes outside have it; they are skipped, since nothing tells these processes apart.
 */
const OUTSIDE = 0;
/** Value that is no pid. */
const NO_PID = -0x80000000;

/** Address spaces and thread names of a recording. */
export class AddressSpaces {
  /** All objects that were ever mapped. */
  readonly objects: ObjectTable = new ObjectTable();
  /**
   * Position in its object of the last address given to `find`: a file offset, or the address itself if there is no
   * file.
   */
  at = 0.5;
  /** Index in #spaces of each pid. */
  readonly #spaceIndex = new IntMap();
  readonly #spaces: RangeMap[] = [];
  /** Indices in #spaces of ended processes. */
  readonly #free: number[] = [];
  readonly #kernel: RangeMap;
  /** Address space of unknown processes. */
  readonly #nothing: RangeMap;
  readonly #tasks = new TaskTable();
  #lastId = 0;
  /**
   * Kernel proper: its object, and where it starts. Its record spans _text to _etext, but call chains reach into the
   * boot code after that, and data has symbols too. So the kernel owns everything after its start that is not a
   * module's: above 2^63, or from the start on if the record spans more than half of all addresses, as those of perf
   * before Linux 3.9 (from 0 to the first module) and of simpleperf (from 0 to the end) do.
   */
  #kernelObject = -1;
  #kernelStart = Infinity;
  #kernelWraps = false;
  /**
   * Recent results of #spaceFor, by the low bits of the pid: in a recording CPUs take turns, each with its own process.
   */
  readonly #recentPids = new Int32Array(RECENT).fill(NO_PID);
  readonly #recentSpaces: RangeMap[];

  constructor() {
    this.#kernel = new RangeMap(this.#nextId());
    this.#nothing = new RangeMap(this.#nextId());
    this.#recentSpaces = new Array(RECENT).fill(this.#nothing);
  }

  /**
   * Adds a mapping, in a process or (pid -1) in the kernel. It replaces what was there.
   * @param cpumode PERF_RECORD_MISC.*; mappings of guests and hypervisors are ignored.
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
    // perf maps also go by address, of code without a file, whose pgoff may be zero or the address
    const byAddress = object.kind === "jit" || object.kind === "anon";
    this.#writable(event.pid).insert(start, end, object.id, byAddress ? 0 : event.pgoff - start);
  }

  /** Adds code that a process generated: that of `object` from `at` on in the object's own numbering. */
  mapCode(pid: number, object: ObjectInfo, { address, size, at }: Omit<CodeMapping, "time">): void {
    this.#writable(pid).insert(address, address + size, object.id, at - address);
  }

  /**
   * Sets the name of a thread, maybe because of an exec. An exec removes no mapping: while the kernel loads the new
   * program, call chains still begin in the old one, whose execve() called it. The new mappings replace the old ones as
   * they are announced; the rest of these is never run again.
   */
  comm(pid: number, tid: number, name: string, _exec: boolean): void {
    if (pid !== OUTSIDE) this.#tasks.named(pid, tid, name);
  }

  /**
   * Starts a thread with its parent's name, or a process that also has its parent's mappings.
   * @param copyMaps false for records that a recorder synthesized for what was already running
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

  /** Ends a thread. The mappings of a process are dropped some time after its last thread has ended. */
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

  /** Adds or removes named code in the kernel. */
  ksymbol({ address, length, flags, name }: KernelSymbolEvent): void {
    const end = address + length;
    if (flags & UNREGISTER) this.#kernel.remove(address, end);
    else this.#kernel.insert(address, end, this.objects.ofKernelSymbol(name).id, 0);
    this.#kernelChanged();
  }

  /** Returns the current name of a thread; `:TID` if it has none, as in perf. */
  commOf(pid: number, tid: number): string {
    return this.#tasks.nameOf(pid, tid);
  }

  /**
   * Returns the object at `address`, as a row of `objects`, or -1, and sets `at` to the position in it.
   * @param cpumode PERF_RECORD_MISC.KERNEL or USER; with 0 (unknown) the address tells. All user code of guests is one
   *   object, as is that of their kernels, and that of a hypervisor.
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

  /** Returns the object of a guest or a hypervisor. */
  #guest(cpumode: number): number {
    const name = GUEST_NAMES.get(cpumode);
    return name === undefined ? -1 : this.objects.ofGuest(name).id;
  }

  /** Returns whether an address outside all kernel mappings is in the kernel proper. */
  #isKernels(address: number): boolean {
    if (this.#kernelWraps) return address < 0 || address >= this.#kernelStart;
    return address < 0 && address >= this.#kernelStart;
  }

  /**
   * Returns a number that changes before any lookup for this process in this CPU mode can. Processes share it as long
   * as all their lookups agree: the kernel's is the same for all of them.
   * @param cpumode as for find().
   */
  spaceOf(pid: number, cpumode: number): number {
    if (cpumode === PERF_RECORD_MISC.KERNEL) return this.#kernel.id;
    const space = this.#spaceFor(pid);
    // an address of unknown mode may be in either
    if (cpumode !== PERF_RECORD_MISC.USER && space.id <= this.#kernel.id) space.id = this.#nextId();
    return space.id;
  }

  /** Maps the kernel or one of its modules, whose tables go by address. */
  #mapKernel(start: number, end: number, object: ObjectInfo): void {
    const wraps = start >= 0 && end > TWO_63;
    // a range that spans modules too must not replace them
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

  /** Returns an address space of the process to change: its own, not a shared one. */
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
