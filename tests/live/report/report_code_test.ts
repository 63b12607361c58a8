/** `pmuctl report --format html --annotate`: the code in the page, and that of `pmuctl annotate`. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Buffer } from "node:buffer";
import { gunzipSync } from "node:zlib";
import { type CodeTables, decodeCode } from "../../../lib/report/html/code_tables.ts";
import { decodeTables, type PageTables } from "../../../lib/report/html/tables.ts";
import { testNeeding } from "../../needs.ts";
import { assertRefusals, pmuctlOk, run, withFolder } from "../harness.ts";

const SOURCE = `#include <string.h>
static int twice(int x) { return 2 * x + 1; }
__attribute__((noinline)) int work(int n) {
  volatile int s = 1;
  for (int i = 0; i < n; i++)
    s = twice(s + i) / 3;
  return s;
}
__attribute__((noinline)) int other(int n) {
  volatile int s = 1;
  for (int i = 0; i < n; i++) s = s * 7 / 5 + 1;
  return s;
}
int main(void) {
  static char from[1 << 20], to[1 << 20];
  static volatile char large[1 << 26];
  for (int i = 0; i < 1 << 26; i += 4096) large[i] = 1;
  for (int i = 0; i < 400; i++) memcpy(to, from, sizeof to);
  return work(100000000) + other(50000000) == 12345;
}
`;

/** Builds the program in a folder and records it, with two events; returns its source and the recording. */
async function recorded(folder: string): Promise<{ source: string; file: string }> {
  const source = `${folder}/work.c`, file = `${folder}/perf.data`;
  await Deno.writeTextFile(source, SOURCE);
  const built = await run("cc", ["-O2", "-g", "-o", `${folder}/work`, source]);
  assertEquals(built.status, 0, built.stderr);
  const events = ["-e", "cpu-clock", "-e", "page-faults"];
  await pmuctlOk(["record", "-q", "-g", ...events, "-F", "3000", "-o", file, "--", `${folder}/work`]);
  return { source, file };
}

/** Returns what is in a page: its tables and its code. */
async function pageOf(
  file: string,
  ...options: string[]
): Promise<{ html: string; tables: PageTables; code?: CodeTables }> {
  const html = await pmuctlOk(["report", "--format", "html", "-o", "-", "-i", file, ...options]);
  const bytesOf = (id: string) => {
    const data = new RegExp(`<script [^>]*id="${id}">([^<]*)<`).exec(html)?.[1];
    return data === undefined ? undefined : gunzipSync(Buffer.from(data, "base64"));
  };
  const code = bytesOf("code-data");
  return { html, tables: decodeTables(bytesOf("data")!), code: code && decodeCode(code) };
}

interface Annotated {
  self: { samples: number };
  object: string;
  instructions: { address: string; text: string; samples: number }[];
  lines: { file: string; line: number; samples: number; text?: string }[];
}

/** Address, text and samples of the instructions, and number, text and samples of the lines, of a row of a page's code. */
function shownOf({ functions, heads, instructions, lines, texts }: CodeTables, row: number): unknown {
  const rows = (first: Int32Array) =>
    Array.from({ length: first[row + 1] - first[row] }, (_, i) => first[row] + i);
  return [
    functions.samples[row],
    rows(functions.firstInstruction).map((at) => [
      heads[row].start + instructions.offset[at],
      texts[instructions.text[at]],
      instructions.samples[at],
    ]),
    rows(functions.firstLine).map((at) => [
      `${texts[lines.file[at]]}:${lines.line[at]}`,
      lines.text[at] < 0 ? undefined : texts[lines.text[at]],
      lines.samples[at],
    ]),
  ];
}

