/** What others' own programs make of our files: go tool pprof, speedscope, the Firefox Profiler; and perf's stacks. */

import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import speedscope from "speedscope/package.json" with { type: "json" };
import { withPage } from "../../browser/chromium.ts";
import { eventually } from "../../eventually.ts";
import { testNeeding } from "../../needs.ts";
import { foldedSamples, perfOk, pmuctlOk, program, run, withFolder } from "../harness.ts";

const SPEEDSCOPE = new URL(
  "dist/release/index.html",
  import.meta.resolve("speedscope/package.json"),
);
const PROFILER_CLI = "npm:@firefox-devtools/profiler-cli@0.10.0";

/** Self and total by function, in samples. */
type Table = Map<string, [self: number, total: number]>;

/** The table as pmuctl has it, of functions with symbols; those of one name (static ones) are left out. */
async function ours(file: string): Promise<Table> {
  const [event] =
    JSON.parse(await pmuctlOk(["report", "--json", "--inline", "--sort", "dso,sym", file])).events;
  const table: Table = new Map();
  const twice = new Set<string>();
  for (const { symbol, self, total } of event.rows) {
    if (symbol === null || total.count === 0) continue;
    if (table.has(symbol)) twice.add(symbol);
    table.set(symbol, [self.count, total.count]);
  }
  for (const symbol of twice) table.delete(symbol);
  assert(table.has("hot"), [...table.keys()].join());
  return table;
}

const sorted = (table: Table) => [...table].sort(([a], [b]) => a < b ? -1 : 1);
const only = (table: Table, names: Table) =>
  new Map([...table].filter(([name]) => names.has(name)).sort(([a], [b]) => a < b ? -1 : 1));

/** Calls `body` with a recording of threads that also work in the kernel, and its table. */
function withRecording(body: (folder: string, table: Table) => Promise<void>): Promise<void> {
  return withFolder(async (folder) => {
    const load = `${program("ratio")} 200 & ${program("faults")} 2000; wait`;
    const target = ["-F", "1000", "-g", "-o", `${folder}/file`, "--", "sh", "-c", load];
    await pmuctlOk(["record", "-q", "-e", "cpu-clock", ...target]);
    await body(folder, await ours(`${folder}/file`));
  });
}

testNeeding(
  ["cc", "go"],
  "go tool pprof gives the self and total of each symbol that the report gives",
  () =>
    withRecording(async (folder, table) => {
      const file = `${folder}/out.pb.gz`;
      await pmuctlOk(["report", "--format", "pprof", "-o", file, `${folder}/file`]);
      const args = [
        "tool",
        "pprof",
        "-top",
        "-nodefraction=0",
        "-nodecount=0",
        "-sample_index=samples",
        file,
      ];
      const { status, stdout, stderr } = await run("go", args, { cwd: folder });
      assertEquals(status, 0, stderr);
      assert(/^File: (ratio|faults)$/m.test(stdout), stdout);
      const theirs: Table = new Map();
      for (const line of stdout.split("\n")) {
        const [, flat, cum, name] =
          /^ +(\d+) +\S+% +\S+% +(\d+) +\S+% +(.*?)(?: \((?:partial-)?inline\))?$/.exec(line) ?? [];
        if (name !== undefined) theirs.set(name, [Number(flat), Number(cum)]);
      }
      assertEquals(sorted(only(theirs, table)), sorted(table));
    }),
);

testNeeding(
  ["cc", "chromium"],
  "speedscope loads the speedscope and the folded format, and adds up what the report does",
  () =>
    withRecording(async (folder, table) => {
      assertEquals(speedscope.version, "1.25.0");
      const all = { speedscope: "profile.json", folded: "profile.folded" };
      for (const [format, name] of Object.entries(all)) {
        const file = `${folder}/${name}`;
        await pmuctlOk(["report", "--format", format, "-o", file, `${folder}/file`]);
        const content = Buffer.from(Deno.readFileSync(file)).toString("base64");
        const call = `speedscope.loadFileFromBase64(${JSON.stringify(name)}, ${JSON.stringify(content)})`;
        Deno.writeTextFileSync(`${folder}/profile.js`, call);
        await withPage({}, async (page) => {
          await page.open(`${SPEEDSCOPE}#localProfilePath=${folder}/profile.js`);
          await page.until("document.title !== 'speedscope'");
          await page.key("3"); // its view of functions with self and total
          const cells = "[...document.querySelectorAll('tr')].map((row) => " +
            "[...row.cells].map((cell) => cell.textContent)).filter((row) => / \\(/.test(row[0]))";
          await page.until(`${cells}.some((row) => row[2] === 'hot')`);
          const hot = (await page.evaluate<string[][]>(cells)).find(([, , symbol]) => symbol === "hot")!;
          const [self, total] = table.get("hot")!;
          // 1000 Hz: a sample is a millisecond, and folded stacks have no unit
          const amount = (samples: number) =>
            format === "folded"
              ? (samples * 1e6).toLocaleString("en-US")
              : samples < 1000
              ? `${samples.toFixed(2)}ms`
              : `${(samples / 1000).toFixed(2)}s`;
          assertEquals([hot[0], hot[1]].map((cell) => cell.replace(/ .*/, "")), [
            amount(total),
            amount(self),
          ]);
          assertEquals(page.requests, []);
        });
      }
    }),
);

