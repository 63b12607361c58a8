/** What became of every sample: in the ledger of a recording, in its file, and in perf's own. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { testNeeding } from "../needs.ts";
import { ledgerSamples, PMUCTL, pmuctl, pmuctlOk, program, run, withFolder } from "./harness.ts";

/** Each page that is touched is a sample with its call chain, far more than a ring of one page has room for. */
const LOSSY = ["-e", "page-faults", "-c", "1", "--call-graph", "fp", "-m", "1"];
const faults = () => [program("faults"), "20000"];

/** A command whose faults are surely lost: the recorder, its parent, is stopped until they have happened. */
const faultsUnheard = (status: number) => [
  "sh",
  "-c",
  `kill -STOP $PPID; ${faults().join(" ")}; kill -CONT $PPID; exit ${status}`,
];

interface Ledger {
  from: string;
  rows: Record<string, number>[];
  total: Record<string, number>;
}

/** Records of that type, by perf's count; perf complains of losses while it counts. */
async function perfCount(file: string, type: string): Promise<number> {
  const { stdout } = await run("perf", ["report", "--stats", "-i", file]);
  return Number(new RegExp(`^ +${type} events: +(\\d+)`, "m").exec(stdout)?.[1] ?? 0);
}

async function ledgerOf(file: string): Promise<Ledger> {
  return JSON.parse(await pmuctlOk(["report", "--json", "-i", file])).meta.ledger;
}

testNeeding(
  ["perf", "cc"],
  "record tells what was lost, the file holds the rest, and --max-lost ends with 5",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/lossy.data`;
      const ran = await pmuctl([
        "record",
        "-v",
        "--max-lost",
        "0.001",
        ...LOSSY,
        "-o",
        file,
        "--",
        ...faultsUnheard(0),
      ]);
      assertEquals(ran.status, 5, ran.stderr);
      assertMatch(ran.stderr, /lost \d+ of \d+ \(\d+\.\d%\) samples, more than --max-lost 0.001 allows/);
      assertMatch(ran.stderr, /^pmuctl: all +\d+/m);

      const { from, rows, total } = await ledgerOf(file);
      assertEquals(from, "recorder");
      assertEquals(total.sample, ledgerSamples(ran.stderr));
      assertEquals(await perfCount(file, "SAMPLE"), total.sample);
      for (const name of ["sample", "overflow", "buf"]) {
        assertEquals(rows.reduce((sum, row) => sum + row[name], 0), total[name], name);
      }
      assert(total.overflow > 0);
      const text = await pmuctlOk(["report", "--ledger", "-i", file]);
      assertStringIncludes(text, `lost     ${total.overflow} of ${total.overflow + total.sample} (`);
      assertMatch(text, /^warning {2}the ring buffers overflowed: .* \(-m\) or less often/m);
      assertMatch(text, /^ledger +0 +\d+/m);
    }),
);

testNeeding(
  ["cc", "root"],
  "what happened is what was sampled and what was lost, to the last one",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/exact.data`;
      const event = ["-e", "syscalls:sys_enter_sched_get_priority_min", "-c", "1"];
      for (
        const [options, threads] of [[["-m", "1"], 1], [["-m", "2"], 4], [["-m", "1", "-a"], 2]] as const
      ) {
        const work = ["--", program("calls"), "50000", `${threads}`];
        const ran = await pmuctl(["record", ...event, ...options, "-o", file, ...work]);
        assertEquals(ran.status, 0, ran.stderr);
        const { total } = await ledgerOf(file);
        assertEquals(total.sample + total.overflow + total.dropbuf_sample, 50000 * threads, ran.stderr);
        assert(total.overflow > 0 && total.lost_sideband > 0, ran.stderr);
        assertStringIncludes(ran.stderr, `  lost_sideband ${total.lost_sideband}`);
      }
    }),
);

