/**
 * The counters of one root: a thread, and all that inherits from it. Its events are opened on each CPU, as
 * only such events may have rings, in which the kernel tells of threads and, at their ends, what they had
 * counted.
 *
 * Each set has a reference beside its events, a software event that counts nothing and always runs: the time
 * it ran is the time that the others should have. The kernel's own time_enabled will not do: of an event
 * of a CPU it leaves out what a thread spent on others unless the thread came back to it.
 *
 * Each event has a ring of its own. The READ of a thread's end goes to the ring of the event it was inherited
 * from from whatever CPU the thread ends on, which only the lock on that event's children keeps
 * apart; a ring shared by events, or with other records, could be written by two CPUs at once.
 */

import { closeEvent, disable, type Drain, enable, eventId, readCounts, tryOpen } from "../../../ffi/pmu.ts";
import { PERF_FORMAT, PERF_SAMPLE } from "../../base/system/abi.ts";
import { ERRNO, errnoText } from "../../base/system/errno.ts";
import { UnsupportedError } from "../../base/system/errors.ts";
import { type AttrFlag, encodeAttr, type EventAttr } from "../../events/attr.ts";
import { openWithFallbacks, type Standing } from "../../events/open.ts";
import { type ResolvedEvent, resolveEvents } from "../../events/resolve.ts";
import { emptyTally, type Tally } from "./thread_table.ts";

/** Events to be counted together or apart: each group is on the counters as a whole, or not at all. */
export interface CounterSet {
  /** How it was written. */
  text: string;
  groups: ResolvedEvent[][];
}

/** What the counters of a root have in common. */
export interface TaskCounting {
  sets: readonly CounterSet[];
  /** Who inherits. */
  inherit: "none" | "threads" | "processes";
  /** The kernel tells the counts of each thread at its end. */
  atExit: boolean;
  multiplex: boolean;
  /** CPUs to open on: [-1] for the cheaper events that follow the thread from CPU to CPU and have no rings. */
  cpus: readonly number[];
}

interface OpenEvent {
  fd: number;
  cpu: number;
  column: number;
}

const READ_FORMAT = PERF_FORMAT.TOTAL_TIME_ENABLED | PERF_FORMAT.TOTAL_TIME_RUNNING | PERF_FORMAT.ID;
const SAMPLE_TYPE = PERF_SAMPLE.TID | PERF_SAMPLE.TIME | PERF_SAMPLE.CPU | PERF_SAMPLE.IDENTIFIER;
const CLOCK_MONOTONIC = 1;

/** The number of columns of a Tally: each set's events, then its reference. */
export function columnsOf(sets: readonly CounterSet[]): number {
  return sets.reduce((sum, set) => sum + set.groups.flat().length + 1, 0);
}

/** What every event of a task has, so that its records can be read. */
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
    clockid: CLOCK_MONOTONIC,
    sampleType: SAMPLE_TYPE,
    readFormat: READ_FORMAT,
  };
}

function dummy(): ResolvedEvent {
  const [{ events: [event] }] = resolveEvents("dummy:u"); // so that everyone may open it
  return event;
}

/** The attr that tells of threads and execs, and of maps, which tell an exec that is measured from others (ffi/shim/drain/cuts.h). */
export function lifecycleAttr(inherit: TaskCounting["inherit"]): EventAttr {
  const attr = taskAttr(dummy(), inherit, ["task", "comm", "commExec", "mmap", "watermark"]);
  return { ...attr, wakeup: 1 }; // a byte: threads are to be known of at once
}

/** The attr of an event that counts nothing and tells so at the end of each who inherits it. */
export function exitProbeAttr(): EventAttr {
  return taskAttr(dummy(), "processes", ["inheritStat"]);
}

/**
 * The same attr, with which the kernel keeps each thread's events in that thread. Without it threads with equal
 * events exchange them when one follows the other on a CPU, and the READs of a thread's end come under another
 * one's name. An inherited event that could sample the counts of its thread does it, from Linux 6.13 on;
 * before that there is no such event (EINVAL).
 */
export function withSeparateEvents(attr: EventAttr): EventAttr {
  return { ...attr, sampleType: attr.sampleType | PERF_SAMPLE.READ };
}

