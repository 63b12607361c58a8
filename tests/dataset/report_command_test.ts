import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { pmuctl, pmuctlOk } from "../live/harness.ts";
import { exported, recordingOf, withDataset } from "./datasets.ts";

const DATA = new URL("../testdata/perfdata", import.meta.url).pathname;

/** Row of `report --json`. */
interface Row {
  command: string;
  object: string;
  symbol: string | null;
  unnamed?: string;
  self: { count: number; period: number };
  total: { count: number; period: number };
}

/** Adds up the rows of `report --json` of several recordings, by event, command and place. */
function sums(texts: readonly string[]): Map<string, number[]> {
  const sums = new Map<string, number[]>();
  for (
    const { name, rows } of texts.flatMap((text): { name: string; rows: Row[] }[] => JSON.parse(text).events)
  ) {
    for (const { command, object, symbol, unnamed, self, total } of rows) {
      // code in no function is called by the range of its addresses, which is that of all recordings
      const key = [name, command, object, symbol ?? unnamed!.replace(/\+.*/, "")].join("\t");
      const sum = sums.get(key) ?? [0, 0, 0, 0];
      sums.set(key, [self.count, self.period, total.count, total.period].map((value, i) => value + sum[i]));
    }
  }
  return new Map([...sums].sort());
}

for (const name of ["callgraph", "clock", "extras"]) {
  Deno.test(`a report of ${name}.data from a dataset is the same as from the file`, async () => {
    await withDataset(async (dataset) => {
      await pmuctlOk(["export", "-q", "-o", dataset, `${DATA}/${name}.data`]);
      for (
        const options of [["--json"], ["--json", "-g", "--inline"], ["--format", "folded"], [
          "--format",
          "flamegraph",
        ]]
      ) {
        const [ours, theirs] = await Promise.all(
          [dataset, `${DATA}/${name}.data`].map((input) => pmuctlOk(["report", ...options, input])),
        );
        assertEquals(ours, theirs, options.join(" "));
      }
    });
  });
}

Deno.test("a report of many recordings has the sums of their reports", async () => {
  await withDataset(async (dataset) => {
    const files = ["callgraph", "clock", "two_events", "compressed"].map((name) => `${DATA}/${name}.data`);
    await pmuctlOk(["export", "-q", "-o", dataset, ...files]);
    const each = await Promise.all(files.map((file) => pmuctlOk(["report", "--json", file])));
    assertEquals(sums([await pmuctlOk(["report", "--json", dataset])]), sums(each));
  });
});

Deno.test("each format of the report is made from a dataset", async () => {
  await withDataset(async (dataset) => {
    await pmuctlOk(["export", "-q", "-o", dataset, `${DATA}/callgraph.data`, `${DATA}/clock.data`]);
    const text = await pmuctlOk(["report", dataset]);
    assertMatch(text, /command\s+2 commands\nhost\s+testhost/);
    for (const ending of ["html", "svg", "pb.gz", "speedscope.json", "folded"]) {
      const { status, stderr } = await pmuctl(["report", "-o", `${dataset}.${ending}`, dataset]);
      assertEquals(status, 0, stderr);
    }
    const { threads } = JSON.parse(await pmuctlOk(["report", "--format", "firefox", dataset]));
    const samples = threads.map(({ samples }: { samples: { length: number } }) => samples.length);
    assertEquals(
      samples.reduce((sum: number, count: number) => sum + count, 0),
      257,
      "those of the heavier event",
    );
  });
});

Deno.test("options choose hosts, services, labels and times of a dataset", async () => {
  await withDataset(async (dataset) => {
    exported(dataset, recordingOf(["nginx nginx!main;nginx!serve 3"]), {
      labels: new Map([["release", "1=2"]]),
    });
    exported(dataset, recordingOf(["db db!main 5"], { host: "a,b", start: 1n }), { service: "orders" });
    const rows = async (...options: string[]) => {
      const { events } = JSON.parse(await pmuctlOk(["report", "--json", ...options, dataset]));
      return events.flatMap(({ rows }: { rows: Row[] }) =>
        rows.map(({ symbol, total }) => `${symbol} ${total.count}`)
      ).sort();
    };
    assertEquals(await rows(), ["main 3", "main 5", "serve 3"]);
    assertEquals(await rows("--host", "web-1"), ["main 3", "serve 3"]);
    assertEquals(await rows("--host", "a\\,b"), ["main 5"]);
    assertEquals(await rows("--service", "orders,other"), ["main 5"]);
    assertEquals(await rows("--label", "release=1=2"), ["main 3", "serve 3"]);
    assertEquals(
      await rows("--since", "2026-11-30T00:00:00.001", "--until", "2026-11-30T01:00:00.002+01:00"),
      ["main 1", "main 1", "serve 1"],
    );
    assertEquals(await rows("--until", "2026-11-30"), []);
    const { stderr } = await pmuctl(["report", "--format", "folded", "--host", "nowhere", dataset]);
    assertStringIncludes(stderr, "no sample of");
  });
});

Deno.test("report says in one line which options are for recordings, and which for datasets", async () => {
  await withDataset(async (dataset) => {
    exported(dataset, recordingOf(["nginx nginx!main 1"]));
    const cases: [args: string[], line: RegExp][] = [
      [["--time", "10%", dataset], /--time is for recordings, and \S+ is a dataset: use --since and --until/],
      [["--vmlinux", "x", dataset], /--vmlinux is for recordings/],
      [["--format", "tprof", dataset], /--format tprof shows addresses/],
      [
        ["--host", "x", `${DATA}/clock.data`],
        /--host chooses samples of a dataset, and \S+clock.data is none/,
      ],
      [["--label", "x", dataset], /--label 'x': expected KEY=VALUE/],
      [["--since", "yesterday", dataset], /--since 'yesterday': expected a time such as/],
      [["--since", "2026-13-45", dataset], /--since '2026-13-45': expected a time/],
      [
        ["--since", "2026-11-30", "--until", "2026-11-29", dataset],
        /--since 2026-11-30 is not before --until/,
      ],
    ];
    for (const [args, line] of cases) {
      const { status, stderr } = await pmuctl(["report", ...args]);
      assertEquals([status, stderr.trimEnd().split("\n").length], [2, 1], stderr);
      assertMatch(stderr, line);
    }
  });
});
