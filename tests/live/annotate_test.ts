/** `pmuctl annotate` and `perf annotate` of the same recordings. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { testNeeding } from "../needs.ts";
import { assertRefusals, perfOk, pmuctl, pmuctlOk, program, run, withFolder } from "./harness.ts";

interface Annotated {
  symbol: string;
  self: { samples: number };
  instructions: { address: string; samples: number; line?: number }[];
  lines: { file: string; line: number; text?: string; samples: number }[];
  warnings: string[];
}

/** Samples of each address, as perf prints them. */
async function perfCounts(file: string, symbol: string): Promise<Map<number, number>> {
  const text = await perfOk(["annotate", "--stdio", "-n", "-i", file, "-s", symbol]);
  const counts = new Map<number, number>();
  for (const line of text.split("\n")) {
    const match = /^\s*(\d+)\s*:\s*([0-9a-f]+):/.exec(line);
    if (match && match[1] !== "0") counts.set(parseInt(match[2], 16), Number(match[1]));
  }
  return counts;
}

/** Records so many rounds of tests/programs/ratio.c. */
function recordRatio(file: string, rounds: number): Promise<string> {
  const options = ["-q", "-e", "cpu-clock", "-F", "3000", "-o", file];
  return pmuctlOk(["record", ...options, "--", program("ratio"), `${rounds}`, "1"]);
}

async function annotated(file: string, ...options: string[]): Promise<Annotated> {
  return JSON.parse(await pmuctlOk(["annotate", "--json", "-i", file, ...options]));
}

testNeeding(
  ["perf", "cc"],
  "annotate has perf's counts at perf's instructions",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/perf.data`;
      await recordRatio(file, 200);
      const { symbol, self, instructions } = await annotated(file);
      const counts = new Map(
        instructions.flatMap(({ address, samples }) => samples > 0 ? [[Number(address), samples]] : []),
      );
      assert(self.samples > 50, `${self.samples} samples`);
      assertEquals([...counts.values()].reduce((sum, count) => sum + count), self.samples);
      assertEquals(counts, await perfCounts(file, symbol));
    }),
);

testNeeding(
  ["cc"],
  "annotate shows the source of each instruction, and only what everybody may read to root",
  () =>
    withFolder(async (folder) => {
      const source = `${folder}/work.c`, file = `${folder}/perf.data`;
      await Deno.writeTextFile(
        source,
        [
          "static int twice(int x) { return 2 * x; }",
          "__attribute__((noinline)) int work(int n) {",
          "\tvolatile int s = 1;",
          "\tfor (int i = 0; i < n; i++)",
          "\t\ts = twice(s + i) / 3;",
          "\treturn s;",
          "}",
          "int main(void) { return work(100000000) & 1; }",
        ].join("\n"),
      );
      const built = await run("cc", ["-O2", "-g", "-o", `${folder}/work`, source]);
      assertEquals(built.status, 0, built.stderr);
      await pmuctlOk(["record", "-q", "-e", "cpu-clock", "-F", "3000", "-o", file, "--", `${folder}/work`]);
      const { lines } = await annotated(file, "work");
      const hot = lines.filter(({ samples }) => samples > 0);
      assert(
        hot.some(({ line, text }) => line === 5 && text === "\t\ts = twice(s + i) / 3;"),
        JSON.stringify(lines),
      );
      const text = await pmuctlOk(["annotate", "-i", file, "work"]);
      assertStringIncludes(text, "work.c:5          s = twice(s + i) / 3;");
      assertMatch(text, /inlined: twice$/m);
      assertMatch(text, /^ *\d+\.\d\d% +\d+ [0-9a-f]+: [↓↑ ] \S/m);
      const alone = await pmuctlOk(["annotate", "--source", "-i", file, "work"]);
      assertEquals(/^ *\d+\.\d\d% +\d+ +5 {6,}s = twice/m.test(alone), true, alone);
      await Deno.chmod(source, 0o600);
      if (Deno.uid() === 0) {
        assertEquals((await annotated(file, "work")).lines.some(({ text }) => text), false);
      }
      await Deno.remove(`${folder}/work`);
      await assertRefusals([[
        ["annotate", "-i", file, "work"],
        /no function of that name has samples|no sample is in a function/,
        2,
      ]]);
    }),
);

testNeeding(["cc"], "annotate says in one line what it cannot do", () =>
  withFolder(async (folder) => {
    const file = `${folder}/perf.data`;
    await recordRatio(file, 50);
    await assertRefusals([
      [["annotate", "-i", file, "nowhere"], /no function of that name has samples: the heaviest are '/, 2],
      [["annotate", "-i", file, "--source", "--no-source"], /exclude each other/, 2],
      [["annotate", "-i", file, "-M", "arm"], /arm/, 2],
      [["annotate", "-i", file, "-s", "main"], /name the function/, 2],
    ]);
    const bare = await pmuctl(["annotate", "-i", file], { env: { PATH: "/nowhere" } });
    assertMatch(bare.stdout + bare.stderr, /there is no objdump: apt-get install binutils/);
  }));
