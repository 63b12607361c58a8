/**
 * Implementation of `pmuctl bind -- COMMAND` without events: the usual counts of a command and everything it starts, in
 * one summary.
 */

import { SIGNAL } from "../base/system/numbers.ts";
import type { Io, ParsedArgs } from "../cli/command.ts";
import { onStopSignals } from "../cli/signals.ts";
import { CommandMeter } from "../run/measured_run.ts";
import { Prober } from "../counters/preflight/probe.ts";
import { type RunSummary, SUMMARY_EVENTS, summaryJson, summaryText } from "../run/run_summary.ts";
import type { Standing } from "../events/open.ts";
import { controlOf } from "./control_options.ts";
import { type EventWorld, resolveEvents } from "../events/resolve.ts";

/** Options of `bind` that a summary accepts; any other one asks for rows. */
const FOR_SUMMARIES = ["json", "output", "follow-forks", "follow-execs", "control", "delay"];

/** Returns whether the command line asks for a summary: it has a command, and no options for rows. */
export function wantsSummary(args: ParsedArgs, options: readonly { name: string }[]): boolean {
  return args.command.length > 0 &&
    options.every(({ name }) => FOR_SUMMARIES.includes(name) || !args.has(name));
}

/**
 * Returns the usual events that open here, as -e takes them, for rows. On whole CPUs the clock is cpu-clock. Events of
 * a group must be on counters at once, so only those that need no counter are taken.
 */
export function usualEvents(world: EventWorld, wholeCpus: boolean): string {
  const prober = new Prober(world);
  const names = SUMMARY_EVENTS.split(",").map((name) =>
    wholeCpus && name === "task-clock" ? "cpu-clock" : name
  );
  const opens = names.filter((name) =>
    resolveEvents(name, world).flatMap(({ events }) => events).every((event) =>
      prober.try(event, { wholeCpu: wholeCpus }).opens
    )
  );
  return (opens.length > 0 ? opens : names).join(",");
}

/** Runs the command and prints its summary, even when the user ends it. Returns the exit status of the command. */
export async function bindSummary(
  args: ParsedArgs,
  io: Io,
  standing: Standing,
  write: (text: string) => void,
): Promise<number> {
  const requestedEvents = resolveEvents(SUMMARY_EVENTS).flatMap((group) => group.events)
    .map((event) => ({ event, optional: true }));
  const meter = new CommandMeter(
    requestedEvents,
    standing,
    (line) => io.err(`pmuctl: ${line}`),
    controlOf(args, "bind"),
  );
  const stopper = onStopSignals(io.stderrIsTerminal);
  stopper.first.then((signal) => {
    if (!stopper.commandGetsSignals || signal === SIGNAL.SIGTERM) meter.kill(signal);
  });
  stopper.second.then(() => meter.kill(SIGNAL.SIGKILL));
  try {
    const run = await meter.run({ argv: args.command, stdio: [-1, -1, -1] });
    const { measured, absent } = meter;
    const summary: RunSummary = { argv: args.command, run, measured, absent };
    write(args.has("json") ? summaryJson(summary) : summaryText(summary));
    return run.code;
  } finally {
    meter.close();
  }
}
