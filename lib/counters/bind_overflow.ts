/**
 * Sets bound for their overflows: word of each, with where it was, until the target has ended. The kernel stops no
 * inherited counter at its overflow, so that each set is bound to one thread, or to a CPU.
 */

import { MeasuredCommand, type StopSignals } from "../../ffi/command.ts";
import { clockNs, type Exit } from "../../ffi/pmu.ts";
import { hostFiles } from "../events/files.ts";
import type { Standing } from "../events/open.ts";
import { type Counter, OpenSet, type SetPlace } from "./open/open_set.ts";
import { type Overflow, OverflowWatch } from "./open/overflow.ts";
import type { PcName, PcNames } from "./open/pc_names.ts";
import { TargetWatch } from "./named/set_target.ts";

export type { StopSignals };

/** What to bind to. */
export type OverflowTarget =
  /** A command's first thread. */
  | { kind: "command"; argv: readonly string[] }
  /** Threads there are. */
  | { kind: "threads"; tids: readonly number[] }
  /** Whatever runs on these CPUs, until told to stop. */
  | { kind: "cpus"; cpus: readonly number[] };

/** An overflow, as it is told. */
export interface OverflowNotice extends Omit<Overflow, "set"> {
  pc: PcName;
  /** What the set showed when it was frozen: u64s, one a counter, from the presets on. */
  counts: bigint[];
}

export interface OverflowOptions {
  /** A set goes on when its overflow has been told; else it stands still from its first overflow on. */
  autoRestart: boolean;
  names: PcNames;
  /** The sets begin to count: time 0, in ns of CLOCK_MONOTONIC, and the process of a command. */
  begin(startNs: bigint, pid: number | undefined): void;
  emit(notice: OverflowNotice): void;
  /** A line for whatever is not as asked. */
  note(line: string): void;
}

/** What came out of it. */
export interface OverflowTotals {
  /** How the command ended; undefined when there was none, or when it was left running. */
  exit?: Exit;
  /** When they had all stopped, in ns of CLOCK_MONOTONIC. */
  endNs: bigint;
  overflows: number;
  /** Events that all sets together counted, one number a counter, without the presets. */
  counts: bigint[];
  /** ns that all sets together were really counting, and that they stood still after overflows. */
  tickNs: number;
  frozenNs: number;
}

const CLOCK_MONOTONIC = 1;
/** How often threads are looked after, in ms. */
const POLL_MS = 250;

/**
 * Binds the counters, at least one of which notifies, and calls `emit` at each overflow until the target has ended
 * or `stopper` says so. Throws UnsupportedError when an event cannot be opened, CpcError when it cannot notify,
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
        "notify: only the command's first thread is counted, none of the threads and processes it starts",
      );
    }
    const watching = emitOverflows(watch, sets, options);
    options.begin(nowNs(), command?.pid);
    if (command) await command.release();
    else for (const set of sets.keys()) set.enable();
    const exit = await (command ? command.untilDone(stopper) : untilEnded(target, stopper));
    for (const set of sets.keys()) set.disable();
    const endNs = nowNs();
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

/** Returns how many there were. */
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
    if (autoRestart) tally.restart(); // names can wait: they are looked up in files
    emit({ ...overflow, counts, pc: names.name(overflow.pid, overflow.address, overflow.kernel) });
  }
  return overflows;
}

/** What one set has counted, over its restarts. */
class SetTally {
  readonly #set: OpenSet;
  readonly #counts: bigint[];
  #frozenNs = 0;
  /** When the overflow was that it stands still for. */
  #frozenAt: bigint | undefined;

  constructor(set: OpenSet) {
    this.#set = set;
    this.#counts = set.counters.map(() => 0n);
  }

  /** The set was frozen then; gives its counts. */
  frozen(hrtimeNs: bigint): bigint[] {
    this.#frozenAt = hrtimeNs;
    return this.#set.sample(nowNs())?.counts ?? [];
  }

  /** Lets the set go on. */
  restart(): void {
    this.#keep();
    this.#thaw();
    this.#set.restart();
  }

  /** Adds what the set counted in all, when it will not go on. */
  finish(totals: { counts: bigint[]; tickNs: number; frozenNs: number }, note: (line: string) => void): void {
    const tickNs = this.#keep();
    if (tickNs === undefined) {
      note(
        `warning: the set on ${this.#set.place.target} lost its counters: what it had counted last is not in the total`,
      );
    }
    this.#thaw();
    totals.counts = totals.counts.map((count, i) => count + this.#counts[i]);
    totals.tickNs += tickNs ?? 0;
    totals.frozenNs += this.#frozenNs;
  }

  /** Keeps what the counters show, before they are reset; the ns that they counted, undefined when they were lost. */
  #keep(): number | undefined {
    const sample = this.#set.sample(nowNs());
    sample?.counts.forEach((count, i) => {
      this.#counts[i] += BigInt.asUintN(64, count - this.#set.counters[i].preset);
    });
    return sample?.tickNs;
  }

  #thaw(): void {
    if (this.#frozenAt !== undefined) this.#frozenNs += Number(nowNs() - this.#frozenAt);
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

/** Until all threads have ended, or the user wants no more. */
async function untilEnded(target: OverflowTarget, stopper: StopSignals): Promise<undefined> {
  if (target.kind !== "threads") return await stopper.first.then(() => undefined);
  const watch = new TargetWatch({ kind: "thread", tids: [...target.tids] }, hostFiles);
  const gone = Promise.withResolvers<void>();
  const timer = setInterval(() => watch.ended() && gone.resolve(), POLL_MS);
  await Promise.race([gone.promise, stopper.first]);
  clearInterval(timer);
}

function nowNs(): bigint {
  return clockNs(CLOCK_MONOTONIC);
}
