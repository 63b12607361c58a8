/**
 * Sets bound to tasks: a command, processes or threads, with a row for all that happens to them, until they
 * end or the user has seen enough.
 *
 * Totals, and the rows of threads that have ended, come from events that threads inherit as they are made, so
 * that nothing is missed (see task_counters.ts, lwps.ts). Rows of living threads come from a second
 * set of events on each thread, opened when its FORK is read: for all but the command's first thread they lack the
 * microseconds before that. Both sets take counters of a hardware PMU.
 */

import { MeasuredCommand, type Stopper } from "../../ffi/command.ts";
import {
  closeEvent,
  closeFd,
  Drain,
  type Exit,
  makePipe,
  type PmuError,
  raiseFileLimit,
  readPipe,
  setOutput,
} from "../../ffi/pmu.ts";
import { ERRNO } from "../base/errno.ts";
import { UnsupportedError } from "../base/errors.ts";
import { hostFiles } from "../events/files.ts";
import type { Standing } from "../events/open.ts";
import { type BindOptions, type BindTotals, turnRemark, untilDone } from "./binding.ts";
import { add, emptyTally, eventRow, type LwpRow, LwpTable, type ReadPlace, type Tally } from "./lwps.ts";
import { Meter, nowNs } from "./meter.ts";
import { Rotation } from "./rotation.ts";
import type { Row } from "./row.ts";
import { threadsOf } from "./set_target.ts";
import { countedNs, countsOf } from "./tallies.ts";
import { readsComeAtExit } from "./exit_reads.ts";
import {
  addRing,
  columnsOf,
  type CounterSet,
  lifecycleAttr,
  openLifecycle,
  TaskCounters,
  type TaskCounting,
} from "./task_counters.ts";
import { type TaskRecord, TaskRecordStream } from "./task_records.ts";

export type TaskTarget =
  | { kind: "command"; argv: readonly string[] }
  /** Threads there are, with their processes. */
  | { kind: "threads"; threads: readonly { pid: number; tid: number }[]; alone: boolean };

export interface TaskOptions extends BindOptions {
  /** Measure the processes that are started, too. */
  followForks: boolean;
  /** Go on after an exec. */
  followExecs: boolean;
  /** Rows for all that happens, not for the total alone. */
  lifecycle: boolean;
  cpus: readonly number[];
}

/** The interval of a drain, in ms: how long a record may stay in its ring. */
const DRAIN_MS = 50;
/** How often what waits for older records is looked at, in ms, and how old it is let become. */
const BEAT_MS = 100;
const STALE_NS = 200_000_000n;
const LIFECYCLE_PAGES = 16;
/** The command exec'ed again within the first moments, before there were counters that start at an exec. */
const AFTER_EXEC = "with what was counted after the exec";

interface Root {
  pid: number;
  tid: number;
  counters: TaskCounters;
  /** The same counters, which start at an exec: what is to be taken off when execs are not followed. */
  afterExec?: TaskCounters;
  lifecycle: { cpu: number; fd: number }[];
}

/**
 * Binds the sets and calls `emit` for each row until the target has ended, `stopper` says so or `count`
 * ticks are over; the totals are the last rows. Throws UnsupportedError when an event cannot be opened,
 * CommandError when the command cannot be run.
 */
export function bindTasks(
  sets: readonly CounterSet[],
  target: TaskTarget,
  options: TaskOptions,
  standing: Standing,
  stopper: Stopper,
): Promise<BindTotals> {
  return new TaskBinding(sets, target, options, standing, stopper).run();
}

class TaskBinding {
  #sets: readonly CounterSet[];
  readonly #target: TaskTarget;
  readonly #options: TaskOptions;
  readonly #standing: Standing;
  readonly #stopper: Stopper;
  readonly #counting: TaskCounting;
  readonly #roots: Root[] = [];
  readonly #places = new Map<bigint, ReadPlace>();
  readonly #meters = new Map<number, Meter>();
  readonly #rotation: Rotation;
  readonly #table: LwpTable;
  readonly #stream: TaskRecordStream;
  readonly #allGone = Promise.withResolvers<void>();
  #startNs = 0n;
  /** From when on threads inherit the counters that start at an exec. */
  #afterExecNs = 0n;
  #lost = 0;
  /** The kernel tells what threads counted at their end. */
  #readsCome = false;
  /** exec's of the command itself: the first one is how it began. */
  #commandExecs = 0;
  #notedMeters = false;
  #checkedNewcomers = false;
  /** All threads known of as soon as their records were here. */
  readonly #arrivedTids = new Set<number>();
  /** Processes that exec'ed and are no longer followed. */
  readonly #execed = new Set<number>();
  /** Those of them that did before there were counters to take off what came after. */
  readonly #early = new Set<number>();

