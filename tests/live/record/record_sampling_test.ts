/** What `pmuctl record` samples, and how often: options that decide it, with perf as the judge. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { eventually } from "../../eventually.ts";
import { testNeeding } from "../../needs.ts";
import { jsonReport, perfOk, pmuctl, pmuctlOk, program, withFolder } from "../harness.ts";
import { cpuSeconds } from "../watching.ts";

/** The attrs of a file as perf spells them, a line for each event. */
async function attrs(file: string): Promise<string> {
  return await perfOk(["evlist", "-v", "-i", file]);
}

/** The fields of an attr that two recorders must agree on: what a sample carries and what is copied. */
function sampleFields(line: string, but: readonly string[] = []): string[] {
  const bits = /sample_type: ([A-Z_|]+)/.exec(line)![1].split("|").filter((bit) => !but.includes(bit));
  const copied = line.match(/(sample_regs_user|sample_stack_user|exclude_callchain_user|mmap_data): \w+/g) ??
    [];
  return [...bits, ...copied].sort();
}

testNeeding(
  ["perf", "cc"],
  "record --call-graph dwarf makes a file that perf unwinds, with the fields perf records",
  () =>
    withFolder(async (folder) => {
      const [ours, perfs] = [`${folder}/ours.data`, `${folder}/perfs.data`];
      const options = ["--call-graph", "dwarf,4096", "-e", "cpu-clock", "-F", "999"];
      const workload = [program("ratio"), "400"];
      const ran = await pmuctl(["record", ...options, "-o", ours, "--", ...workload]);
      assertEquals(ran.status, 0, ran.stderr);
      await perfOk(["record", "-q", ...options, "-o", perfs, "--", ...workload]);
      // perf gives data addresses too, which are 0 for a clock; ours has the CPU always
      assertEquals(
        sampleFields(await attrs(ours), ["CPU"]),
        sampleFields(await attrs(perfs), ["ADDR", "DATA_SRC"]),
      );

      const callers = async (file: string) => {
        const out = await perfOk(["script", "-i", file, "-F", "ip,sym", "--no-inline"]);
        const stacks = out.split("\n\n").map((stack) => stack.match(/\S+$/gm) ?? []);
        return stacks.find((stack) => stack[0] === "hot")!.join(" ");
      };
      assertMatch(await callers(ours), /^hot work main .*_start$/);
      assertEquals(await callers(ours), await callers(perfs));

      const report = await pmuctlOk(["report", "-g", "-i", ours]);
      assertMatch(report, /^stacks +100\.0% of \d+ whole$/m);
      const { events: [event] } = await jsonReport(ours);
      const hot = event.rows.find((row) => row.symbol === "hot")!;
      assert(hot.self.count / event.samples > 0.6, `hot has ${hot.self.count} of ${event.samples}`);
    }),
);

testNeeding(
  ["perf", "cc", "root"],
  "record -d -W --phys-data --data-page-size --code-page-size has the fields perf records, and perf prints them",
  () =>
    withFolder(async (folder) => {
      const [ours, perfs] = [`${folder}/ours.data`, `${folder}/perfs.data`];
      const options = [
        "-d",
        "-W",
        "--phys-data",
        "--data-page-size",
        "--code-page-size",
        "-e",
        "page-faults",
        "-c",
        "1",
      ];
      const ran = await pmuctl([
        "record",
        ...options,
        "-k",
        "mono",
        "-o",
        ours,
        "--",
        program("faults"),
        "64",
      ]);
      assertEquals(ran.status, 0, ran.stderr);
      await perfOk(["record", "-q", ...options, "-o", perfs, "--", program("faults"), "64"]);
      assertEquals(sampleFields(await attrs(ours), ["CPU", "PERIOD"]), sampleFields(await attrs(perfs)));
      assertMatch(await attrs(ours), /use_clockid: 1, clockid: 1|use_clockid: 1.*clockid: 1/);

      // the same faults at the same instructions, on data of the same pages
      const fields = "ip,sym,addr,data_page_size,weight";
      const rows = async (file: string) => {
        const out = await perfOk(["script", "-i", file, "-F", fields]);
        return out.split("\n").filter((line) => / main/.test(line)).map((line) => line.trim().split(/\s+/));
      };
      const [mine, theirs] = [await rows(ours), await rows(perfs)];
      // the stack's own faults differ with the environment, which perf adds to
      assert(
        mine.length >= 64 && theirs.length >= 64,
        `${mine.length} faults in main, ${theirs.length} for perf`,
      );
      for (const row of mine) {
        assert(row.some((word) => /^[0-9a-f]{11,12}$/.test(word)), `no address in ${row}`);
      }
    }),
);

