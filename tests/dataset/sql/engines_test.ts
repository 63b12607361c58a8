/** The SQL of fleet-sql in real engines: their answers are those of our own reports. Spark: scripts/test-spark. */

import { assertEquals } from "@std/assert";
import type { Engine } from "../../../lib/dataset/sql/dialects.ts";
import { fleetSql, type SqlSide } from "../../../lib/dataset/sql/fleet_sql.ts";
import type { DatasetSelection } from "../../../lib/dataset/read/selection.ts";
import type { Profile } from "../../../lib/profile/model/profile.ts";
import { ProfileQuery } from "../../../lib/profile/query/query.ts";
import { renderFolded } from "../../../lib/report/exchange/folded.ts";
import { run } from "../../live/harness.ts";
import { enginesFolder, testNeeding, testUnless } from "../../needs.ts";
import { DAY, exported, loaded, recordingOf, withDataset } from "../datasets.ts";

type Value = string | number | null;

/** Names that SQL, folded stacks or folders could take for something else. */
const HOSTS = ["web-1", "it's a/b c\\d%41", "007"];
const ODD = "f<int, char>::operator;('\\n')";

/** Build id of nginx in each release. */
const BUILD_IDS: Record<string, string> = { "1.3": "aa13", "1.4": "bb14" };

/** Makes a dataset of three hosts, three days and two releases. */
function fill(dataset: string): void {
  const day = (days: number) => ({ wallStart: DAY + days * 86400_000, start: BigInt(days) + 5n });
  const label = (release: string) => new Map([["release", release], ["region", "e'u\\1"]]);
  const add = (lines: string[], host: string, days: number, release: string, service?: string) => {
    const profile = recordingOf(lines, { host, ...day(days) });
    profile.symbols.name = profile.symbols.name.map((name) => name === "odd" ? ODD : name);
    for (const object of profile.objects) if (object.name === "nginx") object.buildId = BUILD_IDS[release];
    exported(dataset, profile, { labels: label(release), service });
  };
  add(["nginx nginx!main;nginx!serve;libc.so!write 5", "nginx nginx!main;nginx!odd 2"], HOSTS[0], 0, "1.3");
  add(
    ["nginx nginx!main;nginx!serve 3", "a;b nginx!main;nginx! 4", "sh sh!main;[kernel]!exec 1"],
    HOSTS[1],
    0,
    "1.3",
  );
  add(
    ["nginx nginx!main;nginx!serve;libc.so!write 2", "nginx nginx!main;nginx!odd 6"],
    HOSTS[0],
    1,
    "1.4",
    "it's",
  );
  add(
    ["nginx nginx!main;nginx!serve;libc.so!write 3", "nginx nginx!main;nginx!0x1a40 2"],
    HOSTS[1],
    2,
    "1.4",
  );
  add(["日本 日本!起動;libc.so!write 9"], HOSTS[2], 2, "1.4");
}

/** Function and the weight of the samples in it. */
interface Weighted {
  object: string;
  name: string;
  samples: number;
  weight: number;
  share: number;
}

/** Lists the functions of a report; those of programs with a build id, if one is given. */
function functionsOf(profile: Profile, buildId?: string): Weighted[] {
  if (profile.events.length === 0) return [];
  const counts = new ProfileQuery(profile).by(["dso", "sym"]), sums = new Map<string, Weighted>();
  let whole = 0;
  for (const { place, self: [{ count, period }] } of counts.rows([0], { children: false, selfOnly: true })) {
    if (buildId !== undefined && profile.objects[counts.places.object[place]].buildId !== buildId) continue;
    const object = counts.objectOf(place), shown = counts.nameOf(place);
    const name = shown.endsWith("0xff0") ? `[${object}]` : shown, key = `${object}\t${name}`;
    const { samples = 0, weight = 0 } = sums.get(key) ?? {};
    sums.set(key, { object, name, samples: samples + count, weight: weight + period, share: 0 });
    whole += period;
  }
  return Array.from(sums.values(), (row) => ({ ...row, share: row.weight / whole }));
}

