/** `--control`: what counts and samples of a program are when it says which part of it is measured, and perf's beside. */

import { assert, assertEquals, assertGreater, assertLess, assertMatch } from "@std/assert";
import { testNeeding } from "../needs.ts";
import { asNobody, assertRefusals, pmuctl, pmuctlOk, program, type Ran, run, withFolder } from "./harness.ts";

/** Pages of the part that counts. */
const PAGES = 4000;
/** Page faults that come with two commands and their answers. */
const FEW = 60;

/** Options of `--control`, and the words of a program that does as they say, on FIFOs in a folder. */
interface Harness {
  options: string[];
  /** Command that touches so many pages in its part, and before and after it. */
  parts(pages?: number, around?: number): string[];
}

async function withFifos(body: (harness: Harness, folder: string) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const [ctl, ack] = [`${folder}/ctl`, `${folder}/ack`];
    assertEquals((await run("mkfifo", [ctl, ack])).status, 0);
    const parts = (pages = PAGES, around = pages) => [program("parts"), ctl, ack, `${pages}`, `${around}`];
    await body({ options: [`--control=fifo:${ctl},${ack}`], parts }, folder);
  });
}

function assertPart(count: number, parts = 1): void {
  assert(count >= parts * PAGES && count < parts * PAGES + FEW * (parts > 1 ? 10 : 1), `${count}`);
}

async function perfFaults(
  perf: string,
  harness: Harness,
  delay: string[],
): Promise<{ count: number; ran: Ran }> {
  const ran = await run(perf, [
    ...["stat", "-x", ",", "-e", "page-faults:u", ...delay, ...harness.options, "--"],
    ...harness.parts(),
  ]);
  assertEquals(ran.status, 0, ran.stderr);
  return { count: Number(/^(\d+),,page-faults/m.exec(ran.stderr)![1]), ran };
}

testNeeding(
  ["cc", "perf"],
  "stat and bind count what a program enables, as perf stat does, with its answers",
  () =>
    withFifos(async (harness) => {
      const { options, parts } = harness;
      for (const [delay, times] of [[["-D", "-1"], 1], [[], 2]] as const) {
        const { count, ran } = await perfFaults("perf", harness, [...delay]);
        assertPart(count, times);
        assertEquals(ran.stdout, "5\n5\n"); // bytes of an answer

        const json = await pmuctlOk([
          "stat",
          "-r",
          "3",
          "--json",
          "-e",
          "page-faults",
          ...delay,
          ...options,
          "--",
          ...parts(),
        ]);
        const { commands: [{ metrics }], control } = JSON.parse(json);
        for (const sample of metrics["page-faults"].samples) assertPart(sample, times);
        assertMatch(control, /ctl$/);

        const summary = await pmuctl(["bind", "--json", ...delay, ...options, "--", ...parts()]);
        assertMatch(summary.stdout, /^5\n5\n/);
        const { counts } = JSON.parse(summary.stdout.slice(4));
        assertPart(counts.find(({ name }: { name: string }) => name === "page-faults").count, times);

        const events = ["bind", "--json", "-e", "page-faults", ...delay, ...options];
        for (const more of [[], ["-T", "0"], ["-f", "-i", "0.02"]]) {
          const rows = (await pmuctl([...events, ...more, "--", ...parts()])).stdout.trimEnd().split("\n")
            .slice(2);
          const total = JSON.parse(rows.at(-1)!);
          assertEquals(total.event, "total");
          assertPart(total.counts[0].count, times);
        }
      }
    }),
);

