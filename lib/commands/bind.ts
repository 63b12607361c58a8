/**
 * Implementation of `pmuctl bind`: counts events in a command, in processes or threads, or on CPUs, with rows while it
 * runs.
 */

import { EXIT, UsageError } from "../base/system/errors.ts";
import type { CommandSpec, Io, ParsedArgs } from "../cli/command.ts";
import { OutputFile } from "../cli/output_file.ts";
import { onStopSignals } from "../cli/signals.ts";
import { bindDetached, DETACH_OPTIONS, trialBesideSets } from "./bind_detached.ts";
import { CONTROL_OPTIONS, controlOf } from "./control_options.ts";
import { bindNotifying, notifies, NOTIFY_OPTIONS } from "./bind_notify.ts";
import { bindSummary, usualEvents, wantsSummary } from "./bind_summary.ts";
import { bindCpus } from "../counters/cpus/bind_cpus.ts";
import { bindTasks, type TaskOptions } from "../counters/tasks/bind_tasks.ts";
import type { StopSignals } from "../counters/bind_overflow.ts";
import { type BindTarget, bindTarget } from "../counters/bind_target.ts";
import type { BindOptions, BindTotals } from "../counters/tasks/binding.ts";
import { type PreparedSet, prepareSets, readSets, tryGroups } from "../counters/bind_sets.ts";
import { type MachineModel, machineModel } from "../counters/verify/machine.ts";
import { picsByPmu } from "../counters/preflight/preflight.ts";
import { type CounterSet, type RowOutput, RowWriter } from "../counters/rows/row_sink.ts";
import type { VerifyTarget } from "../counters/verify/verify_request.ts";
import { hostFiles } from "../events/files.ts";
import { readPrivilege } from "../events/privilege.ts";
import { type EventWorld, hostWorld } from "../events/resolve.ts";

/** The `bind` command. */
export const command: CommandSpec = {
  name: "bind",
  summary: "count events in a command, processes, threads or on CPUs",
  usage: [
    "[-c SPEC | -e EVENTS | --set FILE]... [OPTION]... -- COMMAND [ARG]...",
    "[-c SPEC | -e EVENTS | --set FILE]... [OPTION]... -p PID[,PID] | --tid TID[,TID]",
    "[-c SPEC | -e EVENTS | --set FILE]... [OPTION]... -C CPULIST | -a [-- COMMAND [ARG]...]",
  ],
  options: [
    {
      name: "event",
      short: "e",
      value: "EVENTS",
      repeat: true,
      help:
        "count these events (default: those of perf stat); several -e, -c and --set take turns, one per tick",
    },
    {
      name: "spec",
      short: "c",
      value: "SPEC",
      repeat: true,
      help:
        "count a set in the syntax of Solaris cpc: [picN=]EVENT,...,[nouser[N]],[sys[N]],[ATTR[N][=VALUE]]",
    },
    { name: "set", value: "FILE", repeat: true, help: "count a set from a JSON file, - for standard input" },
    { name: "pid", short: "p", value: "PIDS", help: "count in these processes and the threads they start" },
    { name: "tid", value: "TIDS", help: "count in these threads only" },
    { name: "cpu", short: "C", value: "CPULIST", help: "count whatever runs on these CPUs: 0-3,6" },
    { name: "all-cpus", short: "a", help: "count on all CPUs, until COMMAND ends or Ctrl-C" },
    {
      name: "interval",
      short: "i",
      value: "SEC",
      help: "print a row for each running thread, or CPU, every SEC seconds",
    },
    {
      name: "count",
      short: "n",
      value: "COUNT",
      help: "stop after COUNT intervals; COMMAND goes on unmeasured",
    },
    { name: "follow-forks", short: "f", help: "also count in processes that the target starts" },
    {
      name: "follow-execs",
      short: "x",
      help: "accepted for cputrack's sake: counting always continues after an exec",
    },
    {
      name: "tick",
      short: "T",
      value: "SEC",
      help: "like -i; 0 prints rows only when a thread or process starts, execs or ends",
    },
    { name: "tsc", short: "t", help: "add a column with the time of each row: CLOCK_MONOTONIC in ns" },
    { name: "multiplex", help: "let events share counters: counts may be scaled, and are marked if so" },
    {
      name: "split",
      help: "split a set that does not fit on the counters into sets that take turns, each exact",
    },
    { name: "output", short: "o", value: "FILE", help: "write rows to a file" },
    { name: "json", help: "print each row as a line of JSON" },
    ...CONTROL_OPTIONS,
    ...NOTIFY_OPTIONS,
    ...DETACH_OPTIONS,
  ],
  groups: [
    { title: "what to count", options: ["event", "spec", "set", "multiplex", "split"] },
    {
      title: "where to count",
      options: ["pid", "tid", "cpu", "all-cpus", "follow-forks", "control", "delay"],
    },
    { title: "rows", options: ["interval", "count", "tick", "tsc", "auto-restart"] },
    { title: "output", options: ["output", "json"] },
    { title: "named sets", options: ["detach", "keep"] },
  ],
  hidden: ["follow-execs"],
  examples: [
    "pmuctl bind -- make -j2   # a summary like that of perf stat",
    "pmuctl bind -e task-clock,page-faults,context-switches -- make -j2",
    "pmuctl bind -i 1 -e page-faults -p 412",
    "pmuctl bind -T 0 -f -e page-faults -- make",
    "pmuctl bind -i 0.5 -n 10 -a -e context-switches,cpu-migrations",
  ],
  takesCommand: true,
  run,
};

