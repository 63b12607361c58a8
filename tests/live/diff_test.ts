/** `pmuctl diff` from a user's side: real recordings, and perf diff beside it. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { testNeeding } from "../needs.ts";
import { pmuctl, pmuctlOk, program, run, withFolder } from "./harness.ts";

/** What `pmuctl diff --json` gives, as far as tests look at it. */
interface JsonDiff {
  events: {
    rows: {
      object: string;
      symbol: string | null;
      presence: string;
      a: { self: { count: number } };
      b: { self: { count: number } };
      self: { weight: number; share: number };
    }[];
  }[];
}

/** Records `program ratio` twice, the second time with twice the work. */
async function recordTwo(cwd: string): Promise<void> {
  for (const [file, work] of [["old", "300"], ["new", "600"]]) {
    await pmuctlOk(["record", "-q", "-g", "-F", "2000", "-o", file, "--", program("ratio"), work], { cwd });
  }
}

testNeeding(
  ["perf", "cc"],
  "diff has shares and changes of shares as perf diff has them",
  () =>
    withFolder(async (cwd) => {
      await recordTwo(cwd);
      const json = await pmuctlOk(["diff", "--json", "--no-demangle", "old", "new"], { cwd });
      const { events: [{ rows }] } = JSON.parse(json) as JsonDiff;
      assertEquals([rows[0].symbol, rows[0].self.weight > 0], ["hot", true]); // twice the work
      const perf = await run("perf", ["diff", "-s", "dso,sym", "-t", "\t", "old", "new"], { cwd });
      assertEquals(perf.status, 0, perf.stderr);
      let compared = 0;
      for (const line of perf.stdout.split("\n").filter((line) => line !== "" && !line.startsWith("#"))) {
        const [baseline, delta, object, symbol] = line.split("\t").map((cell) => cell.trim());
        const ours = rows.find((row) => row.object === object && `[.] ${row.symbol}` === symbol);
        if (!ours || baseline === "" || delta === "") continue;
        assertEquals(
          Math.abs(ours.self.share - parseFloat(delta)) < 0.006,
          true,
          `${ours.self.share}: ${line}`,
        );
        compared++;
      }
      assertEquals(compared >= 2, true, perf.stdout);
    }),
);

testNeeding(
  ["cc"],
  "diff of a rebuilt program says that its code is another, and puts what got slower first",
  () =>
    withFolder(async (cwd) => {
      await Deno.writeTextFile(`${cwd}/app.c`, APP);
      for (const [name, flags] of [["old", ["-O0", "-DTIMES=1"]], ["new", ["-O2", "-DTIMES=20"]]] as const) {
        const built = await run("cc", [...flags, "-o", `app.${name}`, "app.c"], { cwd });
        assertEquals(built.status, 0, built.stderr);
        await pmuctlOk(["record", "-q", "-F", "2000", "-o", name, "--", `./app.${name}`], { cwd });
      }
      const text = await pmuctlOk(["diff", "old", "new"], { cwd });
      assertStringIncludes(text, "app.old in A is compared with app.new in B");
      assertMatch(
        text.split("\n")[text.split("\n").findIndex((line) => line.includes("Self A")) + 1],
        / slower$/,
      );
    }),
);

const APP = `
__attribute__((noinline)) unsigned long steady(unsigned long n) {
  unsigned long s = 0;
  for (unsigned long i = 0; i < n; i++) { s += i; __asm__ volatile("" : "+r"(s)); }
  return s;
}
__attribute__((noinline)) unsigned long slower(unsigned long n) {
  unsigned long s = 0;
  for (unsigned long i = 0; i < n * TIMES; i++) { s += i; __asm__ volatile("" : "+r"(s)); }
  return s;
}
int main(void) {
  unsigned long s = 0;
  for (int i = 0; i < 50; i++) s += steady(500000) + slower(500000);
  return s == 42;
}
`;

testNeeding(["cc"], "diff refuses what it cannot compare in one line", () =>
  withFolder(async (cwd) => {
    await pmuctlOk(["record", "-q", "-o", "some", "--", program("ratio"), "10"], { cwd });
    await Deno.writeTextFile(`${cwd}/text`, "not a profile");
    const cases: [string[], number, RegExp][] = [
      [["some"], 2, /expected two files/],
      [["some", "missing"], 4, /missing: no such file/],
      [["text", "some"], 4, /not a perf\.data file/],
      [["-e", "odd", "some", "some"], 4, /cannot compare event 'odd': A does not have it: choose from c/],
      [["--by", "pid", "some", "some"], 2, /'pid' differs between recordings/],
      [["--normalize", "luck", "some", "some"], 2, /one of none, duration, samples, share/],
    ];
    for (const [args, status, line] of cases) {
      const ran = await pmuctl(["diff", ...args], { cwd });
      assertEquals([ran.status, ran.stdout], [status, ""], ran.stderr);
      assertMatch(ran.stderr, line);
      assertEquals(ran.stderr.trim().split("\n").length, 1, ran.stderr);
    }
  }));

testNeeding(
  ["cc"],
  "a flame graph, alone or against a base, goes into the file that -o names",
  () =>
    withFolder(async (cwd) => {
      await recordTwo(cwd);
      const graph = ["--format", "flamegraph"];
      assertEquals(await pmuctlOk(["report", ...graph, "-o", "flame.svg", "new"], { cwd }), "");
      const alone = await Deno.readTextFile(`${cwd}/flame.svg`);
      assertMatch(alone, /<title>hot\n/);
      assertStringIncludes(alone, 'addEventListener("keydown"'); // the script is in it as it was written
      const against = await pmuctlOk(["report", ...graph, "--base", "old", "-i", "new"], { cwd });
      assertStringIncludes(against, "B against A, which is old, weights as recorded");
      assertEquals(await pmuctlOk(["diff", ...graph, "old", "new"], { cwd }), against);
      const lonely = await pmuctl(["report", ...graph, "--negate", "new"], { cwd });
      assertEquals([lonely.status, lonely.stderr], [2, "pmuctl: --negate needs --base FILE\n"]);
      const same = await pmuctl(["diff", "-o", "old", "old", "new"], { cwd });
      assertEquals(same.status, 2);
      assertMatch(same.stderr, /would overwrite the recording/);
    }),
);
