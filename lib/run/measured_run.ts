/**
 * Measurement of one run of a command, from its exec to its end: time, getrusage(2), and events counted over it and
 * all processes that it starts. `stat` and `check` are built on these runs.
 */

import { SIGNAL } from "../base/system/numbers.ts";
import { commandError } from "../../ffi/command.ts";
import { Control } from "../../ffi/control.ts";
import { type Child, PmuError, type ResourceUsage, spawn, type TimedExit, TimeLimit } from "../../ffi/pmu.ts";
import { UnsupportedError } from "../base/system/errors.ts";
import type { ControlRequest } from "../base/system/control_option.ts";
import { cutShortAdvice } from "../events/cut_short.ts";
import { isRestricted, userOnlyNote } from "../events/fallback.ts";
import type { Standing } from "../events/open.ts";
import type { ResolvedEvent } from "../events/resolve.ts";
import { onlineCpus } from "../events/sysfs.ts";
import { ExecWatch } from "../counters/tasks/exec_watch.ts";
import { OpenSet } from "../counters/open/open_set.ts";

/** Event to be counted in each run. */
export interface RequestedEvent {
  event: ResolvedEvent;
  /** True to omit the event, with a reason in `absent`, where it cannot be counted. Otherwise that is an error. */
  optional?: boolean;
}

/** Command to run. */
export interface CommandToRun {
  argv: readonly string[];
  /** Whole environment. Default: this process's. */
  env?: Readonly<Record<string, string>>;
  cwd?: string;
  /** Descriptors of standard input, output and error; -1 keeps this process's. */
  stdio: readonly [number, number, number];
  /** Time limit in ms, at which the command and all that it has started are ended. */
  limitMs?: number;
  /** Counts in all of it, whatever it says in the FIFOs of a `control`. */
  whole?: boolean;
  /** Lets signals of the user reach all processes that the command has started, even without a time limit. */
  asTree?: boolean;
}

/** Count of an event over a run. */
export interface EventCount {
  /** Number of events, or ns for the clock events; in user mode only when the event says so. */
  value: number;
  /** Fraction of the time that the event was on a counter, 0 to 1. Below 1 the value is scaled up. */
  running: number;
}

/** Measurements of one run. */
export interface MeasuredRun {
  /** Exit status as a shell gives it: the command's, or 128 plus the signal. */
  code: number;
  /** Signal that ended it, or 0. */
  signal: number;
  /** True when it was ended because of its time limit. */
  timedOut: boolean;
  /** Time in ns from just before its exec to the end of the wait for it. */
  wallNs: number;
  /** Resource usage of the command from its exec on, and of the processes it waited for. */
  usage: ResourceUsage;
  /** False when `usage.maxrssBytes` is at least pmuctl's own memory, and so says nothing about the command. */
  ownMemory: boolean;
  /** Counts by the requested event name; events that are absent have none. */
  counts: ReadonlyMap<string, EventCount>;
}

/**
 * Thresholds for counters that missed a part of the command: they were enabled for less than this fraction of its CPU
 * time, and by more than these ns less. Counters of any command miss the exec and, from Linux 6.16 on, the release of
 * memory at its end: up to 40% for commands that do little but fork.
 */
const MIN_COUNTED = 0.25, MAX_UNCOUNTED_NS = 1e6;

/** Runs commands one after another. Call close() after the last. */
export class CommandMeter {
  readonly #requestedEvents: readonly RequestedEvent[];
  readonly #standing: Standing;
  readonly #note: (line: string) => void;
  readonly #absent = new Map<string, string>();
  readonly #measured = new Map<string, string>();
  /** Commands, by their words, that were watched once for programs that the kernel does not count. */
  readonly #watched = new Set<string>();
  #ownMemory = true;
  #noted = false;
  #running: RunningCommand | undefined;
  /**
   * Counters of the previous run, closed only once those of the next are open. With the first software event of a
   * kind, and again when the last one is closed, the kernel patches its own code, for which it interrupts all CPUs.
   */
  #last: OpenSet[] = [];
  readonly #control: Control | undefined;
  readonly #startDisabled: boolean;

