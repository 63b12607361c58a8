import { assertEquals, assertMatch } from "@std/assert";
import { pmuctl, pmuctlOk } from "../live/harness.ts";
import { withDataset } from "./datasets.ts";

const DATA = new URL("../testdata/perfdata", import.meta.url).pathname;
const OLD = `${DATA}/callgraph.data`, NEW = `${DATA}/compressed.data`;

/** Returns the events of `diff --json`. */
async function eventsOf(...args: string[]) {
  return JSON.parse(await pmuctlOk(["diff", "--json", ...args])).events;
}

Deno.test("diff compares two labels of a dataset, and datasets with files, as it compares two files", async () => {
  await withDataset(async (dataset) => {
    const other = `${dataset}-new`;
    await pmuctlOk(["export", "-q", "-o", dataset, "--label", "release=1.3", OLD]);
    await pmuctlOk(["export", "-q", "-o", dataset, "--label", "release=1.4", NEW]);
    await pmuctlOk(["export", "-q", "-o", other, NEW]);
    const events = await eventsOf(OLD, NEW), labels = ["--old", "release=1.3", "--new", "release=1.4"];
    assertEquals(await eventsOf(...labels, dataset), events);
    assertEquals(await eventsOf(OLD, other), events);
    assertEquals(await eventsOf("--label", "release=1.3", dataset, NEW), events);
    assertMatch(await pmuctlOk(["diff", ...labels, dataset]), /set \(release=1\.3\), .* 257 samples/);
    const svg = await pmuctlOk(["diff", ...labels, "--format", "flamegraph", dataset]);
    assertMatch(svg, /<svg/);
  });
});

Deno.test("diff says in one line which sides it lacks", async () => {
  await withDataset(async (dataset) => {
    await pmuctlOk(["export", "-q", "-o", dataset, OLD]);
    const cases: [args: string[], line: RegExp][] = [
      [[dataset], /expected two files: pmuctl diff OLD NEW, or a dataset/],
      [["--old", "a=b", dataset], /expected two files/],
      [["--old", "a", "--new", "b=c", dataset], /--old 'a': expected KEY=VALUE/],
      [
        ["--old", "a=b", "--new", "c=d", OLD],
        /--old chooses recordings of a dataset, and \S+callgraph.data is none/,
      ],
      [["--host", "a", OLD, NEW], /--host chooses samples of a dataset/],
      [["--time", "10%", dataset, NEW], /--time is for recordings/],
    ];
    for (const [args, line] of cases) {
      const { status, stderr } = await pmuctl(["diff", ...args]);
      assertEquals([status, stderr.trimEnd().split("\n").length], [2, 1], stderr);
      assertMatch(stderr, line);
    }
  });
});
