/** Names of code in a stripped program, in every format: functions without a name by where they start, and stubs. */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { FORMATS } from "../../../lib/report/formats.ts";
import { testNeeding } from "../../needs.ts";
import { pmuctlOk, run, withFolder } from "../harness.ts";

/**
 * Before each call of the stub the program's code is thrown out of the caches, so that the stub waits to be fetched:
 * otherwise it takes so little time that a recording may have no sample of it.
 */
const SOURCE = `
#include <stdlib.h>
#include <emmintrin.h>
extern const char etext[];
static volatile long sink;
#define NOINLINE __attribute__((noinline, noclone)) static
NOINLINE long spin(long n) { long s = 0; for (long i = 0; i < n; i++) s += i * i ^ (s >> 3); return s; }
NOINLINE long calls(long n) {
  const char *page = (const char *)((unsigned long)calls & ~4095UL);
  long s = 0;
  for (long i = 0; i < n; i++) {
    for (const char *line = page; line < etext; line += 64) _mm_clflush(line);
    _mm_mfence();
    s += labs(i - 7);
  }
  return s;
}
NOINLINE long deep(long n, int d) { return d > 0 ? deep(n, d - 1) + spin(n / 8) : calls(n / 250) + spin(n); }
int main(void) { for (int i = 0; i < 300; i++) sink += deep(400000, 4); return 0; }
`;

/** Formats that show a name for each function, as text once unpacked; the page keeps its names packed. */
const SHOWN = FORMATS.map(({ name }) => name).filter((name) => name !== "html");

async function contents(path: string): Promise<string> {
  const bytes = await Deno.readFile(path);
  const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const text = new Blob([bytes]).stream();
  return await new Response(isPacked ? text.pipeThrough(new DecompressionStream("gzip")) : text).text();
}

testNeeding(
  ["cc", "binutils"],
  "each function of a stripped program is one row in every format, and stubs have names",
  () =>
    withFolder(async (folder) => {
      const whole = `${folder}/whole`, program = `${folder}/program`, data = `${folder}/perf.data`;
      await Deno.writeTextFile(`${folder}/a.c`, SOURCE);
      const options = ["-O1", "-fno-builtin", "-fcf-protection", "-Wl,-z,ibtplt,-z,now"];
      for (
        const command of [["cc", ...options, "-o", whole, `${folder}/a.c`], ["strip", "-o", program, whole]]
      ) {
        const { status, stderr } = await run(command[0], command.slice(1));
        assert(status === 0, stderr);
      }
      const nm = (await run("nm", [whole])).stdout;
      const startOf = (name: string) =>
        `program+0x${new RegExp(`^0*([0-9a-f]+) . ${name}$`, "m").exec(nm)![1]}`;
      await pmuctlOk(["record", "-q", "-g", "-e", "cpu-clock:u", "-F", "1999", "-o", data, "--", program]);
      const known = new Set(["main", "_start", "spin", "calls", "deep"].map(startOf));
      for (const format of SHOWN) {
        const out = `${folder}/out`;
        await pmuctlOk(["report", "-i", data, "--format", format, "-o", out]);
        const text = await contents(out);
        // in pprof's table of strings each is followed by the tag of the next one, which is a 2
        const end = format === "pprof" ? /2$/ : "";
        const names = new Set(
          [...text.matchAll(/program\+0x[0-9a-f]+(\.\.0x[0-9a-f]+)?/g)].map(([name]) =>
            name.replace(end, "")
          ),
        );
        assertEquals([...names].filter((name) => !known.has(name)), [], format);
        for (const name of ["spin", "calls"]) assert(names.has(startOf(name)), `${format} has no ${name}`);
        assert(text.includes("labs@plt"), `${format} has no labs@plt`);
      }
      const { events: [{ rows }] } = JSON.parse(await pmuctlOk(["report", "--json", "-i", data]));
      const own = rows.filter(({ object }: { object: string }) => object === "program");
      const shown = own.map(({ symbol, unnamed }: { symbol: string | null; unnamed?: string }) =>
        symbol ?? unnamed
      );
      assertEquals(new Set(shown).size, shown.length);
      assertGreater(shown.length, 2);
    }),
);
