/** `pmuctl record -o -`: what goes through a pipe, and what happens when the pipe or the disk gives in. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { testNeeding } from "../needs.ts";
import { ledgerSamples, PMUCTL, pmuctl, program, run, withFolder } from "./harness.ts";

const RECORD = `${PMUCTL} record -g -F 2000 -o -`;

testNeeding(
  ["perf", "cc"],
  "record -o - is read by perf report and perf script, to the last sample",
  async () => {
    const command = `${RECORD} -- ${program("ratio")} 500`;
    const script = await run("sh", ["-c", `${command} | perf script -i - -F event`]);
    const samples = script.stdout.split("\n").filter((line) => /\b(cpu-clock|cycles)\b/.test(line)).length;
    assert(samples > 100, script.stderr);
    assertEquals(samples, ledgerSamples(script.stderr));
    const report = await run("sh", ["-c", `${command} 2>/dev/null | perf report -i - --stdio -g none`]);
    assertMatch(report.stdout, /\bhot\b/);
  },
);

testNeeding(
  ["cc"],
  "record -o - | report -i - has command, ledger and symbols; the command's output stays out",
  async () => {
    const ran = await run("sh", ["-c", `${RECORD} -- ${program("ratio")} 500 | ${PMUCTL} report -i -`]);
    assertEquals(ran.status, 0, ran.stderr);
    assertMatch(ran.stdout, /^command +\S*ratio 500$/m);
    assertMatch(ran.stdout, /^lost +0$/m);
    assertMatch(ran.stdout, /\bhot$/m);
    assertMatch(ran.stderr, /^\d+$/m); // what ratio prints
  },
);

testNeeding(["cc"], "record stops when nobody reads its pipe any more, and says so", async () => {
  const ran = await run("sh", ["-c", `${PMUCTL} record -F 5000 -p $$ -o - | head -c 500 >/dev/null`]);
  assertStringIncludes(ran.stderr, "its reader has gone");
  const busy = new Deno.Command(program("ratio"), { args: ["100000"], stdout: "null" }).spawn();
  try {
    const later = await run("sh", [
      "-c",
      `${PMUCTL} record -F 5000 -p ${busy.pid} -o - | head -c 20000 >/dev/null; echo done`,
    ]);
    assertStringIncludes(later.stdout, "done");
    assertStringIncludes(later.stderr, "cannot write all to standard output");
    assertMatch(later.stderr, /dropbuf_sample [1-9]/);
  } finally {
    busy.kill("SIGKILL");
    await busy.status;
  }
});

testNeeding(
  ["cc", "setpriv"],
  "record takes smaller rings where a user may lock no more, and says so",
  () =>
    withFolder(async (folder) => {
      await Deno.chmod(folder, 0o777);
      const asUser = Deno.uid() === 0 ? "setpriv --reuid=65534 --regid=65534 --clear-groups" : "";
      const ran = await run("sh", [
        "-c",
        `ulimit -l 64; exec ${asUser} ${PMUCTL} record -m 4096 -o ${folder}/small.data -- ${
          program("ratio")
        } 200`,
      ], { env: { HOME: folder } });
      assertEquals(ran.status, 0, ran.stderr);
      assertMatch(ran.stderr, /may not lock rings of 4096 pages .* recording with \d+/);
      assert(ledgerSamples(ran.stderr) > 0, ran.stderr);
    }),
);

Deno.test("record -o - to a terminal is refused", async () => {
  const ran = await run("script", ["-qec", `${PMUCTL} record -o - -- true`, "/dev/null"]);
  assertEquals(ran.status, 2);
  assertStringIncludes(ran.stdout, "binary data");
  assertEquals((await pmuctl(["record", "-o", "-", "--", "no-such-command"])).status, 127);
});