testNeeding(
  ["cc", "kernelEvents"],
  "bind counts on CPUs what a program enables, and record samples it",
  () =>
    withFifos(async ({ options, parts }, folder) => {
      const rows = await pmuctl([
        "bind",
        "-a",
        "-e",
        "page-faults",
        "-D",
        "-1",
        ...options,
        "--",
        ...parts(PAGES, 50 * PAGES),
      ]);
      assertEquals(rows.status, 0, rows.stderr);
      const total = Number(/ total +(\d+)/.exec(rows.stdout)![1]);
      assert(total >= PAGES && total < 50 * PAGES, rows.stdout);

      const file = `${folder}/r.data`;
      const symbols = async (...delay: string[]) => {
        const args = [
          "record",
          "-e",
          "cpu-clock",
          "-F",
          "4000",
          "-g",
          "-o",
          file,
          ...delay,
          ...options,
          "--",
          ...parts(),
        ];
        const recorded = await pmuctl(args);
        assertEquals(recorded.status, 0, recorded.stderr);
        const folded = await pmuctlOk(["report", "--format", "folded", "-i", file]);
        return ["before", "part", "after"].map((name) => new RegExp(`;${name}[; ]`).test(folded));
      };
      assertEquals(await symbols("-D", "-1"), [false, true, false]);
      assertEquals(await symbols(), [true, true, false]);
    }),
);

testNeeding(
  ["cc"],
  "check goes by what a program enables, and by no count of whole runs",
  () =>
    withFifos(async ({ options, parts }, folder) => {
      const check = async (old: string[], now: string[], ...more: string[]) => {
        const args = [
          "check",
          "--json",
          "-D",
          "-1",
          ...options,
          ...more,
          "--against",
          old.join(" "),
          "--",
          ...now,
        ];
        const ran = await pmuctl(args);
        return { ...JSON.parse(ran.stdout), stderr: ran.stderr };
      };
      const faults = ["-m", "page-faults", "-w", "0"];
      const outside = await check(parts(PAGES, 100), parts(PAGES, 400), ...faults);
      assertEquals([outside.status, outside.rows[0].rung], [0, "page-faults(enabled)"], outside.stderr);
      const inside = await check(parts(PAGES, 400), parts(1.1 * PAGES, 100), ...faults);
      assertEquals([inside.status, inside.rows[0].verdict], [1, "regressed"]);
      const whole = await check(parts(100), parts(100), "-m", "wall", "-m", "max-rss", "-m", "instructions");
      assertEquals(whole.status, 3);
      for (const { reason } of whole.rows) {
        assertMatch(reason, /it measures whole runs, and --control is for parts/);
      }
      const silent = await check(["true"], ["true"], ...faults);
      assertMatch(
        silent.rows[0].reason,
        /no time passed between an enable and a disable in .*ctl \(--control\)/,
      );

      // what runs around the command leaves the FIFOs to it, and profiles are of its parts
      const around = ["--setup", "true", "--cleanup", "true", "--prepare", "true", "--profile"];
      const spent = await check(
        parts(PAGES, 3 * PAGES),
        parts(2 * PAGES, 3 * PAGES),
        ...around,
        "-m",
        "task-clock",
      );
      assertEquals([spent.status, spent.rows[0].verdict], [1, "regressed"], spent.stderr);
      const [where] = Object.values(spent.where) as string[];
      assertMatch(where, /\[\.\] touch$/m);
      assert(!/\[\.\] (before|after)$/m.test(where), where);

      // a baseline of parts compares with nothing else
      const baseline = ["--baseline", `${folder}/b.json`, ...faults];
      assertEquals(
        (await pmuctl(["check", "--update", ...baseline, "-D", "-1", ...options, "--", ...parts()])).status,
        0,
      );
      const again = await pmuctl(["check", ...baseline, "-D", "-1", ...options, "--", ...parts()]);
      assertEquals(again.status, 0, again.stdout);
      const text = Deno.readTextFileSync(`${folder}/b.json`);
      Deno.writeTextFileSync(`${folder}/b.json`, text.replace("(enabled)", ""));
      const other = await pmuctl(["check", "--json", ...baseline, "-D", "-1", ...options, "--", ...parts()]);
      assertMatch(
        JSON.parse(other.stdout).rows[0].reason,
        /the baseline has page-faults(:u)?, and different sources/,
      );

      await Deno.writeTextFile(
        `${folder}/pmuctl.json`,
        JSON.stringify({
          control: options[0].slice("--control=".length),
          delay: -1,
          metrics: ["page-faults"],
          benchmarks: [{ name: "parts", command: parts(1.1 * PAGES), against: parts() }],
        }),
      );
      const config = await pmuctl(["check", "--config", `${folder}/pmuctl.json`]);
      assertEquals(config.status, 1, config.stderr);
      assertMatch(config.stdout, /^regressed +parts: page-faults(:u)?\(enabled\) \+10\.\d%/);
    }),
);

