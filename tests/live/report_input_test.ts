/** What `pmuctl report` reads when no file is named. */

import { assertEquals, assertMatch } from "@std/assert";
import { PMUCTL, pmuctl, run, withFolder } from "./harness.ts";

const RECORDING = new URL("../testdata/perfdata/clock.data", import.meta.url).pathname;
const shell = (command: string, cwd: string) => run("bash", ["-c", command], { cwd });

Deno.test("report reads a recording on standard input, from a pipe and from a file", () =>
  withFolder(async (cwd) => {
    const { stdout } = await pmuctl(["report", RECORDING]);
    assertMatch(stdout, /^samples +[1-9]/m);
    for (const command of [`cat ${RECORDING} | ${PMUCTL} report`, `${PMUCTL} report <${RECORDING}`]) {
      const ran = await shell(command, cwd);
      assertEquals([ran.status, ran.stdout], [0, stdout], ran.stderr);
    }
    const tprof = await shell(`cat ${RECORDING} | ${PMUCTL} analyze`, cwd);
    assertMatch(tprof.stdout, /^Number of samples: [1-9]/m);
    const told = "until grep -q 'waiting for a recording on standard input' err; do sleep 0.05; done";
    const late = await shell(`touch err; (${told}; cat ${RECORDING}) | ${PMUCTL} report 2>>err`, cwd);
    assertEquals(late.stdout, stdout);
  }));

Deno.test("report prefers what is named, and takes perf.data where standard input holds no recording", () =>
  withFolder(async (cwd) => {
    await Deno.copyFile(RECORDING, `${cwd}/perf.data`);
    await Deno.writeTextFile(`${cwd}/list`, "perf.data\nperf.data\n");
    const { stdout } = await pmuctl(["report"], { cwd });
    for (
      const [command, line] of [
        [`echo text | ${PMUCTL} report -i perf.data`, ""],
        [`true | ${PMUCTL} report`, "pmuctl: standard input is an empty pipe: reading perf.data\n"],
        [
          `while read -r name; do ${PMUCTL} report; break; done <list`,
          "pmuctl: standard input is not a recording: reading perf.data\n",
        ],
        [`${PMUCTL} report </dev/null`, ""],
        [`${PMUCTL} report <&-`, ""],
      ]
    ) {
      const ran = await shell(command, cwd);
      assertEquals([ran.status, ran.stdout, ran.stderr], [0, stdout, line], command);
    }
  }));

Deno.test("report says what is wrong with standard input where there is nothing else", () =>
  withFolder(async (cwd) => {
    await Deno.writeTextFile(`${cwd}/text`, "not a recording");
    for (
      const command of [`echo text | ${PMUCTL} report`, `${PMUCTL} report <text`, `true | ${PMUCTL} report`]
    ) {
      const ran = await shell(command, cwd);
      assertEquals([ran.status, ran.stdout], [4, ""], command);
      assertMatch(ran.stderr, /^pmuctl: cannot read standard input: it is /);
    }
    const same = await shell(`cp ${RECORDING} mine; ${PMUCTL} report --json -o mine <mine`, cwd);
    assertEquals(same.status, 2, same.stderr);
    assertEquals(Deno.statSync(`${cwd}/mine`).size, Deno.statSync(RECORDING).size);
  }));
