/** `pmuctl bind`: counts events in a command, processes, threads or on CPUs, with rows while it goes on. */

import { EXIT, UsageError } from "../base/system/errors.ts";
import type { CommandSpec, Io, ParsedArgs } from "../cli/command.ts";
import { OutputFile } from "../cli/output_file.ts";
import { onStopSignals } from "../cli/signals.ts";
import { bindDetached, DETACH_OPTIONS, trialBesideSets } from "./bind_detached.ts";
import { bindNotifying, notifies, NOTIFY_OPTIONS } from "./bind_notify.ts";
import { bindSummary, usualEvents, wantsSummary } from "./bind_summary.ts";
import { bindCpus } from "../counters/cpus/bind_cpus.ts";
import { bindTasks } from "../counters/tasks/bind_tasks.ts";
import { bindTarget } from "../counters/bind_target.ts";
import type { BindOptions, BindTotals } from "../counters/tasks/binding.ts";
import { prepareSets, readSets, tryGroups } from "../counters/bind_sets.ts";
import { machineModel } from "../counters/verify/machine.ts";
import { picsByPmu } from "../counters/preflight/preflight.ts";
import { columnOf } from "../counters/rows/row.ts";
import { headerText, rowJson, type RowTable, rowText } from "../counters/rows/rows.ts";
import type { CounterSet } from "../counters/tasks/task_counters.ts";
import type { VerifyTarget as Place } from "../counters/verify/verify_request.ts";
import { hostFiles } from "../events/files.ts";
import { readPrivilege } from "../events/privilege.ts";
import { type EventWorld, hostWorld } from "../events/resolve.ts";

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
        "what to count (default: what perf stat counts); several -c, -e and --set take turns at each tick",
    },
    {
      name: "spec",
      short: "c",
      value: "SPEC",
      repeat: true,
      help: "a set in cpc's words: [picN=]EVENT,...,[nouser[N]],[sys[N]],[ATTR[N][=VALUE]]",
    },
    { name: "set", value: "FILE", repeat: true, help: "a set in a JSON file, - for standard input" },
    { name: "pid", short: "p", value: "PIDS", help: "count in these processes and the threads they start" },
    { name: "tid", value: "TIDS", help: "count in these threads alone" },
    { name: "cpu", short: "C", value: "CPULIST", help: "count whatever runs on these CPUs: 0-3,6" },
    { name: "all-cpus", short: "a", help: "the same on all CPUs, until COMMAND ends or Ctrl-C" },
    { name: "interval", short: "i", value: "SEC", help: "a row for each living thread, or CPU, every SEC" },
    {
      name: "count",
      short: "n",
      value: "COUNT",
      help: "end after so many intervals; a COMMAND goes on alone",
    },
    { name: "follow-forks", short: "f", help: "count the processes that are started, too" },
    { name: "follow-execs", short: "x", help: "go on counting a process that execs, which is always so" },
    {
      name: "tick",
      short: "T",
      value: "SEC",
      help: "as -i; 0: rows only when threads or processes come, exec or go",
    },
    { name: "tsc", short: "t", help: "a column with the time stamp: ns of CLOCK_MONOTONIC" },
    { name: "multiplex", help: "let events share counters: counts may be scaled, and say so" },
    { name: "split", help: "count what has no counters at once in passes that take turns, each exact" },
    { name: "output", short: "o", value: "FILE", help: "rows go there" },
    { name: "json", help: "each row as a line of JSON" },
    ...NOTIFY_OPTIONS,
    ...DETACH_OPTIONS,
  ],
  hidden: ["follow-execs"],
  examples: [
    "pmuctl bind -- make -j2   # a summary, as of perf stat",
    "pmuctl bind -e task-clock,page-faults,context-switches -- make -j2",
    "pmuctl bind -i 1 -e page-faults -p 412",
    "pmuctl bind -T 0 -f -e page-faults -- make",
    "pmuctl bind -i 0.5 -n 10 -a -e context-switches,cpu-migrations",
  ],
  takesCommand: true,
  run,
};

