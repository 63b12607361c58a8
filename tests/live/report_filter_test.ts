/** What report, diff and analyze say of filters that match nothing, and of callers that were not recorded. */

import { assertEquals, assertMatch } from "@std/assert";
import { filterWarnings, partIn, type ProfilePart } from "../../lib/commands/report_filter.ts";
import { profileOf } from "../profile/build.ts";
import { ProfileQuery } from "../../lib/profile/query/query.ts";
import { testNeeding } from "../needs.ts";
import { pmuctl, pmuctlOk, run, withFolder } from "./harness.ts";

const file = (name: string) => new URL(`../testdata/perfdata/${name}`, import.meta.url).pathname;
const CHAINED = file("callgraph.data"), FLAT = file("clock.data");

/** The warnings in the head of a report in text. */
async function warnings(args: string[]): Promise<string[]> {
  const text = await pmuctlOk(["report", ...args]);
  return Array.from(text.matchAll(/^warning {2}(.*)$/gm), ([, line]) => line);
}

const SHARES = String.raw`there are samples of .+ \(\d+\.\d\d%\)`;
const FILTERS: [args: string[], warning: string][] = [
  [["--comms", "nosuch"], `no sample matches --comms nosuch: ${SHARES}`],
  [["--comms", "nosuch,other"], `no sample matches --comms nosuch,other: ${SHARES}`],
  [["--dsos", "libnone.so"], `no sample matches --dsos libnone.so: ${SHARES}`],
  [["--symbols", "none"], `no sample matches --symbols none: ${SHARES}`],
  [["--symbol-filter", "n+ne"], `no sample matches --symbol-filter n\\+ne: ${SHARES}`],
  [["--pid", "1"], `no sample matches --pid 1: there are samples of \\d+:.+`],
  [["--tid", "1"], `no sample matches --tid 1: there are samples of \\d+:.+`],
  [
    ["--cpu", "4090-4095"],
    `no sample matches --cpu 4090,4091,4092,4093,4094,4095: there are samples of CPU \\d+ .+`,
  ],
  [["--time", "1,2"], `no sample is within --time: the recording is from [\\d.]+ to [\\d.]+`],
];

for (const [args, warning] of FILTERS) {
  Deno.test(`report ${args[0]} ${args[1]}, which matches nothing, says so and what there is`, async () => {
    const said = (await warnings([...args, "-i", CHAINED])).filter((line) => line.startsWith("no sample"));
    assertEquals(said.length, 1);
    assertMatch(said[0], new RegExp(`^${warning}`));
  });
}

Deno.test("long names of C++ are folded in a warning that nothing matches", () => {
  const name = `std::map<${"std::string,".repeat(50)}int>::find(int)`;
  const profile = profileOf([`app app!${name} 3`, "app app!main 1"]);
  const part = { absolute: true, filter: { symbols: new Set(["none"]) } };
  assertEquals(filterWarnings(new ProfileQuery(profile), profileOf([]), part), [
    "no sample matches --symbols none: there are samples of std::map<…>::find(int) (75.00%), main (25.00%)",
  ]);
});

Deno.test("names with commas that the recording has as they stand are not split, in no list", () => {
  const query = new ProfileQuery(profileOf(["a,b lib,x.so!JS:f,g 3", "a app!g 1"]));
  const read = (lists: ProfilePart["lists"]) => partIn(query, { absolute: true, filter: {}, lists }).filter;
  assertEquals(read({ comms: "a,b", objects: "lib,x.so,app", symbols: "JS:f,g,g" }), {
    comms: new Set(["a,b"]),
    objects: new Set(["lib,x.so", "app"]),
    symbols: new Set(["JS:f,g", "g"]),
  });
  assertEquals(read({ comms: "b,a", symbols: "JS:f\\,g,none" }), {
    comms: new Set(["b", "a"]),
    symbols: new Set(["JS:f,g", "none"]),
  });
});

