/**
 * Unwinds stacks while they are recorded, in the rings' own memory:
 *
 *     ring of each CPU --(by time)--> maps, forks, exits --> address spaces
 *                                 --> samples            --> chains of callers --> output, in place of the stacks
 *
 * A copied stack takes 32 KiB, and its callers some hundred bytes: nothing but these is ever copied or written. Records
 * are taken in the order of their times, so that the address space of a process is that of the moment of each sample.
 */

import { holdableFiles } from "../../../ffi/descriptors.ts";
import type { RingPass, RingTaker } from "../../../ffi/pmu.ts";
import { PERF_RECORD, PERF_RECORD_MISC } from "../../base/system/abi.ts";
import { BadInputError } from "../../base/system/errors.ts";
import { compileLayout, RECORD_HEADER_SIZE } from "../../perfdata/format/attr_layout.ts";
import { describeEvent, type EventDesc, EventTable } from "../../perfdata/format/events.ts";
import type { RecordCursor } from "../../perfdata/format/cursor.ts";
import type { Mmap2 } from "../../perfdata/format/records.ts";
import { TaskRecords } from "../../perfdata/read/task_records.ts";
import { UnwindObjects } from "../../profile/load/stacks/unwind_objects.ts";
import { Budget } from "../../symbols/object/limits.ts";
import { AddressSpaces } from "../../symbols/space/address_space.ts";
import type { EventOnCpus } from "../open/open_on_cpus.ts";
import { LiveFiles, type StackFiles } from "./live_files.ts";
import { ProcessMemory } from "./process_memory.ts";
import { RingCursor, type TimePlaces } from "./ring_cursor.ts";
import { RingOutput } from "./ring_output.ts";
import { StackUnwinder } from "./stack_unwinder.ts";

/** Share of a ring that waits at most to be given back to the kernel, and the limit on that in bytes. */
const GIVE_BACK_SHARE = 1 / 8, MAX_GIVE_BACK_BYTES = 1 << 20;
/**
 * Time that reading objects may take, in units of 10 ns, for each and for all within WORK_PERIOD_MS: whoever runs
 * programs may have made their files to take long, and the rings fill meanwhile.
 */
const READING_TIME = { objectWork: 50e6, work: 200e6 };
const WORK_PERIOD_MS = 20_000;
/**
 * Milliseconds that opening objects may take in one pass: each takes 0.2 ms, or 40 where the disk has to be read. At
 * least and at most; in between as long as OPENING_SHARE of the time that it takes to fill a ring. Stacks through further
 * ones are cut short rather than that the rings overflow; the next pass opens them.
 */
const OPENING_MS = 25, MAX_OPENING_MS = 1000, OPENING_SHARE = 1 / 2;
/** Share of a ring that is filled when a pass begins, beyond which its samples are written without their callers. */
const BEHIND_SHARE = 3 / 4;
/**
 * Milliseconds that unwinding may take in one pass, as a share of those in which a ring fills up, and samples between two
 * looks at the clock.
 */
const PASS_SHARE = 1 / 2, MIN_PASS_MS = 20, LOOK_EVERY = 16;
/** Milliseconds that the first pass comes at most after the first record. */
const FIRST_PASS_MS = 100;
/** Milliseconds that opening what runs already may take before sampling starts. */
const WARMING_MS = 250;

/** Share of the descriptors that are left that open objects may take, each with a file of debug information. */
const OPEN_SHARE = 1 / 8;

/** A ring that is being read, and what is written in its place. */
interface Ring {
  index: number;
  cursor: RingCursor;
  output: RingOutput;
  giveBackBytes: number;
  /** Position of the end of its records at the last pass. */
  head: number;
}

/** Settings for tests. */
export interface LiveSettings {
  /** Files of this machine by default. */
  files?: StackFiles;
  /** Milliseconds that opening objects may take in one pass, whatever the rings hold. */
  openingMs?: number;
  /** Memory of this machine's processes by default. */
  memory?: CodeMemory;
  /** Pid of the recorder, whose own stacks are left out: of this process by default. */
  ownPid?: number;
}

/** Memory that the code of programs is read from which they have made themselves. */
export type CodeMemory = Pick<ProcessMemory, "read" | "forget" | "close">;