testNeeding(
  ["perf", "cc"],
  "the status of a command that failed is not hidden by what was lost",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/failed.data`;
      const ran = await pmuctl([
        "record",
        "-q",
        "--max-lost",
        "0",
        ...LOSSY,
        "-o",
        file,
        "--",
        ...faultsUnheard(3),
      ]);
      assertEquals(ran.status, 3, ran.stderr);
      assertStringIncludes(ran.stderr, "more than --max-lost 0 allows");
    }),
);

testNeeding(
  ["perf", "cc"],
  "the ledger of perf's own file is what perf says of it",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/perf.data`;
      await run("perf", ["record", "-q", ...LOSSY, "-o", file, "--", ...faults()]);
      const { from, total } = await ledgerOf(file);
      assertEquals([from, total.sample], ["records", await perfCount(file, "SAMPLE")]);
      const losses = await perfCount(file, "LOST") + await perfCount(file, "LOST_SAMPLES");
      assertEquals(total.overflow > 0, losses > 0);
    }),
);

testNeeding(
  ["cc"],
  "the backend is chosen and named, or insisted on and nothing else",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/clock.data`;
      const clock = await pmuctl([
        "record",
        "-v",
        "--backend",
        "clock",
        "-o",
        file,
        "--",
        program("ratio"),
        "100",
      ]);
      assertEquals(clock.status, 0, clock.stderr);
      assertStringIncludes(clock.stderr, "backend clock");
      assertMatch(
        await pmuctlOk(["report", "-i", file]),
        /^backend {2}clock, for cpu-clock in place of cycles$/m,
      );
      for (const [name, event, hint] of [["clock", "page-faults", "perf"], ["perf", "cpu-clock", "clock"]]) {
        const ran = await pmuctl(["record", "--backend", name, "-e", event, "-o", file, "--", "true"]);
        assertEquals(ran.status, 2);
        assertStringIncludes(ran.stderr, `use --backend ${hint}`);
      }
    }),
);

testNeeding(
  ["cc"],
  "a rate that would take the machine down is lowered",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/flood.data`;
      const work = ["--", program("ratio"), "100"];
      // where a sample is cheap, 100 kHz is no flood, and nothing is said
      const ran = await pmuctl(["record", "-e", "cpu-clock", "-F", "max", "-g", "-o", file, ...work]);
      assertEquals(ran.status, 0, ran.stderr);
      const rate = Number(/^event +cpu-clock, (\d+) Hz/m.exec(await pmuctlOk(["report", "-i", file]))![1]);
      const lowered = /sampling cpu-clock at (\d+) Hz rather than \d+: each sample takes \d+ us/.exec(
        ran.stderr,
      );
      if (lowered) assertEquals(rate, Number(lowered[1]));
      assert(rate >= 20000 || !lowered, ran.stderr);
    }),
);

Deno.test(
  "record tells on a terminal how far it is, on one line that it takes away",
  () =>
    withFolder(async (folder) => {
      const record = `${PMUCTL} record -e cpu-clock -F 500 -o ${folder}/live.data --duration 0.9`;
      const onTerminal = async (args: string) =>
        (await run("script", ["-qec", `stty cols 80; ${record} ${args}`, "/dev/null"])).stdout.replaceAll(
          "\r\x1b[K",
          "<clear>",
        );
      const shown = await onTerminal("-a");
      assertMatch(shown, /<clear>recording \d\.\d s {2}\d+ samples {2}\d+\/s {2}lost \d/);
      assertMatch(shown, /<clear>pmuctl: recorded \d+ samples/);
      // not where a command writes to the same terminal, and not when nothing is to be said
      for (const args of ["-a -- sleep 0.5", "-a -q"]) {
        assertEquals((await onTerminal(args)).includes("recording "), false, args);
      }
      assertEquals(
        (await pmuctl(["record", "-a", "-o", `${folder}/live.data`, "--duration", "0.5"])).stderr.includes(
          "\r",
        ),
        false,
      );
    }),
);
