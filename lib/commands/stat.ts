/** `pmuctl stat`: runs commands again and again, and says what they take and how sure that is. */

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
import { type CommandOutput, CommandRunner, type Job, type RunLimit } from "../run/command_runner.ts";
import type { RequestedEvent } from "../run/measured_run.ts";
import { readPrivilege } from "../events/privilege.ts";
import { hostWorld, resolveEvents } from "../events/resolve.ts";

export const command: CommandSpec = {
  name: "stat",
  summary: "run commands again and again: times and counts with their spread, compared",
  usage: ["[-r RUNS] [-w WARMUP] [-e EVENTS] [--prepare CMD] [--vs CMD]... [OPTION]... -- COMMAND [ARG]..."],
  options: [
    {
      name: "runs",
      short: "r",
      value: "RUNS",
      help: "run each command so often (default: 10, or for 3 s if longer)",
    },
    {
      name: "min-time",
      value: "SEC",
      help: "run each command at least 10 times and for so long (default: 3)",
    },
    {
      name: "warmup",
      short: "w",
      value: "RUNS",
      help: "so many runs before, which do not count (default: 0)",
    },
    {
      name: "event",
      short: "e",
      value: "EVENTS",
      repeat: true,
      help: "count these, rather than the usual events",
    },
    { name: "prepare", value: "CMD", help: "what is run before each run, and is no part of it" },
    {
      name: "vs",
      value: "CMD",
      repeat: true,
      help: "another command, run in turns with the first and compared",
    },
    {
      name: "param",
      value: "NAME=V,V",
      repeat: true,
      help: "measure the commands with each value for {NAME} in them",
    },
    { name: "shell", help: "run commands by /bin/sh -c, which is then part of what is measured" },
    {
      name: "output",
      value: "WHERE",
      values: "file",
      help: "what commands print: null (default), inherit, or a file's name",
    },
    { name: "timeout", value: "SEC", help: "end a run that takes longer, and all it has started: an error" },
    { name: "ignore-failure", short: "i", help: "a run that fails counts as any other" },
    { name: "json", help: "as a JSON object, with all runs (docs/formats.md)" },
    { name: "csv", help: "as CSV: a line for each command and metric" },
    { name: "raw", help: "with --csv: a line for each run" },
    { name: "markdown", help: "as a table in Markdown" },
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

const AUTO_RUNS = 10;
/** More runs of a short command tell nothing new. */
const AUTO_MOST = 10_000;
const AUTO_SECONDS = 3;
/** How often the progress is drawn, in ms: drawing it takes time between runs. */
const DRAW_MS = 100;

async function run(args: ParsedArgs, io: Io): Promise<number> {
  const render = rendererOf(args, io);
  const { commands, jobs } = commandsOf(args);
  const enough = enoughOf(args);
  const warmups = args.number("warmup", { min: 0, max: 1e6, integer: true }) ?? 0;
  const note = (line: string) => io.err(`pmuctl: ${line}`);
  const timeout = timeoutOf(args);
  const requestedEvents = requestedEventsOf(args);
  const world = hostWorld();
  const standing = { privilege: readPrivilege(), hasCorePmu: world.pmus.core().length > 0 };
  const runner = new CommandRunner(jobs, {
    requestedEvents,
    standing,
    output: outputOf(args),
    ignoreFailure: args.has("ignore-failure"),
    failureHint: " (-i counts it all the same)",
    note,
    stopper: onStopSignals(io.stderrIsTerminal),
    ...(timeout === undefined ? {} : { limit: () => timeout }),
  });
  let samples: SamplesByCommand<RunFacts> = [];
  try {
    samples = await measure(runner, commands, { enough, warmups }, io);
  } catch (error) {
    throw quotedCommands(args, error) ?? error;
  } finally {
    io.status("");
    runner.close();
  }
  const { absent, measured, stopSignal } = runner;
  if (samples.flat().length === 0) {
    throw new UserError("stopped before a run was over: there is nothing to tell", 128 + stopSignal!);
  }
  const metrics: Metric[] = metricsOf(requestedEvents.map(({ event }) => event), absent, measured);
  io.out(render(statResult(commands, samples, metrics, { warmups, absent })));
  if (stopSignal === undefined) return EXIT.ok;
  note("stopped: this is what there was until then");
  return 128 + stopSignal;
}

/** Runs all, and shows on a terminal how far it is. */
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

/** The commands, each with each value of the parameters: what they are called and what is run for them. */
function commandsOf(args: ParsedArgs): { commands: StatCommand[]; jobs: Job[] } {
  const shell = args.has("shell");
  if (args.command.length === 0) {
    throw new UsageError("stat: what to run? pmuctl stat -- COMMAND [ARG]...");
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
  const prepareText = args.text("prepare");
  const prepare = prepareText === undefined ? undefined : wordsOf(prepareText, "--prepare");
  const parameters = args.texts("param").map(parseParameter);
  for (const { name } of parameters) {
    if (![...templates, prepare ?? []].some((words) => usesParameter(words, name))) {
      throw new UsageError(`--param ${name}: there is no {${name}} in the commands`);
    }
  }
  const argvOf = (words: string[]) => shell ? ["/bin/sh", "-c", ...words] : words;
  const all = parameterCombinations(parameters).flatMap((values) =>
    templates.map((template) => {
      const words = substituteParameters(template, values);
      const name = shell ? words[0] : quoteWords(words);
      const argv = argvOf(words);
      return {
        command: { name, argv, parameters: values },
        job: { name, argv, ...(prepare ? { prepare: argvOf(substituteParameters(prepare, values)) } : {}) },
      };
    })
  );
  return { commands: all.map(({ command }) => command), jobs: all.map(({ job }) => job) };
}

/**
 * What to say of commands that were quoted as a whole, one after another, as hyperfine takes them, once the first was not
 * found under such a name; undefined for any other error.
 */
function quotedCommands({ command: [first, ...others] }: ParsedArgs, error: unknown): UsageError | undefined {
  const isOne = error instanceof CommandError && error.status === EXIT.notFound && /\s/.test(first ?? "");
  if (!isOne) return undefined;
  const vs = others.map((text) => `--vs ${quoteWords([text])} `).join("");
  return new UsageError(
    `stat: there is no command named '${first}', spaces included: a command is given in words, and others with --vs: ` +
      `pmuctl stat ${vs}-- ${first}`,
  );
}

function enoughOf(args: ParsedArgs): RoundLimits {
  const runs = args.number("runs", { min: 1, max: 1e6, integer: true });
  const seconds = args.number("min-time", { min: 0, max: 1e6 });
  if (runs === undefined) {
    return { minRuns: AUTO_RUNS, maxRuns: AUTO_MOST, minTimeNs: 1e9 * (seconds ?? AUTO_SECONDS) };
  }
  if (seconds !== undefined) {
    throw new UsageError("stat: -r and --min-time both say when it is enough: give one");
  }
  return exactRounds(runs);
}

/** How long each run may take. */
function timeoutOf(args: ParsedArgs): RunLimit | undefined {
  const seconds = args.number("timeout", { min: 0.001, max: 1e6 });
  return seconds === undefined
    ? undefined
    : { ms: 1000 * seconds, text: `${seconds} s (--timeout)`, of: "run" };
}

/** The usual events are left out where they cannot be counted; those that were asked for are an error then. */
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
  // standard output is then for the result alone
  return ["json", "csv", "markdown"].some((format) => args.has(format)) ? "stderr" : "inherit";
}

function rendererOf(args: ParsedArgs, io: Io): (result: StatResult) => string {
  const formats = ["json", "csv", "markdown"].filter((format) => args.has(format));
  if (formats.length > 1) throw new UsageError(`stat: --${formats[0]} or --${formats[1]}, not both`);
  if (args.has("raw") && !args.has("csv")) throw new UsageError("stat: --raw goes with --csv");
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