/** Taker of the records of all rings of a recording. */
export class LiveStacks implements RingTaker {
  readonly #opened: readonly EventOnCpus[];
  readonly #places: TimePlaces;
  readonly #spaces = new AddressSpaces();
  readonly #files: StackFiles;
  readonly #openingMs: number;
  readonly #memory: CodeMemory;
  readonly #budget = new Budget(undefined, READING_TIME);
  readonly #objects: UnwindObjects;
  readonly #records = new TaskRecords();
  readonly #unwinder: StackUnwinder;
  readonly #rings: Ring[] = [];
  /** How often each object has been mapped, by its id. */
  readonly #mapped: number[] = [];
  /** Bytes of the trailer of all records but samples; 0 where events differ. */
  readonly #trailer: number;
  #table: EventTable;
  /** Number of ids in the table. */
  #ids = 0;
  #budgetFrom = performance.now();
  #lastPass = -Infinity;
  /** Time until which this pass may unwind. */
  #unwindUntil = Infinity;
  #sinceLook = 0;

  /** @param opened events of the recording; the list may grow with the CPUs that come online. */
  constructor(
    opened: readonly EventOnCpus[],
    places: TimePlaces,
    { files = new LiveFiles(), openingMs = OPENING_MS, memory = new ProcessMemory(), ownPid = Deno.pid }:
      LiveSettings = {},
  ) {
    this.#opened = opened;
    this.#places = places;
    this.#files = files;
    this.#openingMs = openingMs;
    this.#memory = memory;
    this.#objects = new UnwindObjects(
      this.#spaces,
      this.#files,
      this.#budget,
      (pid, address, length) => memory.read(pid, address, length),
    );
    this.#objects.maxOpen = holdableFiles(this.#objects.maxOpen, OPEN_SHARE);
    this.#table = this.#makeTable();
    this.#unwinder = new StackUnwinder(this.#objects, ownPid);
    const trailers = new Set(opened.map(({ attr }) => compileLayout(attr).trailer.size));
    this.#trailer = trailers.size === 1 ? [...trailers][0] : 0;
  }

  /** Counts of the stacks so far. */
  get counts(): StackUnwinder["counts"] {
    return this.#unwinder.counts;
  }

  /** Takes note of records in front of the rings', of what ran already: each a whole record. */
  see(records: readonly Uint8Array[]): void {
    const cursor = new RingCursor(this.#places);
    for (const record of records) {
      const memory = record.slice().buffer;
      for (cursor.begin({ memory, tail: 0, head: memory.byteLength }); cursor.size > 0; cursor.next()) {
        this.#follow(cursor);
      }
      cursor.position = 0;
    }
    this.#warm();
  }

  /** Opens the objects that most processes have mapped, so that the first samples need not wait for them. */
  #warm(): void {
    const { code } = this.#objects, { rows } = this.#spaces.objects, until = performance.now() + WARMING_MS;
    const byUse = rows.filter(({ kind }) => kind === "file").sort((a, b) =>
      this.#mapped[b.id] - this.#mapped[a.id]
    );
    for (const object of byUse) {
      if (performance.now() > until) return;
      code.warm(object);
    }
  }

  take(pass: RingPass): boolean {
    this.#begin(pass);
    // what waits since a pass that found no room: there may be no room for another record behind it
    for (const { cursor, output, giveBackBytes } of this.#rings) {
      if (!output.giveIfDue(pass, cursor.position, giveBackBytes)) return false;
    }
    for (;;) {
      const ring = this.#oldest();
      if (ring === undefined) break;
      const { cursor, output } = ring;
      do {
        this.#takeRecord(ring);
        cursor.next();
        if (!output.giveIfDue(pass, cursor.position, ring.giveBackBytes)) return false;
      } while (cursor.size > 0 && cursor.time <= this.#nextTime);
    }
    return this.#rings.every((ring) => this.#complete(pass, ring));
  }

  /** Closes all files. */
  close(): void {
    this.#objects.close();
    this.#files.close();
    this.#memory.close();
  }

  /** Gives the rest of a ring that has been read to its end, or to a header that is none. */
  #complete(pass: RingPass, { index, cursor, output }: Ring): boolean {
    if (!output.give(pass, cursor.position)) return false;
    if (cursor.isBroken) pass.refuse(index);
    return true;
  }

  #begin({ rings, isLast }: RingPass): void {
    const now = performance.now();
    const sincePass = this.#lastPass < 0 ? FIRST_PASS_MS : Math.max(1, now - this.#lastPass);
    let untilFull = Infinity, fullest = 0;
    rings.forEach((range, i) => {
      const ring = this.#rings[i] ??= {
        index: i,
        cursor: new RingCursor(this.#places),
        output: new RingOutput(i, range.tail),
        giveBackBytes: Math.min(MAX_GIVE_BACK_BYTES, GIVE_BACK_SHARE * range.memory.byteLength),
        head: range.tail,
      };
      ring.cursor.begin(range);
      const size = range.memory.byteLength, filled = range.head - range.tail;
      fullest = Math.max(fullest, filled / size);
      untilFull = Math.min(untilFull, (size - filled) / Math.max(1, range.head - ring.head) * sincePass);
      ring.head = range.head;
    });
    this.#lastPass = now;
    this.#unwinder.isBehind = !isLast && fullest > BEHIND_SHARE;
    this.#unwindUntil = isLast ? Infinity : now + Math.max(MIN_PASS_MS, PASS_SHARE * untilFull);
    const openingMs = Math.min(MAX_OPENING_MS, OPENING_SHARE * untilFull);
    this.#objects.openFor(Math.max(this.#openingMs, openingMs));
    if (now - this.#budgetFrom < WORK_PERIOD_MS) return;
    this.#budgetFrom = now;
    this.#budget.worked = 0;
  }

  /** Time of the oldest record of all rings but the one that #oldest() returned. */
  #nextTime = Infinity;

  /** Returns the ring whose next record is the oldest; undefined when all are empty. Sets #nextTime. */
  #oldest(): Ring | undefined {
    let oldest: Ring | undefined, first = Infinity, second = Infinity;
    for (const ring of this.#rings) {
      const { time } = ring.cursor;
      if (time < first) {
        second = first;
        first = time;
        oldest = ring;
      } else if (time < second) second = time;
    }
    this.#nextTime = second;
    return oldest;
  }

  #takeRecord({ cursor, output }: Ring): void {
    if (cursor.type === PERF_RECORD.SAMPLE) {
      if (++this.#sinceLook === LOOK_EVERY) this.#look();
      const event = this.#eventOf(cursor);
      if (event !== undefined && this.#unwinder.write(cursor, event, output)) return;
    } else this.#follow(cursor);
    output.copy(cursor.u32, cursor.at >>> 2, (cursor.at + cursor.size) >>> 2);
  }

  /** Leaves the other stacks of this pass, when unwinding takes so long that the rings would overflow. */
  #look(): void {
    this.#sinceLook = 0;
    if (performance.now() > this.#unwindUntil) this.#unwinder.isBehind = true;
  }

  #eventOf({ u32, at, size }: RingCursor): EventDesc | undefined {
    let event = this.#table.ofSample(u32, at, size);
    if (event < 0 && idsOf(this.#opened) !== this.#ids) { // a CPU has come online
      this.#table = this.#makeTable();
      event = this.#table.ofSample(u32, at, size);
    }
    return event < 0 ? undefined : this.#table.events[event];
  }

  /** Returns the table of the events as they are open, whose samples have their stacks. */
  #makeTable(): EventTable {
    const table = new EventTable();
    for (const { attr, places, unlisted } of this.#opened) {
      if (!unlisted) table.add(describeEvent(attr, places.map(({ id }) => id)));
    }
    this.#ids = idsOf(this.#opened);
    return table;
  }

  /** Follows what a record says of an address space, unless it is damaged. */
  #follow(c: RingCursor): void {
    const trailer = c.size < RECORD_HEADER_SIZE + this.#trailer ? 0 : this.#trailer;
    const record = { ...c, pos: c.at, trailer, fileOffset: 0, event: -1, pid: -1, tid: -1, cpu: -1 };
    try {
      this.#followRecord(record);
    } catch (error) {
      if (!(error instanceof BadInputError)) throw error;
    }
  }

  #followRecord(record: RecordCursor): void {
    const { type, misc } = record;
    if (type === PERF_RECORD.MMAP2) {
      if ((misc & PERF_RECORD_MISC.MMAP_DATA) === 0) {
        this.#map(this.#records.mmap2(record), misc & PERF_RECORD_MISC.CPUMODE_MASK);
      }
    } else if (type === PERF_RECORD.FORK) {
      const { pid, ppid, tid, ptid } = this.#records.task(record);
      this.#spaces.fork(pid, ppid, tid, ptid, (misc & PERF_RECORD_MISC.FORK_EXEC) === 0);
      if (pid !== ppid) this.#files.parent(pid, ppid);
    } else if (type === PERF_RECORD.EXIT) {
      const { pid, tid } = this.#records.task(record);
      this.#spaces.exit(pid, tid);
      if (pid === tid) this.#files.forget(pid);
    }
  }

  #map(map: Mmap2, cpumode: number): void {
    const spaces = this.#spaces, { rows } = spaces.objects, known = rows.length;
    spaces.mmap(map, cpumode);
    if (cpumode !== PERF_RECORD_MISC.USER || map.pid <= 0) return; // the kernel's, or from outside the pid namespace
    const object = spaces.objects.of(map), { id } = object;
    this.#mapped[id] = (this.#mapped[id] ?? 0) + 1;
    if (this.#files.see(map, object, id >= known)) this.#objects.retry(object);
  }
}

/** Returns the number of ids of all events. */
function idsOf(opened: readonly EventOnCpus[]): number {
  return opened.reduce((sum, { places }) => sum + places.length, 0);
}
