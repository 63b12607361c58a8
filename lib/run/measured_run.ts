/**
 * One run of a command, measured from its exec until its end: time, what getrusage(2) tells, and
 * events counted over it and all it starts. The runs of `stat` and `check` are made of these.
 */

import { commandError } from "../../ffi/command.ts";
import { type Child, PmuError, type ResourceUsage, spawn, type TimedExit, TimeLimit } from "../../ffi/pmu.ts";
import { UnsupportedError } from "../base/system/errors.ts";
import { cutShortAdvice } from "../events/cut_short.ts";
import { isRestricted, userOnlyNote } from "../events/fallback.ts";
import type { Standing } from "../events/open.ts";
import type { ResolvedEvent } from "../events/resolve.ts";
import { onlineCpus } from "../events/sysfs.ts";
import { ExecWatch } from "../counters/tasks/exec_watch.ts";
import { OpenSet } from "../counters/open/open_set.ts";

/** An event to be counted in each run. */
export interface RequestedEvent {
  event: ResolvedEvent;
  /** Where it cannot be counted it is left out, and `absent` says why, rather than an error. */
  optional?: boolean;
}

/** What to run. */
export interface CommandSpec {
  argv: readonly string[];
  /** The whole environment. Default: this process's. */
  env?: Readonly<Record<string, string>>;
  cwd?: string;
  /** Descriptors that become standard input, output and error; -1 keeps this process's. */
  stdio: readonly [number, number, number];
  /** How long it may take, in ms: then it and all that it has started are ended. */
  limitMs?: number;
}

/** A count over a run. */
export interface EventCount {
  /** Events, or ns for the clock events; in the user mode alone where the event says so. */
  value: number;
  /** The part of the time that it was really on a counter, 0 to 1; below 1 the value is scaled up. */
  running: number;
}

/** What one run took. */
export interface MeasuredRun {
  /** As a shell gives it: the exit status, or 128 and the signal. */
  code: number;
  /** The signal that ended it, or 0. */
  signal: number;
  /** It was ended because it took longer than it may. */
  timedOut: boolean;
  /** From just before its exec until the wait for its end was over. */
  wallNs: number;
  /** Of the command from then on, and of what it waited for. */
  usage: ResourceUsage;
  /** False where `usage.maxrssBytes` is at least what pmuctl itself has, and says nothing of the command. */
  ownMemory: boolean;
  /** By the event's name as it was asked for. Events that are absent are not in it. */
  counts: ReadonlyMap<string, EventCount>;
}

/**
 * Counters that were enabled for less than this part of the CPU time, and for so much less, were taken off a part of the
 * command. Of any other they miss what the exec takes and, from Linux 6.16 on, what giving up memory at the end does: in
 * commands that do little but fork that is up to 40%.
 */
const MIN_COUNTED = 0.25, MAX_UNCOUNTED_NS = 1e6;

/** Runs commands, one after another; `close()` when there are no more. */
export class CommandMeter {
  readonly #requestedEvents: readonly RequestedEvent[];
  readonly #standing: Standing;
  readonly #note: (line: string) => void;
  readonly #absent = new Map<string, string>();
  readonly #measured = new Map<string, string>();
  /** Commands, by their words, of which it is known whether the kernel measures all that they run. */
  readonly #watched = new Set<string>();
  #ownMemory = true;
  #noted = false;
  #running: { child: Child; ownGroup: boolean } | undefined;
  /**
   * The counters of the last run, closed when those of the next are open: with the first software event of a kind, and
   * when the last one goes, the kernel rewrites its own code, for which it interrupts all CPUs.
   */
  #last: OpenSet[] = [];

  /** `note` gets, in the first run, a line for each event that is not counted as it was asked for. */
  constructor(requestedEvents: readonly RequestedEvent[], standing: Standing, note: (line: string) => void) {
    this.#requestedEvents = requestedEvents;
    this.#standing = standing;
    this.#note = note;
  }

  /** Why an event is in no count, by its name; known from the first run on. */
  get absent(): ReadonlyMap<string, string> {
    return this.#absent;
  }

  /** What an event is measured as, by its name: `task-clock:u` where the kernel's side is not permitted. */
  get measured(): ReadonlyMap<string, string> {
    return this.#measured;
  }