testNeeding(
  ["perf", "cc"],
  "record samples an event every N when that is written behind it",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/rates.data`;
      const ran = await pmuctl(
        [
          "record",
          "-e",
          "page-faults,=7,cpu-clock,10",
          "-c",
          "5000000",
          "-o",
          file,
          "--",
          program("faults"),
          "700",
        ],
      );
      assertEquals(ran.status, 0, ran.stderr);
      const { events } = await jsonReport(file);
      assertEquals(events.map(({ name, rate }) => [name, rate]), [
        ["page-faults", "every 7"],
        ["cpu-clock", "every 500000"],
      ]);
      assert(
        events[0].samples >= 100 && events[0].samples < 700,
        `${events[0].samples} samples, each of 7 faults, of 700 faults and some`,
      );
      assertEquals(events[0].period, 7 * events[0].samples);
      assertMatch(await attrs(file), /page-faults: .*\{ sample_period, sample_freq \}: 7,/);
    }),
);

testNeeding(
  ["perf"],
  "record -F max samples at the kernel's limit, and says it",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/max.data`;
      const ran = await pmuctl([
        "record",
        "-F",
        "max",
        "--keep-rate",
        "-e",
        "cpu-clock",
        "-o",
        file,
        "--",
        "true",
      ]);
      assertEquals(ran.status, 0, ran.stderr);
      const [, limit] = /kernel.perf_event_max_sample_rate is (\d+): sampling at \1 Hz/.exec(ran.stderr)!;
      assertStringIncludes(await attrs(file), `{ sample_period, sample_freq }: ${limit},`);
    }),
);

testNeeding(
  ["perf", "cc"],
  "record --no-inherit leaves the children out",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/alone.data`;
      const args = ["-e", "page-faults", "-c", "1", "-o", file, "--", program("forks"), "20", "1000"];
      await pmuctlOk(["record", "-i", ...args]);
      const alone = (await jsonReport(file)).events[0].samples;
      await pmuctlOk(["record", ...args]);
      const all = (await jsonReport(file)).events[0].samples;
      assert(all > alone + 100, `${all} faults with the children, ${alone} without`);
    }),
);

Deno.test("record says what is wrong with a rate, a stack's size and rings too small for it", async () => {
  const refused = async (args: string[]) => {
    const { status, stderr } = await pmuctl(["record", ...args, "--", "true"]);
    assertEquals(status, 2, stderr);
    assertEquals(stderr.trim().split("\n").length, 1, stderr);
    return stderr;
  };
  assertStringIncludes(await refused(["-F", "often"]), "--freq 'often'");
  assertStringIncludes(await refused(["-e", "cpu-clock,0"]), "is not a rate");
  assertStringIncludes(await refused(["--call-graph", "dwarf,70000"]), "8 to 65528 bytes");
  assertStringIncludes(await refused(["--call-graph", "auto,64K"]), "8 to 65528 bytes");
  assertStringIncludes(await refused(["--call-graph", "dwarf,65528", "-m", "16"]), "too small for samples");
  assertStringIncludes(await refused(["-g", "-m", "1"]), "too small for samples");
  assertStringIncludes(
    await refused(["--call-graph", "auto", "--overwrite"]),
    "use --call-graph fp, or dwarf",
  );
});

testNeeding(
  ["perf", "cc"],
  "record -p --call-graph dwarf has what perf needs to unwind a program that ran before",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/running.data`;
      const busy = new Deno.Command(program("ratio"), { args: ["1000000"], stdout: "null" }).spawn();
      try {
        await eventually(() => cpuSeconds(busy.pid) > 0.05, "it to compute");
        const options = ["-F", "499", "--duration", "0.5", "--call-graph", "dwarf,4096", "-e", "cpu-clock"];
        await pmuctlOk(["record", ...options, "-p", String(busy.pid), "-o", file]);
      } finally {
        busy.kill("SIGKILL");
        await busy.status;
      }
      const stacks = (await perfOk(["script", "-i", file, "-F", "ip,sym", "--no-inline"])).split("\n\n");
      const hot = stacks.map((stack) => (stack.match(/\S+$/gm) ?? []).join(" ")).filter((s) =>
        /^hot /.test(s)
      );
      assert(
        hot.length > 20 && hot.every((s) => /^hot work main .*_start$/.test(s)),
        hot.slice(0, 3).join("; "),
      );
    }),
);
