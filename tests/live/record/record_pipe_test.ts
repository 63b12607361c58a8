/** `pmuctl record -o -`: what goes through a pipe, and what happens when the pipe or the disk gives in. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { NOBODY, testNeeding } from "../../needs.ts";
import { ledgerSamples, PMUCTL, pmuctl, pmuctlOk, program, run, withFolder } from "../harness.ts";

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

testNeeding(
  ["cc"],
  "record | report needs no options; the command's output goes to standard error",
  () =>
    withFolder(async (cwd) => {
      const ratio = `${program("ratio")} 300`;
      const readers = [`${PMUCTL} report`, `env A=1 ${PMUCTL} report -g`, `(${PMUCTL} report)`];
      for (const reader of readers) {
        const ran = await run("bash", ["-c", `${PMUCTL} record -g -F 2000 -- ${ratio} | ${reader}`], { cwd });
        assertEquals(ran.status, 0, ran.stderr);
        assertMatch(ran.stdout, /^command +\S*ratio 300$/m);
        assertMatch(ran.stdout, /\bhot$/m);
        assertMatch(
          ran.stderr,
          /^pmuctl: the recording goes into the pipe to 'pmuctl report', and the command's output/m,
        );
        assertMatch(ran.stderr, /^\d+$/m); // what ratio prints
      }
      assertEquals(Array.from(Deno.readDirSync(cwd)), []);
    }),
);

testNeeding(
  ["cc"],
  "record into a pipe that no such program reads writes perf.data, and so it does with -o",
  () =>
    withFolder(async (cwd) => {
      const ran = await run("sh", ["-c", `${PMUCTL} record -- echo said | cat`], { cwd });
      assertEquals([ran.status, ran.stdout], [0, "said\n"], ran.stderr);
      assertMatch(await pmuctlOk(["report"], { cwd }), /^command +echo said$/m);
      const named = `${PMUCTL} record -o named -- echo again | ${PMUCTL} report 2>&1; ${PMUCTL} report named`;
      const both = await run("sh", ["-c", named], { cwd });
      assertMatch(both.stdout, /^command +echo again$/m);
    }),
);

testNeeding(["perf"], "perf record | report, and record | perf report", async () => {
  const ours = await run("sh", ["-c", `perf record -- true | ${PMUCTL} report`]);
  assertMatch(ours.stdout, /^command +.*\btrue$/m, ours.stderr);
  const theirs = await run("sh", ["-c", `${PMUCTL} record -F 5000 -- ls / | perf report --stdio`]);
  assertMatch(theirs.stdout, /^# Samples: \d+ /m, theirs.stderr);
});

testNeeding(
  ["perf", "cc"],
  "record writes a pipe to whatever is one: a FIFO, /dev/stdout, a descriptor that the shell has opened",
  () =>
    withFolder(async (folder) => {
      const file = `${folder}/came`, fifo = `${folder}/fifo`;
      await run("mkfifo", [fifo]);
      const record = (output: string) =>
        `${PMUCTL} record -g -F 2000 -o ${output} -- ${program("ratio")} 300`;
      for (
        const command of [
          `cat ${fifo} >${file} & ${record(fifo)}; wait`,
          `${record("/dev/stdout")} >${file}`,
          `${record("/dev/stdout")} | cat >${file}`,
          `${record("/dev/fd/7")} 7>&1 >/dev/null | cat >${file}`,
          `${record("/proc/self/fd/7")} 7>${file} >/dev/null`,
        ]
      ) {
        const ran = await run("bash", ["-c", command]);
        assertMatch(ran.stderr, /^pmuctl: wrote a pipe /m, command);
        const samples = ledgerSamples(ran.stderr);
        assert(samples > 100, ran.stderr);
        const report = JSON.parse((await pmuctl(["report", "--json", "-i", file])).stdout);
        assertEquals([report.events[0].samples, report.meta.lost], [samples, 0], command);
      }
    }),
);

testNeeding(
  ["cc"],
  "record refuses an output that is no place for it before the command runs",
  () =>
    withFolder(async (folder) => {
      const socket = Deno.listen({ transport: "unix", path: `${folder}/socket` });
      const ran = `${folder}/ran`;
      const refused = [
        [`${folder}/socket`, "it is a socket, which has no path to write to"],
        ["/dev/zero", "it is a device"],
        ["/dev/stderr", "it is standard error, where messages go"],
        ["/dev/fd/77", "that descriptor is not open"],
      ];
      try {
        for (const [output, cause] of refused) {
          const { status, stderr } = await pmuctl(["record", "-o", output, "--", "touch", ran]);
          assertEquals([status, stderr], [
            2,
            `pmuctl: record: -o ${output}: ${cause}: name a file, a FIFO, or - for standard output\n`,
          ]);
        }
        const switched = await pmuctl(["record", "--switch-output", "-o", "/dev/stdout", "--", "touch", ran]);
        assertEquals(switched.status, 2);
        assertStringIncludes(switched.stderr, "writes files, and -o /dev/stdout is not one");
        assertEquals(await Deno.stat(ran).catch(() => undefined), undefined);
      } finally {
        socket.close();
      }
    }),
);

testNeeding(
  ["root"],
  "a device that a recording went to stays where it is, however the recording ends",
  () =>
    withFolder(async (folder) => {
      const [nothing, full] = [`${folder}/null`, `${folder}/full`];
      await run("mknod", [nothing, "c", "1", "3"]);
      await run("mknod", [full, "c", "1", "7"]);
      const record = async (...args: string[]) => (await pmuctl(["record", ...args])).status;
      assertEquals(await record("-o", nothing, "--", "true"), 0);
      assertEquals(await record("-o", nothing, "--", `${folder}/no-such-command`), 127);
      assertEquals(await record("-o", nothing, "-e", "no-such-event", "--", "true"), 2);
      assertEquals(await record("-o", nothing, "--switch-output", "--", "true"), 2);
      assertEquals(await record("-o", full, "--", "true"), 3);
      const left = Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
      assertEquals(left, ["full", "null"]);
      for (const path of [nothing, full]) assertEquals(Deno.statSync(path).isCharDevice, true);
    }),
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
    assertStringIncludes(later.stderr, "cannot write everything to standard output");
    assertMatch(later.stderr, /dropbuf_sample [1-9]/);
  } finally {
    busy.kill("SIGKILL");
    await busy.status;
  }
});

/** Records as a user who may lock hardly more than kernel.perf_event_mlock_kb; returns what was said. */
async function recordWithFewLocked(folder: string, options: string): Promise<string> {
  await Deno.chmod(folder, 0o777);
  const asUser = Deno.uid() === 0 ? `setpriv ${NOBODY.options.join(" ")}` : "";
  const record = `${PMUCTL} record ${options} -o ${folder}/small.data -- ${program("ratio")} 200`;
  const ran = await run("sh", ["-c", `ulimit -l 64; exec ${asUser} ${record}`], { env: { HOME: folder } });
  assertEquals(ran.status, 0, ran.stderr);
  assert(ledgerSamples(ran.stderr) > 0, ran.stderr);
  return ran.stderr;
}