  /**
   * @param note receives, in the first run, a line for each event that is not counted as requested.
   * @param control lets commands say which parts of them count. Throws BadInputError for FIFOs that are none.
   */
  constructor(
    requestedEvents: readonly RequestedEvent[],
    standing: Standing,
    note: (line: string) => void,
    control?: ControlRequest,
  ) {
    this.#requestedEvents = requestedEvents;
    this.#standing = standing;
    this.#note = note;
    this.#control = control && Control.open(control, note);
    this.#startDisabled = control?.startDisabled ?? false;
  }

  /** Reasons why events are not counted, by event name; known after the first run. */
  get absent(): ReadonlyMap<string, string> {
    return this.#absent;
  }

  /** Names that events are measured as, by the requested name: `task-clock:u` where kernel mode is not permitted. */
  get measured(): ReadonlyMap<string, string> {
    return this.#measured;
  }

  /**
   * Runs the command to its end. Throws CommandError when it cannot be run, UnsupportedError when an event that is
   * not optional cannot be counted.
   */
  async run(command: CommandToRun): Promise<MeasuredRun> {
    const child = this.#spawn(command);
    const control = command.whole ? undefined : this.#control;
    const sets: [string, OpenSet][] = [];
    let watch: ExecWatch | undefined;
    let released = false;
    try {
      for (const requested of this.#requestedEvents) {
        const set = this.#open(requested, child.pid, control === undefined || !this.#startDisabled);
        if (set) sets.push([requested.event.name, set]);
      }
      this.#noteRestricted(sets);
      this.#noted = true;
      watch = sets.length > 0 ? this.#watch(command, child.pid) : undefined;
      control?.attach({
        enable: () => sets.forEach(([, set]) => set.enable()),
        disable: () => sets.forEach(([, set]) => set.disable()),
      });
      released = true;
      this.#running = { child, limit: limitOf(child, command) };
      const { code, signal, wallNs, usage, timedOut } = await runToEnd(this.#running);
      control?.detach();
      this.#dropCutShort(sets, await watch?.programs() ?? [], control ? undefined : usage);
      const counts = new Map(sets.flatMap(([name, set]) => {
        const count = this.#absent.has(name) ? undefined : this.#count(name, set, control);
        return count ? [[name, count] as const] : [];
      }));
      return { code, signal, timedOut, wallNs, usage, ownMemory: this.#ownMemory, counts };
    } catch (error) {
      if (!released) child.cancel();
      throw commandError(error, command.argv[0]);
    } finally {
      this.#running = undefined;
      control?.detach();
      watch?.close();
      this.#closeLast();
      this.#last = sets.map(([, set]) => set);
    }
  }

  /** Closes the counters and the FIFOs. */
  close(): void {
    this.#closeLast();
    this.#control?.close();
  }

  #closeLast(): void {
    for (const set of this.#last) set.close();
    this.#last = [];
  }

  /**
   * Sends a signal to the running command, if any; when it has a time limit, to its process group; SIGKILL, and any signal
   * when it is run as a tree, to all that it has started.
   */
  kill(signal: number): void {
    const running = this.#running;
    if (running === undefined) return;
    // what the command has started must not outlive it
    if (signal === SIGNAL.SIGKILL) {
      running.limit ??= new TimeLimit(running.child, Infinity, { ownGroup: false });
    }
    if (running.limit) running.limit.kill(signal);
    else kill(running.child, signal);
  }

  #spawn(command: CommandToRun): Child {
    try {
      return spawn({ ...command, ownMemory: this.#ownMemory, ownGroup: command.limitMs !== undefined });
    } catch (error) {
      if (!(error instanceof PmuError)) throw error;
      if (error.call !== "launcher") throw commandError(error, command.argv[0]);
      this.#ownMemory = false; // the shim is on a file system mounted noexec
      return this.#spawn(command);
    }
  }

  #open({ event, optional }: RequestedEvent, pid: number, enableOnExec: boolean): OpenSet | undefined {
    if (this.#absent.has(event.name)) return undefined;
    const note = this.#noted ? () => {} : this.#note;
    const place = { pid, cpu: -1, target: "a command" };
    const options = { multiplex: true, inherit: true, enableOnExec, restrictionNoted: true };
    try {
      const set = OpenSet.open([{ event, preset: 0n }], place, options, this.#standing, note);
      this.#measured.set(event.name, set.counters[0].event.name);
      return set;
    } catch (error) {
      if (!optional || !(error instanceof UnsupportedError)) throw error;
      this.#absent.set(event.name, error.advice.cause);
      return undefined;
    }
  }

  /** Notes, in the first run, which events are counted in user mode only. */
  #noteRestricted(sets: readonly (readonly [string, OpenSet])[]) {
    if (this.#noted) return;
    const asked = new Map(this.#requestedEvents.map(({ event }) => [event.name, event]));
    const restricted = sets.filter(([name, set]) => isRestricted(asked.get(name)!, set.counters[0].event));
    if (restricted.length === 0) return;
    this.#note(userOnlyNote(restricted.map(([name]) => name), this.#standing.privilege));
  }

  /** Watches the first run of each command, which costs almost nothing, and later runs not at all. */
  #watch({ argv }: CommandToRun, pid: number): ExecWatch | undefined {
    const key = argv.join("\0");
    if (this.#watched.has(key)) return undefined;
    this.#watched.add(key);
    return ExecWatch.open(pid, onlineCpus());
  }

  /**
   * Omits all events when the kernel stopped counting in a part of the command. That is known from `programs`, or
   * because the counters were enabled for less than the CPU time of getrusage(2), which continues; `usage` is undefined
   * where the command itself disables them. Throws UnsupportedError for an event that is not optional.
   */
  #dropCutShort(
    sets: readonly (readonly [string, OpenSet])[],
    programs: readonly string[],
    usage: ResourceUsage | undefined,
  ) {
    const cpuNs = usage ? usage.utimeNs + usage.stimeNs : 0;
    const enabledNs = Math.max(0, ...sets.map(([, set]) => set.sample(0n)?.enabledNs ?? 0));
    const isShort = sets.length > 0 && enabledNs < cpuNs * MIN_COUNTED &&
      cpuNs - enabledNs > MAX_UNCOUNTED_NS;
    if (programs.length === 0 && !isShort) return;
    const { cause, remedy } = cutShortAdvice(programs, this.#standing.privilege);
    const asked = this.#requestedEvents.find(({ optional, event }) =>
      !optional && sets.some(([name]) => name === event.name)
    );
    if (asked) throw new UnsupportedError({ attempt: `count ${asked.event.name}`, cause, remedy });
    for (const [name] of sets) this.#absent.set(name, `${cause}: ${remedy}`);
  }

  /** Returns the count of a set; undefined when it was never enabled or on a counter, which is not the same as 0. */
  #count(name: string, set: OpenSet, control: Control | undefined): EventCount | undefined {
    const sample = set.sample(0n);
    if (control && sample?.enabledNs === 0) {
      this.#absent.set(name, `no time passed between an enable and a disable in ${control.path} (--control)`);
      return undefined;
    }
    if (sample === undefined || (sample.enabledNs > 0 && sample.tickNs === 0)) {
      this.#absent.set(name, "its counters were in use by others all the time");
      return undefined;
    }
    const { counts, enabledNs, tickNs } = sample;
    return { value: Number(counts[0]), running: enabledNs > 0 ? tickNs / enabledNs : 1 };
  }
}

function limitOf(child: Child, { limitMs, asTree }: CommandToRun): TimeLimit | undefined {
  if (limitMs !== undefined) return new TimeLimit(child, limitMs);
  return asTree ? new TimeLimit(child, Infinity, { ownGroup: false }) : undefined;
}

const NO_USAGE: ResourceUsage = {
  utimeNs: 0,
  stimeNs: 0,
  maxrssBytes: 0,
  minflt: 0,
  majflt: 0,
  inblock: 0,
  oublock: 0,
  nvcsw: 0,
  nivcsw: 0,
};

/** Command that runs, with its limit, which it may get while it runs. */
interface RunningCommand {
  child: Child;
  limit: TimeLimit | undefined;
}

/** Runs the command to its end, or that of its limit. */
async function runToEnd(running: RunningCommand): Promise<TimedExit & { timedOut: boolean }> {
  try {
    const run = await running.child.run();
    return { ...run, timedOut: running.limit?.passed ?? false };
  } catch (error) {
    if (!running.limit?.passed) throw error;
    // it was ended before it was released
    return { code: 128 + SIGNAL.SIGTERM, signal: SIGNAL.SIGTERM, wallNs: 0, usage: NO_USAGE, timedOut: true };
  } finally {
    await running.limit?.end();
  }
}

function kill(child: Child, signal: number): void {
  try {
    child.kill(signal);
  } catch (error) {
    if (!(error instanceof PmuError)) throw error; // it ended in the meantime
  }
}