testNeeding(
  ["cc"],
  "the Firefox Profiler's own loader takes the firefox format, and adds up what the report does",
  () =>
    withRecording(async (folder, table) => {
      const file = `${folder}/profile.json`;
      await pmuctlOk(["report", "--format", "firefox", "-o", file, `${folder}/file`]);
      const env = { PROFILER_CLI_SESSION_DIR: `${folder}/sessions` };
      const cli = (...args: string[]) =>
        run(Deno.execPath(), ["run", "-A", "--no-lock", "--no-config", PROFILER_CLI, ...args], { env });
      await cli("load", file); // which goes on in a process of its own, and may take longer than it waits
      try {
        const theirs: Table = new Map();
        const { threads } = JSON.parse(Deno.readTextFileSync(file));
        for (let thread = 0; thread < threads.length; thread++) {
          const listed = await untilOk(() =>
            cli("thread", "functions", "--json", "--include-idle", "--limit", "0", "--thread", `t-${thread}`)
          );
          for (const { name, selfSamples, totalSamples } of JSON.parse(listed).functions) {
            const [self, total] = theirs.get(name) ?? [0, 0];
            // ms at 1000 Hz are samples
            theirs.set(name, [self + Math.round(selfSamples), total + Math.round(totalSamples)]);
          }
        }
        assertEquals(sorted(only(theirs, table)), sorted(table));
      } finally {
        await cli("stop", "--all");
      }
    }),
);

/** What a program prints when it no longer fails. */
async function untilOk(start: () => ReturnType<typeof run>): Promise<string> {
  let ran: Awaited<ReturnType<typeof run>> | undefined;
  await eventually(async () => (ran = await start()).status === 0, "a program that fails to succeed")
    .catch((error) => assertEquals(ran?.status, 0, `${error.message}: ${ran?.stderr || ran?.stdout}`));
  return ran!.stdout;
}

testNeeding(
  ["perf", "cc"],
  "folded stacks are those that perf script tells, sample for sample",
  () =>
    withRecording(async (folder) => {
      const file = `${folder}/file`;
      const script = await perfOk([
        "script",
        "-i",
        file,
        "-F",
        "comm,ip,sym,dso",
        "--no-demangle",
        "--no-inline",
      ]);
      const theirs = new Map<string, number>();
      for (const sample of script.trim().split(/\n\n+/)) {
        const [comm, ...frames] = sample.split("\n");
        const names = frames.map((frame) => {
          const [, symbol, object] = /^\s*[0-9a-f]+ (.*) \((.*)\)$/.exec(frame)!;
          return symbol !== "[unknown]" ? symbol : `in ${object.replace(/.*\//, "")}`;
        });
        const line = [comm.trim(), ...names.reverse()].join(";");
        theirs.set(line, (theirs.get(line) ?? 0) + 1);
      }
      // perf has the object alone of code without a symbol: `OBJECT+0xADDRESS` here, or `0xADDRESS` or `[unknown]` in no object
      const ours = new Map<string, number>();
      for (const [stack, samples] of await foldedSamples(file, { more: ["--no-demangle"] })) {
        const names = stack.split(";").map((name) => {
          const unnamed = /^(?:(.+)\+)?(?:0x[0-9a-f]+(?:\.\.0x[0-9a-f]+)?|(?<!.)\[unknown\])$/.exec(name);
          return unnamed ? `in ${unnamed[1] ?? "[unknown]"}` : name;
        });
        const line = names.join(";");
        ours.set(line, (ours.get(line) ?? 0) + samples);
      }
      assertEquals([...ours].sort(), [...theirs].sort());
    }),
);
