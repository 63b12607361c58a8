/** `scripts/fuzz`: as many inputs as wanted, by hand. Its help is below. */

import { parseArgs } from "@std/cli/parse-args";
import { type Failure, fuzz } from "./campaign.ts";

const HELP = `scripts/fuzz [--runs N] [--seed S] [--seconds S] [--workers N] [--run N] [--save FOLDER]

Feeds changed and made-up recordings, object files, symbol lists, sets, specs and messages to the code that
reads them, and tells of each that ends in anything but an answer, takes long or takes too much memory.

  --runs N      inputs (default 20000)
  --seed S      where they come from; the same seed makes the same inputs (default: the time, and printed)
  --seconds S   stop after so long
  --workers N   at a time (default: one a CPU)
  --run N       only input N of the seed
  --save FOLDER keep the input of each failure there, as SEED-N.bin
`;

const args = parseArgs(Deno.args, {
  string: ["runs", "seed", "seconds", "workers", "run", "save"],
  boolean: ["help"],
  unknown(arg) {
    console.error(`scripts/fuzz: ${arg} is not an option: see --help`);
    Deno.exit(2);
  },
});
if (args.help) {
  console.log(HELP.trimEnd());
  Deno.exit(0);
}

function number(name: "runs" | "seed" | "seconds" | "workers" | "run", otherwise: number): number {
  const text = args[name];
  if (text === undefined) return otherwise;
  if (/^\d+$/.test(text) && Number(text) < 2 ** 31) return Number(text);
  console.error(`scripts/fuzz: --${name} takes a whole number below 2^31, not '${text}'`);
  Deno.exit(2);
}

const seed = number("seed", Date.now() % 2 ** 31);
const only = number("run", -1);
const first = Math.max(only, 0);
const end = only >= 0
  ? only + 1
  : number("seconds", 0) > 0 && args.runs === undefined
  ? 2 ** 31 - 64
  : number("runs", 20000);

console.log(`seed ${seed}`);
const started = performance.now();
const { runs, failures } = await fuzz({
  seed,
  first,
  end,
  workers: only >= 0 ? 1 : Math.max(1, number("workers", navigator.hardwareConcurrency)),
  seconds: args.seconds === undefined ? undefined : number("seconds", 0),
  onFailure: show,
});
console.log(
  `${runs} inputs in ${((performance.now() - started) / 1000).toFixed(1)} s, ${failures.length} failed`,
);
Deno.exit(failures.length > 0 ? 1 : 0);

function show({ run, subject, made, why, bytes }: Failure): void {
  console.log(`input ${run} (${subject}; ${made}): ${why}`);
  if (args.save !== undefined && bytes) {
    Deno.mkdirSync(args.save, { recursive: true });
    Deno.writeFileSync(`${args.save}/${seed}-${run}.bin`, bytes);
  }
}
