/**
 * Counters of one root: a thread, and all threads and processes that inherit its events. They are opened on each CPU,
 * since only per-CPU events may have rings, through which the kernel reports threads and, at their exits, their
 * counts.
 *
 * Besides its events, each set has a reference: a software event that counts nothing and always runs, so its running
 * time is the time that the other events should have run. The kernel's own time_enabled will not do: for an event of
 * a CPU, it leaves out the time a thread spent on other CPUs unless the thread came back.
 *
 * Each event has a ring of its own. The READ of a thread's exit goes to the ring of the event that the thread
 * inherited from, on whatever CPU it exits; only the lock on that event's children keeps writers apart. Two CPUs
 * could write at once to a ring that is shared by events, or by other records.
 */

import { CLOCK } from "../../base/system/numbers.ts";
import { closeEvent, disable, type Drain, enable, eventId, readCounts, tryOpen } from "../../../ffi/pmu.ts";
import { PERF_FORMAT, PERF_SAMPLE } from "../../base/system/abi.ts";
import { ERRNO, errnoText } from "../../base/system/errno.ts";
import { UnsupportedError } from "../../base/system/errors.ts";
import { type AttrFlag, encodeAttr, type EventAttr } from "../../events/attr.ts";
import { openWithFallbacks, type Standing } from "../../events/open.ts";
import { type ResolvedEvent, resolveEvents } from "../../events/resolve.ts";
import type { CounterSet } from "../rows/row_sink.ts";
import { emptyTally, type Tally } from "./thread_table.ts";

/** Settings shared by the counters of all roots. */
export interface TaskCounting {
  sets: readonly CounterSet[];
  /** Tasks that inherit the events. */
  inherit: "none" | "threads" | "processes";
  /** The kernel reports each thread's counts at its exit. */
  atExit: boolean;
  multiplex: boolean;
  /** CPUs to open events on. [-1] opens cheaper events that follow the thread between CPUs and have no rings. */
  cpus: readonly number[];
}

interface OpenEvent {
  fd: number;
  cpu: number;
  column: number;
}

const READ_FORMAT = PERF_FORMAT.TOTAL_TIME_ENABLED | PERF_FORMAT.TOTAL_TIME_RUNNING | PERF_FORMAT.ID;
const SAMPLE_TYPE = PERF_SAMPLE.TID | PERF_SAMPLE.TIME | PERF_SAMPLE.CPU | PERF_SAMPLE.IDENTIFIER;

/** Returns the number of columns of a tally: one per event and one for each set's reference. */
export function columnsOf(sets: readonly CounterSet[]): number {
  return sets.reduce((sum, set) => sum + set.groups.flat().length + 1, 0);
}

/** Returns the attr of an event on a task, with the fields that its records need. */
function taskAttr(event: ResolvedEvent, inherit: TaskCounting["inherit"], flags: AttrFlag[]): EventAttr {
  const inheriting: Record<TaskCounting["inherit"], AttrFlag[]> = {
    none: [],
    threads: ["inherit", "inheritThread"],
    processes: ["inherit"],
  };
  return {
    ...event.attr,
    flags: new Set<AttrFlag>([
      ...event.attr.flags,
      ...inheriting[inherit],
      "sampleIdAll",
      "useClockid",
      ...flags,
    ]),
    clockid: CLOCK.MONOTONIC,
    sampleType: SAMPLE_TYPE,
    readFormat: READ_FORMAT,
  };
}

function dummy(): ResolvedEvent {
  const [{ events: [event] }] = resolveEvents("dummy:u"); // user space only, so that everyone may open it
  return event;
}

/**
 * Returns the attr of the event that reports threads, execs and mappings. A mapping shows that a program is still
 * measured after its exec (ffi/shim/drain/cuts.h).
 */
export function lifecycleAttr(inherit: TaskCounting["inherit"]): EventAttr {
  const attr = taskAttr(dummy(), inherit, ["task", "comm", "commExec", "mmap", "watermark"]);
  return { ...attr, wakeup: 1 }; // one byte: threads must be known at once
}

/** Returns the attr of an event that counts nothing and reports that at the exit of every task that inherits it. */
export function exitProbeAttr(): EventAttr {
  return taskAttr(dummy(), "processes", ["inheritStat"]);
}

