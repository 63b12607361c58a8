/** Implementation of `pmuctl stat`: runs commands repeatedly, and reports what they take and how sure that is. */

import { CommandError, EXIT, UsageError, UserError } from "../base/system/errors.ts";
import { VERSION } from "../base/system/version.ts";
import { DEFAULT_EVENTS, type Metric, metricsOf, type RunFacts } from "../check/metrics/metrics.ts";
import {
  parameterCombinations,
  parseParameter,
  substituteParameters,
  usesParameter,
} from "../check/baseline/parameters.ts";
import {
  exactRounds,
  execute,
  expectedRounds,
  needsRound,
  type RoundLimits,
  type SamplesByCommand,
  type Step,
} from "../run/schedule.ts";
import { type StatCommand, type StatResult, statResult } from "../check/stat/stat.ts";
import { statCsv, statJson, statMarkdown, statRunsCsv } from "../check/stat/stat_formats.ts";
import { statText } from "../check/stat/stat_text.ts";
import type { CommandSpec, Io, ParsedArgs } from "../cli/command.ts";
import { renderProgress } from "../cli/progress.ts";
import { quoteWords, splitWords } from "../cli/shell_words.ts";
import { onStopSignals } from "../cli/signals.ts";
import {
  type CommandOutput,
  CommandRunner,
  type Job,
  type RunLimit,
  withSetup,
} from "../run/command_runner.ts";
import type { RequestedEvent } from "../run/measured_run.ts";
import { parseStatuses, shellCommand } from "../run/run_options.ts";
import { CONTROL_OPTIONS, controlOf } from "./control_options.ts";
import { readPrivilege } from "../events/privilege.ts";
import { hostWorld, resolveEvents } from "../events/resolve.ts";

/** The `stat` command. */
export const command: CommandSpec = {
  name: "stat",
  summary: "run commands repeatedly, and compare their times and counts, with the spread",
  usage: ["[-r RUNS] [-w WARMUP] [-e EVENTS] [--prepare CMD] [--vs CMD]... [OPTION]... -- COMMAND [ARG]..."],
  options: [
    {
      name: "runs",
      short: "r",
      value: "RUNS",
      help: "run each command RUNS times (default: 10, or for 3 s if longer)",
    },
    {
      name: "min-time",
      value: "SEC",
      help: "run each command at least 10 times and for SEC seconds (default: 3)",
    },
    {
      name: "warmup",
      short: "w",
      value: "RUNS",
      help: "run each command RUNS times before, unmeasured (default: 0)",
    },
    {
      name: "event",
      short: "e",
      value: "EVENTS",
      repeat: true,
      help: "count these events instead of the usual ones",
    },
    { name: "prepare", value: "CMD", help: "run CMD before each run, unmeasured" },
    { name: "setup", value: "CMD", help: "run CMD once, before all runs of a command" },
    { name: "cleanup", value: "CMD", help: "run CMD once, after all runs of a command, even if one fails" },
    {
      name: "input",
      value: "FILE",
      values: "file",
      help: "let commands read FILE from standard input (default: nothing)",
    },
    {
      name: "vs",
      value: "CMD",
      repeat: true,
      help: "compare with this command; both run in turns",
    },
    {
      name: "param",
      value: "NAME=V,V",
      repeat: true,
      help: "measure the commands once for each value of {NAME} in them",
    },
    { name: "shell", help: "run commands with /bin/sh -c, and measure the shell too" },
    {
      name: "output",
      value: "WHERE",
      values: "file",
      help: "send what commands print to null (the default), inherit (this terminal), or a file",
    },
    {
      name: "timeout",
      value: "SEC",
      help: "kill a run that takes longer, and everything it started, and stop with an error",
    },
    { name: "ignore-failure", short: "i", help: "also count runs that exit with an error" },
    {
      name: "allow-status",
      value: "N,N",
      help: "also count runs that exit with one of these statuses",
    },
    ...CONTROL_OPTIONS,
    { name: "json", help: "print a JSON object with all runs (docs/formats.md)" },
    { name: "csv", help: "print CSV: a line for each command and metric" },
    { name: "raw", help: "with --csv: print a line for each run" },
    { name: "markdown", help: "print a Markdown table" },
  ],
  groups: [
    {
      title: "what to run",
      options: [
        ...["vs", "param", "prepare", "setup", "cleanup", "shell", "input", "output", "timeout"],
        ...["allow-status", "ignore-failure"],
      ],
    },
    { title: "how often", options: ["runs", "min-time", "warmup"] },
    { title: "what to measure", options: ["event", "control", "delay"] },
    { title: "output", options: ["json", "csv", "raw", "markdown"] },
  ],
  examples: [
    "pmuctl stat -- gcc -O2 -c x.c",
    "pmuctl stat -w 1 --vs 'gcc -O2 -c x.c' -- gcc -O0 -c x.c",
    "pmuctl stat --param n=1,2,4 -- make -j{n} -B",
    "pmuctl stat -r 20 --prepare 'rm -rf out' -- ./build out",
  ],
  takesCommand: true,
  run,
};