async function run(args: ParsedArgs, io: Io): Promise<number> {
  const world = hostWorld();
  const target = bindTarget({
    command: args.command,
    pids: args.text("pid"),
    tids: args.text("tid"),
    cpus: args.text("cpu"),
    allCpus: args.has("all-cpus"),
  }, hostFiles);
  const timing = timingOf(args);
  if (target.kind === "cpus") refuseTaskOptions(args, timing);
  if (args.has("multiplex") && args.has("split")) {
    throw new UsageError("bind: --multiplex and --split exclude each other: use one of them");
  }
  const sources = { specs: args.texts("spec"), events: args.texts("event"), files: args.texts("set") };
  if (Object.values(sources).flat().length === 0) {
    if (target.kind === "tasks" && wantsSummary(args, command.options)) {
      return await summarize(args, io, world);
    }
    sources.events = [usualEvents(world, target.kind === "cpus")];
  }
  const machine = machineModel(world, picsByPmu(world));
  const sets = await prepare(args, io, sources, machine, target);
  if (args.has("detach")) return await bindDetached(args, io, sets.map((set) => set.groups), target);
  return await count(args, io, { sets, target, timing, machine });
}

/** Reads and verifies the sets, and tries whether the kernel accepts them. */
async function prepare(
  args: ParsedArgs,
  io: Io,
  sources: { specs: readonly string[]; events: readonly string[]; files: readonly string[] },
  machine: MachineModel,
  target: BindTarget,
): Promise<PreparedSet[]> {
  const place: VerifyTarget = target.kind === "cpus" ? target : { kind: "task" };
  const options = { multiplex: args.has("multiplex"), split: args.has("split") };
  const requested = readSets(sources, machine);
  const trial = tryGroups(place);
  const opens = args.has("detach") ? await trialBesideSets(args, io, target, trial) : trial;
  return prepareSets(requested, machine, place, options, opens, (line) => io.err(`pmuctl: ${line}`));
}

/** Facts that a run needs: prepared sets, their target, and the machine. */
interface Prepared {
  sets: PreparedSet[];
  target: BindTarget;
  timing: Timing;
  machine: MachineModel;
}

