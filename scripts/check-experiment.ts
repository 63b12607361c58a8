/**
 * How often `pmuctl check` is right: many checks of commands of which the truth is known, as whole processes, under a
 * load that comes and goes; and checks of simulated commands on simulated machines, in far greater numbers. Prints a
 * table in Markdown, and the intervals of the rates. Ends with 1 when a rate is off what docs/check.md promises.
 */

import { parseArgs } from "@std/cli/parse-args";
import { simulate, WEATHER } from "../tests/check/simulated_checks.ts";

const ROOT = new URL("..", import.meta.url).pathname;
const PMUCTL = Deno.env.get("PMUCTL") ?? `${ROOT}scripts/pmuctl`;
const LOOP = `${ROOT}build/programs/loop`;
/** Some 10 ms of the loop: 4 instructions each. */
const ROUNDS = 15_000_000;
/** Of loads, and of the pauses between them, in ms. */
const LOAD_MS = { least: 300, most: 3000 };

interface Case {
  name: string;
  what: string;
  /** Arguments of `pmuctl check --against`. */
  args: string[];
  /**
   * Correct verdict, and its required share of all verdicts: a minimum, or a maximum for `regressed` between equal
   * commands.
   */
  promise: { verdict: "regressed"; atLeast?: number; atMost?: number };
  /** More than the case's share of --checks: each takes long. */
  part?: number;
}

function cases(folder: string): Case[] {
  const compile = ["cc", "-O1", "-c", `${folder}/a.c`, "-o", `${folder}/a.o`];
  const loop = (rounds: number) => [LOOP, `${Math.round(rounds)}`];
  const against = (old: string[], metrics: string[], now: string[]) => [
    "--against",
    old.join(" "),
    ...metrics.flatMap((metric) => ["-m", metric]),
    "--",
    ...now,
  ];
  return [
    {
      name: "aa",
      what: "alike: a compiler on a file, by wall and task-clock",
      args: against(compile, ["wall", "task-clock"], compile),
      promise: { verdict: "regressed", atMost: 0.01 },
    },
    {
      name: "clock5",
      what: "5% slower, by task-clock",
      args: against(loop(ROUNDS), ["task-clock"], loop(1.05 * ROUNDS)),
      promise: { verdict: "regressed", atLeast: 0.95 },
      part: 0.5,
    },
    {
      name: "instructions5",
      what: "5% more instructions",
      args: against(loop(ROUNDS), ["instructions"], loop(1.05 * ROUNDS)),
      promise: { verdict: "regressed", atLeast: 1 },
      part: 0.1,
    },
    {
      name: "instructions2",
      what: "2% more instructions",
      args: against(loop(ROUNDS), ["instructions"], loop(1.02 * ROUNDS)),
      promise: { verdict: "regressed", atLeast: 1 },
      part: 0.1,
    },
  ];
}

/** A busy loop that comes and goes until it is stopped. */
function load(): { stop(): Promise<void> } {
  let running = true;
  const pause = () =>
    new Promise((resolve) =>
      setTimeout(resolve, LOAD_MS.least + Math.random() * (LOAD_MS.most - LOAD_MS.least))
    );
  const ended = (async () => {
    while (running) {
      // with a limit, so that it does not outlive an experiment that is killed
      const busy = new Deno.Command("timeout", { args: ["10", "sh", "-c", "while :; do :; done"] }).spawn();
      await pause();
      busy.kill();
      await busy.status;
      await pause();
    }
  })();
  return {
    stop: () => {
      running = false;
      return ended;
    },
  };
}

interface Tally {
  checks: number;
  /** By verdict: a check is of the worst one of its metrics. */
  verdicts: Record<string, number>;
  rungs: Set<string>;
  seconds: number;
}

const WORST_FIRST = ["regressed", "unmeasurable", "inconclusive", "pass"];

