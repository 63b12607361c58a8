/** `pmuctl record` on real programs, with perf as the judge of the files. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { eventually } from "../../eventually.ts";
import { testNeeding } from "../../needs.ts";
import {
  asNobody,
  jsonReport,
  ledgerSamples,
  perfOk,
  perfReportRows,
  perfSampleCount,
  PMUCTL,
  pmuctl,
  program,
  run,
  symbolDifferences,
  withFolder,
} from "../harness.ts";
import { sizeOf } from "../watching.ts";

const near = (actual: number, expected: number, within: number, what: string) =>
  assert(
    Math.abs(actual - expected) <= within,
    `${what} is ${actual.toFixed(2)}, not ${expected} +- ${within}`,
  );

testNeeding(
  ["perf", "cc"],
  "record finds the true shares of a workload, and perf finds the same in the file",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/ratio.data`;
      const ran = await pmuctl(["record", "-F", "5000", "-g", "-o", file, "--", program("ratio"), "4000"]);
      assertEquals(ran.status, 0, ran.stderr);

      const { events: [event], meta } = await jsonReport(file);
      const self = (symbol: string) => {
        const row = event.rows.find((r) => r.symbol === symbol);
        return row ? 100 * row.self.period / event.period : 0;
      };
      // the loops are all there is to 3:1; what the kernel takes for itself is not part of the truth
      const user = self("hot") + self("warm");
      assert(user > 90, `hot and warm have ${user}%`);
      near(100 * self("hot") / user, 75, 2, "hot");
      near(100 * self("warm") / user, 25, 2, "warm");
      const work = event.rows.find((r) => r.symbol === "work")!;
      near(100 * work.total.period / event.period, user, 2, "work with what it calls");
      assertStringIncludes(meta.command, "ratio 4000");

      const perfRows = await perfReportRows(file);
      for (const name of ["hot", "warm"]) {
        const samples = perfRows.find((r) => r.symbol === name)!.samples;
        assertEquals(event.rows.find((r) => r.symbol === name)!.self.count, samples, name);
      }
      assertEquals(await perfSampleCount(file), ledgerSamples(ran.stderr));
      assertEquals(event.samples, ledgerSamples(ran.stderr));
    }),
);

testNeeding(
  ["perf"],
  "record writes a file that perf reads without a complaint",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/ls.data`;
      const ran = await pmuctl(["record", "-g", "-o", file, "--", "ls", "-R", "/usr/share/doc"]);
      assertEquals(ran.status, 0, ran.stderr);
      await perfOk(["report", "-i", file, "--stdio"]);
      await perfOk(["script", "-i", file]);
      assertMatch(await perfOk(["evlist", "-i", file]), /^(cycles|cpu-clock)\b/);
      const header = await perfOk(["report", "--header-only", "-i", file]);
      const hostname = (await Deno.readTextFile("/proc/sys/kernel/hostname")).trim();
      assertStringIncludes(header, `# hostname : ${hostname}\n`);
      assertMatch(header, /^# cmdline : pmuctl record /m);
      assertMatch(header, /^# nrcpus online : [1-9]/m);
    }),
);

testNeeding(
  ["perf", "cc"],
  "record names threads, and gives each its samples",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/threads.data`;
      const ran = await pmuctl(["record", "-F", "5000", "-o", file, "--", program("threads"), "2000"]);
      assertEquals(ran.status, 0, ran.stderr);
      const { events: [event] } = await jsonReport(file);
      for (const k of [0, 1, 2, 3]) {
        const row = event.rows.find((r) => r.symbol === `spin_${k}`)!;
        assertEquals(row.command, `worker-${k}`);
        near(100 * row.self.period / event.period, 25, 8, `worker-${k}`); // CPUs may be shared with others
      }
    }),
);

testNeeding(
  ["perf", "cc"],
  "record follows every child, from its fork to its exit",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/forks.data`;
      const ran = await pmuctl([
        "record",
        "-F",
        "5000",
        "-o",
        file,
        "--",
        program("forks"),
        "200",
        "1000000",
      ]);
      assertEquals(ran.status, 0, ran.stderr);
      const events = await perfOk(["script", "-i", file, "--show-task-events"]);
      assertEquals(events.match(/PERF_RECORD_FORK/g)?.length, 200);
      assertEquals(events.match(/PERF_RECORD_EXIT/g)?.length, 201);
      const { events: [event] } = await jsonReport(file);
      const work = event.rows.find((r) => r.symbol === "child_work")!;
      assert(work.self.period / event.period > 0.7, `child_work has ${work.self.count} of ${event.samples}`);
    }),
);

testNeeding(
  ["perf", "root"],
  "record -a sees processes that ran before it, by name, map and symbol",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/all.data`;
      const busy = new Deno.Command(program("ratio"), { args: ["1000000"], stdout: "null" }).spawn();
      try {
        const ran = await pmuctl(["record", "-a", "-g", "-F", "2000", "-o", file, "--", "sleep", "1"]);
        assertEquals(ran.status, 0, ran.stderr);
        const report = await jsonReport(file);
        const rows = report.events.flatMap((event) => event.rows);
        const hot = rows.find((r) => r.symbol === "hot")!;
        assertEquals([hot.command, hot.object], ["ratio", "ratio"]);
        const all = rows.filter((r) => r.command === "ratio").reduce((sum, { self }) => sum + self.count, 0);
        assert(hot.self.count > all / 2 && all > 20, `${hot.self.count} samples of ${all} in hot`);
        assertEquals(await perfSampleCount(file), ledgerSamples(ran.stderr));
        const known = ["swapper", "ratio", "sleep"];
        assertEquals(symbolDifferences(report, await perfReportRows(file, known), known), []);
      } finally {
        busy.kill("SIGKILL");
        await busy.status;
      }
    }),
);

testNeeding(
  ["perf", "root"],
  "report gives every symbol of a perf record -a -g file as many samples as perf does",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/perf.data`;
      const load = new Deno.Command("sh", {
        args: [
          "-c",
          `while :; do ${program("threads")} 100; ls -R /usr/share >/dev/null; ${program("forks")} 20; done`,
        ],
        stdout: "null",
        stderr: "null",
      }).spawn();
      try {
        await perfOk([
          "record",
          "-q",
          "-e",
          "cpu-clock",
          "-F",
          "20000",
          "-a",
          "-g",
          "-o",
          file,
          "--",
          "sleep",
          "2",
        ]);
      } finally {
        load.kill("SIGTERM");
        await load.status;
      }
      const report = await jsonReport(file);
      assert(report.events[0].samples > 5000, `${report.events[0].samples} samples`);
      // of other processes, files may be gone, or replaced, by the time when either reads them
      const known = [
        "swapper",
        "sh",
        "threads",
        "worker-0",
        "worker-1",
        "worker-2",
        "worker-3",
        "ls",
        "forks",
      ];
      assertEquals(symbolDifferences(report, await perfReportRows(file, known), known), []);
    }),
);

Deno.test("record passes the command's status on, and says how it ended", () =>
  withFolder(async (cwd) => {
    assertEquals((await pmuctl(["record", "--", "sh", "-c", "exit 7"], { cwd })).status, 7);
    assertEquals((await pmuctl(["record", "--", "sh", "-c", "kill -TERM $$"], { cwd })).status, 143);
    assertEquals((await pmuctl(["record", "--", "true"], { cwd })).status, 0);
  }));

Deno.test("record keeps the file that was there as FILE.old", () =>
  withFolder(async (cwd) => {
    await pmuctl(["record", "--", "true"], { cwd });
    const first = await Deno.readFile(`${cwd}/perf.data`);
    await pmuctl(["record", "--", "true"], { cwd });
    assertEquals(await Deno.readFile(`${cwd}/perf.data.old`), first);
  }));

Deno.test("record of a command that cannot run ends with 127 or 126, and leaves no file and any old one", () =>
  withFolder(async (cwd) => {
    await Deno.writeTextFile(`${cwd}/perf.data`, "precious");
    await Deno.writeTextFile(`${cwd}/plain`, "no program", { mode: 0o644 });
    const missing = await pmuctl(["record", "--", "no-such-command"], { cwd });
    assertEquals(missing.status, 127);
    assertStringIncludes(
      missing.stderr,
      "cannot run no-such-command: no such file or directory in any folder of PATH",
    );
    const plain = await pmuctl(["record", "--", "./plain"], { cwd });
    assertEquals(plain.status, 126);
    assertStringIncludes(
      plain.stderr,
      "cannot run ./plain: permission denied: name a file that you may execute, or make it one: chmod +x",
    );
    assertEquals(Array.from(Deno.readDirSync(cwd), (e) => e.name).sort(), ["perf.data", "plain"]);
    assertEquals(await Deno.readTextFile(`${cwd}/perf.data`), "precious");
  }));

const STOPS = [["-INT", "Ctrl-C", 130], ["-TERM", "SIGTERM", 143], ["-HUP", "SIGHUP", 129]] as const;
for (const [signal, name, status] of STOPS) {
  testNeeding(
    ["perf"],
    `record ends cleanly at ${name}, with a whole file`,
    () =>
      withFolder(async (folder) => {
        const file = `${folder}/int.data`;
        // a process group of its own, so that the signal can go to all of it as a terminal sends it
        const child = new Deno.Command("setsid", {
          args: [PMUCTL, "record", "-o", file, "--", program("ratio"), "1000000"],
          stdout: "null",
          stderr: "piped",
        }).spawn();
        await eventually(() => sizeOf(file) > 100_000, "samples");
        await run("kill", [signal, "--", `-${child.pid}`]);
        const ended = await child.output();
        assertEquals(ended.code, status);
        const stderr = new TextDecoder().decode(ended.stderr);
        const count = ledgerSamples(stderr);
        assert(count > 1000, stderr);
        assertEquals(await perfSampleCount(file), count);
      }),
  );
}

testNeeding(
  ["cc"],
  "record under nohup goes on when the terminal is gone, and so does its command",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/hup.data`;
      const child = new Deno.Command("nohup", {
        args: ["setsid", PMUCTL, "record", "-q", "-F", "500", "-o", file, "--", program("ratio"), "2000"],
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).spawn();
      await eventually(() => sizeOf(file) > 0, "the recording to begin");
      await run("kill", ["-HUP", "--", `-${child.pid}`]);
      assertEquals((await child.status).code, 0);
      assert((await jsonReport(file)).events[0].samples > 100);
    }),
);

testNeeding(
  ["otherUser"],
  "record as an unprivileged user samples user space, and says so",
  () =>
    withFolder(async (folder) => {
      await Deno.chmod(folder, 0o777);
      const ran = await asNobody([
        "record",
        "-F",
        "2000",
        "-o",
        `${folder}/user.data`,
        "--",
        program("ratio"),
        "1000",
      ], { env: { HOME: folder } });
      assertEquals(ran.status, 0, ran.stderr);
      assertMatch(ran.stderr, /user space only/);
      const report = await jsonReport(`${folder}/user.data`);
      assertMatch(report.events[0].name, /:u$/);
      assertEquals(report.events[0].rows.filter((r) => r.kernel), []);
    }),
);

Deno.test("record refuses what makes no sense, in one line, with status 2", async () => {
  const refused: [string[], string][] = [
    [["record"], "nothing to record"],
    [["record", "-F", "0", "--", "true"], "--freq '0'"],
    [["record", "-F", "100", "-c", "5", "--", "true"], "exclude each other"],
    [["record", "-m", "3", "--", "true"], "a power of two"],
    [["record", "-e", "no-such-event", "--", "true"], "no-such-event"],
    [["record", "--fequency", "3", "--", "true"], "unknown option --fequency"],
  ];
  for (const [args, part] of refused) {
    const ran = await pmuctl(args);
    assertEquals(ran.status, 2, args.join(" "));
    assertStringIncludes(ran.stderr, part);
    assertEquals(ran.stderr.trim().split("\n").length, 1, ran.stderr);
    assertEquals(ran.stdout, "");
  }
});

Deno.test("record to a full disk ends with 3 and says so, and the file can be read", async () => {
  const ran = await pmuctl(["record", "-o", "/dev/full", "--", "true"]);
  assertEquals(ran.status, 3);
  assertMatch(ran.stderr, /cannot write \/dev\/full/);
});