/** Binds the sets and prints rows until the run ends. Returns the command's exit status, or 0. */
async function count(args: ParsedArgs, io: Io, prepared: Prepared): Promise<number> {
  const { target, timing: { intervalMs } } = prepared;
  const count = args.number("count", { min: 1, integer: true });
  if (count !== undefined && intervalMs === undefined) {
    throw new UsageError("bind: -n counts intervals: also give their length with -i SEC");
  }
  const output = openOutput(args.text("output"), io);
  const format = { kind: target.kind, json: args.has("json"), stamps: args.has("tsc") };
  const options: BindOptions = {
    ...(intervalMs === undefined ? {} : { intervalMs }),
    count,
    multiplex: args.has("multiplex"),
    control: controlOf(args, "bind"),
    rows: new RowWriter(format, output),
    note: (line) => io.err(`pmuctl: ${line}`),
  };
  try {
    const { exit } = await bind(args, prepared, options, onStopSignals(io.stderrIsTerminal));
    return exit?.code ?? EXIT.ok;
  } finally {
    output.close();
  }
}

/** Binds the sets in the way that they and the target call for. */
function bind(
  args: ParsedArgs,
  { sets, target, timing, machine }: Prepared,
  options: BindOptions,
  stopper: StopSignals,
): Promise<BindTotals> {
  const standing = { privilege: machine.privilege, hasCorePmu: machine.world.pmus.core().length > 0 };
  if (notifies(sets)) return bindNotifying(args, { sets, target, standing }, options, stopper);
  const counted: CounterSet[] = sets.map(({ text, groups }) => ({
    text,
    groups: groups.map((group) => group.map((counter) => counter.event)),
  }));
  if (target.kind === "cpus") {
    return bindCpus(counted, target, args.command, { ...options, standing }, stopper);
  }
  const taskOptions: TaskOptions = {
    ...options,
    followForks: args.has("follow-forks"),
    lifecycle: timing.lifecycle,
    cpus: target.online,
  };
  return bindTasks(counted, target.tasks, taskOptions, standing, stopper);
}

/** Runs the command once, and prints a summary like perf stat's. */
async function summarize(args: ParsedArgs, io: Io, world: EventWorld): Promise<number> {
  const standing = { privilege: readPrivilege(), hasCorePmu: world.pmus.core().length > 0 };
  const output = openOutput(args.text("output"), io);
  try {
    return await bindSummary(args, io, standing, output.write);
  } finally {
    output.close();
  }
}

/** When rows are printed. */
interface Timing {
  intervalMs?: number;
  /** Print rows besides the total. */
  lifecycle: boolean;
}

function timingOf(args: ParsedArgs): Timing {
  if (args.has("interval") && args.has("tick")) {
    throw new UsageError("bind: -i and -T are the same option: use one of them");
  }
  const interval = args.number("interval", { min: 0.001, max: 1e6 });
  const tick = args.number("tick", { min: 0, max: 1e6 });
  if (tick === 0) return { lifecycle: true };
  const seconds = interval ?? tick;
  return seconds === undefined ? { lifecycle: false } : { intervalMs: 1000 * seconds, lifecycle: true };
}

function refuseTaskOptions(args: ParsedArgs, { intervalMs, lifecycle }: Timing) {
  if (args.has("follow-forks")) {
    throw new UsageError("bind: -f does not apply to CPUs, which count whatever runs: leave it out");
  }
  if (lifecycle && intervalMs === undefined) {
    throw new UsageError("bind: -T 0 prints rows of threads, and CPUs have none: use -i SEC");
  }
}

/** Destination of rows: standard output, or a file. */
interface Output extends RowOutput {
  close(): void;
}

function openOutput(path: string | undefined, io: Io): Output {
  if (path === undefined || path === "-") {
    return { write: (text) => io.out(text), flush: () => io.flush(), close: () => {} };
  }
  const file = new OutputFile(path);
  return { write: (text) => file.write(text), flush: () => {}, close: () => file.close() };
}
