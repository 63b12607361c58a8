/** `pmuctl report --sort`, --children and filters against `perf report` on the same file. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { testNeeding } from "../../needs.ts";
import { perfOk, PMUCTL, pmuctl, pmuctlOk, program, run, withFolder } from "../harness.ts";
import { ourRows, perfRows, rowDifferences, type Rows } from "../perf_rows.ts";

const KEYS = "comm,dso,sym";

/** Fails with the rows that differ, for the tables are long. */
function assertSame(ours: Rows, theirs: Rows, what: string) {
  assertEquals(rowDifferences(ours, theirs), [], what);
  assert(ours.size > 0, what);
}

/** Calls `body` with a recording by perf of a shell that starts programs, two of them with threads. */
function withRecording(body: (file: string) => Promise<void>): Promise<void> {
  return withFolder(async (folder) => {
    const file = `${folder}/perf.data`;
    const load = `${program("ratio")} 300 & ${program("threads")} 300 & ${program("faults")} 2000; wait`;
    await perfOk([
      "record",
      "-q",
      "-e",
      "cpu-clock",
      "-F",
      "2000",
      "-g",
      "--sample-cpu",
      "-o",
      file,
      "--",
      "sh",
      "-c",
      load,
    ]);
    await body(file);
  });
}

testNeeding(
  ["perf", "cc"],
  "report --sort gives the rows of perf report --sort",
  () =>
    withRecording(async (file) => {
      for (
        const keys of [
          "comm",
          "dso",
          "cpu",
          "cpu,comm",
          "dso,sym",
          "comm,dso",
          "comm,dso,sym",
          "sym,dso,comm,cpu",
        ]
      ) {
        const ours = await ourRows(file, keys);
        // what has no symbol is one row here and one for each address there
        const theirs = await perfRows(file, keys);
        assertEquals(ours, theirs, keys);
      }
      // perf's pid is the thread's id with its name
      const threads = [...await perfRows(file, "pid")]
        .map(([key, numbers]): [string, string] => [key.split(":")[0], numbers]);
      assertSame(await ourRows(file, "tid"), new Map(threads), "tid");
      assertMatch(await pmuctlOk(["report", "-i", file, "--sort", "pid,tid"]), /\d+:threads +\d+:worker-1\n/);
    }),
);

testNeeding(
  ["perf", "cc"],
  "report --children has perf's totals, symbol for symbol",
  () =>
    withRecording(async (file) => {
      for (const keys of ["dso,sym", "comm,dso,sym", "dso", "comm"]) {
        assertSame(await ourRows(file, keys, "--children"), await perfRows(file, keys, "--children"), keys);
      }
    }),
);

testNeeding(
  ["perf", "cc"],
  "report's filters keep what perf's keep, with the same shares",
  () =>
    withRecording(async (file) => {
      const both: string[][] = [
        ["--comms", "ratio,faults"],
        ["--comms", "ratio,sh", "--percentage", "relative"],
        ["--dsos", "ratio,threads"],
        ["--symbols", "hot,warm", "--percentage", "relative"],
        ["--symbol-filter", "spin"],
        ["--time", "10%-60%"],
        ["--time", "25%/2,25%/4"],
      ];
      for (const filter of both) {
        // with all keys: perf's rows of fewer hold what was filtered out, too, as soon as one sample is not
        assertSame(
          await ourRows(file, KEYS, ...filter),
          await perfRows(file, KEYS, ...filter),
          filter.join(" "),
        );
      }
      const times = (await perfOk(["script", "-i", file, "--ns", "-F", "time"])).trim().split(/:?\s+/);
      const range = `${times[50]},${times[90].replace(":", "")}`;
      const spanned = ["--time", range];
      assertSame(await ourRows(file, KEYS, ...spanned), await perfRows(file, KEYS, ...spanned), range);
    }),
);

testNeeding(["cc"], "report says what is wrong with a sort key, a time or a list", async () => {
  const cases: [string[], RegExp][] = [
    [["--sort", "comm,colour"], /--sort 'comm,colour': unknown key 'colour': expected comm, pid/],
    [["--time", "soon"], /--time 'soon': 'soon' is not a time: expected/],
    [["--cpu", "x"], /--cpu 'x': expected CPUs/],
    [["--pid", "init"], /--pid 'init': expected numbers/],
    [["--children", "--no-children"], /exclude each other/],
    [["-g", "-G"], /exclude each other/],
  ];
  for (const [args, line] of cases) {
    const ran = await pmuctl(["report", ...args, "/nonexistent"]);
    assertEquals(ran.status, 2, args.join(" "));
    assertMatch(ran.stderr, line);
    assertEquals(ran.stderr.trim().split("\n").length, 1, ran.stderr);
  }
});

testNeeding(
  ["cc"],
  "report cuts pmuctl's own recordings, and pipes, by slices and by seconds",
  () =>
    withFolder(async (cwd) => {
      await pmuctlOk(["record", "-q", "-F", "2000", "-o", "file", "--", program("ratio"), "300"], { cwd });
      const samples = async (...args: string[]) =>
        JSON.parse(await pmuctlOk(["report", "--json", "file", ...args], { cwd })).events[0].samples;
      const all = await samples();
      const slices = await Promise.all(
        ["0%-30%", "30%-70%", "70%-100%"].map((time) => samples("--time", time)),
      );
      assertEquals(slices.reduce((sum, n) => sum + n, 0), all);
      assert(slices.every((n) => n > 0));
      assertEquals(await samples("--time", "+0,"), all);
      assertEquals(await samples("--time", "+1000,"), 0);
      const piped = await run("sh", ["-c", `"$0" report --json --time 0%-30% -i - < file`, PMUCTL], { cwd });
      assertEquals(JSON.parse(piped.stdout).events[0].samples, slices[0]);
    }),
);

testNeeding(
  ["cc"],
  "analyze has tprof's columns, and the same as report --format tprof",
  () =>
    withFolder(async (cwd) => {
      await pmuctlOk(["record", "-q", "-F", "2000", "--", program("ratio"), "300"], { cwd });
      const [event] = JSON.parse(await pmuctlOk(["report", "--json"], { cwd })).events;
      const merged = await pmuctlOk(["analyze", "-CLPs"], { cwd });
      const long = ["--merge-cpus", "--merge-threads", "--merge-processes", "--per-symbol"];
      assertEquals(await pmuctlOk(["report", "--format", "tprof", ...long], { cwd }), merged);
      const [file, total, , , title, first] = merged.split("\n");
      assertEquals([file, total], ["File: perf.data", `Number of samples: ${event.samples}`]);
      assertMatch(title, /^percentage nsamples event#00 k +address symbol$/);
      assertMatch(first, /^ *\d+\.\d{3} +\d+ +\d+ 0 [0-9a-f]{16} ratio:hot$/);
      const apart = (await pmuctlOk(["analyze", "perf.data"], { cwd })).trimEnd().split("\n").slice(5);
      assertEquals(apart.reduce((sum, line) => sum + Number(line.trim().split(/\s+/)[1]), 0), event.samples);
      assertMatch(
        (await pmuctl(["report", "-L"], { cwd })).stderr,
        /--merge-threads needs --format tprof/,
      );
    }),
);