async function runCase(one: Case, checks: number, budget: string | undefined): Promise<Tally> {
  const tally: Tally = { checks, verdicts: {}, rungs: new Set(), seconds: 0 };
  const begun = performance.now();
  for (let i = 0; i < checks; i++) {
    const args = ["check", "--json", ...(budget ? ["--budget", budget] : []), ...one.args];
    const { stdout, stderr } = await new Deno.Command(PMUCTL, { args }).output();
    const text = new TextDecoder().decode(stdout);
    if (text === "") throw new Error(`${one.name}: ${new TextDecoder().decode(stderr)}`);
    const rows: { verdict: string; rung?: string }[] = JSON.parse(text).rows;
    const verdict = WORST_FIRST.find((word) => rows.some((row) => row.verdict === word))!;
    tally.verdicts[verdict] = (tally.verdicts[verdict] ?? 0) + 1;
    for (const { rung } of rows) tally.rungs.add(rung ?? "none");
    console.error(`${one.name} ${i + 1}/${checks}: ${verdict}`);
  }
  tally.seconds = (performance.now() - begun) / 1000;
  return tally;
}

/** A line of the table. */
function line(what: string, tally: Tally, promise: string): string {
  const { checks, verdicts, rungs, seconds } = tally;
  const cells = WORST_FIRST.filter((word) => word !== "unmeasurable").map((word) => `${verdicts[word] ?? 0}`);
  const each = `${(seconds / checks).toFixed(1)} s`;
  return `| ${[what, [...rungs].sort().join(", "), checks, ...cells, each, promise].join(" | ")} |`;
}

/** Whether so many of so many can be what was promised: fewer than the promise needs, but not by less than one check. */
function holds({ verdict, atLeast, atMost }: Case["promise"], { checks, verdicts }: Tally): boolean {
  const found = verdicts[verdict] ?? 0;
  return found <= Math.ceil((atMost ?? 1) * checks) && found >= Math.floor((atLeast ?? 0) * checks);
}

async function main() {
  const options = parseArgs(Deno.args, { string: ["checks", "simulated", "budget"] });
  const checks = Number(options.checks ?? 200);
  const simulated = Number(options.simulated ?? 20_000);
  const wanted = options._.map(String);
  const folder = await Deno.makeTempDir({ prefix: "pmuctl-experiment-" });
  await Deno.writeTextFile(
    `${folder}/a.c`,
    "#include <stdio.h>\nint main(int n, char **v) { for (int i = 0; i < n; i++) puts(v[i]); return 0; }\n",
  );
  let kept = true;
  const keep = (what: string, ok: boolean) => {
    if (!ok) console.error(`NOT AS PROMISED: ${what}`);
    kept &&= ok;
  };
  console.log(
    "| truth | measured by | checks | regressed | inconclusive | pass | a check takes | promised |",
  );
  console.log("| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |");
  const background = load();
  try {
    for (const one of cases(folder)) {
      if (wanted.length && !wanted.includes(one.name)) continue;
      const tally = await runCase(one, Math.max(1, Math.round(checks * (one.part ?? 1))), options.budget);
      const { atLeast, atMost } = one.promise;
      const promise = atLeast === undefined ? `at most ${100 * atMost!}%` : `at least ${100 * atLeast}%`;
      console.log(line(one.what, tally, `${promise} regressed`));
      keep(one.name, holds(one.promise, tally));
    }
  } finally {
    await background.stop();
    await Deno.remove(folder, { recursive: true });
  }
  if (wanted.length && !wanted.includes("simulated")) return kept;
  for (const weather of Object.keys(WEATHER)) {
    const begun = performance.now();
    const verdicts = await simulate({ weather, checks: simulated, change: 1, maxRuns: 181, seed: 1 });
    const seconds = (performance.now() - begun) / 1000;
    const tally = { checks: simulated, verdicts, rungs: new Set(["simulated"]), seconds };
    console.log(line(`alike, simulated: ${weather}`, tally, "at most 1% regressed"));
    keep(weather, (verdicts.regressed ?? 0) <= 0.01 * simulated);
  }
  return kept;
}

if (!(await main())) Deno.exit(1);