/** Least runs of each command without -r. */
const MIN_AUTO_RUNS = 10;
/** Limit on the runs of a short command: more say nothing new. */
const MAX_AUTO_RUNS = 10_000;
const AUTO_SECONDS = 3;
/** Shortest time between two updates of the progress line, in ms: drawing takes time between runs. */
const DRAW_MS = 100;

async function run(args: ParsedArgs, io: Io): Promise<number> {
  const render = rendererOf(args, io);
  const { commands, jobs } = commandsOf(args);
  const enough = enoughOf(args);
  const warmups = args.number("warmup", { min: 0, max: 1e6, integer: true }) ?? 0;
  const note = (line: string) => io.err(`pmuctl: ${line}`);
  const timeout = timeoutOf(args);
  const control = controlOf(args, "stat");
  const requestedEvents = requestedEventsOf(args);
  const world = hostWorld();
  const standing = { privilege: readPrivilege(), hasCorePmu: world.pmus.core().length > 0 };
  const statuses = args.text("allow-status");
  const allowedStatuses = statuses === undefined ? [] : parseStatuses(statuses, "--allow-status");
  const runner = new CommandRunner(jobs, {
    requestedEvents,
    control,
    input: args.text("input"),
    allowedStatuses,
    standing,
    output: outputOf(args),
    ignoreFailure: args.has("ignore-failure"),
    failureHint: " (-i counts it all the same, as --allow-status does for a status)",
    note,
    stopper: onStopSignals(io.stderrIsTerminal),
    ...(timeout === undefined ? {} : { limit: () => timeout }),
  });
  let samples: SamplesByCommand<RunFacts> = [];
  try {
    samples = await withSetup(runner, () => measure(runner, commands, { enough, warmups }, io), note);
  } catch (error) {
    throw quotedCommands(args, error) ?? error;
  } finally {
    io.status("");
    runner.close();
  }
  const { absent, measured, stopSignal } = runner;
  if (samples.flat().length === 0) {
    throw new UserError("interrupted before the first run finished", 128 + stopSignal!);
  }
  const metrics: Metric[] = metricsOf(requestedEvents.map(({ event }) => event), absent, measured);
  io.out(
    render(
      statResult(commands, samples, metrics, {
        warmups,
        absent,
        allowedStatuses,
        control: control?.commands,
      }),
    ),
  );
  if (stopSignal === undefined) return EXIT.ok;
  note("interrupted: only the runs finished until then are shown");
  return 128 + stopSignal;
}

/** Runs all commands, and shows the progress on a terminal. */
async function measure(
  runner: CommandRunner,
  commands: readonly StatCommand[],
  { enough, warmups }: { enough: RoundLimits; warmups: number },
  io: Io,
): Promise<SamplesByCommand<RunFacts>> {
  let samples: SamplesByCommand<RunFacts> = [];
  let counting = performance.now();
  const begun = counting;
  const spentNs = () => (performance.now() - counting) * 1e6 / commands.length;
  let done = 0, drawn = -Infinity;
  const draw = (step: Step) => {
    const now = performance.now();
    if (!io.stderrIsTerminal || now - drawn < DRAW_MS) return;
    drawn = now;
    const expected = commands.length * (warmups + expectedRounds(samples[0]?.length ?? 0, spentNs(), enough));
    const what = `${step.warmup ? "warming up: " : ""}${commands[step.command].name}`;
    io.status(renderProgress({ done, expected, seconds: (now - begun) / 1000, what }, io.columns));
  };
  const plan = {
    commands: commands.length,
    warmups,
    wantsMore: (all: SamplesByCommand<RunFacts>) => {
      if (all[0].length === 0) counting = performance.now();
      return needsRound(all[0].length, spentNs(), enough);
    },
    stopped: () => runner.stopSignal !== undefined,
  };
  const executor = {
    prepare: (step: Step) => runner.prepare(step),
    run: (step: Step) => {
      draw(step);
      return runner.run(step);
    },
  };
  for await (const run of execute<RunFacts>(plan, executor)) {
    samples = run.samples;
    done++;
  }
  return samples;
}