testNeeding(
  ["cc"],
  "all commands take the same names of functions, with commas or without parameters",
  () =>
    withFolder(async (folder) => {
      const program = `${folder}/names`, file = `${folder}/x.data`;
      await Deno.writeTextFile(
        `${program}.c`,
        `volatile long sink;
#define FUNCTION(name, symbol) void name(void) __asm__(symbol);\\
  __attribute__((noinline)) void name(void) { for (long i = 0; i < 60000000; i++) sink += i; }
FUNCTION(work, "_ZN2ns4workEil")                // ns::work(int, long)
FUNCTION(each, "_ZN2ns4eachIiEEvPFviEl")        // void ns::each<int>(void (*)(int), long), shown without void
int main(void) { work(); each(); }\n`,
      );
      const built = await run("cc", ["-O1", "-o", program, `${program}.c`]);
      assertEquals(built.status, 0, built.stderr);
      await pmuctlOk(["record", "-q", "-e", "cpu-clock", "-o", file, "--", program]);
      const work = "ns::work(int, long)", each = "ns::each<int>(void (*)(int), long)";
      const names: [list: string, found: string[]][] = [
        ["ns::work", [work]],
        ["ns::work(int,long)", [work]],
        ["ns::each<int>", [each]],
        [`${work},ns::each<int>(void (*)(int), long)`, [each, work]],
      ];
      for (const [list, found] of names) {
        const json = JSON.parse(await pmuctlOk(["report", "--json", "-S", list, "-i", file]));
        const rows: { symbol: string; self: { count: number } }[] = json.events[0].rows;
        const own = rows.filter(({ self }) => self.count > 0).map(({ symbol }) => symbol);
        assertEquals(own.sort(), found, list);
        const samples = await pmuctlOk(["script", "-F", "sym", "-S", list, "-i", file]);
        const shown = samples.trim().split("\n").map((line) => line.trim());
        assertEquals([...new Set(shown)].sort(), found);
        if (found.length > 1) continue;
        assertMatch(await pmuctlOk(["diff", "-S", list, file, file]), /ns::/);
        const annotated = JSON.parse(await pmuctlOk(["annotate", "--json", "-i", file, list]));
        assertEquals(annotated.symbol, found[0]);
      }
    }),
);

Deno.test("report names the filters that match only apart, and those of several that match nothing", async () => {
  const { events } = JSON.parse(await pmuctlOk(["report", "--json", "-i", CHAINED]));
  const rows: { command: string; object: string; kernel: boolean; self: { count: number } }[] =
    events[0].rows;
  const own = rows.find(({ kernel, self }) => !kernel && self.count > 0)!;
  assertEquals(
    (await warnings(["--dsos", own.object, "--kernel", "-i", CHAINED])).filter((line) =>
      line.startsWith("no ")
    ),
    ["no sample matches all of --dsos, --kernel: each matches some"],
  );
  const half = await warnings(["--comms", `${own.command},nosuch`, "-i", CHAINED]);
  assertMatch(half.find((line) => line.startsWith("no "))!, /^no sample matches --comms nosuch: /);
  assertEquals(
    (await warnings(["--comms", own.command, "-i", CHAINED])).filter((l) => l.startsWith("no ")),
    [],
  );
});

for (const format of ["json", "tprof", "html", "flamegraph", "folded", "pprof", "speedscope", "firefox"]) {
  Deno.test(`report --format ${format} says on standard error that a filter matches nothing`, () =>
    withFolder(async (cwd) => {
      const args = ["report", "--format", format, "-o", "out", "--comms", "nosuch", "-i", CHAINED];
      const { status, stderr } = await pmuctl(args, { cwd });
      assertEquals(status, 0);
      assertMatch(stderr, /^pmuctl: warning: no sample matches --comms nosuch: there are samples of /m);
    }));
}

Deno.test("diff and analyze say that a filter matches nothing, and in which recording", async () => {
  const text = await pmuctlOk(["diff", "--comms", "nosuch", CHAINED, FLAT]);
  for (const side of ["A", "B"]) {
    assertMatch(text, new RegExp(`^note {5}${side}: no sample matches --comms nosuch`, "m"));
  }
  const { status, stderr } = await pmuctl(["analyze", "-p", "1", CHAINED]);
  assertEquals(status, 0);
  assertMatch(stderr, /^pmuctl: warning: no sample matches --pid 1: there are samples of \d+:/m);
});

const NO_CALLERS = /no callers to show: this was recorded without call chains; record with -g to have them/;

for (const args of [["-g"], ["-G"], ["--children"]]) {
  Deno.test(`report ${args} of a recording without call chains says how to record them`, async () => {
    assertMatch((await warnings([...args, "-i", FLAT])).join("\n"), NO_CALLERS);
    assertEquals((await warnings([...args, "-i", CHAINED])).filter((line) => NO_CALLERS.test(line)), []);
    assertEquals((await warnings(["-i", FLAT])).filter((line) => NO_CALLERS.test(line)), []);
  });
}

Deno.test("flame graphs and stacks of a recording without call chains say how to record them", () =>
  withFolder(async (cwd) => {
    for (const format of ["flamegraph", "html", "folded", "speedscope", "pprof"]) {
      const report = async (input: string) => {
        const ran = await pmuctl(["report", "--format", format, "-o", "out", "-i", input], { cwd });
        assertEquals(ran.status, 0, ran.stderr);
        return ran.stderr;
      };
      assertMatch(await report(FLAT), NO_CALLERS, format);
      if (format === "flamegraph" || format === "html") {
        assertMatch(Deno.readTextFileSync(`${cwd}/out`), NO_CALLERS);
      }
      assertEquals(NO_CALLERS.test(await report(CHAINED)), false, format);
    }
    const { stderr } = await pmuctl(["diff", "--format", "flamegraph", "-o", "out", FLAT, CHAINED], { cwd });
    assertEquals(stderr.match(new RegExp(NO_CALLERS, "g"))?.length, 1);
    assertMatch(stderr, /^pmuctl: warning: .*clock\.data: /);
  }));
