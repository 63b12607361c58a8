/** Sets bound to CPUs: whatever runs there is counted, with a row for each CPU at each tick. */

import { MeasuredCommand, type StopSignals } from "../../../ffi/command.ts";
import type { Exit } from "../../../ffi/pmu.ts";
import type { ResolvedEvent } from "../../events/resolve.ts";
import type { Standing } from "../../events/open.ts";
import { onlineCpus } from "../../events/sysfs.ts";
import { sumOf } from "../rows/add_counts.ts";
import { type BindOptions, type BindTotals, turnRemark, untilDone } from "../tasks/binding.ts";
import { CpuMeters } from "./cpu_meters.ts";
import { Meter, nowNs } from "../tasks/interval_counts.ts";
import { OnlineWatch } from "../open/online_watch.ts";
import { Rotation } from "../rows/rotation.ts";
import type { CounterSet } from "../tasks/task_counters.ts";

/** How long the sets that take turns counted, and when the present one began. */
interface Turns {
  countedNs: bigint[];
  sinceNs: bigint;
}

/** CPUs to count on. */
export interface CpuTarget {
  cpus: readonly number[];
  /** All there are, so that one that comes is counted as well. */
  all?: boolean;
}

/**
 * Binds the sets to the CPUs and calls `emit` for each row until the command has ended, `stopper` says so or
 * `count` ticks are over; the totals of all CPUs are the last rows. A CPU that goes keeps what it has counted, and is
 * counted again when it is back. Throws UnsupportedError when an event cannot be opened, CommandError when the command
 * cannot be run.
 */
export async function bindCpus(
  sets: readonly CounterSet[],
  target: CpuTarget,
  argv: readonly string[],
  options: BindOptions & { standing: Standing },
  stopper: StopSignals,
): Promise<BindTotals> {
  const command = argv.length > 0 ? new MeasuredCommand(argv) : undefined;
  let meters: CpuMeters | undefined;
  const watch = new OnlineWatch(onlineCpus());
  try {
    let really: ResolvedEvent[][][] | undefined;
    const { note, standing } = options;
    const open = (cpu: number) => {
      const place = { pid: -1, cpu, target: `CPU ${cpu}` };
      const meter = Meter.open(sets, place, options, standing, really ? () => {} : note);
      really ??= meter.events;
      return meter;
    };
    const counting = meters = new CpuMeters(target.cpus, { open, sets: sets.length, note });
    const rotation = new Rotation(sets.length);
    const startNs = nowNs();
    const turns: Turns = { countedNs: sets.map(() => 0n), sinceNs: startNs };
    counting.enable(0);
    await command?.release();
    options.begin(sets.map((set, s) => ({ ...set, groups: really![s] })), startNs);
    const ended: Promise<Exit | undefined> = command
      ? command.untilDone(stopper)
      : stopper.first.then(() => undefined);
    watch.start(({ gone, come }) => {
      const seconds = Number(nowNs() - startNs) / 1e9;
      for (const cpu of gone) counting.gone(cpu, seconds);
      for (const cpu of come) counting.come(cpu, seconds, target.all === true);
    });
    const exit = await untilDone(ended, sets.length, options, () => tick(counting, rotation, turns, options));
    counting.disable();
    endTurn(turns, rotation.current);
    totals(counting, turns, options);
    return exit ? { exit } : {};
  } finally {
    watch.stop();
    command?.cancel();
    meters?.close();
  }
}

function tick(meters: CpuMeters, rotation: Rotation, turns: Turns, options: BindOptions) {
  const set = rotation.current;
  if (options.intervalMs !== undefined) {
    for (const row of meters.since()) options.emit({ event: "tick", timeNs: nowNs(), set, ...row });
    options.flush();
  }
  if (turns.countedNs.length === 1) return;
  meters.disable();
  endTurn(turns, set);
  meters.enable(rotation.next());
}

function endTurn(turns: Turns, set: number) {
  const now = nowNs();
  turns.countedNs[set] += now - turns.sinceNs;
  turns.sinceNs = now;
}

function totals(meters: CpuMeters, turns: Turns, options: BindOptions) {
  const several = turns.countedNs.length > 1;
  const allNs = Number(turns.countedNs.reduce((sum, ns) => sum + ns, 0n));
  turns.countedNs.forEach((setNs, set) => {
    const counts = sumOf(meters.totals(set));
    const remarks = [...several ? [turnRemark(Number(setNs), allNs)] : [], ...meters.happened];
    options.emit({
      event: "total",
      timeNs: turns.sinceNs,
      cpu: meters.size,
      set,
      counts: several && setNs === 0n ? counts.map(() => ({})) : counts,
      ...(remarks.length > 0 ? { remark: remarks.join("; ") } : {}),
    });
  });
}
