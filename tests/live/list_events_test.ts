import { assert, assertEquals, assertMatch } from "@std/assert";
import { testNeeding } from "../needs.ts";
import { asNobody, PMUCTL, pmuctl, pmuctlOk, run } from "./harness.ts";

interface Row {
  name: string;
  aliases: string[];
  pmu: string;
  type: string;
  meaning: string;
  opens: boolean;
  why?: string;
}

const rows = async (...args: string[]) =>
  JSON.parse(await pmuctlOk(["list-events", "--json", ...args])).events as Row[];

Deno.test("list-events prints plain names, one a line, into a pipe", async () => {
  const names = (await pmuctlOk(["list-events", "--pmu", "software"])).trimEnd().split("\n");
  assertEquals(names.length, 12);
  assertEquals(names[0], "cpu-clock");
  assert(names.every((name) => /^[a-z-]+$/.test(name)));
});

Deno.test("list-events marks in a pipe what does not open here, and nothing else", async () => {
  const marked = (await pmuctlOk(["list-events"])).trimEnd().split("\n").map((line) => line.split("  ["));
  const all = await rows();
  assertEquals(marked.map(([name]) => name), all.map(({ name }) => name));
  assertEquals(marked.map((line) => line.length === 1), all.map(({ opens }) => opens));
  for (const [, mark] of marked.filter((line) => line.length > 1)) {
    assertMatch(mark, /^(not supported here|not permitted here|needs a value)\]$/);
  }
});

Deno.test("list-events on a terminal goes through the pager, hardware and software first", async () => {
  const shown = async (pager: string) => {
    const command = `stty rows 24 cols 80; PMUCTL_PAGER='${pager}' ${PMUCTL} list-events`;
    return (await run("script", ["-qec", command, "/dev/null"])).stdout;
  };
  assertEquals((await shown("head -1")).trim(), "hardware");
  const headings = (await shown("cat")).split("\r\n").filter((line) => /^[a-zA-Z]/.test(line));
  assertEquals(headings.slice(0, 2), ["hardware", "software"]);
});

Deno.test("list-events --json has name, PMU, meaning and whether it opens for every event", async () => {
  const all = await rows();
  for (const row of all) {
    assert(row.name && row.pmu && row.type && row.meaning, JSON.stringify(row));
    assert(Array.isArray(row.aliases));
    assertEquals(typeof row.opens, "boolean");
    if (!row.opens) assert(row.why, `${row.name} does not open, and nothing says why`);
  }
  assertEquals(all.find((row) => row.name === "cycles")?.aliases, ["cpu-cycles", "PAPI_TOT_CYC"]);
});

Deno.test("list-events --available lists what --json says opens", async () => {
  const opening = (await rows()).filter((row) => row.opens).map((row) => row.name);
  const available = (await pmuctlOk(["list-events", "--available"])).trimEnd().split("\n");
  assertEquals(available, opening);
  assert(available.includes("task-clock"));
});

// perf says `<not supported>` of what the kernel refuses; without the kernel's side it counts what never happens in user space
testNeeding(
  ["perf", "kernelEvents"],
  "list-events says of each generic event what perf stat finds",
  async () => {
    const generic = (await rows()).filter((row) => row.type !== "tracepoint" && row.type !== "pmu");
    assert(generic.length > 50);
    for (const row of generic) {
      const { stderr } = await run("perf", ["stat", "-x,", "-e", row.name, "true"], { env: { LC_ALL: "C" } });
      const line = stderr.split("\n").find((text) => text.split(",")[2]?.startsWith(row.name)) ?? "";
      assertEquals(!line.startsWith("<not supported>"), row.opens, `${row.name}: ${line}`);
    }
  },
);

testNeeding(["perf", "root"], "list-events knows every tracepoint that perf list does", async () => {
  const { stdout } = await run("perf", ["list", "--raw-dump", "tracepoint"]);
  const theirs = stdout.split(/\s+/).filter((word) => word.includes(":")).sort();
  assert(theirs.length > 100, "perf lists tracepoints");
  const ours = (await pmuctlOk(["list-events", "--pmu", "tracepoint"])).trimEnd().split("\n").sort();
  assertEquals(ours, theirs);
});

testNeeding(
  ["otherUser"],
  "list-events tells an unprivileged user what is left out and why",
  async () => {
    const ran = await asNobody([
      "list-events",
      "--json",
    ]);
    assertEquals(ran.status, 0, ran.stderr);
    const all = JSON.parse(ran.stdout).events as Row[];
    const paranoid = Number(Deno.readTextFileSync("/proc/sys/kernel/perf_event_paranoid"));
    const of = (name: string) => all.find((row) => row.name === name)!;
    if (paranoid <= 2) assertEquals(of("page-faults").opens, true);
    if (paranoid === 2) {
      assertEquals(of("page-faults").why, "user space only: perf_event_paranoid is 2");
      // without the kernel's side it would count 0 whatever happens
      assertEquals(of("context-switches").opens, false);
      assertMatch(
        of("context-switches").why!,
        /perf_event_paranoid is 2.*sysctl kernel.perf_event_paranoid=1/,
      );
    }
  },
);

Deno.test("list-events refuses a PMU that is not there and suggests one", async () => {
  const ran = await pmuctl(["list-events", "--pmu", "sofware"]);
  assertEquals(ran.status, 2);
  assertMatch(ran.stderr, /^pmuctl: --pmu sofware: no such PMU; .*did you mean software\?\n$/);
});

Deno.test("list-events says when nothing matches", async () => {
  const ran = await pmuctl(["list-events", "nothing-at-all"]);
  assertEquals([ran.status, ran.stdout], [0, ""]);
  assertMatch(ran.stderr, /no event matches 'nothing-at-all'\n$/);
});
