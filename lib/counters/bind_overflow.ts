/**
 * Binds sets whose counters notify: each overflow is reported with the address it happened at, until the target has
 * ended. The kernel does not stop inherited counters at an overflow, so each set is bound to one thread or to one
 * CPU.
 */

import { MeasuredCommand, type StopSignals } from "../../ffi/command.ts";
import { type Exit, monotonicNs } from "../../ffi/pmu.ts";
import { hostFiles } from "../events/files.ts";
import type { Standing } from "../events/open.ts";
import { type Counter, OpenSet, type SetPlace } from "./open/open_set.ts";
import { type Overflow, OverflowWatch } from "./open/overflow.ts";
import type { PcName, PcNames } from "./open/pc_names.ts";
import { TargetWatch } from "./named/set_target.ts";

export type { StopSignals };

/** Target of a set that notifies. */
export type OverflowTarget =
  /** Runs a command, and counts its first thread. */
  | { kind: "command"; argv: readonly string[] }
  /** Counts threads that exist already. */
  | { kind: "threads"; tids: readonly number[] }
  /** Counts whatever runs on these CPUs, until the user stops it. */
  | { kind: "cpus"; cpus: readonly number[] };

/** An overflow, with its address resolved and the counts at that moment. */
export interface OverflowNotice extends Omit<Overflow, "set"> {
  pc: PcName;
  /** Counts of the set when it was frozen: u64s, one per counter, presets included. */
  counts: bigint[];
}

/** Options of `bindOverflows`. */
export interface OverflowOptions {
  /** Restarts a set after each reported overflow; otherwise it stays frozen after its first one. */
  autoRestart: boolean;
  names: PcNames;
  /**
   * Receives time 0 (ns of CLOCK_MONOTONIC) and a command's pid, when the sets start counting.
   */
  begin(startNs: bigint, pid: number | undefined): void;
  emit(notice: OverflowNotice): void;
  /** Reports a line for each thing that differs from what was requested. */
  note(line: string): void;
}

/** Totals of a run. */
export interface OverflowTotals {
  /** Exit of the command; undefined without a command, or when it was left running. */
  exit?: Exit;
  /** Time when all sets had stopped, in ns of CLOCK_MONOTONIC. */
  endNs: bigint;
  overflows: number;
  /** Events counted by all sets together, one number per counter, presets excluded. */
  counts: bigint[];
  /**
   * Time in ns that the sets were on their counters, and that they were frozen after overflows; summed over the sets.
   */
  tickNs: number;
  frozenNs: number;
}

/** Interval between checks for ended threads, in ms. */
const POLL_MS = 250;

/**
 * Binds the counters, at least one of which notifies, and calls `emit` at each overflow until the target has ended or
 * `stopper` fires. Throws UnsupportedError when an event cannot be opened, CpcError when a counter cannot notify, and
 * CommandError when the command cannot be run.
 */
export async function bindOverflows(
  counters: readonly Counter[],
  target: OverflowTarget,
  options: OverflowOptions,
  standing: Standing,
  stopper: StopSignals,
): Promise<OverflowTotals> {
  const command = target.kind === "command" ? new MeasuredCommand(target.argv) : undefined;
  const sets = new Map<OpenSet, SetTally>();
  const watch = new OverflowWatch();
  try {
    for (const place of placesOf(target, command?.pid ?? -1)) {
      const set = OpenSet.open(
        counters,
        place,
        { enableOnExec: command !== undefined },
        standing,
        options.note,
      );
      sets.set(set, new SetTally(set));
      watch.add(set);
    }
    if (command) {
      options.note(
        "notify: only the command's first thread is counted, not the threads and processes it starts",
      );
    }
    const watching = emitOverflows(watch, sets, options);
    options.begin(monotonicNs(), command?.pid);
    if (command) await command.release();
    else for (const set of sets.keys()) set.enable();
    const exit = await (command ? command.untilDone(stopper) : untilEnded(target, stopper));
    for (const set of sets.keys()) set.disable();
    const endNs = monotonicNs();
    await watch.close();
    const overflows = await watching;
    const totals = { counts: counters.map(() => 0n), tickNs: 0, frozenNs: 0 };
    for (const tally of sets.values()) tally.finish(totals, options.note);
    return { exit, endNs, overflows, ...totals };
  } finally {
    command?.cancel();
    await watch.close();
    for (const set of sets.keys()) set.close();
  }
}

