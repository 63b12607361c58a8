/** `scripts/fuzz`: as many inputs as wanted, by hand. Its help is below. */

import { parseArgs } from "@std/cli/parse-args";
import { type Failure, type Figures, fuzz, replay } from "./campaign.ts";
import { inputOf, type Target } from "./target.ts";
import { allTargets } from "./targets.ts";

const HELP = `scripts/fuzz [--target NAME]... [--count N | --minutes M] [--seed S] [--jobs N] [--save FOLDER]
scripts/fuzz --target NAME --seed S | --file FILE
scripts/fuzz --list

Feeds changed and made-up recordings, object files, texts, messages and files to the code that reads them, in processes
of their own, and tells of each input that ends in anything but an answer, takes long or takes too much memory.

  --target NAME   only this target; may be given several times (default: all)
  --count N       inputs, of all targets together by their weights (default: 20000)
  --minutes M     as many inputs as fit into so long
  --seed S        number of each target's first input (default: the time, and printed). The same target and number
                  make the same input: with one --target and neither --count nor --minutes, just that one is run
  --file FILE     give the target the bytes of a file, such as one kept by --save
  --jobs N        processes at a time (default: one a CPU)
  --save FOLDER   keep inputs that fail there, as TARGET-SEED.bin, with .txt beside it (default: build/fuzz)
  --list          the targets

Exits with 1 when an input has failed.
`;

function refuse(why: string): never {
  console.error(`scripts/fuzz: ${why}: see --help`);
  Deno.exit(2);
}

const args = parseArgs(Deno.args, {
  string: ["target", "count", "minutes", "seed", "file", "jobs", "save"],
  collect: ["target"],
  boolean: ["help", "list"],
  unknown: (arg) => refuse(`${arg} is not an option`),
});

function number(name: "count" | "minutes" | "seed" | "jobs"): number | undefined {
  const text = args[name];
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text) && Number(text) < 2 ** 32 - 1) return Number(text);
  refuse(`--${name} takes a whole number below 2^32 - 1, not '${text}'`);
}

async function main(): Promise<number> {
  if (args.help) return print(HELP.trimEnd());
  const all = await allTargets();
  if (args.list) return print(all.map(({ name, what }) => `${name.padEnd(22)}${what}`).join("\n"));
  const missing = args.target.find((name) => !all.some((target) => target.name === name));
  if (missing !== undefined) refuse(`there is no target '${missing}' (--list has all)`);
  const targets = args.target.length === 0 ? all : all.filter(({ name }) => args.target.includes(name));
  const seed = number("seed");
  const single = targets.length === 1 ? targets[0] : undefined;
  if (args.file !== undefined) {
    return await runOne(single ?? refuse("--file takes one --target"), {
      bytes: Deno.readFileSync(args.file),
    });
  }
  const count = number("count"), minutes = number("minutes");
  if (single && seed !== undefined && count === undefined && minutes === undefined) {
    return await runOne(single, { seed });
  }
  return await runMany(targets, {
    seed: seed ?? Date.now() % 2 ** 31,
    count: count ?? (minutes === undefined ? 20_000 : 2 ** 32),
    seconds: minutes && 60 * minutes,
  });
}

async function runOne(
  { name, cpuMs }: Target,
  input: { seed: number } | { bytes: Uint8Array },
): Promise<number> {
  const failure = await replay(name, input, { smaller: true, cpuMs });
  if (failure === undefined) return print("it is answered as it should be");
  show(failure);
  return 1;
}

async function runMany(
  targets: readonly Target[],
  { seed, count, seconds }: { seed: number; count: number; seconds?: number },
): Promise<number> {
  print(`seed ${seed}`);
  const started = performance.now();
  let shownAt = started;
  const { figures } = await fuzz({
    targets,
    seed,
    count,
    seconds,
    jobs: Math.max(1, number("jobs") ?? navigator.hardwareConcurrency),
    onFailure(failure) {
      // of one that ended its process nobody has told more than its number
      const { bytes, made } = inputOf(targets.find(({ name }) => name === failure.target)!, failure.seed);
      show({ ...failure, bytes, made });
    },
    onProgress(figures) {
      if (performance.now() - shownAt < 60_000) return;
      shownAt = performance.now();
      const { inputs, failures } = sumOf(figures.values());
      print(`${inputs} inputs so far, ${failures} failed`);
    },
  });
  for (const [name, figure] of figures) print(figureLine(name, figure));
  const sum = sumOf(figures.values());
  print(figureLine("all", sum));
  print(
    `${sum.inputs} inputs in ${((performance.now() - started) / 1000).toFixed(1)} s, ${sum.failures} failed`,
  );
  return sum.failures > 0 ? 1 : 0;
}

function sumOf(figures: Iterable<Figures>): Figures {
  const sum = { inputs: 0, cpuMs: 0, failures: 0 };
  for (const { inputs, cpuMs, failures } of figures) {
    sum.inputs += inputs;
    sum.cpuMs += cpuMs;
    sum.failures += failures;
  }
  return sum;
}

/** Inputs a second are of CPU time. */
function figureLine(name: string, { inputs, cpuMs, failures }: Figures): string {
  const rate = cpuMs > 0 ? (1000 * inputs / cpuMs).toFixed(0) : "-";
  return `${name.padEnd(22)}${`${inputs}`.padStart(8)} inputs${rate.padStart(8)}/s${
    `${failures}`.padStart(6)
  } failed`;
}

function show(failure: Failure): void {
  const { target, seed, made, why, bytes, smaller, again } = failure;
  const alone = again === undefined ? "" : again ? ", and again by itself" : ", but not by itself";
  print(`FAILED --target ${target} --seed ${seed}${made && ` (${made})`}${alone}: ${why}`);
  const folder = args.save ?? new URL("../../build/fuzz", import.meta.url).pathname;
  Deno.mkdirSync(folder, { recursive: true });
  const path = `${folder}/${target}-${seed}`;
  Deno.writeTextFileSync(`${path}.txt`, `${made}\n${why}\n`);
  if (bytes) Deno.writeFileSync(`${path}.bin`, bytes);
  if (smaller) Deno.writeFileSync(`${path}.smaller.bin`, smaller);
}

function print(text: string): number {
  console.log(text);
  return 0;
}

Deno.exit(await main());
