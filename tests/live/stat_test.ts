import { assert, assertEquals, assertGreater, assertLess, assertStringIncludes } from "@std/assert";
import { eventually } from "../eventually.ts";
import { testNeeding } from "../needs.ts";
import { PMUCTL, pmuctl, pmuctlOk, run, withFolder } from "./harness.ts";
import { sizeOf } from "./watching.ts";

interface Stat {
  commands: {
    command: string;
    parameters: Record<string, string>;
    runs: number;
    statuses: number[];
    metrics: Record<
      string,
      {
        median: number;
        samples: number[];
        ratio?: { value: number; interval: { low: number; high: number } };
      }
    >;
  }[];
  notCounted: Record<string, string>;
}

async function statJson(...args: string[]): Promise<Stat> {
  return JSON.parse(await pmuctlOk(["stat", "--json", ...args]));
}

Deno.test("stat compares commands that ran in turns", async () => {
  const { commands } = await statJson("-r", "7", "--vs", "sleep 0.06", "--", "sleep", "0.02");
  assertEquals(commands.map(({ command, runs }) => [command, runs]), [["sleep 0.02", 7], ["sleep 0.06", 7]]);
  for (const { metrics } of commands) assertGreater(metrics["wall"].median, 20e6);
  const { value, interval } = commands[1].metrics["wall"].ratio!;
  assertGreater(value, 1.5);
  assert(interval.low <= value && value <= interval.high);
});

Deno.test("stat counts what there is, and says of the rest why not, never 0", async () => {
  const { commands: [{ metrics }], notCounted } = await statJson("-r", "3", "--", "sh", "-c", "exit 0");
  for (const event of ["instructions:u", "cycles:u"]) {
    if (event in metrics) assertGreater(metrics[event].median, 0);
    else assertGreater(notCounted[event].length, 10);
  }
  for (const { median } of [metrics["wall"], metrics["max-rss"]]) assertGreater(median, 0);
  assertLess(metrics["max-rss"].median, 16 << 20); // its own, not Deno's
});

Deno.test("stat runs commands with each value of a parameter, prepared each time", async () => {
  await withFolder(async (folder) => {
    const file = `${folder}/log`;
    const args = ["-r", "2", "-w", "1", "--shell", "--param", "n=1,2", "--prepare", `echo p{n} >> ${file}`];
    const { commands } = await statJson(...args, "--", `echo r{n} >> ${file}`);
    assertEquals(commands.map(({ parameters }) => parameters), [{ n: "1" }, { n: "2" }]);
    const lines = (await Deno.readTextFile(file)).trim().split("\n");
    assertEquals(lines.length, 12);
    for (let i = 0; i < 12; i += 2) assertEquals(`p${lines[i + 1].slice(1)}`, lines[i]);
  });
});

Deno.test("stat runs what is to come first and last once, and gives each run its input", async () => {
  await withFolder(async (folder) => {
    const file = `${folder}/log`, input = `${folder}/input`;
    await Deno.writeTextFile(input, "a line\n");
    const say = (word: string) => `echo ${word} >> ${file}`;
    const around = ["--setup", say("setup"), "--cleanup", say("cleanup"), "--input", input];
    await statJson("-r", "2", "--shell", ...around, "--vs", `cat >> ${file}; true`, "--", `cat >> ${file}`);
    const lines = (await Deno.readTextFile(file)).trim().split("\n");
    assertEquals(lines, ["setup", ...new Array(4).fill("a line"), "cleanup"]);
    const failing = await pmuctl(["stat", "--shell", ...around, "--", "exit 3"]);
    assertEquals([failing.status, (await Deno.readTextFile(file)).endsWith("cleanup\n")], [3, true]);
    const allowed = await statJson("-r", "2", "--shell", "--allow-status", "3,4", "--", "exit 3");
    assertEquals(allowed.commands[0].statuses, [3, 3]);
  });
});

Deno.test("stat ends with the status of a command that fails, and shows what it wrote", async () => {
  const ran = await pmuctl(["stat", "-r", "3", "--", "sh", "-c", "echo it broke >&2; exit 9"]);
  assertEquals([ran.status, ran.stdout], [9, ""]);
  assertStringIncludes(ran.stderr, "it broke");
  assertEquals(ran.stderr.trim().split("\n").at(-1)!.startsWith("pmuctl: 'sh -c "), true);
  const missing = await pmuctl(["stat", "--", "/no/such"]);
  assertEquals(missing.status, 127);
  const counted = await statJson("-r", "3", "-i", "--", "sh", "-c", "exit 9");
  assertEquals(counted.commands[0].statuses, [9, 9, 9]);
});

Deno.test("stat gives what there is when it is told to stop", () =>
  withFolder(async (folder) => {
    const runs = `${folder}/runs`;
    const child = new Deno.Command(PMUCTL, {
      args: ["stat", "-r", "1000", "--", "sh", "-c", `echo >>${runs}; sleep 0.05`],
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    await eventually(() => sizeOf(runs) >= 10, "ten runs");
    child.kill("SIGTERM");
    const { code, stdout, stderr } = await child.output();
    assertEquals(code, 143);
    assertStringIncludes(new TextDecoder().decode(stdout), "wall");
    assertStringIncludes(new TextDecoder().decode(stderr), "interrupted");
  }));

Deno.test("stat refuses what makes no sense, saying why", async () => {
  for (
    const [args, why] of [
      [["stat"], "nothing to run"],
      [["stat", "-r", "0", "--", "true"], "--runs 0"],
      [["stat", "-r", "2", "--min-time", "1", "--", "true"], "use one of them"],
      [["stat", "--vs", "a | b", "--", "true"], "--shell"],
      [["stat", "--param", "n=1", "--", "true"], "{n}"],
      [["stat", "--json", "--csv", "--", "true"], "--json and --csv exclude each other"],
      [["stat", "--raw", "--", "true"], "--csv"],
      [["stat", "--allow-status", "1,256", "--", "true"], "exit statuses from 1 to 255"],
    ] as const
  ) {
    const ran = await pmuctl([...args]);
    assertEquals([ran.status, ran.stdout], [2, ""], args.join(" "));
    assertStringIncludes(ran.stderr, why);
  }
});

testNeeding(["hyperfine"], "stat measures what hyperfine measures", async () => {
  await withFolder(async (folder) => {
    const command = ["sleep", "0.05"];
    const file = `${folder}/hyperfine.json`;
    const { status, stderr } = await run("hyperfine", [
      "-N",
      "-r",
      "10",
      "--export-json",
      file,
      command.join(" "),
    ]);
    assertEquals(status, 0, stderr);
    const { results: [{ median }] } = JSON.parse(await Deno.readTextFile(file));
    const { commands: [{ metrics }] } = await statJson("-r", "10", "--", ...command);
    const ratio = metrics["wall"].median / (1e9 * median);
    assert(ratio > 0.5 && ratio < 2, `${ratio} times hyperfine's ${median} s`);
  });
});