  /**
   * Runs the command to its end. Throws CommandError when it cannot be run, UnsupportedError when an event that
   * is not optional cannot be counted.
   */
  async run(command: CommandSpec): Promise<MeasuredRun> {
    const child = this.#spawn(command);
    const sets: [string, OpenSet][] = [];
    let watch: ExecWatch | undefined;
    let released = false;
    try {
      for (const requested of this.#requestedEvents) {
        const set = this.#open(requested, child.pid);
        if (set) sets.push([requested.event.name, set]);
      }
      this.#noteRestricted(sets);
      this.#noted = true;
      watch = sets.length > 0 ? this.#watch(command, child.pid) : undefined;
      released = true;
      this.#running = { child, ownGroup: command.limitMs !== undefined };
      const { code, signal, wallNs, usage, timedOut } = await runWithin(child, command.limitMs);
      this.#dropCutShort(sets, await watch?.programs() ?? [], usage);
      const counts = new Map(sets.flatMap(([name, set]) => {
        const count = this.#absent.has(name) ? undefined : this.#count(name, set);
        return count ? [[name, count] as const] : [];
      }));
      return { code, signal, timedOut, wallNs, usage, ownMemory: this.#ownMemory, counts };
    } catch (error) {
      if (!released) child.cancel();
      throw commandError(error, command.argv[0]);
    } finally {
      this.#running = undefined;
      watch?.close();
      this.close();
      this.#last = sets.map(([, set]) => set);
    }
  }

  /** Lets go of the counters. */
  close(): void {
    for (const set of this.#last) set.close();
    this.#last = [];
  }

  /** Sends a signal to the command that runs now, if one does; where it has a group of its own, to all it has started. */
  kill(signal: number): void {
    if (this.#running) kill(this.#running.child, this.#running.ownGroup, signal);
  }

  #spawn(command: CommandSpec): Child {
    try {
      return spawn({ ...command, ownMemory: this.#ownMemory, ownGroup: command.limitMs !== undefined });
    } catch (error) {
      if (!(error instanceof PmuError)) throw error;
      if (error.call !== "launcher") throw commandError(error, command.argv[0]);
      this.#ownMemory = false; // the shim lies where nothing may be executed
      return this.#spawn(command);
    }
  }

  #open({ event, optional }: RequestedEvent, pid: number): OpenSet | undefined {
    if (this.#absent.has(event.name)) return undefined;
    const note = this.#noted ? () => {} : this.#note;
    const place = { pid, cpu: -1, target: "a command" };
    const options = { multiplex: true, inherit: true, enableOnExec: true, restrictionNoted: true };
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

  /** Tells, in the first run, which events are counted in user space alone. */
  #noteRestricted(sets: readonly (readonly [string, OpenSet])[]) {
    if (this.#noted) return;
    const asked = new Map(this.#requestedEvents.map(({ event }) => [event.name, event]));
    const restricted = sets.filter(([name, set]) => isRestricted(asked.get(name)!, set.counters[0].event));
    if (restricted.length === 0) return;
    this.#note(userOnlyNote(restricted.map(([name]) => name), this.#standing.privilege));
  }

  /** A watch over the first run of each command: that costs next to nothing, and once nothing at all. */
  #watch({ argv }: CommandSpec, pid: number): ExecWatch | undefined {
    const key = argv.join("\0");
    if (this.#watched.has(key)) return undefined;
    this.#watched.add(key);
    return ExecWatch.open(pid, onlineCpus());
  }

  /**
   * Leaves out all events when the kernel stopped counting in a part of the command: as `programs` tell, or as the times of
   * its counters and the CPU time of getrusage(2) do, which goes on. Throws UnsupportedError for one that is not optional.
   */
  #dropCutShort(
    sets: readonly (readonly [string, OpenSet])[],
    programs: readonly string[],
    usage: ResourceUsage,
  ) {
    const cpuNs = usage.utimeNs + usage.stimeNs;
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

  /** What the set counted; undefined when it was on no counter at any time, which is not the same as 0. */
  #count(name: string, set: OpenSet): EventCount | undefined {
    const sample = set.sample(0n);
    if (sample === undefined || (sample.enabledNs > 0 && sample.tickNs === 0)) {
      this.#absent.set(name, "its counters were in use by others all the time");
      return undefined;
    }
    const { counts, enabledNs, tickNs } = sample;
    return { value: Number(counts[0]), running: enabledNs > 0 ? tickNs / enabledNs : 1 };
  }
}

const SIGTERM = 15;
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

/** Runs the command for no longer than `limitMs`. */
async function runWithin(
  child: Child,
  limitMs: number | undefined,
): Promise<TimedExit & { timedOut: boolean }> {
  const limit = limitMs === undefined ? undefined : new TimeLimit(child, limitMs);
  try {
    const run = await child.run();
    return { ...run, timedOut: limit?.passed ?? false };
  } catch (error) {
    if (!limit?.passed) throw error;
    // it was ended while it waited to be let go
    return { code: 128 + SIGTERM, signal: SIGTERM, wallNs: 0, usage: NO_USAGE, timedOut: true };
  } finally {
    limit?.end();
  }
}

function kill(child: Child, ownGroup: boolean, signal: number): void {
  try {
    if (ownGroup) child.killGroup(signal);
    else child.kill(signal);
  } catch (error) {
    if (!(error instanceof PmuError)) throw error; // it ended in the meantime
  }
}
