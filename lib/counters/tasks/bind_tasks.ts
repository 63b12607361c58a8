/**
 * Binds sets to tasks (a command, processes or threads), with a row for each event in their lives, until they end or
 * the user stops the run.
 *
 * Totals, and the rows of ended threads, come from events that threads inherit when they are created, so nothing is
 * missed (see task_counters.ts and thread_table.ts). Rows of living threads come from a second set of events on each
 * thread, opened when its FORK is read: except for the command's first thread, they lack the microseconds before
 * that. On a hardware PMU, both sets take counters.
 */

import { counted } from "../../base/text/plural.ts";
import { MeasuredCommand, type StopSignals } from "../../../ffi/command.ts";
import { OTHER_DESCRIPTORS, requireDescriptors } from "../../../ffi/descriptors.ts";
import {
  closeFd,
  Drain,
  type Exit,
  makePipe,
  monotonicNs,
  type PmuError,
  readPipe,
} from "../../../ffi/pmu.ts";
import { ERRNO } from "../../base/system/errno.ts";
import { UnsupportedError } from "../../base/system/errors.ts";
import { cutShortAdvice } from "../../events/cut_short.ts";
import { hostFiles } from "../../events/files.ts";
import type { Standing } from "../../events/open.ts";
import { type BindOptions, type BindTotals, ControlledCounters, tickUntilDone } from "./binding.ts";
import { type ThreadRow, ThreadTable } from "./thread_table.ts";
import { IntervalCounts } from "./interval_counts.ts";
import { OnlineWatch } from "../open/online_watch.ts";
import { Rotation } from "../rows/rotation.ts";
import type { CounterSet } from "../rows/row_sink.ts";
import { exitReadsWork } from "./exit_reads.ts";
import { columnsOf, lifecycleAttr, type TaskCounting } from "./task_counters.ts";
import { Newcomers } from "./newcomers.ts";
import { type TaskRecord, TaskRecordStream } from "./task_records.ts";
import { TaskRoots } from "./task_roots.ts";
import { TaskRows } from "./task_rows.ts";

/** Tasks to count in. */
export type TaskTarget =
  | { kind: "command"; argv: readonly string[] }
  /** Existing threads, with their processes. With `alone`, the threads they start are not counted. */
  | { kind: "threads"; threads: readonly { pid: number; tid: number }[]; alone: boolean };

/** Options of `bindTasks`. */
export interface TaskOptions extends BindOptions {
  /** Counts processes that the tasks start, too. */
  followForks: boolean;
  /** Emits rows for every event in the tasks' lives, not only the total. */
  lifecycle: boolean;
  /** CPUs that are online. */
  cpus: readonly number[];
}

/** Interval of the drain in ms: the longest that a record stays in its ring. */
const DRAIN_MS = 50;
/** Interval in ms at which records held back for older ones are released, and the age in ns at which they are. */
const FLUSH_MS = 100;
const MAX_HELD_NS = 200_000_000n;

/**
 * Binds the sets and calls `emit` for each row until the target has ended, `stopper` fires, or `count` ticks have
 * passed. The last rows are the totals. Throws UnsupportedError when an event cannot be opened, and CommandError when
 * the command cannot be run.
 */
export function bindTasks(
  sets: readonly CounterSet[],
  target: TaskTarget,
  options: TaskOptions,
  standing: Standing,
  stopper: StopSignals,
): Promise<BindTotals> {
  return new TaskBinding(sets, target, options, standing, stopper).run();
}

class TaskBinding {
  #sets: readonly CounterSet[];
  readonly #target: TaskTarget;
  readonly #options: TaskOptions;
  readonly #standing: Standing;
  readonly #stopper: StopSignals;
  #counting: TaskCounting;
  #roots!: TaskRoots;
  #rows!: TaskRows;
  readonly #intervalCounts = new Map<number, IntervalCounts>();
  readonly #rotation: Rotation;
  readonly #table: ThreadTable;
  readonly #stream: TaskRecordStream;
  readonly #allGone = Promise.withResolvers<void>();
  #startNs = 0n;
  #lost = 0;
  /** True when the kernel reports a thread's counts at its exit (PERF_RECORD_READ). */
  #kernelReportsReads = false;
  /** Number of execs by the command's process. The first one starts the command. */
  #commandExecs = 0;
  #notedMissingRows = false;
  /** CPUs that came online after the per-CPU events were opened, and have none. */
  readonly #missedCpus: number[] = [];
  readonly #newcomers: Newcomers;
  readonly #controlled: ControlledCounters;