/** Returns the commands, once for each combination of parameter values: their names and what to run for them. */
function commandsOf(args: ParsedArgs): { commands: StatCommand[]; jobs: Job[] } {
  const shell = args.has("shell");
  if (args.command.length === 0) {
    throw new UsageError("stat: nothing to run: give a command, as in 'pmuctl stat -- COMMAND [ARG]...'");
  }
  if (shell && args.command.length > 1 && args.command.every((text) => /\s/.test(text))) {
    const [first, ...others] = args.command.map((text) => quoteWords([text]));
    throw new UsageError(
      `stat: --shell runs one command: pmuctl stat --shell ${
        others.map((text) => `--vs ${text} `).join("")
      }-- ${first}`,
    );
  }
  const wordsOf = (text: string, option: string) => shell ? [text] : splitWords(text, option);
  const templates = [
    shell ? [args.command.join(" ")] : args.command,
    ...args.texts("vs").map((text) => wordsOf(text, "--vs")),
  ];
  const around = ["prepare", "setup", "cleanup"].flatMap((name) => {
    const text = args.text(name);
    return text === undefined ? [] : [{ name, words: wordsOf(text, `--${name}`) }];
  });
  const parameters = args.texts("param").map(parseParameter);
  for (const { name } of parameters) {
    if (![...templates, ...around.map(({ words }) => words)].some((words) => usesParameter(words, name))) {
      throw new UsageError(`--param ${name}: no command contains {${name}}`);
    }
  }
  const argvOf = (words: string[]) => shell ? shellCommand(words[0]) : words;
  const all = parameterCombinations(parameters).flatMap((values) =>
    templates.map((template) => {
      const words = substituteParameters(template, values);
      const name = shell ? words[0] : quoteWords(words);
      const argv = argvOf(words);
      return {
        command: { name, argv, parameters: values },
        job: {
          ...{ name, argv },
          ...Object.fromEntries(
            around.map((each) => [each.name, argvOf(substituteParameters(each.words, values))]),
          ),
        },
      };
    })
  );
  return { commands: all.map(({ command }) => command), jobs: all.map(({ job }) => job) };
}

/**
 * Returns an error with the right command line for commands that were each quoted as a whole, as hyperfine takes them,
 * once the first was not found under such a name; undefined for any other error.
 */
function quotedCommands({ command: [first, ...others] }: ParsedArgs, error: unknown): UsageError | undefined {
  const isOne = error instanceof CommandError && error.status === EXIT.notFound && /\s/.test(first ?? "");
  if (!isOne) return undefined;
  const vs = others.map((text) => `--vs ${quoteWords([text])} `).join("");
  return new UsageError(
    `stat: there is no command named '${first}', spaces included: give it unquoted, and others with --vs: ` +
      `pmuctl stat ${vs}-- ${first}`,
  );
}

function enoughOf(args: ParsedArgs): RoundLimits {
  const runs = args.number("runs", { min: 1, max: 1e6, integer: true });
  const seconds = args.number("min-time", { min: 0, max: 1e6 });
  if (runs === undefined) {
    return { minRuns: MIN_AUTO_RUNS, maxRuns: MAX_AUTO_RUNS, minTimeNs: 1e9 * (seconds ?? AUTO_SECONDS) };
  }
  if (seconds !== undefined) {
    throw new UsageError("stat: -r and --min-time exclude each other: use one of them");
  }
  return exactRounds(runs);
}

/** Returns the time limit of each run. */
function timeoutOf(args: ParsedArgs): RunLimit | undefined {
  const seconds = args.number("timeout", { min: 0.001, max: 1e6 });
  return seconds === undefined
    ? undefined
    : { ms: 1000 * seconds, text: `${seconds} s (--timeout)`, of: "run" };
}

/** Returns the events to count. The usual ones are optional; requested ones must open. */
function requestedEventsOf(args: ParsedArgs): RequestedEvent[] {
  const asked = args.texts("event");
  const optional = asked.length === 0;
  return (optional ? [DEFAULT_EVENTS] : ["task-clock", ...asked])
    .flatMap((text) => resolveEvents(text))
    .flatMap((group) => group.events)
    .filter((event, index, all) => all.findIndex((other) => other.name === event.name) === index)
    .map((event) => ({ event, optional: optional || event.name === "task-clock" }));
}

function outputOf(args: ParsedArgs): CommandOutput {
  const where = args.text("output") ?? "null";
  if (where === "null") return "null";
  if (where !== "inherit") return { file: where };
  // machine-readable results have standard output for themselves
  return ["json", "csv", "markdown"].some((format) => args.has(format)) ? "stderr" : "inherit";
}

function rendererOf(args: ParsedArgs, io: Io): (result: StatResult) => string {
  const formats = ["json", "csv", "markdown"].filter((format) => args.has(format));
  if (formats.length > 1) {
    throw new UsageError(`stat: --${formats[0]} and --${formats[1]} exclude each other: use one of them`);
  }
  if (args.has("raw") && !args.has("csv")) throw new UsageError("stat: --raw needs --csv");
  switch (formats[0]) {
    case "json":
      return (result) => statJson(result, VERSION);
    case "csv":
      return args.has("raw") ? statRunsCsv : statCsv;
    case "markdown":
      return statMarkdown;
  }
  const colors = io.stdoutIsTerminal && !io.env("NO_COLOR");
  const width = io.stdoutIsTerminal ? io.columns : Infinity;
  return (result) => statText(result, { colors, width });
}
