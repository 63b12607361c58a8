/** Binds sets to CPUs: counts whatever runs there, with a row for each CPU at each tick. */

import { MeasuredCommand, type StopSignals } from "../../../ffi/command.ts";
import { type Exit, monotonicNs } from "../../../ffi/pmu.ts";
import type { ResolvedEvent } from "../../events/resolve.ts";
import type { Standing } from "../../events/open.ts";
import { onlineCpus } from "../../events/sysfs.ts";
import { sumOf } from "../rows/add_counts.ts";
import {
  type BindOptions,
  type BindTotals,
  ControlledCounters,
  tickUntilDone,
  turnRemark,
} from "../tasks/binding.ts";
import { CpuCounters } from "./cpu_counters.ts";
import { IntervalCounts } from "../tasks/interval_counts.ts";
import { OnlineWatch } from "../open/online_watch.ts";
import { Rotation } from "../rows/rotation.ts";
import type { CounterSet } from "../rows/row_sink.ts";

/** Time that each set has counted so far, and when the current turn began; in ns. */
interface Turns {
  countedNs: bigint[];
  sinceNs: bigint;
}

/** CPUs to count on. */
export interface CpuTarget {
  /** CPUs that are counted from the start. */
  cpus: readonly number[];
  /** All CPUs are counted, including those that come online later. */
  all?: boolean;
}

/**
 * Binds the sets to the CPUs and calls `emit` for each row until the command has ended, `stopper` fires, or `count`
 * ticks have passed. The last rows are the totals over all CPUs. A CPU that goes offline keeps its counts, and is
 * counted again once it is back online. Throws UnsupportedError when an event cannot be opened, and CommandError when
 * the command cannot be run.
 */
export async function bindCpus(
  sets: readonly CounterSet[],
  target: CpuTarget,
  argv: readonly string[],
  options: BindOptions & { standing: Standing },
  stopper: StopSignals,
): Promise<BindTotals> {
  let counters: CpuCounters | undefined;
  let turns: Turns | undefined;
  const controlled = new ControlledCounters(options, (on) => {
    if (on) counters!.enable(rotation.current);
    else counters!.disable();
    if (on) turns!.sinceNs = monotonicNs();
    else endTurn(turns!, rotation.current);
  });
  const rotation = new Rotation(sets.length);
  const command = argv.length > 0 ? new MeasuredCommand(argv) : undefined;
  const watch = new OnlineWatch(onlineCpus());
  try {
    let opened: ResolvedEvent[][][] | undefined;
    const { note, standing } = options;
    const open = (cpu: number) => {
      const place = { pid: -1, cpu, target: `CPU ${cpu}` };
      const counter = IntervalCounts.open(sets, place, options, standing, opened ? () => {} : note);
      opened ??= counter.events;
      return counter;
    };
    const counting = counters = new CpuCounters(target.cpus, { open, sets: sets.length, note });
    const startNs = monotonicNs();
    const counted = turns = { countedNs: sets.map(() => 0n), sinceNs: startNs };
    if (controlled.isOn) counting.enable(0);
    controlled.begin();
    await command?.release();
    options.rows.begin(sets.map((set, s) => ({ ...set, groups: opened![s] })), startNs);
    const ended: Promise<Exit | undefined> = command
      ? command.untilDone(stopper)
      : stopper.first.then(() => undefined);
    watch.start(({ offline, online }) => {
      const seconds = Number(monotonicNs() - startNs) / 1e9;
      for (const cpu of offline) counting.cpuOffline(cpu, seconds);
      for (const cpu of online) counting.cpuOnline(cpu, seconds, target.all === true);
    });
    const exit = await tickUntilDone(
      ended,
      sets.length,
      options,
      () => tick(counting, { rotation, isOn: controlled.isOn }, counted, options),
    );
    counting.disable();
    if (controlled.isOn) endTurn(counted, rotation.current);
    else counted.sinceNs = monotonicNs();
    totals(counting, counted, options, controlled.remark);
    return exit ? { exit } : {};
  } finally {
    watch.stop();
    command?.cancel();
    controlled.close();
    counters?.close();
  }
}

function tick(
  counters: CpuCounters,
  { rotation, isOn }: { rotation: Rotation; isOn: boolean },
  turns: Turns,
  options: BindOptions,
) {
  const set = rotation.current;
  if (options.intervalMs !== undefined) {
    for (const row of counters.since()) {
      options.rows.emit({ event: "tick", timeNs: monotonicNs(), set, ...row });
    }
    options.rows.flush();
  }
  if (turns.countedNs.length === 1 || !isOn) return;
  counters.disable();
  endTurn(turns, set);
  counters.enable(rotation.next());
}

function endTurn(turns: Turns, set: number) {
  const now = monotonicNs();
  turns.countedNs[set] += now - turns.sinceNs;
  turns.sinceNs = now;
}

/** Emits the totals of each set; `uncounted` is why none has ever counted. */
function totals(counters: CpuCounters, turns: Turns, options: BindOptions, uncounted: string | undefined) {
  const several = turns.countedNs.length > 1;
  const allNs = Number(turns.countedNs.reduce((sum, ns) => sum + ns, 0n));
  turns.countedNs.forEach((setNs, set) => {
    const counts = sumOf(counters.totals(set));
    const remarks = uncounted !== undefined
      ? [uncounted]
      : [...several ? [turnRemark(Number(setNs), allNs)] : [], ...counters.cpuEvents];
    options.rows.emit({
      event: "total",
      timeNs: turns.sinceNs,
      cpu: counters.size,
      set,
      counts: uncounted !== undefined || (several && setNs === 0n) ? counts.map(() => ({})) : counts,
      ...(remarks.length > 0 ? { remark: remarks.join("; ") } : {}),
    });
  });
}
