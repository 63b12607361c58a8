/** `pmuctl report --lines` against `perf report --sort srcline` on the same file. */

import { assertEquals, assertGreater } from "@std/assert";
import { testNeeding } from "../../needs.ts";
import { perfOk, pmuctlOk, run, withFolder } from "../harness.ts";

const SOURCE = `
#include <string.h>
static char buffer[4096];
__attribute__((noinline)) static long spin(long n) {
  long sum = 0;
  for (long i = 0; i < n; i++)
    sum += i ^ (sum << 1);
  return sum;
}
int main(void) {
  long sum = 0;
  for (int i = 0; i < 3000; i++) {
    sum += spin(20000 + i);
    memset(buffer, (int)sum, sizeof buffer);
  }
  return sum == 42;
}
`;

testNeeding(
  ["perf", "cc", "addr2line"],
  "report --lines has the samples of each source line that perf report --sort srcline has",
  () =>
    withFolder(async (folder) => {
      const [source, program, file] = ["lines.c", "lines", "perf.data"].map((name) => `${folder}/${name}`);
      await Deno.writeTextFile(source, SOURCE);
      const built = await run("cc", ["-g", "-O1", "-o", program, source]);
      assertEquals(built.stderr, "");
      await pmuctlOk(["record", "-q", "-e", "cpu-clock:u", "-o", file, "--", program]);

      const report = JSON.parse(await pmuctlOk(["report", "--json", "--lines", "-s", "dso", "-i", file]));
      const ours: Record<string, number> = {};
      for (const { object, file: path, line, self } of report.events[0].rows) {
        if (object === "lines" && path === source) ours[`lines.c:${line}`] = self.count;
      }
      const theirs: Record<string, number> = {};
      const args = ["report", "-i", file, "--stdio", "-n", "-t", "\t", "--percent-limit", "0", "-g", "none"];
      for (const row of (await perfOk([...args, "--sort", "dso,srcline"])).split("\n")) {
        const [, samples, , line] = row.split("\t").map((cell) => cell.trim());
        if (line?.startsWith("lines.c:")) theirs[line] = Number(samples);
      }
      assertEquals(ours, theirs);
      assertGreater(Object.values(ours).reduce((sum, samples) => sum + samples, 0), 100);
    }),
);
