/** Reports that keep what debug information says, and reports that cannot. */

import { assertEquals, assertMatch } from "@std/assert";
import { testNeeding } from "../../needs.ts";
import { pmuctl, pmuctlOk, run, withFolder } from "../harness.ts";

const SOURCE = `
static inline __attribute__((always_inline)) long half(long n) { return n / 2 + (n & 1); }
static inline __attribute__((always_inline)) long steps(long n) {
  long s = 0;
  while (n > 1) { n = half(n); s += n * n; }
  return s;
}
volatile long sink;
int main(void) { for (long i = 0; i < 6000000; i++) sink += steps(i); return 0; }
`;

/** Records a program with inlined functions in a folder, and gives the file. */
async function withRecording(body: (file: string, folder: string) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const [source, program, file] = ["program.c", "program", "perf.data"].map((name) => `${folder}/${name}`);
    await Deno.writeTextFile(source, SOURCE);
    assertEquals((await run("cc", ["-g", "-O2", "-o", program, source])).stderr, "");
    await pmuctlOk(["record", "-q", "-g", "-e", "cpu-clock:u", "-o", file, "--", program]);
    await body(file, folder);
  });
}

/** Tables in a folder of caches. */
function tablesIn(caches: string): string[] {
  const folder = `${caches}/pmuctl/code`;
  return Array.from(Deno.readDirSync(folder), ({ name }) => `${folder}/${name}`).sort();
}

testNeeding(
  ["cc"],
  "reports say the same by kept tables, whatever has become of them",
  () =>
    withRecording(async (file, folder) => {
      const caches = `${folder}/caches`;
      const report = (cacheHome: string) =>
        pmuctl(["report", "-G", "--lines", "-i", file], { env: { XDG_CACHE_HOME: cacheHome } });
      const expected = await report("/dev/null");
      assertEquals(expected.status, 0);
      assertMatch(expected.stdout, /half \(inlined\)/);
      assertMatch(expected.stdout, /program\.c:\d/);
      assertEquals(await report(caches), expected);
      const tables = tablesIn(caches);
      assertEquals(new Set(tables.map((path) => path.replace(/.*\./, ""))), new Set(["functions", "lines"]));
      const contents = tables.map((path) => Deno.readFileSync(path));
      assertEquals(await report(caches), expected);
      assertEquals(tables.map((path) => Deno.readFileSync(path)), contents, "written again");
      for (const [i, path] of tables.entries()) {
        Deno.writeFileSync(
          path,
          contents[i].map((byte, at) => at === contents[i].length - 9 ? byte ^ 1 : byte),
        );
      }
      assertEquals(await report(caches), expected);
      assertEquals(tables.map((path) => Deno.readFileSync(path)), contents, "not mended");
      for (const path of tables) Deno.truncateSync(path, 100);
      const both = await Promise.all([report(caches), report(caches)]);
      assertEquals(both, [expected, expected]);
      assertEquals(tablesIn(caches), tables);
      assertEquals(tables.map((path) => Deno.readFileSync(path)), contents);
    }),
);

testNeeding(
  ["cc", "root"],
  "a report neither reads nor writes the tables of another user",
  () =>
    withRecording(async (file, folder) => {
      const caches = `${folder}/caches`;
      const report = () => pmuctl(["report", "-G", "-i", file], { env: { XDG_CACHE_HOME: caches } });
      const expected = await report();
      const tables = tablesIn(caches);
      for (const path of [caches, `${caches}/pmuctl`, `${caches}/pmuctl/code`, ...tables]) {
        Deno.chownSync(path, 65534, 65534);
      }
      Deno.removeSync(tables[0]);
      assertEquals(await report(), expected);
      assertEquals(tablesIn(caches), tables.slice(1));
    }),
);