/**
 * Returns `attr` changed so that the kernel keeps each thread's events in that thread. Otherwise, when one thread
 * follows another with equal events on a CPU, the kernel swaps their events, and the READs of a thread's exit come
 * under the other's id. From Linux 6.13 on, inherited events that sample their thread's counts are not swapped;
 * before that, the attr is refused with EINVAL.
 */
export function withSeparateEvents(attr: EventAttr): EventAttr {
  return { ...attr, sampleType: attr.sampleType | PERF_SAMPLE.READ };
}

/** Opens the event that reports threads on each CPU. Throws UnsupportedError. */
export function openLifecycle(
  { inherit, atExit }: TaskCounting,
  { tid, target, standing }: TaskOpening,
  cpus: readonly number[],
): { cpu: number; fd: number }[] {
  const opened: { cpu: number; fd: number }[] = [];
  const attr = lifecycleAttr(inherit);
  try {
    for (const cpu of cpus) {
      const place = { pid: tid, cpu, target };
      const apart = atExit && inherit !== "none" ? tryOpen(encodeAttr(withSeparateEvents(attr)), place) : -1;
      const wanted = { event: dummy(), attrOf: () => attr };
      const fd = apart >= 0 ? apart : openWithFallbacks(wanted, place, standing, tryOpen, () => {}).fd;
      opened.push({ cpu, fd });
    }
  } catch (error) {
    for (const { fd } of opened) closeEvent(fd);
    throw error;
  }
  return opened;
}

/** Conditions that events of threads are opened under. */
export interface TaskConditions {
  /** Whether the next exec enables the first set. */
  enableOnExec: boolean;
  standing: Standing;
  /** Receives a line for each thing that differs from what was requested. */
  note(line: string): void;
}

/** Thread that events are opened on, and the conditions. */
export interface TaskOpening extends TaskConditions {
  tid: number;
  /** Name of the thread or its process, for messages. */
  target: string;
}

/** Opens sets on a thread, one after the other: the groups of each on every CPU, and a reference. */
class SetOpener {
  /** Sets as they are opened: the requested events, or what this user may count of them. */
  readonly sets: CounterSet[] = [];
  /** Descriptors of each set's group leaders, and of its references. */
  readonly leaders: number[][] = [];
  readonly references: number[][] = [];
  readonly events: OpenEvent[] = [];
  readonly #counting: TaskCounting;
  readonly #opening: TaskOpening;
  /** Column of the next event. */
  #column = 0;

  constructor(counting: TaskCounting, opening: TaskOpening) {
    this.#counting = counting;
    this.#opening = opening;
  }