/** Emits overflows until the watch is closed. Returns how many there were. */
async function emitOverflows(
  watch: OverflowWatch,
  sets: ReadonlyMap<OpenSet, SetTally>,
  { autoRestart, names, emit }: OverflowOptions,
): Promise<number> {
  let overflows = 0;
  for await (const { set, ...overflow } of watch.overflows()) {
    overflows++;
    const tally = sets.get(set)!;
    const counts = tally.frozen(overflow.hrtimeNs);
    if (autoRestart) tally.restart(); // after the restart: resolving a name may read files
    emit({ ...overflow, counts, pc: names.name(overflow.pid, overflow.address, overflow.kernel) });
  }
  return overflows;
}

/** Counts of one set, accumulated over its restarts. */
class SetTally {
  readonly #set: OpenSet;
  readonly #counts: bigint[];
  #frozenNs = 0;
  /** Time of the overflow that froze the set; undefined while it counts. */
  #frozenAt: bigint | undefined;

  constructor(set: OpenSet) {
    this.#set = set;
    this.#counts = set.counters.map(() => 0n);
  }

  /** Marks the set as frozen since `hrtimeNs`, and returns its counts. */
  frozen(hrtimeNs: bigint): bigint[] {
    this.#frozenAt = hrtimeNs;
    return this.#set.sample(monotonicNs())?.counts ?? [];
  }

  /** Restarts the set from its presets. */
  restart(): void {
    this.#keep();
    this.#thaw();
    this.#set.restart();
  }

  /** Adds the counts of the stopped set to `totals`. */
  finish(totals: { counts: bigint[]; tickNs: number; frozenNs: number }, note: (line: string) => void): void {
    const tickNs = this.#keep();
    if (tickNs === undefined) {
      note(
        `warning: the set on ${this.#set.place.target} lost its counters: its last counts are missing from the total`,
      );
    }
    this.#thaw();
    totals.counts = totals.counts.map((count, i) => count + this.#counts[i]);
    totals.tickNs += tickNs ?? 0;
    totals.frozenNs += this.#frozenNs;
  }

  /** Saves the counts before a reset. Returns the ns they cover; undefined when the set has lost its counters. */
  #keep(): number | undefined {
    const sample = this.#set.sample(monotonicNs());
    sample?.counts.forEach((count, i) => {
      this.#counts[i] += BigInt.asUintN(64, count - this.#set.counters[i].preset);
    });
    return sample?.tickNs;
  }

  #thaw(): void {
    if (this.#frozenAt !== undefined) this.#frozenNs += Number(monotonicNs() - this.#frozenAt);
    this.#frozenAt = undefined;
  }
}

function placesOf(target: OverflowTarget, pid: number): SetPlace[] {
  switch (target.kind) {
    case "command":
      return [{ pid, cpu: -1, target: target.argv[0] }];
    case "threads":
      return target.tids.map((tid) => ({ pid: tid, cpu: -1, target: `thread ${tid}` }));
    case "cpus":
      return target.cpus.map((cpu) => ({ pid: -1, cpu, target: `CPU ${cpu}` }));
  }
}

/** Waits until all threads have ended, or the user stops the run. */
async function untilEnded(target: OverflowTarget, stopper: StopSignals): Promise<undefined> {
  if (target.kind !== "threads") return await stopper.first.then(() => undefined);
  const watch = new TargetWatch({ kind: "thread", tids: [...target.tids] }, hostFiles);
  const gone = Promise.withResolvers<void>();
  const timer = setInterval(() => watch.ended() && gone.resolve(), POLL_MS);
  await Promise.race([gone.promise, stopper.first]);
  clearInterval(timer);
}
