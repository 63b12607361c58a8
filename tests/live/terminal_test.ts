/** What a person sees of reports in a terminal of 80 columns; and what less, or another pager, is given. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { testUnless } from "../needs.ts";
import { PMUCTL, pmuctlOk, run, withFolder } from "./harness.ts";
import { lacking, WORKLOADS } from "./workloads.ts";

/** The lines of a terminal of these columns while a command runs in it, without colours. */
async function seen(command: string, columns: number, env: Record<string, string>): Promise<string[]> {
  const sized = `stty cols ${columns} rows 24; ${command}`;
  const { stdout } = await run("script", ["-qec", sized, "/dev/null"], { env: { NO_COLOR: "1", ...env } });
  return stdout.replaceAll("\r", "").trimEnd().split("\n");
}

const workload = WORKLOADS.find(({ name }) => name === "c++")!;
const missing = lacking(workload);

testUnless(
  missing.length > 0 && `it needs ${missing.join(", ")}`,
  "reports fit a terminal, give a pager whole lines, and are whole in a pipe",
  () =>
    withFolder(async (cwd) => {
      const shapes = await workload.make(cwd, 200);
      const [a, b] = [`${cwd}/a.data`, `${cwd}/b.data`];
      for (const file of [a, b]) {
        await pmuctlOk(["record", "-q", "-g", "-F", "2000", "-o", file, "--", ...shapes]);
      }
      for (
        const what of [
          `report ${a}`,
          `report -g ${a}`,
          `report --children ${a}`,
          `report -G ${a}`,
          `diff ${a} ${b}`,
        ]
      ) {
        const screen = await seen(`${PMUCTL} ${what}`, 80, { PAGER: "cat" });
        assert(screen.length > 8, screen.join("\n"));
        for (const line of screen) assert(line.length <= 80, `${what}: ${line}`);
        const title = screen.find((line) => /\bSymbol$/.test(line));
        if (title) assert(title.indexOf("Symbol") <= 56, title);
        await seen(`${PMUCTL} ${what}`, 80, {
          PAGER: `sh -c 'cat >${cwd}/paged; printenv LESS >${cwd}/less'`,
        });
        const paged = (await Deno.readTextFile(`${cwd}/paged`)).trimEnd().split("\n");
        assertEquals(paged.length, screen.length, what);
        for (const line of paged) assert(!line.endsWith("…"), line);
        assertMatch(await Deno.readTextFile(`${cwd}/less`), /S/);
      }
      const whole = await pmuctlOk(["report", a]);
      const full = await seen(`${PMUCTL} report --full-names ${a}`, 80, { PAGER: "cat" });
      assertEquals(full.join("\n"), whole.trimEnd());
      assertStringIncludes(whole, "Symbol");
    }),
);