  constructor(
    sets: readonly CounterSet[],
    target: TaskTarget,
    options: TaskOptions,
    standing: Standing,
    stopper: Stopper,
  ) {
    this.#sets = sets;
    this.#target = target;
    this.#options = options;
    this.#standing = standing;
    this.#stopper = stopper;
    const alone = target.kind === "threads" && target.alone;
    this.#counting = {
      sets,
      inherit: options.followForks ? "processes" : alone ? "none" : "threads",
      atExit: options.lifecycle,
      multiplex: options.multiplex,
      cpus: options.lifecycle ? options.cpus : [-1],
    };
    this.#rotation = new Rotation(sets.length);
    this.#table = new LwpTable({
      columns: columnsOf(sets),
      followForks: options.followForks,
      followThreads: this.#counting.inherit !== "none",
      readsPerLwp: (root, startNs) => this.#readsPerLwp(root, startNs),
      placeOf: (id) => this.#places.get(id),
      totalOf: (root) => this.#totalOf(root),
    }, (row) => this.#tell(row));
    this.#stream = new TaskRecordStream(lifecycleAttr(this.#counting.inherit), {
      arrived: (record) => this.#arrived(record),
      inTurn: (record) => this.#inTurn(record),
    });
  }

  async run(): Promise<BindTotals> {
    raiseFileLimit(); // each event takes a descriptor for each CPU
    if (this.#options.lifecycle) {
      this.#readsCome = await readsComeAtExit(this.#options.cpus);
      if (!this.#readsCome) {
        this.#options.note(
          "warning: this kernel does not tell what a thread had counted at its end: rows of threads say what " +
            "was counted from when they were seen; totals are exact",
        );
      }
    }
    const command = this.#target.kind === "command" ? new MeasuredCommand(this.#target.argv) : undefined;
    const pipe = makePipe();
    let drain: Drain | undefined;
    let beats: ReturnType<typeof setInterval> | undefined;
    try {
      this.#openRoots(command);
      drain = new Drain({ outFd: pipe.writeFd, intervalMs: DRAIN_MS });
      this.#mapRings(drain);
      this.#startNs = nowNs();
      this.#options.begin(this.#sets, this.#startNs);
      if (command) await command.release();
      else this.#enableAll();
      if (!this.#followsExecs) this.#openAfterExec(drain);
      drain.start();
      const reading = this.#readRecords(pipe.readFd);
      beats = setInterval(() => this.#beat(), BEAT_MS);
      const exit = await this.#untilDone(command);
      const endNs = nowNs();
      this.#disableAll();
      const failed = await drain.stop();
      closeFd(pipe.writeFd);
      pipe.writeFd = -1;
      await reading;
      this.#stream.end();
      this.#table.finish();
      return this.#totals(endNs, exit, failed);
    } finally {
      clearInterval(beats);
      command?.cancel();
      drain?.free();
      if (pipe.writeFd >= 0) closeFd(pipe.writeFd);
      closeFd(pipe.readFd);
      this.#closeAll();
    }
  }

  // ---- opening

  #openRoots(command: MeasuredCommand | undefined) {
    const threads = this.#target.kind === "command"
      ? [{ pid: command!.pid, tid: command!.pid }]
      : this.#target.threads;
    const name = (tid: number) => this.#target.kind === "command" ? this.#target.argv[0] : `pid ${tid}`;
    let gone: unknown;
    for (const { pid, tid } of threads) {
      try {
        this.#openRoot(pid, tid, name(tid), command !== undefined);
      } catch (error) {
        if (!(error instanceof UnsupportedError) || error.errno !== ERRNO.ESRCH) throw error;
        gone = error; // a thread may end while the others are opened
      }
    }
    if (this.#roots.length === 0) throw gone;
  }

  #openRoot(pid: number, tid: number, target: string, enableOnExec: boolean) {
    const first = this.#roots.length === 0;
    const note = first ? this.#options.note : () => {};
    const counting = { ...this.#counting, sets: this.#sets };
    const counters = TaskCounters.open(tid, target, counting, enableOnExec, this.#standing, note);
    this.#sets = counters.sets; // the same for the threads to come, without telling again
    const root: Root = { pid, tid, counters, lifecycle: [] };
    this.#roots.push(root);
    root.lifecycle = openLifecycle(tid, target, this.#counting, this.#options.cpus, this.#standing);
    this.#table.addRoot(pid, tid);
    this.#arrivedTids.add(tid);
    this.#addPlaces(counters, this.#roots.length - 1, 1);
    if (this.#wantsMeters) this.#openMeter(tid, enableOnExec);
  }

  /** For processes whose execs are not followed: counters that start at the next one. */
  #openAfterExec(drain: Drain) {
    this.#roots.forEach((root, index) => {
      const counting = { ...this.#counting, sets: this.#sets };
      try {
        root.afterExec = TaskCounters.open(
          root.tid,
          `pid ${root.tid}`,
          counting,
          true,
          this.#standing,
          () => {},
        );
      } catch (error) {
        // it is ending already, which the kernel has several errors for; an exec of it is told as one too early
        if (error instanceof UnsupportedError) return;
        throw error;
      }
      this.#addPlaces(root.afterExec, index, -1);
      if (this.#counting.atExit) root.afterExec.addRings(drain, this.#ringPages);
    });
    this.#afterExecNs = nowNs();
  }

  #addPlaces(counters: TaskCounters, root: number, sign: 1 | -1) {
    for (const { id, column } of counters.ids()) this.#places.set(id, { root, column, sign });
  }

  #mapRings(drain: Drain) {
    const owner = new Map<number, number>();
    for (const { lifecycle } of this.#roots) {
      for (const { cpu, fd } of lifecycle) {
        const ring = owner.get(cpu);
        if (ring !== undefined) {
          setOutput(fd, ring);
          continue;
        }
        addRing(drain, fd, LIFECYCLE_PAGES, cpu);
        owner.set(cpu, fd);
      }
    }
    if (!this.#counting.atExit) return;
    for (const { counters } of this.#roots) counters.addRings(drain, this.#ringPages);
  }

  /** Of each event's ring: 8 pages hold the ends of 400 threads. Locked memory is scarce. */
  get #ringPages(): number {
    return this.#roots.length > 8 ? 1 : 8;
  }

  get #wantsMeters(): boolean {
    const { intervalMs, lifecycle } = this.#options;
    return intervalMs !== undefined || (lifecycle && !this.#readsCome);
  }

  #openMeter(tid: number, enableOnExec: boolean) {
    if (this.#meters.has(tid)) return;
    try {
      const options = { multiplex: this.#options.multiplex, enableOnExec };
      const place = { pid: tid, cpu: -1, target: `thread ${tid}` };
      const meter = Meter.open(this.#sets, place, options, this.#standing, () => {});
      if (!enableOnExec) meter.enable(this.#rotation.current);
      this.#meters.set(tid, meter);
    } catch (error) {
      if (!(error instanceof UnsupportedError)) throw error;
      if (error.errno === ERRNO.ESRCH || this.#notedMeters) return; // it has ended already
      this.#notedMeters = true;
      this.#options.note(`warning: no rows of some living threads: ${error.message}`);
    }
  }

  #enableAll() {
    for (const { counters } of this.#roots) counters.enable(this.#rotation.current);
  }

  #disableAll() {
    for (const { counters, afterExec } of this.#roots) {
      counters.disable(this.#rotation.current);
      afterExec?.disable(this.#rotation.current);
    }
  }

  #closeAll() {
    for (const meter of this.#meters.values()) meter.close();
    for (const { counters, afterExec, lifecycle } of this.#roots) {
      counters.close();
      afterExec?.close();
      for (const { fd } of lifecycle) closeEvent(fd);
    }
  }

  // ---- what the kernel tells

  async #readRecords(fd: number) {
    const buffer = new Uint8Array(1 << 16);
    for (let n; (n = await readPipe(fd, buffer)) > 0;) {
      this.#stream.feed(buffer.subarray(0, n));
      this.#options.flush();
    }
  }

  #beat() {
    this.#stream.releaseUntil(nowNs() - STALE_NS);
    this.#table.endRound();
    if (!this.#checkedNewcomers) this.#checkNewcomers();
    this.#options.flush();
  }

  /** Threads that their process started after it was looked at, and before events were on it, are not counted. */
  #checkNewcomers() {
    this.#checkedNewcomers = true;
    if (this.#target.kind !== "threads" || this.#target.alone) return;
    const pids = new Set(this.#target.threads.map((thread) => thread.pid));
    const missed = [...pids].flatMap((pid) => threadsOf(pid, hostFiles)).filter((tid) =>
      !this.#arrivedTids.has(tid)
    );
    if (missed.length === 0) return;
    this.#options.note(
      `warning: ${missed.length} threads that started just now are not counted: bind again for them`,
    );
  }

  #arrived(record: TaskRecord) {
    if (record.kind !== "fork") return;
    this.#arrivedTids.add(record.tid);
    const { inherit } = this.#counting;
    const measured = record.pid === record.ppid ? inherit !== "none" : inherit === "processes";
    if (measured && this.#wantsMeters) this.#openMeter(record.tid, false);
  }

  #inTurn(record: TaskRecord) {
    if (record.kind === "lost") this.#lost += record.count;
    if (record.kind === "exec" && this.#isFirstExec(record.pid)) return;
    this.#table.take(record);
    if (record.kind === "exec" && !this.#followsExecs && this.#table.has(record.tid)) {
      const takesOff = this.#roots.every((root) => root.afterExec !== undefined);
      if (!takesOff || record.timeNs < this.#afterExecNs) this.#early.add(record.pid);
      this.#leave(record.pid);
    }
    if (this.#table.live === 0) this.#allGone.resolve();
  }

  /** The command's first exec is how it came to be, and no row. */
  #isFirstExec(pid: number): boolean {
    return this.#target.kind === "command" && pid === this.#roots[0].pid && this.#commandExecs++ === 0;
  }

  /** Sets that take turns cannot tell what they counted after an exec: they follow it. */
  get #followsExecs(): boolean {
    return this.#options.followExecs || this.#sets.length > 1;
  }

  /** No more rows of the process: what it counts from now on is taken off. */
  #leave(pid: number) {
    this.#execed.add(pid);
    for (const lwp of this.#table.lwps()) if (lwp.pid === pid) this.#closeMeter(lwp.tid);
  }

  #closeMeter(tid: number) {
    this.#meters.get(tid)?.close();
    this.#meters.delete(tid);
  }

  #readsPerLwp(root: number, startNs: bigint) {
    if (!this.#readsCome) return { counters: 0, takenOff: 0 };
    const { counters, afterExec } = this.#roots[root];
    return { counters: counters.reads, takenOff: startNs > this.#afterExecNs ? afterExec?.reads ?? 0 : 0 };
  }

  #totalOf(root: number): Tally {
    const { counters, afterExec } = this.#roots[root];
    const tally = counters.read();
    if (afterExec) add(tally, afterExec.read(), -1);
    return tally;
  }

  // ---- rows

  #tell(row: LwpRow) {
    if (!this.#options.lifecycle) return;
    if (!row.tally) return this.#options.emit(eventRow(row));
    for (const set of this.#setsOf(row)) {
      this.#options.emit({ ...eventRow(row), set, ...this.#countsOf(row, set) });
    }
    if (row.event === "lwp_exit") this.#closeMeter(row.lwp);
  }

  /** A new thread has one row, one that ends has one for each set that has counted. */
  #setsOf({ event, tally }: LwpRow): number[] {
    if (event === "lwp_create") return [this.#rotation.current];
    const counted = this.#sets.map((_, set) => set).filter((set) => countedNs(tally!, this.#sets, set) > 0);
    return counted.length ? counted : [this.#rotation.current];
  }

  #countsOf(row: LwpRow, set: number): Pick<Row, "counts" | "remark"> {
    if (row.doubt === undefined) {
      const remark = row.event !== "lwp_create" && this.#early.has(row.pid) ? { remark: AFTER_EXEC } : {};
      return { counts: this.#counts(row.tally!, set), ...remark };
    }
    if (row.doubt === "with others") {
      return { counts: this.#counts(row.tally!, set), remark: "with threads it started that go on" };
    }
    const meter = row.event === "lwp_exit" ? this.#meters.get(row.lwp) : undefined;
    if (meter) return { counts: meter.total(set), remark: "from when it was seen" };
    const remark = this.#readsCome ? "records of it were lost" : "not known to this kernel";
    return { counts: this.#counts(row.tally!, set).map(() => ({})), remark };
  }

  #counts(tally: Tally, set: number) {
    return countsOf(tally, this.#sets, set, this.#options.multiplex);
  }

  #tick() {
    const set = this.#rotation.current;
    if (this.#options.intervalMs !== undefined) {
      for (const { pid, tid } of this.#table.lwps()) {
        const meter = this.#meters.get(tid);
        if (!meter || this.#execed.has(pid)) continue;
        this.#options.emit({ event: "tick", timeNs: nowNs(), pid, lwp: tid, set, counts: meter.since(set) });
      }
    }
    if (this.#sets.length > 1) this.#rotate(set, this.#rotation.next());
    this.#options.flush();
  }

  #rotate(from: number, to: number) {
    for (const { counters } of this.#roots) counters.disable(from);
    for (const meter of this.#meters.values()) meter.disable(from);
    for (const { counters } of this.#roots) counters.enable(to);
    for (const meter of this.#meters.values()) meter.enable(to);
  }

  // ---- the end

  /** Waits for the target's end or the user's word, ticking. How the command ended, when it did. */
  #untilDone(command: MeasuredCommand | undefined): Promise<Exit | undefined> {
    const ended = command
      ? command.untilDone(this.#stopper)
      : Promise.race([this.#stopper.first, this.#allGone.promise]).then(() => undefined);
    return untilDone(ended, this.#sets.length, this.#options, () => this.#tick());
  }

  #totals(endNs: bigint, exit: Exit | undefined, failed: PmuError | undefined): BindTotals {
    const total = emptyTally(columnsOf(this.#sets));
    this.#roots.forEach((_, root) => add(total, this.#totalOf(root)));
    const pids = new Set(this.#roots.map((root) => root.pid));
    const allNs = this.#sets.reduce((sum, _, set) => sum + countedNs(total, this.#sets, set), 0);
    this.#sets.forEach((_, set) => {
      const setNs = countedNs(total, this.#sets, set);
      const never = this.#sets.length > 1 && setNs === 0;
      this.#options.emit({
        event: "total",
        timeNs: endNs,
        ...(pids.size === 1 ? { pid: this.#roots[0].pid } : {}),
        lwp: this.#table.seen,
        set,
        counts: this.#counts(total, set).map((count) => never ? {} : count),
        ...(this.#sets.length > 1 ? { remark: turnRemark(setNs, allNs) } : {}),
        ...(this.#early.size > 0 ? { remark: AFTER_EXEC } : {}),
      });
    });
    this.#warn(failed);
    return { exit };
  }

  #warn(failed: PmuError | undefined) {
    const { note } = this.#options;
    const { unfollowed } = this.#table;
    if (unfollowed > 0) note(`${plural(unfollowed, "process")} that it started not counted: -f counts them`);
    if (this.#execed.size > 0) {
      note(`counting of ${plural(this.#execed.size, "process")} ended at an exec: -x goes on`);
    }
    if (this.#lost > 0) note(`warning: ${this.#lost} records of threads were lost: rows may be missing`);
    if (failed) note(`warning: rows may be missing: ${failed.message}`);
  }
}

function plural(n: number, noun: string): string {
  return n === 1 ? `1 ${noun}` : `${n} ${noun.endsWith("s") ? `${noun}es` : `${noun}s`}`;
}
