/** `pmuctl report --format`, -o and --event. */

import { assertEquals, assertMatch } from "@std/assert";
import { gunzipSync } from "node:zlib";
import { PERF_SAMPLE } from "../../../lib/base/system/abi.ts";
import { makeAttr } from "../../../lib/events/attr.ts";
import { testNeeding } from "../../needs.ts";
import { madeFile, madeSample } from "../../perfdata/sample_fixtures.ts";
import { pmuctl, pmuctlOk, program, withFolder } from "../harness.ts";

testNeeding(
  ["cc"],
  "report -o writes what would have been printed, but never over the recording",
  () =>
    withFolder(async (cwd) => {
      await pmuctlOk(["record", "-q", "-F", "2000", "--", program("ratio"), "100"], { cwd });
      for (const args of [[], ["--json"], ["--format", "tprof"]]) {
        assertEquals(await pmuctlOk(["report", ...args, "-o", "out"], { cwd }), "");
        assertEquals(Deno.readTextFileSync(`${cwd}/out`), await pmuctlOk(["report", ...args], { cwd }));
      }
      const over = await pmuctl(["report", "-o", "perf.data"], { cwd });
      assertEquals(over.status, 2);
      assertMatch(over.stderr, /^pmuctl: -o perf\.data would overwrite the recording: [^\n]*\n$/);
      await pmuctlOk(["report"], { cwd });
    }),
);

testNeeding(
  ["cc"],
  "report --event shows only that event, and names the others when there is no such",
  () =>
    withFolder(async (cwd) => {
      const events = ["-e", "cpu-clock", "-e", "page-faults", "-F", "2000"];
      await pmuctlOk(["record", "-q", ...events, "--", program("ratio"), "100"], { cwd });
      const reported = async (...args: string[]) =>
        JSON.parse(await pmuctlOk(["report", "--json", ...args], { cwd })).events;
      const both = await reported();
      assertEquals(both.length, 2);
      assertEquals(await reported("--event", "page-faults"), [both[1]]);
      assertEquals(await reported("--event", "page-faults", "--event", "cpu-clock"), both);
      const none = await pmuctl(["report", "--event", "cycles"], { cwd });
      assertEquals([none.status, none.stderr], [
        2,
        "pmuctl: --event cycles: the recording has cpu-clock, page-faults\n",
      ]);
    }),
);

Deno.test("report shows the event with the most samples, twins of hybrid CPUs as one, in every format for one event", () =>
  withFolder(async (cwd) => {
    await Deno.writeFile(`${cwd}/perf.data`, hybridFile());
    const report = async (format: string, ...args: string[]) => {
      const ran = await pmuctl(["report", "--format", format, "-o", "out", ...args], { cwd });
      assertEquals(ran.status, 0, ran.stderr);
      const stderr = ran.stderr.replace(/^pmuctl: warning: no callers to show: .*\n/m, "");
      return { stderr, out: Deno.readFileSync(`${cwd}/out`) };
    };
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    const weights = ({ out }: { out: Uint8Array }) =>
      text(out).trim().split("\n").map((line) => Number(line.split(" ").at(-1))).reduce((a, b) => a + b, 0);
    const shown = /^pmuctl: warning: --format \w+ shows one event, cycles:P; others: --event branches\n$/;

    const folded = await report("folded", "--weight", "samples");
    assertEquals(weights(folded), 13);
    assertMatch(folded.stderr, shown);
    assertEquals(weights(await report("folded", "--weight", "samples", "--event", "cpu_atom/cycles/P")), 3);
    assertEquals(weights(await report("folded", "--weight", "samples", "--event", "branches")), 5);
    const filtered = await report("folded", "--weight", "samples", "--tid", "101"); // who has only branches
    assertEquals([weights(filtered), filtered.stderr], [5, ""]);

    const flames = await report("flamegraph");
    assertMatch(text(flames.out), /cycles:P, 4000 Hz.*13 samples/);
    assertMatch(flames.stderr, shown);
    const firefox = JSON.parse(text((await report("firefox")).out));
    assertEquals(firefox.threads.map((thread: { samples: { length: number } }) => thread.samples.length), [
      13,
    ]);

    // all of them, that one first
    const speedscope = JSON.parse(text((await report("speedscope")).out));
    const all = speedscope.profiles.map(({ name }: { name: string }) => name).filter((name: string) =>
      name.includes("all threads")
    );
    assertEquals(all, ["cycles:P: all threads", "branches: all threads", "intel_pt//: all threads"]);
    const pprof = text(gunzipSync((await report("pprof")).out));
    assertMatch(pprof, /samples_cycles:P.*samples_branches.*samples_intel_pt\/\//s);
    const page = text((await report("html")).out);
    assertMatch(
      page,
      /<dd>cycles:P, 4000 Hz<\/dd>.*<dd>branches, 4000 Hz<\/dd>.*<dd>intel_pt\/\/, 4000 Hz<\/dd>/s,
    );
  }));

/** A recording on a hybrid CPU: an event first that has no samples here, as `intel_pt//` has none, and a tracking one. */
function hybridFile(): Uint8Array {
  const sampleType = PERF_SAMPLE.IDENTIFIER | PERF_SAMPLE.IP | PERF_SAMPLE.TID | PERF_SAMPLE.TIME |
    PERF_SAMPLE.PERIOD;
  const event = (name: string, type: number, config = 0n) => ({
    name,
    attr: makeAttr({ type, config, samplePeriod: 4000n, sampleType, flags: ["freq"] }),
  });
  const events = [
    event("intel_pt//", 9),
    event("cpu_atom/cycles/P", 0, 10n << 32n),
    event("cpu_core/cycles/P", 0, 4n << 32n),
    event("branches", 0, 4n),
    event("dummy:u", 1, 9n),
  ].map((each, i) => ({ ...each, ids: [BigInt(i + 1)] }));
  const samples = [[1, 3, 100], [2, 10, 100], [3, 5, 101]].flatMap(([row, count, tid]) =>
    Array.from(
      { length: count },
      (_, i) => madeSample(events[row].attr, { id: BigInt(row + 1), ip: 0x400100 + 16 * i, tid }),
    )
  );
  return madeFile(events, samples);
}

Deno.test("flame graphs of report and diff have their roots at the top, or with --upright at the bottom", async () => {
  const file = new URL("../../testdata/perfdata/callgraph.data", import.meta.url).pathname;
  const graphs = [["report", "-i", file], ["diff", file, file]];
  for (const command of graphs.map((each) => [...each, "--format", "flamegraph"])) {
    const rootIsAbove = async (...options: string[]) => {
      const svg = await pmuctlOk([...command, ...options]);
      const [root, other] = [...svg.matchAll(/<svg class="\w+" x="\S+" y="(\d+)"/g)].map(([, y]) =>
        Number(y)
      );
      return root < other;
    };
    assertEquals(await rootIsAbove(), true);
    assertEquals(await rootIsAbove("--inverted"), true);
    assertEquals(await rootIsAbove("--upright"), false);
    const both = await pmuctl([...command, "--upright", "--inverted"]);
    assertEquals(both.status, 2);
    assertMatch(both.stderr, /^pmuctl: --upright and --inverted exclude each other: use one of them\n$/);
  }
});
