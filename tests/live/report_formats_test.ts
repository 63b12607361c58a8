/** `pmuctl report --format`, -o and --event. */

import { assertEquals, assertMatch } from "@std/assert";
import { testNeeding } from "../needs.ts";
import { pmuctl, pmuctlOk, program, withFolder } from "./harness.ts";

testNeeding(
  ["cc"],
  "report -o writes what would have been printed, but never over the recording",
  () =>
    withFolder(async (cwd) => {
      await pmuctlOk(["record", "-q", "-F", "2000", "--", program("ratio"), "100"], { cwd });
      for (const args of [[], ["--json"], ["--format", "tprof"]]) {
        assertEquals(await pmuctlOk(["report", ...args, "-o", "out"], { cwd }), "");
        assertEquals(Deno.readTextFileSync(`${cwd}/out`), await pmuctlOk(["report", ...args], { cwd }));
      }
      const over = await pmuctl(["report", "-o", "perf.data"], { cwd });
      assertEquals(over.status, 2);
      assertMatch(over.stderr, /^pmuctl: -o perf\.data would overwrite the recording itself: [^\n]*\n$/);
      await pmuctlOk(["report"], { cwd });
    }),
);

testNeeding(
  ["cc"],
  "report --event shows only that event, and names the others when there is no such",
  () =>
    withFolder(async (cwd) => {
      const events = ["-e", "cpu-clock", "-e", "page-faults", "-F", "2000"];
      await pmuctlOk(["record", "-q", ...events, "--", program("ratio"), "100"], { cwd });
      const reported = async (...args: string[]) =>
        JSON.parse(await pmuctlOk(["report", "--json", ...args], { cwd })).events;
      const both = await reported();
      assertEquals(both.length, 2);
      assertEquals(await reported("--event", "page-faults"), [both[1]]);
      assertEquals(await reported("--event", "page-faults", "--event", "cpu-clock"), both);
      const none = await pmuctl(["report", "--event", "cycles"], { cwd });
      assertEquals([none.status, none.stderr], [
        2,
        "pmuctl: --event cycles: the recording has cpu-clock, page-faults\n",
      ]);
    }),
);