testNeeding(
  ["cc", "binutils"],
  "the page of report has the code of the hottest functions, with the samples that annotate counts",
  () =>
    withFolder(async (folder) => {
      const { source, file } = await recorded(folder);
      const { tables, code } = await pageOf(file);
      const { functions } = code!, seen = new Set<string>();
      for (let row = 0; row < functions.place.length; row++) {
        const { name } = tables.events[functions.event[row]];
        const symbol = tables.names[tables.places.name[functions.place[row]]];
        if (!code!.heads[row].object.startsWith(folder)) continue;
        const text = await pmuctlOk(["annotate", "--json", "-i", file, "-e", name, "-d", "work", symbol]);
        const { self, instructions, lines } = JSON.parse(text) as Annotated;
        assertEquals(shownOf(code!, row), [
          self.samples,
          instructions.map(({ address, text, samples }) => [Number(address), text, samples]),
          lines.map(({ file, line, text, samples }) => [`${file}:${line}`, text?.trimEnd(), samples]),
        ], `${symbol}, ${name}`);
        assert(lines.some(({ file, text }) => file === source && text), symbol);
        seen.add(`${symbol}, ${name}`);
      }
      assert(seen.has("work, cpu-clock") && seen.has("main, page-faults"), [...seen].join("; "));
      const inlined = code!.chains.some((chain) => chain.includes("twice"));
      assertEquals(inlined, true);

      const { code: one } = await pageOf(file, "--annotate", "1", "--event", "cpu-clock");
      assertEquals([one!.asked, one!.functions.place.length], [1, 1]);
      const { code: none, html } = await pageOf(file, "--annotate", "0");
      assertEquals([none, html.includes('id="code"')], [undefined, false]);
      const { code: part } = await pageOf(file, "-d", "work", "--event", "cpu-clock");
      assert(part!.heads.every(({ object }) => object === `${folder}/work`));
    }),
);

testNeeding(
  ["cc"],
  "the page of report shows only source files that everybody may read, and says what else it does not show",
  () =>
    withFolder(async (folder) => {
      const { source, file } = await recorded(folder);
      const ofWork = async (options: string[] = []) => {
        const { tables, code } = await pageOf(file, "--event", "cpu-clock", ...options);
        const row = code!.functions.place.findIndex((place) =>
          tables.names[tables.places.name[place]] === "work"
        );
        return { code: code!, warnings: code!.heads[row].warnings.join() };
      };
      await Deno.chmod(source, 0o600);
      const { code, warnings } = await ofWork();
      assertMatch(warnings, /work\.c: not shown: to others, only files that everybody may read are/);
      assert(!code.texts.some((text) => text.includes("twice(s + i)")));
      await Deno.remove(source);
      assertStringIncludes((await ofWork()).warnings, `${source}: not shown: no such file or directory`);
    }),
);

testNeeding(
  ["cc"],
  "the page of a bundled recording has what the bundle has, and reads no files that it alone names",
  () =>
    withFolder(async (folder) => {
      const { source, file } = await recorded(folder), bundled = `${folder}/bundled.data`;
      await pmuctlOk(["bundle", "-i", file, "-o", bundled]);
      const whole = `${folder}/whole.data`;
      await pmuctlOk(["bundle", "--source", "-i", file, "-o", whole]);
      const { code: own } = await pageOf(file, "--event", "cpu-clock");
      await Deno.remove(`${folder}/work`);
      const { code: carried } = await pageOf(whole, "--event", "cpu-clock");
      const at = own!.heads.findIndex(({ object }) => object === `${folder}/work`);
      assertEquals(shownOf(carried!, at), shownOf(own!, at));
      assert(carried!.texts.some((text) => text.includes("twice(s + i)")));
      const { code } = await pageOf(bundled, "--event", "cpu-clock");
      const lines = code!.texts.filter((text) => text === source);
      assertEquals(lines.length, 1);
      assert(
        !code!.texts.some((text) => text.includes("twice(s + i)")),
        "the text of a file that a recording names",
      );
      const row = code!.heads.findIndex(({ object }) => object === `${folder}/work`);
      assertMatch(
        code!.heads[row].warnings.join(),
        /no instructions of \w+ in .*work: .*,source file .*: not shown: the recording alone names it/,
      );
    }),
);

testNeeding(
  ["cc"],
  "report --annotate is refused where no page is made, or the number is not one",
  () =>
    withFolder(async (folder) => {
      const { file } = await recorded(folder);
      await assertRefusals([
        [["report", "--annotate", "5", "-i", file], /--annotate needs --format html, not text/, 2],
        [
          ["report", "--format", "html", "--annotate", "x", "-o", "-", "-i", file],
          /--annotate 'x': expected a whole number/,
          2,
        ],
        [
          ["report", "--format", "html", "--annotate", "-1", "-o", "-", "-i", file],
          /expected a whole number/,
          2,
        ],
        [
          ["report", "--format", "folded", "--annotate", "5", "-i", file],
          /--annotate is for pages: --marks adds/,
          2,
        ],
      ]);
    }),
);
