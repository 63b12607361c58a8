/** `pmuctl record -e '{a,b}'`: events in groups, with perf as the judge. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { testNeeding } from "../../needs.ts";
import {
  type JsonReport,
  jsonReport,
  ledgerSamples,
  perfOk,
  pmuctl,
  program,
  withFolder,
} from "../harness.ts";

const GROUP = "{cpu-clock,page-faults,context-switches}";

/** Samples by event, object and symbol as `perf report` shows them; what has no name is left out. */
async function perfRows(file: string): Promise<Map<string, number>> {
  const out = await perfOk(
    ["report", "-i", file, "--stdio", "--no-children", "-n", "--sort", "dso,sym", "-t", "\t", "--no-inline"]
      .concat(["--percent-limit", "0", "--no-demangle", "--group"]),
  );
  const names = /of events 'anon group \{ (.*) \}'/.exec(out)![1].split(", ");
  const rows = new Map<string, number>();
  for (const line of out.split("\n").filter((line) => line && !line.startsWith("#"))) {
    const cells = line.split("\t").map((cell) => cell.trim());
    const counts = cells.slice(1, -2).flatMap((cell) => cell.split(/\s+/)).map(Number);
    const [object, symbol] = cells.slice(-2);
    names.forEach((name, i) => {
      const key = `${name} ${object} ${symbol.replace(/^\[.\] /, "")}`;
      if (counts[i] > 0 && !/ 0x[0-9a-f]+$/.test(key)) rows.set(key, counts[i]);
    });
  }
  return rows;
}

function ourRows({ events }: JsonReport): Map<string, number> {
  const rows = new Map<string, number>();
  for (const event of events) {
    for (const { object, symbol, self } of event.rows) {
      const key = `${event.name} ${object} ${symbol}`;
      if (symbol !== null && self.count > 0) rows.set(key, (rows.get(key) ?? 0) + self.count);
    }
  }
  return rows;
}

const sorted = (rows: Map<string, number>) => [...rows].sort(([a], [b]) => a < b ? -1 : 1);

testNeeding(
  ["perf", "cc", "kernelEvents"],
  "record -e {a,b}:S makes of the leader's samples those of each event, as perf report does",
  () =>
    withFolder(async (folder) => {
      const [ours, perfs] = [`${folder}/ours.data`, `${folder}/perfs.data`];
      const workload = [program("faults"), "20000"];
      const ran = await pmuctl(["record", "-e", `${GROUP}:S`, "-o", ours, "--", ...workload]);
      assertEquals(ran.status, 0, ran.stderr);
      await perfOk(["record", "-q", "-e", `${GROUP}:S`, "-o", perfs, "--", ...workload]);
      for (const file of [ours, perfs]) {
        const report = await jsonReport(file);
        assertEquals(sorted(ourRows(report)), sorted(await perfRows(file)), file);
        const [clock, faults] = report.events;
        assert(faults.samples > 20, `${faults.samples} samples of page-faults`);
        // each sample stands for the faults since the one before: all but those behind the last
        assert(faults.period > 18000 && faults.period < 22000, `${faults.period} faults`);
        if (file === ours) assertEquals(clock.samples, ledgerSamples(ran.stderr));
      }
      const header = await perfOk(["report", "--header-only", "-i", ours]);
      assertStringIncludes(header, `# group: ${GROUP}\n`);
    }),
);

testNeeding(
  ["perf", "cc", "kernelEvents"],
  "record -e {a,b}:S counts for each thread and child by itself",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/threads.data`;
      const ran = await pmuctl(["record", "-e", `${GROUP}:S`, "-o", file, "--", program("threads"), "800"]);
      assertEquals(ran.status, 0, ran.stderr);
      const { events: [clock] } = await jsonReport(file);
      // of a clock the counts of a thread add up to the time it ran, in ns: that is what a sample stands for
      const shares = clock.rows.filter((row) => /^spin_/.test(row.symbol ?? ""))
        .map((row) => row.self.period / row.self.count);
      assertEquals(shares.length, 4);
      for (const ns of shares) assert(ns > 200_000 && ns < 400_000, `${ns} ns a sample at 4000 Hz`);
    }),
);

testNeeding(
  ["perf", "cc", "root"],
  "record -a -e {a,b}:S reads what each CPU counts, as perf report does",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/all.data`;
      const ran = await pmuctl([
        "record",
        "-a",
        "-e",
        `${GROUP}:S`,
        "-o",
        file,
        "--",
        program("faults"),
        "20000",
      ]);
      assertEquals(ran.status, 0, ran.stderr);
      assertEquals(sorted(ourRows(await jsonReport(file))), sorted(await perfRows(file)));
    }),
);

testNeeding(
  ["perf", "cc", "kernelEvents"],
  "record -e {a,b} opens a group whose events sample each by themselves",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/group.data`;
      const events = "mine{cpu-clock,page-faults,=100}";
      const ran = await pmuctl(["record", "-e", events, "-o", file, "--", program("faults"), "20000"]);
      assertEquals(ran.status, 0, ran.stderr);
      const { events: [clock, faults] } = await jsonReport(file);
      assert(clock.samples > 10, `${clock.samples} samples of cpu-clock`);
      // each CPU counts to 100 by itself, and the program may move from one to the other
      const least = 200 - navigator.hardwareConcurrency;
      assert(
        faults.samples >= least && faults.samples < 230,
        `${faults.samples} samples of 100 faults each`,
      );
      assertEquals(faults.period, 100 * faults.samples);
      assertMatch(
        await perfOk(["report", "--header-only", "-i", file]),
        /^# group: mine\{cpu-clock,page-faults\}$/m,
      );
    }),
);

Deno.test("record refuses S without a group, and says how a group is written", async () => {
  const { status, stderr } = await pmuctl(["record", "-e", "cpu-clock:S", "--", "true"]);
  assertEquals(status, 2);
  assertStringIncludes(stderr, "{cpu-clock,OTHER}:S");
});

testNeeding(
  ["cc", "kernelEvents"],
  "record takes a weak group apart that the kernel does not take, and samples each event",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/weak.data`;
      // only a leader may be pinned
      const group = "{context-switches,page-faults:D}";
      const record = (events: string) => ["record", "-e", events, "-c", "100", "-o", file, "--"];
      const refused = await pmuctl([...record(group), "true"]);
      assertEquals(refused.status, 3, refused.stderr);
      const { status, stderr } = await pmuctl([...record(`${group}:W`), program("faults"), "20000"]);
      assertEquals(status, 0, stderr);
      assertStringIncludes(stderr, "each is sampled by itself");
      const samples = new Map((await jsonReport(file)).events.map((event) => [event.name, event.samples]));
      const least = 200 - navigator.hardwareConcurrency; // each CPU counts to 100 by itself
      assert(samples.get("page-faults:D")! >= least, JSON.stringify([...samples]));
    }),
);
