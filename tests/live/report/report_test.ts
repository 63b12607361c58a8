/** `pmuctl report` from a user's side: files that are not there, not ours, or damaged. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { testNeeding } from "../../needs.ts";
import { perfOk, PMUCTL, pmuctl, pmuctlOk, program, run, withFolder } from "../harness.ts";

Deno.test("report says in one line why it cannot read a file, with status 4", () =>
  withFolder(async (cwd) => {
    await Deno.writeTextFile(`${cwd}/text`, "not a profile");
    await Deno.writeFile(`${cwd}/empty`, new Uint8Array());
    const cases: [string[], RegExp][] = [
      [["report"], /perf\.data: no such file: record one with 'pmuctl record'/],
      [["report", "text"], /text: it is not a perf\.data file/],
      [["report", "empty"], /empty/],
      [["report", "."], /it is a folder/],
    ];
    for (const [args, line] of cases) {
      const ran = await pmuctl(args, { cwd });
      assertEquals(ran.status, 4, args.join(" "));
      assertMatch(ran.stderr, line);
      assertEquals(ran.stderr.trim().split("\n").length, 1, ran.stderr);
    }
  }));

testNeeding(
  ["perf", "cc"],
  "report of a truncated file gives its offset, and with --force what came before",
  () =>
    withFolder(async (cwd) => {
      await pmuctlOk(["record", "-q", "-F", "2000", "-o", "whole", "--", program("ratio"), "1000"], { cwd });
      const bytes = await Deno.readFile(`${cwd}/whole`);
      await Deno.writeFile(`${cwd}/half`, bytes.subarray(0, bytes.length >> 1));
      const refused = await pmuctl(["report", "half"], { cwd });
      assertEquals(refused.status, 4);
      assertMatch(refused.stderr, /offset \d+/);
      const forced = await pmuctlOk(["report", "--force", "half"], { cwd });
      assertMatch(forced, /^warning .*offset \d+/m);
      assertMatch(forced, /hot/);
    }),
);

testNeeding(
  ["perf", "cc"],
  "report reads perf's files and pipes, and what perf record -z wrote",
  () =>
    withFolder(async (folder) => {
      const workload = [program("ratio"), "1000"];
      const file = `${folder}/perf.data`;
      await perfOk(["record", "-q", "-e", "cpu-clock", "-F", "2000", "-z", "-o", file, "--", ...workload]);
      assertMatch(await pmuctlOk(["report", file]), /hot/);
      const piped = await run("sh", [
        "-c",
        `perf record -q -e cpu-clock -F 2000 -o - -- ${
          workload.join(" ")
        } 2>/dev/null | ${PMUCTL} report -i -`,
      ]);
      assertEquals(piped.status, 0, piped.stderr);
      assertMatch(piped.stdout, /hot/);
    }),
);

testNeeding(
  ["cc"],
  "report -g names the callers, and --json has whole numbers",
  () =>
    withFolder(async (cwd) => {
      await pmuctlOk(["record", "-q", "-g", "-F", "2000", "--", program("ratio"), "1000"], { cwd });
      // a sample or two within hot's prologue, before it has a frame, miss work: a branch of their own, below the limit
      const text = await pmuctlOk(["report", "-g", "--percent-limit", "5"], { cwd });
      assertMatch(text, /hot\n +(└─ \d+\.\d+% )?work\n +main\n/);
      const json = JSON.parse(await pmuctlOk(["report", "--json"], { cwd }));
      const counts = json.events[0].rows.map((r: { self: { count: number } }) => r.self.count);
      assertEquals(counts.reduce((a: number, b: number) => a + b), json.events[0].samples);
    }),
);

testNeeding(["cc"], "report into a closed pipe ends without a word", () =>
  withFolder(async (cwd) => {
    await pmuctlOk(["record", "-q", "-g", "-F", "2000", "--", program("ratio"), "300"], { cwd });
    const ran = await run("sh", ["-c", `${PMUCTL} report --percent-limit 0 | head -1`], { cwd });
    assertStringIncludes(ran.stdout, "command");
    assertEquals(ran.stderr, "");
  }));

testNeeding(
  ["cc"],
  "report never takes a rebuilt program for the one that was recorded",
  () =>
    withFolder(async (cwd) => {
      const source = new URL("../../programs/ratio.c", import.meta.url).pathname;
      const build = async (level: string) => {
        const ran = await run("cc", [level, "-g", "-o", "ratio", source], { cwd });
        assertEquals(ran.status, 0, ran.stderr);
      };
      await build("-O1");
      await pmuctlOk(["record", "-q", "-F", "2000", "--", "./ratio", "300"], { cwd });
      assertMatch(await pmuctlOk(["report"], { cwd }), /\bhot\n/);
      await build("-O0");
      const text = await pmuctlOk(["report"], { cwd });
      assertEquals(/\bhot\n/.test(text), false);
      assertMatch(text, /ratio: build id differs; the file was rebuilt or upgraded since/);
    }),
);
