/** Recordings of our own, exported to a dataset and reported from there. */

import { assertEquals, assertMatch } from "@std/assert";
import { testNeeding } from "../needs.ts";
import { pmuctl, pmuctlOk, program, withFolder } from "./harness.ts";

/** Sorts rows, which are in any order where their weights are equal. */
const sorted = (rows: unknown[]) => rows.map((row) => JSON.stringify(row)).sort();

testNeeding(
  ["cc"],
  "a recording is reported from a dataset as from its file, by the time of day",
  async () => {
    await withFolder(async (cwd) => {
      const before = new Date(Date.now() - 1000).toISOString();
      await pmuctlOk(["record", "-q", "-g", "-F", "2000", "-o", "a.data", "--", program("ratio"), "100"], {
        cwd,
      });
      const { stderr } = await pmuctl(["export", "a.data", "-o", "set"], { cwd });
      assertMatch(
        stderr,
        /added a.data to set: \d+ samples in \d+ KiB\n$/,
        "its clock tells the time of day",
      );
      for (const options of [["--json"], ["--json", "-g"], ["--format", "folded"]]) {
        const report = (input: string) => pmuctlOk(["report", ...options, input], { cwd });
        assertEquals(await report("set"), await report("a.data"), options.join(" "));
      }
      await pmuctlOk(["export", "-q", "--lines", "a.data", "-o", "lines"], { cwd });
      const lines = async (input: string) =>
        JSON.parse(await pmuctlOk(["report", "--json", "--lines", input], { cwd })).events[0].rows;
      assertEquals(sorted(await lines("lines")), sorted(await lines("a.data")));
      const count = async (...options: string[]): Promise<number> => {
        const { events } = JSON.parse(await pmuctlOk(["report", "--json", "set", ...options], { cwd }));
        return events.reduce((sum: number, { samples }: { samples: number }) => sum + samples, 0);
      };
      const all = await count();
      assertEquals([await count("--since", before), await count("--until", before)], [all, 0]);
      assertEquals(await count("--service", "ratio"), await count("--service", "ratio,other"));
    });
  },
);
