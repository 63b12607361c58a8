/**
 * What was mapped where, in which process, as of now. Fed with the records of a recording in the order
 * of time and asked in between; so a process id that is used again, an exec or a library that was
 * replaced all come out right without any clock.
 */

import { PERF_RECORD_MISC } from "../base/abi.ts";
import { float64Column, int32Column } from "../base/column.ts";
import type { CodePlace } from "./jitdump.ts";
import { type ObjectInfo, type ObjectKey, ObjectTable } from "./objects.ts";
import { Space } from "./space.ts";

/** A mapping as a record announces it (PERF_RECORD_MMAP, MMAP2). */
export interface MapEvent extends ObjectKey {
  /** First address, signed (lib/base/address.ts). */
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

/** A range of addresses and what is behind it. */
export interface Mapping {
  object: ObjectInfo;
  start: number;
  /** The address behind the last; later mappings may have taken parts away. */
  end: number;
  /** What has to be added to an address, less `start`, to get where it is in the object. */
  pgoff: number;
}

const UNREGISTER = 1;
const KERNEL_PID = -1;
const RECENT = 256;
/** No pid. */
const NOBODY = -0x80000000;

/** Address spaces and thread names of everything recorded. */
export class AddressSpaces {
  /** Every object that was ever mapped. */
  readonly objects: ObjectTable = new ObjectTable();
  readonly #processes = new Map<number, Space>();
  readonly #kernel: Space;
  /** A process nothing is known of. */
  readonly #nothing: Space;
  readonly #comms = new Map<number, string>([[0, "swapper"]]);
  #lastId = 0;
  /**
   * The mapping of the kernel proper, and its start. Its record spans _text to _etext; but call chains reach
   * into the code behind that which started the machine, and data has symbols too.
   */
  #kernelText = -1;
  #kernelStart = Infinity;
  /** What #spaceFor has found, by the low bits of the pid: CPUs take turns in a recording, each with its process. */
  readonly #recentPids = new Int32Array(RECENT).fill(NOBODY);
  readonly #recentSpaces: Space[];
  // the mapping table
  readonly #object = int32Column();
  readonly #start = float64Column();
  readonly #end = float64Column();
  readonly #pgoff = float64Column();

  constructor() {
    this.#kernel = new Space(this.#nextId());
    this.#nothing = new Space(this.#nextId());
    this.#recentSpaces = new Array(RECENT).fill(this.#nothing);
  }

  /**
   * A mapping appeared, in a process or (pid -1) in the kernel. It takes the place of what was there.
   * @param cpumode PERF_RECORD_MISC.*; mappings of guests and hypervisors are passed over.
   */
  mmap(event: MapEvent, cpumode: number = PERF_RECORD_MISC.USER): void {
    if (cpumode > PERF_RECORD_MISC.USER) return;
    const { start } = event;
    const end = start + event.length;
    const object = this.objects.of(event);
    if (event.pid === KERNEL_PID) {
      // the tables of the kernel and its modules go by address
      const mapping = this.#addMapping(object.id, start, end, start);
      this.#kernel.insert(start, end, mapping, this.#recut);
      if (object.kind === "kernel") {
        this.#kernelText = mapping;
        this.#kernelStart = start;
      }
      this.#kernelChanged();
      return;
    }
    // so do the perf maps of code without a file, whose pgoff may be zero or the address
    const pgoff = object.kind === "jit" || object.kind === "anon" ? start : event.pgoff;
    const mapping = this.#addMapping(object.id, start, end, pgoff);
    this.#writable(event.pid).insert(start, end, mapping, this.#recut);
  }

  /** A process made code, that of `object` from `at` on in the object's own numbering. */
  placeCode(pid: number, object: ObjectInfo, { address, size, at }: Omit<CodePlace, "time">): void {
    const mapping = this.#addMapping(object.id, address, address + size, at);
    this.#writable(pid).insert(address, address + size, mapping, this.#recut);
  }

  /**
   * A thread got a name, maybe by an exec. An exec drops no mapping: while the kernel loads the new program,
   * call chains still begin in the old one, whose execve() called it. The new program's mappings take the
   * place of the old one's as they are announced; what is left over of those is never run again.
   */
  comm(_pid: number, tid: number, name: string, _exec: boolean): void {
    this.#comms.set(tid, name);
  }