  constructor(
    sets: readonly CounterSet[],
    target: TaskTarget,
    options: TaskOptions,
    standing: Standing,
    stopper: StopSignals,
  ) {
    this.#sets = sets;
    this.#target = target;
    this.#options = options;
    this.#standing = standing;
    this.#stopper = stopper;
    this.#controlled = new ControlledCounters(options, (on) => this.#switch(this.#rotation.current, on));
    const alone = target.kind === "threads" && target.alone;
    const following = target.kind === "threads" && !alone ? target.threads.map(({ pid }) => pid) : [];
    this.#newcomers = new Newcomers(following, hostFiles);
    this.#counting = {
      sets,
      inherit: options.followForks ? "processes" : alone ? "none" : "threads",
      atExit: false,
      multiplex: options.multiplex,
      cpus: [-1],
    };
    this.#rotation = new Rotation(sets.length);
    this.#table = new ThreadTable({
      columns: columnsOf(sets),
      followForks: options.followForks,
      followThreads: this.#counting.inherit !== "none",
      readsPerThread: (root) => this.#kernelReportsReads ? this.#roots.readsPerThread(root) : 0,
      startNs: () => this.#startNs,
      placeOf: (id) => this.#roots.placeOf(id),
      totalOf: (root) => this.#roots.totalOf(root),
    }, (row) => this.#emitRows(row));
    this.#stream = new TaskRecordStream(lifecycleAttr(this.#counting.inherit), {
      arrived: (record) => this.#arrived(record),
      inTurn: (record) => this.#inTurn(record),
    });
  }

  async run(): Promise<BindTotals> {
    if (this.#options.lifecycle) {
      const { cpus } = this.#options;
      this.#kernelReportsReads = await exitReadsWork(cpus);
      if (this.#kernelReportsReads) {
        this.#counting = { ...this.#counting, atExit: true, cpus };
      } else {
        this.#options.note(
          "warning: this kernel does not report a thread's counts at its exit: rows of threads have " +
            "what was counted since they were first seen; totals are exact",
        );
      }
    }
    this.#needDescriptors();
    const command = this.#target.kind === "command" ? new MeasuredCommand(this.#target.argv) : undefined;
    const pipe = makePipe();
    let drain: Drain | undefined;
    let flushes: ReturnType<typeof setInterval> | undefined;
    const cpus = new OnlineWatch(this.#options.cpus);
    try {
      this.#openRoots(command);
      drain = new Drain({ outFd: pipe.writeFd, intervalMs: DRAIN_MS });
      this.#roots.addRings(drain);
      this.#startNs = monotonicNs();
      this.#controlled.begin();
      if (command) await command.release();
      else if (this.#controlled.isOn) this.#roots.enable(this.#rotation.current);
      this.#options.rows.begin(this.#sets, this.#startNs);
      drain.start();
      const reading = this.#readRecords(pipe.readFd);
      flushes = setInterval(() => this.#flush(), FLUSH_MS);
      cpus.start(({ online }) => this.#cpusCameOnline(online));
      const exit = await this.#untilDone(command);
      const endNs = monotonicNs();
      this.#roots.disable(this.#rotation.current);
      const failed = await drain.stop();
      closeFd(pipe.writeFd);
      pipe.writeFd = -1;
      await reading;
      this.#stream.end();
      this.#table.finish();
      this.#totals(endNs);
      this.#warn(failed, this.#table.cuts);
      return { exit };
    } finally {
      clearInterval(flushes);
      cpus.stop();
      command?.cancel();
      this.#controlled.close();
      drain?.free();
      if (pipe.writeFd >= 0) closeFd(pipe.writeFd);
      closeFd(pipe.readFd);
      for (const counts of this.#intervalCounts.values()) counts.close();
      this.#roots?.close();
    }
  }

  // ---- opening

  #openRoots(command: MeasuredCommand | undefined) {
    const target = this.#target;
    const threads = target.kind === "command"
      ? [{ pid: command!.pid, tid: command!.pid, target: target.argv[0] }]
      : target.threads.map((thread) => ({ ...thread, target: `pid ${thread.tid}` }));
    const { cpus, note } = this.#options;
    const onExec = command !== undefined && this.#controlled.isOn;
    const opening = { enableOnExec: onExec, standing: this.#standing, note };
    this.#roots = TaskRoots.open(threads, this.#counting, cpus, opening);
    const sets = this.#sets = this.#roots.sets;
    this.#rows = new TaskRows({
      sets,
      multiplex: this.#options.multiplex,
      rows: this.#options.rows,
      currentSet: () => this.#rotation.current,
      kernelReportsReads: this.#kernelReportsReads,
      missedCpus: this.#missedCpus,
      intervalCounts: (tid) => this.#intervalCounts.get(tid),
      uncounted: () => this.#controlled.remark,
    });
    for (const { pid, tid } of this.#roots.threads) {
      this.#table.addRoot(pid, tid);
      this.#newcomers.add(tid);
      if (this.#needsIntervalCounts) this.#openIntervalCounts(tid, onExec);
    }
  }

  /** Raises the limit of descriptors as needed. Throws UnsupportedError when it cannot be raised enough. */
  #needDescriptors() {
    const target = this.#target;
    const threads = target.kind === "command" ? 1 : target.threads.length;
    const events = this.#sets.flatMap((set) => set.groups.flat()).length;
    const { cpus } = this.#options;
    const forEach = columnsOf(this.#sets) * this.#counting.cpus.length + cpus.length +
      (this.#needsIntervalCounts ? events : 0);
    requireDescriptors(threads * forEach + OTHER_DESCRIPTORS, {
      attempt: `count in ${target.kind === "command" ? target.argv[0] : pidsText(target.threads)}`,
      counts: { event: events, thread: threads, CPU: cpus.length },
      instead: "count on CPUs, with -a",
    });
  }

  get #needsIntervalCounts(): boolean {
    const { intervalMs, lifecycle } = this.#options;
    return intervalMs !== undefined || (lifecycle && !this.#kernelReportsReads);
  }

  #openIntervalCounts(tid: number, enableOnExec: boolean) {
    if (this.#intervalCounts.has(tid)) return;
    try {
      const options = { multiplex: this.#options.multiplex, enableOnExec };
      const place = { pid: tid, cpu: -1, target: `thread ${tid}` };
      const counts = IntervalCounts.open(this.#sets, place, options, this.#standing, () => {});
      if (!enableOnExec && this.#controlled.isOn) counts.enable(this.#rotation.current);
      this.#intervalCounts.set(tid, counts);
    } catch (error) {
      if (!(error instanceof UnsupportedError)) throw error;
      if (error.errno === ERRNO.ESRCH || this.#notedMissingRows) return; // ended already
      this.#notedMissingRows = true;
      this.#options.note(`warning: no rows of some living threads: ${error.message}`);
    }
  }

  // ---- what the kernel tells

  async #readRecords(fd: number) {
    const buffer = new Uint8Array(1 << 16);
    for (let n; (n = await readPipe(fd, buffer)) > 0;) {
      this.#stream.feed(buffer.subarray(0, n));
      this.#options.rows.flush();
    }
  }

  #flush() {
    this.#stream.releaseUntil(monotonicNs() - MAX_HELD_NS);
    this.#table.endRound();
    this.#checkNewcomers();
    this.#options.rows.flush();
  }

  /** Warns of threads that are not counted because they were started while the events were opened. */
  #checkNewcomers() {
    const missed = this.#newcomers.check();
    if (missed === 0) return;
    this.#options.note(
      `warning: ${counted(missed, "thread")} not counted, started just now: bind again to count all`,
    );
  }

  /**
   * Warns when CPUs come online that no event is on. A CPU that was online before needs nothing: events of a thread
   * stay on it.
   */
  #cpusCameOnline(cpus: readonly number[]) {
    const missed = cpus.filter((cpu) => !this.#options.cpus.includes(cpu) && !this.#missedCpus.includes(cpu));
    if (missed.length === 0 || !this.#counting.cpus.some((cpu) => cpu >= 0)) return;
    this.#missedCpus.push(...missed);
    const seconds = (Number(monotonicNs() - this.#startNs) / 1e9).toFixed(1);
    for (const cpu of missed) {
      this.#options.note(
        `warning: totals are not known: CPU ${cpu} came online after ${seconds} s and is not counted: bind again`,
      );
    }
  }

  #arrived(record: TaskRecord) {
    if (record.kind !== "fork") return;
    this.#newcomers.add(record.tid);
    const { inherit } = this.#counting;
    const measured = record.pid === record.ppid ? inherit !== "none" : inherit === "processes";
    if (measured && this.#needsIntervalCounts) this.#openIntervalCounts(record.tid, false);
  }

  #inTurn(record: TaskRecord) {
    if (record.kind === "lost") this.#lost += record.count;
    if (record.kind === "exec" && this.#isFirstExec(record.pid)) {
      return this.#table.startProgram(record.tid, record.command);
    }
    this.#table.take(record);
    if (this.#table.live === 0) this.#allGone.resolve();
  }

  /** Tells whether this is the command's first exec, which starts it and is not a row. */
  #isFirstExec(pid: number): boolean {
    return this.#target.kind === "command" && pid === this.#roots.threads[0].pid &&
      this.#commandExecs++ === 0;
  }

  #closeIntervalCounts(tid: number) {
    this.#intervalCounts.get(tid)?.close();
    this.#intervalCounts.delete(tid);
  }

  // ---- rows

  #emitRows(row: ThreadRow) {
    if (!this.#options.lifecycle) return;
    this.#rows.emit(row);
    if (row.event === "lwp_exit" && row.tally) this.#closeIntervalCounts(row.lwp);
  }

  #tick() {
    const set = this.#rotation.current;
    if (this.#options.intervalMs !== undefined) this.#rows.tick(this.#table.liveThreads(), monotonicNs);
    if (this.#sets.length > 1) this.#rotate(set, this.#rotation.next());
    this.#options.rows.flush();
  }

  #rotate(from: number, to: number) {
    if (!this.#controlled.isOn) return;
    this.#switch(from, false);
    this.#switch(to, true);
  }

  #switch(set: number, on: boolean) {
    for (const counters of [this.#roots, ...this.#intervalCounts.values()]) {
      if (on) counters.enable(set);
      else counters.disable(set);
    }
  }

  // ---- the end

  /** Ticks until the target has ended or the user stops the run. Resolves to how the command ended, if it did. */
  #untilDone(command: MeasuredCommand | undefined): Promise<Exit | undefined> {
    const ended = command
      ? command.untilDone(this.#stopper)
      : Promise.race([this.#stopper.first, this.#allGone.promise]).then(() => undefined);
    return tickUntilDone(ended, this.#sets.length, this.#options, () => this.#tick());
  }

  #totals(endNs: bigint) {
    const { seen: threads, cuts } = this.#table;
    const pids = new Set(this.#roots.threads.map((thread) => thread.pid));
    this.#rows.totals({ tally: this.#roots.total(), pids, threads, cuts }, endNs);
  }

  #warn(failed: PmuError | undefined, cuts: readonly string[]) {
    const { note } = this.#options;
    const { unfollowed } = this.#table;
    if (unfollowed > 0) {
      note(`${counted(unfollowed, "process")} that it started not counted: use -f to count them`);
    }
    if (cuts.length > 0) {
      const { cause, remedy } = cutShortAdvice(cuts, this.#standing.privilege);
      note(`warning: totals are not known: ${cause}: ${remedy}`);
    }
    if (this.#lost > 0) {
      note(`warning: lost ${counted(this.#lost, "record")} of threads: rows may be missing`);
    }
    if (failed) note(`warning: rows may be missing: ${failed.message}`);
  }
}

function pidsText(threads: readonly { pid: number }[]): string {
  return `pid ${[...new Set(threads.map(({ pid }) => pid))].join(",")}`;
}