  /** Opens a set, disabled. Throws UnsupportedError when the kernel refuses an event. */
  add(set: CounterSet): void {
    const { tid, target, standing } = this.#opening;
    const references: number[] = [], leaders: number[] = [];
    this.references.push(references);
    this.leaders.push(leaders);
    const groups = set.groups.map((group) => this.#openGroup(group, leaders));
    for (const cpu of this.#counting.cpus) {
      const wanted = { event: dummy(), attrOf: (event: ResolvedEvent) => this.#attrOf(event, true, false) };
      const { fd } = openWithFallbacks(wanted, { pid: tid, cpu, target }, standing, tryOpen, () => {});
      references.push(fd);
      this.events.push({ fd, cpu, column: this.#column });
    }
    this.#column++;
    this.sets.push({ ...set, groups });
  }

  /** Opens a group on every CPU: what opened on the first one opens on the others without a note. */
  #openGroup(group: readonly ResolvedEvent[], leaders: number[]): ResolvedEvent[] {
    let known: ResolvedEvent[] | undefined;
    for (const cpu of this.#counting.cpus) {
      const opened = this.#openOn(cpu, known ?? group, leaders, known ? () => {} : this.#opening.note);
      known ??= opened;
    }
    this.#column += group.length;
    return known ?? [...group];
  }

  /** Opens a group on one CPU; leaves out the events of other CPUs' PMUs. Returns the events as they were opened. */
  #openOn(cpu: number, group: readonly ResolvedEvent[], leaders: number[], note: (line: string) => void) {
    const { tid, target, standing } = this.#opening;
    let leader = -1;
    return group.map((event, i) => {
      if (cpu >= 0 && event.cpus && !event.cpus.includes(cpu)) return event;
      const leads = leader < 0;
      const opened = openWithFallbacks(
        { event, attrOf: (e) => this.#attrOf(e, leads, !this.#counting.multiplex) },
        { pid: tid, cpu, target },
        standing,
        (attr, place) => tryOpen(attr, { ...place, groupFd: leader }),
        note,
      );
      if (leads) leaders.push(leader = opened.fd);
      this.events.push({ fd: opened.fd, cpu, column: this.#column + i });
      return opened.event;
    });
  }

  /** Returns the attr of an event of the set that is being opened. */
  #attrOf(event: ResolvedEvent, leads: boolean, pinned: boolean): EventAttr {
    const { inherit, atExit } = this.#counting;
    const isFirstSet = this.sets.length === 0;
    return taskAttr(event, inherit, [
      ...(atExit ? ["inheritStat" as const] : []),
      ...(leads ? ["disabled" as const] : []),
      ...(leads && pinned ? ["pinned" as const] : []),
      ...(leads && this.#opening.enableOnExec && isFirstSet ? ["enableOnExec" as const] : []),
    ]);
  }
}

/** Open counters of one root. */
export class TaskCounters {
  /** Sets that are really counted: the requested events, or what this user may count of them. */
  readonly sets: readonly CounterSet[];
  readonly #columns: number;
  /** Descriptors of each set's group leaders, and of its references. */
  readonly #leaders: number[][];
  readonly #references: number[][];
  readonly #events: OpenEvent[];

  private constructor({ sets, leaders, references, events }: SetOpener) {
    this.sets = sets;
    this.#columns = columnsOf(sets);
    this.#leaders = leaders;
    this.#references = references;
    this.#events = events;
  }

  /**
   * Opens the sets on a thread, disabled, or to be enabled by its next exec. Throws UnsupportedError when the kernel
   * refuses an event.
   */
  static open(counting: TaskCounting, opening: TaskOpening): TaskCounters {
    const opener = new SetOpener(counting, opening);
    try {
      for (const set of counting.sets) opener.add(set);
    } catch (error) {
      for (const { fd } of opener.events) closeEvent(fd);
      throw error;
    }
    return new TaskCounters(opener);
  }

  /** Number of READs that a thread sends at its exit. */
  get reads(): number {
    return this.#events.length;
  }

  /** Yields the ids that READs carry, with their columns. */
  *ids(): Generator<{ id: bigint; column: number }> {
    for (const { fd, column } of this.#events) yield { id: eventId(fd), column };
  }

  /** Maps a ring for each event. Throws UnsupportedError. */
  addRings(drain: Drain, pages: number): void {
    for (const { fd, cpu } of this.#events) addRing(drain, fd, pages, cpu);
  }

  /** Enables set `set`. The reference comes last, so that no event seems to have run for less time. */
  enable(set: number): void {
    for (const fd of this.#leaders[set]) enable(fd, true);
    for (const fd of this.#references[set]) enable(fd);
  }

  disable(set: number): void {
    for (const fd of this.#references[set]) disable(fd);
    for (const fd of this.#leaders[set]) disable(fd, true);
  }

  /** Returns the counts of the thread and of all that inherited its events. */
  read(): Tally {
    const tally = emptyTally(this.#columns);
    const words = new BigUint64Array(4); // value, time enabled, time running, id
    for (const { fd, column } of this.#events) {
      if (readCounts(fd, words) === 0) continue; // lost its counter, and has run for less time than the reference
      tally.values[column] += words[0];
      tally.runningNs[column] += Number(words[2]);
    }
    return tally;
  }

  close(): void {
    for (const { fd } of this.#events) closeEvent(fd);
    this.#events.length = 0;
  }
}

/**
 * Maps a ring of `pages`, or of as many as this user may lock. Throws UnsupportedError when not even one page can be
 * locked.
 */
export function addRing(drain: Drain, fd: number, pages: number, cpu: number): void {
  let index = drain.tryAdd(fd, pages, cpu);
  for (let fewer = pages / 2; index === -ERRNO.EPERM && fewer >= 1; fewer /= 2) {
    index = drain.tryAdd(fd, fewer, cpu);
  }
  if (index >= 0) return;
  const errno = -index;
  throw new UnsupportedError({
    attempt: "map the rings for records of threads",
    cause: errno === ERRNO.EPERM
      ? "they exceed what kernel.perf_event_mlock_kb and ulimit -l allow this user to lock"
      : errnoText(errno),
    remedy: "count fewer events or threads at once, or leave out -i and -T",
  }, errno);
}
