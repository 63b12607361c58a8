/** Sets bound to CPUs: whatever runs there is counted, with a row for each CPU at each tick. */

import { MeasuredCommand, type Stopper } from "../../ffi/command.ts";
import { needDescriptors, OTHER_DESCRIPTORS } from "../../ffi/descriptors.ts";
import type { Exit } from "../../ffi/pmu.ts";
import { least } from "../base/lists.ts";
import type { Standing } from "../events/open.ts";
import { type BindOptions, type BindTotals, turnRemark, untilDone } from "./binding.ts";
import { Meter, nowNs } from "./meter.ts";
import { Rotation } from "./rotation.ts";
import type { Count } from "./row.ts";
import type { CounterSet } from "./task_counters.ts";

/** How long the sets that take turns counted, and when the present one began. */
interface Turns {
  countedNs: bigint[];
  sinceNs: bigint;
}

/**
 * Binds the sets to the CPUs and calls `emit` for each row until the command has ended, `stopper` says so or
 * `count` ticks are over; the totals of all CPUs are the last rows. Throws UnsupportedError when an event cannot be
 * opened, CommandError when the command cannot be run.
 */
export async function bindCpus(
  sets: readonly CounterSet[],
  cpus: readonly number[],
  argv: readonly string[],
  options: BindOptions,
  standing: Standing,
  stopper: Stopper,
): Promise<BindTotals> {
  const events = sets.flatMap((set) => set.groups.flat()).length;
  needDescriptors(events * cpus.length + OTHER_DESCRIPTORS, {
    attempt: "count on CPUs",
    counts: { event: events, CPU: cpus.length },
    instead: "count fewer of them",
  });
  const command = argv.length > 0 ? new MeasuredCommand(argv) : undefined;
  const meters: { cpu: number; meter: Meter }[] = [];
  try {
    for (const cpu of cpus) {
      const place = { pid: -1, cpu, target: `CPU ${cpu}` };
      const note = meters.length === 0 ? options.note : () => {};
      meters.push({ cpu, meter: Meter.open(sets, place, options, standing, note) });
    }
    const really = meters[0].meter.events.map((groups, s) => ({ ...sets[s], groups }));
    const rotation = new Rotation(sets.length);
    const startNs = nowNs();
    const turns: Turns = { countedNs: sets.map(() => 0n), sinceNs: startNs };
    for (const { meter } of meters) meter.enable(0);
    await command?.release();
    options.begin(really, startNs);
    const ended: Promise<Exit | undefined> = command
      ? command.untilDone(stopper)
      : stopper.first.then(() => undefined);
    const exit = await untilDone(ended, sets.length, options, () => tick(meters, rotation, turns, options));
    for (const { meter } of meters) meter.disable(rotation.current);
    endTurn(turns, rotation.current);
    totals(meters, turns, options);
    return exit ? { exit } : {};
  } finally {
    command?.cancel();
    for (const { meter } of meters) meter.close();
  }
}

function tick(
  meters: readonly { cpu: number; meter: Meter }[],
  rotation: Rotation,
  turns: Turns,
  options: BindOptions,
) {
  const set = rotation.current;
  if (options.intervalMs !== undefined) {
    for (const { cpu, meter } of meters) {
      options.emit({ event: "tick", timeNs: nowNs(), cpu, set, counts: meter.since(set) });
    }
    options.flush();
  }
  if (turns.countedNs.length === 1) return;
  for (const { meter } of meters) meter.disable(set);
  endTurn(turns, set);
  const next = rotation.next();
  for (const { meter } of meters) meter.enable(next);
}

function endTurn(turns: Turns, set: number) {
  const now = nowNs();
  turns.countedNs[set] += now - turns.sinceNs;
  turns.sinceNs = now;
}

function totals(meters: readonly { cpu: number; meter: Meter }[], turns: Turns, options: BindOptions) {
  const several = turns.countedNs.length > 1;
  const allNs = Number(turns.countedNs.reduce((sum, ns) => sum + ns, 0n));
  turns.countedNs.forEach((setNs, set) => {
    const counts = sumOf(meters.map(({ meter }) => meter.total(set)));
    options.emit({
      event: "total",
      timeNs: turns.sinceNs,
      cpu: meters.length,
      set,
      counts: several && setNs === 0n ? counts.map(() => ({})) : counts,
      ...(several ? { remark: turnRemark(Number(setNs), allNs) } : {}),
    });
  });
}

/** The sum over the CPUs: unknown where one is, an estimate where one is, by the least share there is. */
export function sumOf(counts: readonly Count[][]): Count[] {
  return counts[0].map((_, i) => {
    const each = counts.map((row) => row[i]);
    if (each.some((count) => count.value === undefined)) return {};
    const value = each.reduce((sum, count) => sum + count.value!, 0n);
    const shares = each.flatMap((count) => count.share ?? []);
    return shares.length ? { value, share: least(shares) } : { value };
  });
}
