/** Counting a command from its first instruction to its last, with all that it starts. */

import { MeasuredCommand, type Stopper } from "../../ffi/command.ts";
import { closeEvent, type Exit, readCounts, tryOpen } from "../../ffi/pmu.ts";
import { PERF_FORMAT } from "../base/abi.ts";
import type { EventAttr } from "../events/attr.ts";
import { openEvent, type Standing } from "../events/open.ts";
import type { ResolvedEvent } from "../events/resolve.ts";

/** One event's total. */
export interface Total {
  /** What was counted: the event asked for, or the one that stands in for it. */
  name: string;
  /** Of one count, `ns` for the clock events; "" for occurrences. */
  unit: string;
  /** The count; an estimate where the event ran for part of the time, undefined where it never ran. */
  count: number | undefined;
  /** ns that the event was enabled, and that it was really counting. */
  enabledNs: number;
  runningNs: number;
}

export interface CommandTotals {
  pid: number;
  /** How the command ended; undefined when it was left running. */
  exit?: Exit;
  seconds: number;
  totals: Total[];
}

/**
 * Runs the command and counts the events in it, its threads and its children. `note` gets a line for
 * whatever is not as asked. Throws UnsupportedError when an event cannot be opened, CommandError when
 * the command cannot be run.
 */
export async function countCommand(
  events: readonly ResolvedEvent[],
  argv: readonly string[],
  standing: Standing,
  stopper: Stopper,
  note: (line: string) => void,
): Promise<CommandTotals> {
  const command = new MeasuredCommand(argv);
  const opened: { event: ResolvedEvent; fd: number }[] = [];
  try {
    const place = { pid: command.pid, cpu: -1, target: argv[0] };
    for (const event of events) {
      opened.push(openEvent({ event, attrOf: countingAttr }, place, standing, tryOpen, note));
    }
    const started = performance.now();
    await command.release();
    const exit = await command.untilDone(stopper);
    const seconds = (performance.now() - started) / 1000;
    const totals = opened.map(({ event, fd }) => readTotal(event, fd));
    return { pid: command.pid, exit, seconds, totals };
  } finally {
    command.cancel();
    for (const { fd } of opened) closeEvent(fd);
  }
}

/** Counts from the exec on, and in whatever the task starts. */
function countingAttr(event: ResolvedEvent): EventAttr {
  return {
    ...event.attr,
    flags: new Set([...event.attr.flags, "disabled", "enableOnExec", "inherit"]),
    readFormat: PERF_FORMAT.TOTAL_TIME_ENABLED | PERF_FORMAT.TOTAL_TIME_RUNNING,
  };
}

function readTotal(event: ResolvedEvent, fd: number): Total {
  const read = new BigUint64Array(3); // value, time enabled, time running
  readCounts(fd, read);
  const [value, enabledNs, runningNs] = Array.from(read, Number);
  return {
    name: event.name,
    unit: event.unit ?? "",
    count: totalOf(value, enabledNs, runningNs),
    enabledNs,
    runningNs,
  };
}

/**
 * The count of an event that shared its counter: the value over the part of the time it ran, as perf
 * scales it. undefined when it never ran, which is not the same as having counted nothing.
 */
export function totalOf(value: number, enabledNs: number, runningNs: number): number | undefined {
  if (runningNs === 0) return undefined;
  return runningNs >= enabledNs ? value : Math.round(value * enabledNs / runningNs);
}