async function run(args: ParsedArgs, io: Io): Promise<number> {
  const asked = { specs: args.texts("spec"), events: args.texts("event"), files: args.texts("set") };
  const note = (line: string) => io.err(`pmuctl: ${line}`);
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
    throw new UsageError("bind: --multiplex and --split exclude each other: give one");
  }
  if (Object.values(asked).flat().length === 0) {
    if (target.kind === "tasks" && wantsSummary(args, command.options)) {
      return await summarize(args, io, world);
    }
    asked.events = [usualEvents(world, target.kind === "cpus")];
  }
  const machine = machineModel(world, picsByPmu(world));
  const place: Place = target.kind === "cpus" ? target : { kind: "task" };
  const preparing = { multiplex: args.has("multiplex"), split: args.has("split") };
  const requested = readSets(asked, machine);
  const trial = tryGroups(place);
  const opens = args.has("detach") ? await trialBesideSets(args, io, target, trial) : trial;
  const prepared = prepareSets(requested, machine, place, preparing, opens, note);
  if (args.has("detach")) return await bindDetached(args, io, prepared.map((set) => set.groups), target);
  const sets: CounterSet[] = prepared.map(({ text, groups }) => ({
    text,
    groups: groups.map((group) => group.map((counter) => counter.event)),
  }));
  const standing = { privilege: machine.privilege, hasCorePmu: world.pmus.core().length > 0 };
  const output = openOutput(args.text("output"), io);
  const rows = new RowPrinter(target.kind === "cpus" ? "cpus" : "tasks", args, output);
  const options: BindOptions = {
    ...(timing.intervalMs === undefined ? {} : { intervalMs: timing.intervalMs }),
    count: args.number("count", { min: 1, integer: true }),
    multiplex: args.has("multiplex"),
    begin: (really, startNs) => rows.begin(really, startNs),
    emit: (row) => rows.emit(row),
    flush: output.flush,
    note,
  };
  if (options.count !== undefined && options.intervalMs === undefined) {
    throw new UsageError("bind: -n counts intervals: say how long one is with -i SEC");
  }
  const stopper = onStopSignals(io.stderrIsTerminal);
  let totals: BindTotals;
  try {
    totals = notifies(prepared)
      ? await bindNotifying(args, prepared, target, options, standing, stopper)
      : target.kind === "cpus"
      ? await bindCpus(sets, target, args.command, { ...options, standing }, stopper)
      : await bindTasks(
        sets,
        target.tasks,
        {
          ...options,
          followForks: args.has("follow-forks"),
          lifecycle: timing.lifecycle,
          cpus: target.online,
        },
        standing,
        stopper,
      );
  } finally {
    output.close();
  }
  return totals.exit?.code ?? EXIT.ok;
}

/** Runs the command once, and writes what perf stat would. */
async function summarize(args: ParsedArgs, io: Io, world: EventWorld): Promise<number> {
  const standing = { privilege: readPrivilege(), hasCorePmu: world.pmus.core().length > 0 };
  const output = openOutput(args.text("output"), io);
  try {
    return await bindSummary(args, io, standing, output.write);
  } finally {
    output.close();
  }
}

interface Timing {
  intervalMs?: number;
  /** Rows besides the total. */
  lifecycle: boolean;
}

function timingOf(args: ParsedArgs): Timing {
  if (args.has("interval") && args.has("tick")) {
    throw new UsageError("bind: -i and -T say the same: give one");
  }
  const interval = args.number("interval", { min: 0.001, max: 1e6 });
  const tick = args.number("tick", { min: 0, max: 1e6 });
  if (tick === 0) return { lifecycle: true };
  const seconds = interval ?? tick;
  return seconds === undefined ? { lifecycle: false } : { intervalMs: 1000 * seconds, lifecycle: true };
}

function refuseTaskOptions(args: ParsedArgs, { intervalMs, lifecycle }: Timing) {
  if (args.has("follow-forks")) {
    throw new UsageError("bind: -f is about processes, CPUs count whatever runs");
  }
  if (lifecycle && intervalMs === undefined) {
    throw new UsageError("bind: -T 0 is about threads; on CPUs there is nothing to tell but ticks: -i SEC");
  }
}

/** Where rows go. */
interface Output {
  write(text: string): void;
  flush(): void;
  close(): void;
}

function openOutput(path: string | undefined, io: Io): Output {
  if (path === undefined || path === "-") {
    return { write: (text) => io.out(text), flush: () => io.flush(), close: () => {} };
  }
  const file = new OutputFile(path);
  return { write: (text) => file.write(text), flush: () => {}, close: () => file.close() };
}

/** Rows as the user wants to see them. */
class RowPrinter {
  readonly #kind: RowTable["kind"];
  readonly #json: boolean;
  readonly #stamps: boolean;
  readonly #output: Output;
  #table: RowTable | undefined;

  constructor(kind: RowTable["kind"], args: ParsedArgs, output: Output) {
    this.#kind = kind;
    this.#json = args.has("json");
    this.#stamps = args.has("tsc");
    this.#output = output;
  }

  begin(sets: readonly CounterSet[], startNs: bigint) {
    this.#table = {
      kind: this.#kind,
      sets: sets.map((set) => set.groups.flat().map(columnOf)),
      specs: sets.map((set) => set.text),
      startNs,
      stamps: this.#stamps,
    };
    if (!this.#json) this.#output.write(headerText(this.#table));
    this.#output.flush();
  }

  emit(row: Parameters<typeof rowText>[0]) {
    this.#output.write(this.#json ? rowJson(row, this.#table!) : rowText(row, this.#table!));
  }
}