/** Compares rows by their columns, of which the first may be to be descending. */
const by = (...keys: ((row: Value[]) => Value)[]) => (a: Value[], b: Value[]) => {
  for (const key of keys) {
    const one = key(a)!, other = key(b)!;
    if (one !== other) return one < other ? -1 : 1;
  }
  return 0;
};

/** Compares the shares of functions; null where a side has no samples at all. */
function differences(old: Weighted[], now: Weighted[]): Value[][] {
  const places = new Map([...old, ...now].map(({ object, name }) => [`${object}\t${name}`, [object, name]]));
  const share = (side: Weighted[], [object, name]: string[]) =>
    side.length === 0 ? null : side.find((each) => each.object === object && each.name === name)?.share ?? 0;
  const rows = [...places.values()].map((place): Value[] => {
    const before = share(old, place), after = share(now, place);
    return [...place, before, after, before === null || after === null ? null : after - before];
  });
  return rows.sort(by((row) => -Math.abs(rounded(row[4] as number)), (row) => row[0], (row) => row[1]));
}

/** Answers of our own reports to the queries. */
class OwnAnswers {
  readonly #dataset: string;
  readonly #selection: DatasetSelection;

  constructor(dataset: string, selection: DatasetSelection) {
    this.#dataset = dataset;
    this.#selection = selection;
  }

  async #functions(more: DatasetSelection = {}): Promise<Weighted[]> {
    return functionsOf(await this.#profile(more));
  }

  #profile(more: DatasetSelection): Promise<Profile> {
    return loaded(this.#dataset, { selection: { ...this.#selection, ...more } });
  }

  async top(): Promise<Value[][]> {
    const rows = (await this.#functions()).map((
      { object, name, samples, weight, share },
    ) => [object, name, samples, weight, share]);
    return rows.sort(by((row) => -(row[3] as number), (row) => row[0], (row) => row[1]));
  }

  async flamegraph(): Promise<Value[][]> {
    const decoder = new TextDecoder();
    let text = "";
    for (const piece of renderFolded(await this.#profile({}), { weight: "period", marks: false })) {
      text += typeof piece === "string" ? piece : decoder.decode(piece);
    }
    const lines = text.trimEnd().split("\n").filter((line) => line !== "").map((line) =>
      line.replace("nginx+0xff0", "[nginx]")
    );
    return lines.map((line) => [line]).sort(by((row) => String(row[0]).replace(/ \d+$/, "")));
  }

  async diff(): Promise<Value[][]> {
    const [old, now] = await Promise.all(
      ["1.3", "1.4"].map((release) =>
        this.#functions({ labels: new Map([...this.#selection.labels ?? [], ["release", release]]) })
      ),
    );
    return differences(old, now);
  }

  async builds(): Promise<Value[][]> {
    const profile = await this.#profile({});
    return differences(functionsOf(profile, BUILD_IDS["1.3"]), functionsOf(profile, BUILD_IDS["1.4"]));
  }

  async hosts(): Promise<Value[][]> {
    const each = await Promise.all(
      [...this.#selection.hosts ?? HOSTS].map(async (host) =>
        [host, await this.#functions({ hosts: new Set([host]) })] as const
      ),
    );
    const present = each.filter(([, functions]) => functions.length > 0);
    const rows = present.flatMap(([host, functions]) =>
      functions.map(({ object, name, share }): Value[] => {
        const others = present.filter(([other]) => other !== host).map(([, functions]) =>
          functions.find((each) => each.object === object && each.name === name)?.share ?? 0
        );
        const mean = others.length === 0
          ? null
          : others.reduce((sum, share) => sum + share, 0) / others.length;
        return [host, object, name, share, mean, mean === null ? null : share - mean];
      })
    );
    return rows.sort(
      by((row) => -Math.abs(rounded(row[5] as number)), (row) => row[0], (row) => row[1], (row) => row[2]),
    );
  }

  async growth(): Promise<Value[][]> {
    const days = await Promise.all([0, 1, 2].map(async (day) => {
      const since = (DAY + day * 86400_000) * 1000,
        { since: from = since, until: to = Infinity } = this.#selection;
      const functions = await this.#functions({
        since: Math.max(from, since),
        until: Math.min(to, since + 86400e6),
      });
      return [`2026-${day === 0 ? "11-30" : `12-0${day}`}`, functions] as const;
    }));
    const present = days.filter(([, functions]) => functions.length > 0);
    const shareOn = (at: number, object: Value, name: Value) =>
      present.at(at)![1].find((each) => each.object === object && each.name === name)?.share ?? 0;
    const rows = present.flatMap(([date, functions]) =>
      functions.map((
        { object, name, weight, share },
      ): Value[] => [object, name, shareOn(-1, object, name) - shareOn(0, object, name), date, weight, share])
    );
    return rows.sort(
      by((row) => -rounded(row[2] as number), (row) => row[0], (row) => row[1], (row) => row[3]),
    );
  }
}