testNeeding(["cc"], "what is never enabled is not counted, and no 0", () =>
  withFifos(async ({ options }) => {
    const never = ["-D", "-1", ...options, "--", "true"];
    const stat = await pmuctl(["stat", "-r", "2", "-e", "page-faults", ...never]);
    assertMatch(
      stat.stdout,
      /^not counted: .*page-faults.*: no time passed between an enable and a disable in .*ctl/m,
    );
    const summary = await pmuctl(["bind", ...never]);
    assertMatch(summary.stdout, /^not counted: .*page-faults.*: no time passed/m);
    const rows = await pmuctl(["bind", "-e", "page-faults", ...never]);
    assertMatch(rows.stdout, / total +\d+|total +not counted # never enabled through .*ctl$/m);
    assertMatch(rows.stdout, /not counted # never enabled through .*ctl$/m);
    const recorded = await pmuctl(["record", "-e", "cpu-clock", "-o", "/dev/null", ...never]);
    assertMatch(
      recorded.stderr,
      /no samples: no 'enable' came through .*ctl: write it when sampling is to begin/,
    );
  }));

testNeeding(
  ["cc", "otherUser"],
  "FIFOs that are none are refused at once, and so is what -D cannot mean",
  () =>
    withFifos(async ({ options }, folder) => {
      const commands = [["stat"], ["bind"], ["bind", "-e", "page-faults"], ["record"], [
        "check",
        "--against",
        "true",
      ]];
      for (const command of commands) {
        await assertRefusals([
          [
            [...command, "--control=fifo:/dev/null", "--", "true"],
            /cannot take commands from \/dev\/null \(--control\): it is no FIFO: make it with mkfifo$/m,
            4,
          ],
          [[...command, `--control=fifo:${folder}`, "--", "true"], /is a directory/, 4],
          [[...command, "--control=fd:3", "--", "true"], /expected FIFOs, by their paths/, 2],
          [[...command, "-D", "-1", "--", "true"], /-D -1 needs --control/, 2],
          [
            [...command, "-D", "-2", ...options, "--", "true"],
            /-D -2: expected -1|--delay -2|--delay '-2'/,
            2,
          ],
        ]);
      }
      Deno.chmodSync(folder, 0o755);
      Deno.chmodSync(`${folder}/ctl`, 0o600);
      const nobody = await asNobody(["stat", ...options, "--", "true"]);
      assertEquals(nobody.status, 4);
      assertMatch(nobody.stderr, /ctl \(--control\): permission denied/);
      await assertRefusals([
        [
          ["bind", "--detach", "x", ...options, "-e", "page-faults", "--", "true"],
          /--control conflicts with --detach/,
          2,
        ],
        [
          ["check", "--from", "go", ...options, "--against", "true", "--", "true"],
          /--control is for others/,
          2,
        ],
      ]);
    }),
);

testNeeding(
  ["cc"],
  "a flood into the FIFO is bounded, and 'stop' ends a recording",
  () =>
    withFifos(async ({ options }, folder) => {
      const flood = `yes | tr -d '\\n' | head -c 1000000 >${folder}/ctl; exec sleep 0.1`;
      const begun = performance.now();
      const stat = await pmuctl([
        "stat",
        "-r",
        "2",
        "-e",
        "page-faults",
        ...options,
        "--",
        "sh",
        "-c",
        flood,
      ]);
      assertEquals(stat.status, 0, stat.stderr);
      assertLess(performance.now() - begun, 30_000);
      assertLess(stat.stderr.length, 2000);

      const stopping = ["sh", "-c", `echo stop >${folder}/ctl; exec sleep 1`];
      const file = `${folder}/r.data`;
      const recorded = await pmuctl(["record", "-e", "cpu-clock", "-o", file, ...options, "--", ...stopping]);
      assertEquals(recorded.status, 0, recorded.stderr);
      assertMatch(
        recorded.stderr,
        /recording stopped: 'stop' came through .*ctl \(--control\); sh keeps running/,
      );
      assertGreater(Deno.statSync(file).size, 0);
    }),
);
