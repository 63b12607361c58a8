/**
 * Compares the change points that `pmuctl trend` finds with those of Apache Otava's library, on the same values with the same
 * options: which runs they are at, and how probable they are by chance. Prints what differs, and exits with 1 if anything does.
 */

import { parseArgs } from "@std/cli/parse-args";
import { changePoints } from "../lib/check/statistics/change_points.ts";
import { seededRandom } from "../lib/run/random.ts";

/** Series with its name. */
interface NamedSeries {
  name: string;
  values: number[];
}

/** Change point: its index, and its probability by chance; null where there is none, of equal values on both sides. */
type Found = [at: number, probability: number | null];

/** Results of both for a series. */
export interface OtavaCase extends NamedSeries {
  window: number;
  maxProbability: number;
  minChange: number;
  found: Found[];
}

const KINDS = ["shift", "ramp", "spike", "none", "steps"] as const;
/** Relative noise of a run, and series of each kind. */
const NOISE = [0.002, 0.01, 0.03], EACH = 10;
/** Options that are compared: Otava's own, a shorter window, and what its tests use. */
const OPTIONS = [
  { window: 50, maxProbability: 0.001, minChange: 0 },
  { window: 30, maxProbability: 0.01, minChange: 0.05 },
];

/** Reads series on standard input, and prints for each of them the change points by each set of options. */
const OTAVA = `
import json, math, sys
from otava.analysis import compute_change_points
asked = json.load(sys.stdin)
def found(values, o):
  points, _ = compute_change_points(values, window_len=o["window"], max_pvalue=o["maxProbability"], min_magnitude=o["minChange"])
  return [[int(p.index), None if math.isnan(p.stats.pvalue) else float(p.stats.pvalue)] for p in points]
json.dump([[found(values, o) for o in asked["options"]] for values in asked["series"]], sys.stdout)
`;

/** Makes series of each kind, with noise of each size; every third one is of whole numbers, so that values are equal. */
function simulatedSeries(): NamedSeries[] {
  const random = seededRandom(20261130);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return KINDS.flatMap((kind) =>
    Array.from({ length: EACH }, (_, i) => {
      const noise = NOISE[i % NOISE.length], length = 40 + Math.floor(random() * 160);
      const at = Math.floor(length * (0.2 + 0.6 * random())),
        size = (random() < 0.5 ? -1 : 1) * (0.01 + 0.1 * random());
      const levelAt = (run: number) => {
        switch (kind) {
          case "shift":
            return run < at ? 1 : 1 + size;
          case "ramp":
            return 1 + size * Math.min(1, Math.max(0, (run - at / 2) / at));
          case "spike":
            return run === at ? 1 + 5 * size : 1;
          case "steps":
            return 1 + size * (run < at / 2 ? 0 : run < at ? 1 : run < (at + length) / 2 ? -0.5 : 0.5);
          case "none":
            return 1;
        }
      };
      const scale = i % 3 === 2 ? 100 : 1e6;
      const values = Array.from({ length }, (_, run) =>
        Math.round(scale * levelAt(run) * (1 + noise * normal())));
      return { name: `${kind} ${i + 1}: ${length} runs, noise ${100 * noise}%`, values };
    })
  );
}

/** Reads the columns of numbers of a CSV file. */
function columnsOf(file: string): NamedSeries[] {
  const [head, ...rows] = Deno.readTextFileSync(file).trim().split(/\r?\n/).map((line) => line.split(/[,;]/));
  return head.map((name, column) => ({
    name: `${file}: ${name}`,
    values: rows.map((row) => Number(row[column] || NaN)),
  }))
    .filter(({ values }) => values.every(Number.isFinite));
}

async function otavaOn(series: readonly NamedSeries[]): Promise<Found[][][]> {
  const child = new Deno.Command(Deno.env.get("OTAVA_PYTHON")!, {
    args: ["-c", OTAVA],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(
    new TextEncoder().encode(
      JSON.stringify({ series: series.map(({ values }) => values), options: OPTIONS }),
    ),
  );
  await writer.close();
  const { success, stdout } = await child.output();
  if (!success) throw new Error("Otava failed");
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** Returns in what pmuctl's change points differ from Otava's; undefined for nothing. */
export function differenceFrom({ values, found, ...options }: OtavaCase): string | undefined {
  const own = changePoints(Float64Array.from(values), options);
  const [ours, theirs] = [own.map(({ at }) => at).join(", "), found.map(([at]) => at).join(", ")];
  if (ours !== theirs) return `at ${ours || "none"}, and Otava at ${theirs || "none"}`;
  const apart = own.find(({ probability }, i) => {
    const other = found[i][1] ?? NaN;
    return Math.abs(probability - other) > 1e-6 * Math.max(probability, other) + 1e-30;
  });
  return apart && `the probability at ${apart.at}`;
}

async function main(): Promise<number> {
  const { _: files, write } = parseArgs(Deno.args, { string: ["write"] });
  const simulated = simulatedSeries();
  const series = [...simulated, ...files.flatMap((file) => columnsOf(`${file}`))];
  const results = await otavaOn(series);
  const cases = series.flatMap(({ name, values }, i) =>
    OPTIONS.map((options, o): OtavaCase => ({ name, ...options, values, found: results[i][o] }))
  );
  const differing = cases.flatMap((each) => {
    const difference = differenceFrom(each);
    return difference === undefined ? [] : [`${each.name}, window ${each.window}: ${difference}`];
  });
  const points = cases.reduce((sum, { found }) => sum + found.length, 0);
  console.log(
    `${series.length} series, ${cases.length} analyses, ${points} change points; ${differing.length} differ`,
  );
  for (const line of differing) console.log(line);
  if (write !== undefined) {
    const kept = cases.slice(0, simulated.length * OPTIONS.length);
    Deno.writeTextFileSync(write, `[\n${kept.map((each) => JSON.stringify(each)).join(",\n")}\n]\n`);
  }
  return differing.length > 0 ? 1 : 0;
}

if (import.meta.main) Deno.exit(await main());
