import { assertEquals, assertMatch } from "@std/assert";
import { partitionsOf, partsIn } from "../../lib/dataset/layout/partitions.ts";
import { sampleCount } from "../../lib/profile/model/profile.ts";
import { PMUCTL, pmuctl } from "../live/harness.ts";
import { loaded, withDataset } from "./datasets.ts";

const DATA = new URL("../testdata/perfdata", import.meta.url).pathname;
const CALLGRAPH = `${DATA}/callgraph.data`, CLOCK = `${DATA}/clock.data`, EVENTS = `${DATA}/two_events.data`;

/** Counts the recordings of a dataset that have samples. */
const recordings = (dataset: string) =>
  partitionsOf(dataset, "samples").flatMap(({ path }) => partsIn(path)).length;

Deno.test("export adds recordings to a dataset, and says what was there", async () => {
  await withDataset(async (dataset) => {
    const labels = ["--label", "release=1.4", "--label", "region=eu west"];
    const first = await pmuctl(["export", ...labels, "-o", `${dataset}/`, CALLGRAPH, CLOCK]);
    assertEquals([first.status, first.stdout], [0, ""], first.stderr);
    assertMatch(
      first.stderr,
      /added \S+callgraph.data to \S+: 257 samples in \d+ KiB, with the time of its file/,
    );
    assertMatch(first.stderr, /added \S+clock.data to \S+: 203 samples in \d+ KiB\n/);
    const second = await pmuctl(["export", "-q", "-o", dataset, EVENTS, CLOCK]);
    assertEquals([second.status, second.stderr], [0, ""]);
    assertEquals(recordings(dataset), 3);
    assertEquals(sampleCount(await loaded(dataset)), 257 + 203 + 620);
  });
});

Deno.test("export says in one line what is wrong with its arguments and with its input", async () => {
  await withDataset(async (dataset) => {
    const damaged = `${dataset}.data`;
    Deno.writeFileSync(damaged, Deno.readFileSync(CALLGRAPH).subarray(0, 5000));
    const cases: [args: string[], status: number, line: RegExp][] = [
      [[CALLGRAPH], 2, /name the dataset with -o DIR/],
      [["-o", dataset], 2, /name the recordings to export/],
      [["-o", dataset, "--label", "release", CALLGRAPH], 2, /--label 'release': expected KEY=VALUE/],
      [["-o", dataset, "--label", "a=1", "--label", "a=2", CALLGRAPH], 2, /--label a is given twice/],
      [
        ["-o", dataset, "--service", "s".repeat(300), CALLGRAPH],
        2,
        /--service: expected a name of at most 256 letters/,
      ],
      [["-o", DATA, CALLGRAPH], 2, /the folder has other files in it/],
      [["-o", CALLGRAPH, CLOCK], 2, /not a directory: name a folder for the dataset/],
      [["-o", dataset, `${dataset}.none`], 4, /cannot read/],
      [["-o", dataset, damaged], 4, /cannot read all of/],
    ];
    for (const [args, status, line] of cases) {
      const ran = await pmuctl(["export", ...args]);
      assertEquals([ran.status, ran.stderr.trimEnd().split("\n").length], [status, 1], ran.stderr);
      assertMatch(ran.stderr, line);
    }
    assertEquals(recordings(dataset), 0);
  });
});

Deno.test("killed at any moment, export leaves nothing lost and nothing doubled", async () => {
  await withDataset(async (dataset) => {
    await pmuctl(["export", "-q", "-o", dataset, CLOCK]);
    for (let round = 0; round < 6; round++) {
      const child = new Deno.Command(PMUCTL, {
        args: ["export", "-q", "-o", dataset, CALLGRAPH, EVENTS],
        stdout: "null",
        stderr: "null",
      }).spawn();
      const kill = setTimeout(() => child.kill("SIGKILL"), 60 + 40 * round);
      await child.status;
      clearTimeout(kill);
      const samples = sampleCount(await loaded(dataset));
      assertEquals([203, 203 + 257, 203 + 257 + 620].includes(samples), true, `${samples} samples`);
    }
    await pmuctl(["export", "-q", "-o", dataset, CALLGRAPH, EVENTS]);
    assertEquals(sampleCount(await loaded(dataset)), 203 + 257 + 620);
  });
});

Deno.test("writers at the same time all add what they have, and the same recording once", async () => {
  await withDataset(async (dataset) => {
    const writers = [[CALLGRAPH, CLOCK], [CLOCK, CALLGRAPH], [EVENTS, CLOCK]].map((files) =>
      pmuctl(["export", "-q", "-o", dataset, ...files])
    );
    for (const { status, stderr } of await Promise.all(writers)) assertEquals([status, stderr], [0, ""]);
    assertEquals([recordings(dataset), sampleCount(await loaded(dataset))], [3, 203 + 257 + 620]);
  });
});
