/** `pmuctl annotate` and `perf annotate` of the same recordings. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { annotateFunctions } from "../../lib/annotate/annotate.ts";
import { renderAnnotationJson } from "../../lib/annotate/annotate_json.ts";
import { SampledFunctions } from "../../lib/annotate/function_samples.ts";
import { openInput } from "../../lib/base/files/file_bytes.ts";
import { loadProfile } from "../../lib/profile/load/load.ts";
import { hostSymbolFiles } from "../../lib/symbols/files/host_files.ts";
import type { ObjectInfo } from "../../lib/symbols/object/objects.ts";
import type { Symbolizer } from "../../lib/symbols/symbolizer.ts";
import { testNeeding } from "../needs.ts";
import { assertRefusals, perfOk, PMUCTL, pmuctl, pmuctlOk, program, run, withFolder } from "./harness.ts";

interface Annotated {
  symbol: string | null;
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
      assertEquals(counts, await perfCounts(file, symbol!));
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
        const { lines, warnings } = await annotated(file, "work");
        assertEquals(lines.some(({ text }) => text), false);
        assertStringIncludes(
          warnings.join(),
          `${source}: not shown: as root, only files that everybody may read`,
        );
      }
      await Deno.remove(source);
      const { warnings } = await annotated(file, "work");
      assertEquals(warnings, [`source file ${source}: not shown: no such file or directory`]);
      assertEquals((await annotated(file, "--no-source", "work")).warnings, []);
      await Deno.remove(`${folder}/work`);
      await assertRefusals([[
        ["annotate", "-i", file, "work"],
        /no function of that name has samples|no sample is in a function/,
        2,
      ]]);
    }),
);

testNeeding(
  ["cc"],
  "annotate says how to name one of several functions that a name without parameters means",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/perf.data`, source = `${folder}/overloads.c`;
      const spin = (rounds: number) => `{ for (volatile long i = 0; i < ${rounds}; i++); }\n`;
      Deno.writeTextFileSync(
        source,
        'void f(void) __asm__("_ZN1a1fEi"), g(void) __asm__("_ZN1a1fEl");\n' +
          `void f(void) ${spin(60e6)} void g(void) ${spin(200e6)} int main(void) { f(); g(); }\n`,
      );
      assertEquals((await run("cc", ["-o", `${folder}/overloads`, source])).status, 0);
      await pmuctlOk(["record", "-q", "-e", "cpu-clock", "-o", file, "--", `${folder}/overloads`]);
      const { symbol, warnings } = await annotated(file, "a::f");
      assertEquals(symbol, "a::f(long)");
      assertEquals(
        warnings[0],
        "1 more function has the name a::f: this is the heaviest; its name with parameters, or -d OBJECT, chooses another",
      );
      assertEquals((await annotated(file, "a::f(int)")).symbol, "a::f(int)");
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
      [["annotate", "-i", file, ""], /the function's name is empty: leave it out/, 2],
      [["annotate", "-i", file, " "], /the function's name is empty/, 2],
    ]);
    const bare = await pmuctl(["annotate", "-i", file], { env: { PATH: "/nowhere" } });
    assertMatch(bare.stdout + bare.stderr, /there is no objdump: apt-get install binutils/);
  }));

testNeeding(
  ["cc"],
  "a function of a million instructions is annotated in little memory, near its samples",
  () =>
    withFolder(async (folder) => {
      const source = `${folder}/large.c`, file = `${folder}/perf.data`, count = 1_000_000;
      const code =
        `__attribute__((noinline)) void work(void) { __asm__ volatile(".rept ${count}\\n nop\\n .endr"); }`;
      await Deno.writeTextFile(
        source,
        `${code}\nint main(void) { for (int i = 0; i < 2000; i++) work(); }\n`,
      );
      const built = await run("cc", ["-O1", "-g", "-o", `${folder}/large`, source]);
      assertEquals(built.status, 0, built.stderr);
      await pmuctlOk(["record", "-q", "-e", "cpu-clock", "-F", "500", "-o", file, "--", `${folder}/large`]);
      const limited = ["-c", 'ulimit -d 1500000; exec "$0" "$@"', PMUCTL, "annotate", "-i", file, "work"];
      const { status, stdout, stderr } = await run("sh", [...limited, "--json"]);
      assertEquals(status, 0, stderr);
      assert(stdout.length < 20e6, `${stdout.length}`);
      const { instructions, self, warnings, lines }: Annotated = JSON.parse(stdout);
      assertEquals(instructions.reduce((sum, { samples }) => sum + samples, 0), self.samples);
      assertEquals(lines.reduce((sum, { samples }) => sum + samples, 0), self.samples);
      assertMatch(warnings.join(), /work has 10000\d\d instructions: only those with samples are shown/);
      const text = await run("sh", limited);
      assertEquals(text.status, 0, text.stderr);
      assertMatch(text.stdout, /^ +\.\.\. \d+ instructions$/m);
    }),
);

testNeeding(
  ["cc"],
  "annotate writes nothing into the folder for temporary files, which need not exist",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/perf.data`;
      await recordRatio(file, 50);
      const text = await pmuctlOk(["annotate", "-i", file], { env: { TMPDIR: `${folder}/nowhere` } });
      assertMatch(text, /^ *\d+\.\d\d% +\d+ [0-9a-f]+: /m);
    }),
);

testNeeding(
  ["cc"],
  "where filters leave no sample, annotate is empty and says why, as report does",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/perf.data`;
      await recordRatio(file, 50);
      const cases: [string[], RegExp][] = [
        [["-c", "nobody"], /no sample matches --comms nobody: there are samples of ratio/],
        [["-c", "nobody", "main"], /no sample matches --comms nobody/],
        [["--time", "1,2"], /no sample is within --time: the recording is from /],
        [["-C", "9999"], /no sample matches --cpu 9999/],
      ];
      for (const [args, warning] of cases) {
        const text = await pmuctlOk(["annotate", "-i", file, ...args]);
        assertMatch(text, warning);
        assertMatch(text, /^No samples of cpu-clock\.$/m);
        const { symbol, instructions, warnings } = await annotated(file, ...args);
        assertEquals([symbol, instructions], [null, []]);
        assertMatch(warnings.join(), warning);
      }
    }),
);

testNeeding(
  ["cc", "binutils"],
  "annotate says when most samples have no symbol, and why",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/perf.data`, stripped = `${folder}/ratio`;
      const made = await run("strip", ["-o", stripped, program("ratio")]);
      assertEquals(made.status, 0, made.stderr);
      await pmuctlOk([
        "record",
        "-q",
        "-e",
        "cpu-clock",
        "-F",
        "3000",
        "-o",
        file,
        "--",
        stripped,
        "50",
        "1",
      ]);
      const { warnings } = await annotated(file);
      assertMatch(
        warnings.join("\n"),
        /^most samples have no symbol: \d+%, of ratio: no symbols; install its debug/m,
      );
      await recordRatio(file, 50);
      assert(!(await annotated(file)).warnings.some((text) => text.startsWith("most samples")));
    }),
);

testNeeding(
  ["cc"],
  "several functions are annotated at once as each is alone, inlined functions or not",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/perf.data`;
      await recordRatio(file, 100);
      const alone = new Map<string, unknown>();
      for (const inline of [false, true]) {
        const files = hostSymbolFiles();
        let seen: { objects: readonly ObjectInfo[]; symbolizer: Symbolizer } | undefined;
        const profile = await loadProfile(openInput(file), files, {
          places: true,
          inline,
          seeObjects: (objects, symbolizer) => seen = { objects, symbolizer },
        });
        const sampled = new SampledFunctions(profile, 0);
        const hottest = sampled.samplesOf(sampled.heaviest.slice(0, 50));
        const options = { ...seen!, files, recorded: profile.meta.wallStart };
        const { functions } = await annotateFunctions(hottest, options);
        assertEquals(functions.map(({ symbol }) => symbol), hottest.map(({ name }) => name));
        const { functions: [none] } = await annotateFunctions(hottest.slice(0, 1), {
          ...options,
          maxCode: 1,
        });
        assertEquals([none.instructions, none.lines.length > 0], [[], true]);
        assertMatch(none.warnings.join(), /it has \d+ KiB of code; at most 0 KiB are shown/);
        const { functions: late, unread } = await annotateFunctions(hottest.slice(0, 1), {
          ...options,
          patience: 0,
        });
        assertEquals(unread, hottest.slice(0, 1));
        assertEquals([late[0].instructions, late[0].lines], [[], []]);
        assertMatch(late[0].warnings.join(), /no instructions of .*: no time was left.*no source lines in /);
        const ofProgram = functions.filter(({ object }) => object === program("ratio"));
        assert(ofProgram.length > 0);
        for (const annotation of ofProgram) {
          const { symbol, instructions, lines, self } = JSON.parse(
            [...renderAnnotationJson(annotation)].join(""),
          );
          if (!alone.has(symbol)) alone.set(symbol, await annotated(file, "-d", "ratio", symbol));
          const { instructions: each, lines: those, self: own } = alone.get(symbol) as Annotated;
          assertEquals([instructions, lines, self], [each, those, own]);
        }
      }
    }),
);

testNeeding(
  ["cc"],
  "annotate says which debug information of inlined functions is missing, as report does",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/perf.data`;
      await Deno.writeTextFile(
        `${folder}/w.c`,
        "volatile long sink; static inline void step(long n) { sink += n * n % 7; }\n" +
          "int main(void) { for (long i = 0; i < 100000000; i++) step(i); }\n",
      );
      for (const args of [["-O2", "-g", "-gsplit-dwarf", "-c", "w.c"], ["-o", "w", "w.o"]]) {
        const built = await run("cc", args, { cwd: folder });
        assertEquals(built.status, 0, built.stderr);
      }
      await pmuctlOk(["record", "-q", "-g", "-e", "cpu-clock", "-o", file, "--", `${folder}/w`]);
      await Deno.remove(`${folder}/w.dwo`);
      const missing = `inlined functions of w are not all shown: no debug information in ${folder}/w.dwo: `;
      const said = (warnings: string[]) => warnings.filter((text) => text.startsWith(missing));
      const { warnings } = await annotated(file, "main");
      const { meta } = JSON.parse(await pmuctlOk(["report", "-g", "--json", "-i", file]));
      assertEquals(said(warnings).length, 1, JSON.stringify(warnings));
      assertEquals(said(warnings), said(meta.warnings));
    }),
);
