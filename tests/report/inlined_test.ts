/** Inlined functions, as each format shows them. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { gunzipSync } from "node:zlib";
import { Profile as PprofProfile } from "pprof-format";
import { formatNamed, type OutputOptions } from "../../lib/report/formats.ts";
import { decodeTables } from "../../lib/report/html/tables.ts";
import { DEFAULT_REPORT } from "../../lib/report/shared/options.ts";
import { expandedProfile } from "../profile/inlined.ts";
import { contentOf, timesOf } from "./whole.ts";

const OPTIONS: OutputOptions = {
  ...DEFAULT_REPORT,
  weight: "samples",
  marks: false,
  flamegraph: { inverted: false },
  tprof: { file: "perf.data", mergeCpus: true, mergeThreads: true, mergeProcesses: true, perSymbol: true },
};

/** Returns the profile in a format. */
async function shownIn(
  name: string,
  options: Partial<OutputOptions> = {},
  profile = expandedProfile(),
): Promise<string | Uint8Array> {
  const render = await formatNamed(name).renderer();
  return contentOf(render({ ...profile, times: timesOf(profile) }, { ...OPTIONS, ...options }));
}

async function textIn(...args: Parameters<typeof shownIn>): Promise<string> {
  const content = await shownIn(...args);
  return typeof content === "string" ? content : new TextDecoder().decode(content);
}

Deno.test("text has (inlined) behind the names of inlined functions, in rows and in trees", async () => {
  const callers = (await textIn("text", { tree: "callers" })).split("\n").map((line) => line.trim());
  assertEquals(
    callers.filter((line) => /\b(all|sort|run)\b/.test(line)).map((line) => line.replace(/.*\[\.\]/, "")),
    [
      " sort (inlined)",
      "all (inlined)",
      "run",
      "sort (inlined)",
      "all (inlined)",
      "run",
    ],
  );
  assertMatch(await textIn("text", { tree: "calls" }), / run\b.*\n.* all \(inlined\)\n.* sort \(inlined\)\n/);
});

Deno.test("trees cut the names of inlined functions to the width of the terminal, not the mark", async () => {
  const long = "x".repeat(300), profile = expandedProfile();
  profile.symbols.name = profile.symbols.name.map((name) => name === "sort" ? long : name);
  for (const tree of ["callers", "calls"] as const) {
    const text = await textIn("text", { tree, width: 80 }, profile);
    const lines = text.split("\n").filter((line) => /xxx/.test(line));
    assertEquals(lines.length > 0, true);
    for (const line of lines) {
      assertEquals(line.trimEnd().endsWith("x… (inlined)"), true, line);
      assertEquals(line.length <= 80, true, line);
    }
  }
});

Deno.test("json says of inlined functions that they are", async () => {
  const { events: [{ rows }] } = JSON.parse(await textIn("json", { tree: "callers" }));
  assertEquals([rows[0].symbol, rows[0].inlined], ["sort", true]);
  const [caller] = rows[0].callers;
  assertEquals([caller.symbol, caller.inlined, caller.callers[0].inlined], ["all", true, undefined]);
});

Deno.test("folded stacks mark inlined functions with _[i], if asked to", async () => {
  assertStringIncludes(await textIn("folded", { marks: true }), "w;main;run;all_[i];sort_[i] 5\n");
  assertStringIncludes(await textIn("folded"), "w;main;run;all;sort 5\n");
});

Deno.test("pprof has a function and those inlined into it as the lines of one location", async () => {
  const { sample, location, function: functions, stringTable: { strings } } = PprofProfile.decode(
    gunzipSync(await shownIn("pprof") as Uint8Array),
  );
  const nameOf = new Map(functions.map(({ id, name }) => [id, strings[Number(name)]]));
  const lines = new Map(
    location.map(({ id, line }) => [id, line.map((each) => nameOf.get(each.functionId))]),
  );
  assertEquals(sample.map(({ locationId }) => locationId.map((id) => lines.get(id))), [
    [["sort", "all", "run"], ["main"]],
    [["memcpy"], ["sort", "all", "run"], ["main"]],
    [["main"]],
  ]);
  assertEquals(location.length, 3); // none for the parts of another
});

Deno.test("a flame graph draws inlined functions lighter, and says what they are", async () => {
  const svg = await textIn("flamegraph");
  const boxes = [...svg.matchAll(/<svg class="([^"]*)"[^>]*>(?:(?!<\/svg>).)*?<title>([^<]*)/gs)]
    .map(([, classes, title]) => [title.split("\n")[0], / i$/.test(classes)]);
  assertEquals(Object.fromEntries(boxes), {
    "all": false,
    "w": false,
    "main": false,
    "run": false,
    "all (inlined)": true,
    "sort (inlined)": true,
    "memcpy": false,
  });
  assertStringIncludes(svg, ">inlined</text>");
});

Deno.test("the page knows which functions were inlined", async () => {
  const [, packed] = /<script type="application\/octet-stream" id="data">(.*?)<\/script>/s.exec(
    await textIn("html"),
  )!;
  const { names, places } = decodeTables(gunzipSync(Uint8Array.fromBase64(packed)));
  const inlined = Array.from(places.name).filter((_, place) => places.inlined[place] === 1);
  assertEquals(inlined.map((name) => names[name]).sort(), ["all", "sort"]);
});