testNeeding(
  ["cc", Deno.uid() === 0 ? "otherUser" : "setpriv"],
  "record takes smaller rings where a user may lock no more, and says so",
  () =>
    withFolder(async (folder) => {
      const talk = await recordWithFewLocked(folder, "-m 4096");
      assertMatch(talk, /may not lock rings of 4096 pages .* recording with \d+/);
    }),
);

testNeeding(
  ["cc", Deno.uid() === 0 ? "otherUser" : "setpriv"],
  "record -g copies less of each stack where a user may lock no more, says so, and keeps what is asked for",
  () =>
    withFolder(async (folder) => {
      const talk = await recordWithFewLocked(folder, "-g");
      assertMatch(
        talk,
        /this user may lock \d+ KiB of rings for each CPU \(.*ulimit -l\): stacks are copied up to 4 KiB; longer ones/,
      );
      assertEquals(talk.includes("may not lock"), false, talk);
      const asked = await recordWithFewLocked(folder, "--call-graph auto,16K");
      assertEquals(asked.includes("stacks are copied up to"), false, asked);
    }),
);

Deno.test("record -o - to a terminal is refused", async () => {
  const ran = await run("script", ["-qec", `${PMUCTL} record -o - -- true`, "/dev/null"]);
  assertEquals(ran.status, 2);
  assertStringIncludes(ran.stdout, "binary data");
  assertEquals((await pmuctl(["record", "-o", "-", "--", "no-such-command"])).status, 127);
});