  /**
   * A process or thread began, with its parent's name and, a process, with a copy of its mappings.
   * @param copyMaps false for the records a recorder made up for what ran before it
   *   (PERF_RECORD_MISC_FORK_EXEC): all mappings of the child follow in records of their own.
   */
  fork(pid: number, ppid: number, tid: number, ptid: number, copyMaps = true): void {
    const comm = this.#comms.get(ptid);
    if (comm === undefined) this.#comms.delete(tid);
    else this.#comms.set(tid, comm);
    if (pid === ppid) return;
    const parent = copyMaps ? this.#processes.get(ppid) : undefined;
    if (parent !== undefined) parent.users++;
    this.#replace(pid, parent ?? new Space(this.#nextId()));
  }

  /**
   * A thread ended. Nothing is dropped: samples from its last moments in the kernel come after this, other
   * threads may go on, and when the number is used again a fork says so.
   */
  exit(_pid: number, _tid: number): void {}

  /** Code in the kernel was registered under a name, or taken away. */
  ksymbol({ address, length, flags, name }: KernelSymbolEvent): void {
    const end = address + length;
    if (flags & UNREGISTER) {
      this.#kernel.remove(address, end, this.#recut);
    } else {
      const mapping = this.#addMapping(this.objects.ofKernelSymbol(name).id, address, end, address);
      this.#kernel.insert(address, end, mapping, this.#recut);
    }
    this.#kernelChanged();
  }

  /** The thread's name as of now; `:TID` for one that nothing named, as perf has it. */
  commOf(_pid: number, tid: number): string {
    return this.#comms.get(tid) ?? `:${tid}`;
  }

  /**
   * The mapping that `address` is in, or -1.
   * @param cpumode PERF_RECORD_MISC.KERNEL or USER; with 0 (unknown) the address itself tells. Guests and
   *   hypervisors have no maps here.
   */
  find(pid: number, address: number, cpumode: number): number {
    if (cpumode === PERF_RECORD_MISC.USER || (cpumode === 0 && address >= 0)) {
      return this.#spaceFor(pid).find(address);
    }
    if (cpumode !== PERF_RECORD_MISC.KERNEL && cpumode !== 0) return -1;
    const mapping = this.#kernel.find(address);
    return mapping < 0 && address < 0 && address >= this.#kernelStart ? this.#kernelText : mapping;
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

  /** Row in `objects` of a mapping's object. */
  objectOf(mapping: number): number {
    return this.#object.data[mapping];
  }

  /** Where in its object an address of a mapping is: a file offset, or the address itself where there is no file. */
  relative(mapping: number, address: number): number {
    return address - this.#start.data[mapping] + this.#pgoff.data[mapping];
  }

  /** All there is to know of a mapping. */
  mapping(mapping: number): Mapping {
    return {
      object: this.objects.rows[this.#object.data[mapping]],
      start: this.#start.data[mapping],
      end: this.#end.data[mapping],
      pgoff: this.#pgoff.data[mapping],
    };
  }

  readonly #recut = (mapping: number, newStart: number): number => {
    const object = this.#object.data[mapping], end = this.#end.data[mapping];
    return this.#addMapping(object, newStart, end, this.relative(mapping, newStart));
  };

  /** @param object its row in `objects`. */
  #addMapping(object: number, start: number, end: number, pgoff: number): number {
    this.#object.push(object);
    this.#start.push(start);
    this.#end.push(end);
    return this.#pgoff.push(pgoff);
  }

  #nextId(): number {
    return ++this.#lastId;
  }

  #kernelChanged(): void {
    this.#kernel.id = this.#nextId();
  }

  #spaceFor(pid: number): Space {
    const at = pid & (RECENT - 1);
    if (this.#recentPids[at] === pid) return this.#recentSpaces[at];
    this.#recentPids[at] = pid;
    return this.#recentSpaces[at] = this.#processes.get(pid) ?? this.#nothing;
  }

  /** The process's space, about to be changed: its own, not one it shares. */
  #writable(pid: number): Space {
    let space = this.#processes.get(pid);
    if (space === undefined || space.users > 1) {
      space = space === undefined ? new Space(this.#nextId()) : space.clone(this.#nextId());
      this.#replace(pid, space);
    }
    space.id = this.#nextId();
    return space;
  }

  #replace(pid: number, space: Space): void {
    const old = this.#processes.get(pid);
    if (old !== undefined) old.users--;
    this.#processes.set(pid, space);
    this.#recentPids[pid & (RECENT - 1)] = NOBODY;
  }
}