/** Opens the event that tells of threads on each CPU. Throws UnsupportedError. */
export function openLifecycle(
  tid: number,
  target: string,
  { inherit, atExit }: TaskCounting,
  cpus: readonly number[],
  standing: Standing,
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

export class TaskCounters {
  /** What is really counted, set by set: the events asked for, or as much of them as this user may count. */
  readonly sets: readonly CounterSet[];
  readonly #columns: number;
  /** Of each set: its leaders, and its reference. */
  readonly #leaders: number[][];
  readonly #references: number[][];
  readonly #events: OpenEvent[];

  private constructor(sets: CounterSet[], leaders: number[][], references: number[][], events: OpenEvent[]) {
    this.sets = sets;
    this.#columns = columnsOf(sets);
    this.#leaders = leaders;
    this.#references = references;
    this.#events = events;
  }

  /**
   * Opens the sets on thread `tid`, disabled, or until its next exec. `note` gets a line for each thing that
   * is not as asked for. Throws UnsupportedError for an event that the kernel refuses.
   */
  static open(
    tid: number,
    target: string,
    counting: TaskCounting,
    enableOnExec: boolean,
    standing: Standing,
    note: (line: string) => void,
  ): TaskCounters {
    const { inherit, atExit, multiplex, cpus } = counting;
    const events: OpenEvent[] = [];
    const leaders: number[][] = counting.sets.map(() => []);
    const references: number[][] = counting.sets.map(() => []);
    const really: CounterSet[] = counting.sets.map((set) => ({ ...set, groups: [] }));
    const attrOf = (event: ResolvedEvent, leads: boolean, ownPinned: boolean, first: boolean) =>
      taskAttr(event, inherit, [
        ...(atExit ? ["inheritStat" as const] : []),
        ...(leads ? ["disabled" as const] : []),
        ...(leads && ownPinned ? ["pinned" as const] : []),
        ...(leads && enableOnExec && first ? ["enableOnExec" as const] : []),
      ]);
    try {
      let column = 0;
      counting.sets.forEach((set, s) => {
        for (const group of set.groups) {
          let known: ResolvedEvent[] | undefined;
          for (const cpu of cpus) {
            let leader = -1;
            const members: ResolvedEvent[] = [];
            (known ?? group).forEach((event, i) => {
              members.push(event);
              if (cpu >= 0 && event.cpus && !event.cpus.includes(cpu)) return;
              const leads = leader < 0;
              const opened = openWithFallbacks(
                { event, attrOf: (e) => attrOf(e, leads, !multiplex, s === 0) },
                { pid: tid, cpu, target },
                standing,
                (attr, place) => tryOpen(attr, { ...place, groupFd: leader }),
                known ? () => {} : note,
              );
              if (leads) leaders[s].push(leader = opened.fd);
              members[i] = opened.event;
              events.push({ fd: opened.fd, cpu, column: column + i });
            });
            known ??= members;
          }
          really[s].groups.push(known ?? group);
          column += group.length;
        }
        for (const cpu of cpus) {
          const wanted = { event: dummy(), attrOf: (e: ResolvedEvent) => attrOf(e, true, false, s === 0) };
          const { fd } = openWithFallbacks(wanted, { pid: tid, cpu, target }, standing, tryOpen, () => {});
          references[s].push(fd);
          events.push({ fd, cpu, column });
        }
        column++;
      });
    } catch (error) {
      for (const { fd } of events) closeEvent(fd);
      throw error;
    }
    return new TaskCounters(really, leaders, references, events);
  }

  /** READs that a thread sends at its end. */
  get reads(): number {
    return this.#events.length;
  }

  /** The ids in READs, and the columns they stand for. */
  *ids(): Generator<{ id: bigint; column: number }> {
    for (const { fd, column } of this.#events) yield { id: eventId(fd), column };
  }

  /** Maps a ring for each event. Throws UnsupportedError. */
  addRings(drain: Drain, pages: number): void {
    for (const { fd, cpu } of this.#events) addRing(drain, fd, pages, cpu);
  }

  /** Lets set `set` count; the reference last, so that it never seems that an event ran for less. */
  enable(set: number): void {
    for (const fd of this.#leaders[set]) enable(fd, true);
    for (const fd of this.#references[set]) enable(fd);
  }

  disable(set: number): void {
    for (const fd of this.#references[set]) disable(fd);
    for (const fd of this.#leaders[set]) disable(fd, true);
  }

  /** What has been counted in all who inherited, and in the thread. */
  read(): Tally {
    const tally = emptyTally(this.#columns);
    const words = new BigUint64Array(4); // value, time enabled, time running, id
    for (const { fd, column } of this.#events) {
      if (readCounts(fd, words) === 0) continue; // lost its counter: it has run for less than the reference
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
 * Maps a ring of `pages`, or of as many as this user may lock. Throws UnsupportedError with what to do when
 * that is none.
 */
export function addRing(drain: Drain, fd: number, pages: number, cpu: number): void {
  let index = drain.tryAdd(fd, pages, cpu);
  for (let fewer = pages / 2; index === -ERRNO.EPERM && fewer >= 1; fewer /= 2) {
    index = drain.tryAdd(fd, fewer, cpu);
  }
  if (index >= 0) return;
  const errno = -index;
  throw new UnsupportedError({
    attempt: "map the rings that tell of threads",
    cause: errno === ERRNO.EPERM
      ? "they are more than kernel.perf_event_mlock_kb and ulimit -l allow this user"
      : errnoText(errno),
    remedy: "count fewer events or threads at once, or leave out -i and -T",
  }, errno);
}