/** Rounds what engines and we may have added up in another order. */
const rounded = (value: number) => Math.round(value * 1e9) / 1e9;

/** Questions, and the query that answers each. */
const QUESTIONS = [
  ["top", "top"],
  ["flamegraph", "flamegraph"],
  ["diff", "diff"],
  ["builds", "diff"],
  ["hosts", "hosts"],
  ["growth", "growth"],
] as const;

/** Parts of the dataset that are asked for. */
const SELECTIONS: readonly (DatasetSelection & { event?: string })[] = [
  {},
  { hosts: new Set(HOSTS.slice(0, 2)), event: "cpu-clock" },
  { services: new Set(["nginx", "it's"]), labels: new Map([["region", "e'u\\1"]]) },
  { since: (DAY + 3) * 1000, until: (DAY + 86400_000 + 4) * 1000 },
];

/** Asks an engine all queries for each selection, and compares its answers with ours. */
async function compare(
  engine: Engine,
  packages: readonly string[],
  selections: readonly (DatasetSelection & { event?: string })[] = SELECTIONS,
): Promise<void> {
  await withDataset(async (dataset) => {
    fill(dataset);
    const side = (question: string, release: string): SqlSide =>
      question === "builds" ? { buildId: BUILD_IDS[release] } : { label: ["release", release] };
    const queries = selections.flatMap((selection) =>
      QUESTIONS.map(([question, query]) => {
        const sides = { old: side(question, "1.3"), new: side(question, "1.4") };
        return fleetSql(engine, query, { ...selection, ...sides, dataset, limit: 1000 });
      })
    );
    const { status, stdout, stderr } = await run("python3", [
      new URL("run_sql.py", import.meta.url).pathname,
      engine,
    ], {
      env: { PYTHONPATH: packages.map(enginesFolder).join(":") },
      stdin: new TextEncoder().encode(JSON.stringify(queries)),
    });
    assertEquals(status, 0, stderr);
    const answers: Value[][][] = JSON.parse(stdout);
    for (const [i, selection] of selections.entries()) {
      const own = new OwnAnswers(dataset, selection);
      for (const [j, [question]] of QUESTIONS.entries()) {
        const shown = (rows: Value[][]) =>
          rows.map((row) => row.map((value) => typeof value === "number" ? rounded(value) : value));
        assertEquals(
          shown(answers[i * QUESTIONS.length + j]),
          shown(await own[question]()),
          `${question} of selection ${i}`,
        );
      }
    }
    assertEquals(answers[0].length, 6);
  });
}

testNeeding(["engines"], "DuckDB answers as our own reports do", () => compare("duckdb", ["engines-1"]));

testNeeding(
  ["engines"],
  "ClickHouse answers as our own reports do",
  () => compare("clickhouse", ["engines-1"]),
);

if (Deno.env.get("PMUCTL_TEST_SPARK")) {
  testUnless(
    false,
    "Spark answers as our own reports do",
    () => compare("spark", ["spark-1"], [SELECTIONS[0], SELECTIONS[3]]),
  );
}
