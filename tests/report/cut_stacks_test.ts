/** Stacks that end too early, as each format shows them. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { gunzipSync } from "node:zlib";
import { MemoryBytes } from "../../lib/base/bytes/byte_source.ts";
import { loadProfile } from "../../lib/profile/load/load.ts";
import type { Profile } from "../../lib/profile/model/profile.ts";
import { FORMATS, type OutputOptions, type ReportFormat } from "../../lib/report/formats.ts";
import { DEFAULT_REPORT } from "../../lib/report/shared/options.ts";
import { stacksText } from "../../lib/report/shared/stacks_text.ts";
import { copiesSeed, markedSeed } from "../fuzz/made/copies.ts";
import { memoryFiles } from "../fuzz/made/memory_files.ts";
import { contentOf } from "./whole.ts";

const OPTIONS: OutputOptions = {
  ...DEFAULT_REPORT,
  tree: "callers",
  percentLimit: 0,
  weight: "period",
  marks: false,
  flamegraph: { inverted: false },
  tprof: { file: "perf.data", mergeCpus: true, mergeThreads: true, mergeProcesses: true, perSymbol: true },
};
/** A whole stack, the same in the kernel, one that is cut, and two whose callers come later, once. */
const profile: Profile = await loadProfile(new MemoryBytes(copiesSeed()), memoryFiles(), { times: true });
/** The first three of these, unwound while they were recorded. */
const unwound: Profile = await loadProfile(new MemoryBytes(markedSeed()), memoryFiles(), { times: true });
const PROFILES: [how: string, profile: Profile, head: string][] = [
  ["from copies", profile, "66.7% of 3 whole; 33.3% cut at 32 bytes: record with --call-graph dwarf,64"],
  ["recorded", unwound, "66.7% of 3 whole; 33.3% cut at 16 KiB: record with --call-graph auto,32K"],
];

/** Returns what a format says of a profile, unpacked. */
async function textIn({ name, renderer }: ReportFormat, profile: Profile): Promise<string> {
  const content = contentOf((await renderer())(profile, OPTIONS));
  const text = typeof content === "string"
    ? content
    : new TextDecoder().decode(name === "pprof" ? gunzipSync(content) : content);
  const packed = /<script type="application\/octet-stream" id="data">(.*?)<\/script>/s.exec(text);
  return packed ? text + gunzipSync(Uint8Array.fromBase64(packed[1])).toString() : text;
}

for (const format of FORMATS) {
  const { name, callers } = format;
  if (!callers(OPTIONS)) continue;
  Deno.test(`${name} shows that a stack is cut, and where callers were lost`, async () => {
    const text = await textIn(format, profile);
    for (const frame of ["[stack cut]", "[user callers lost]"]) assertStringIncludes(text, frame);
    assertStringIncludes(await textIn(format, unwound), "[stack cut]");
  });
}

const formatOf = (wanted: string) => FORMATS.find(({ name }) => name === wanted)!;

for (const [how, profile, head] of PROFILES) {
  Deno.test(`the heads of reports say how many stacks are whole, and what helps: ${how}`, async () => {
    for (const format of FORMATS) {
      const { name, callers, withoutWarnings } = format;
      if (!callers(OPTIONS) || withoutWarnings || name === "json") continue;
      assertStringIncludes(await textIn(format, profile), head, name);
    }
    const { meta } = JSON.parse(await textIn(formatOf("json"), profile));
    assertEquals([meta.stacks.unwound, meta.stacks.whole], [3, 2]);
    assertEquals(meta.stacks.cut[0].frame, "[stack cut]");
  });

  Deno.test(`folded stacks begin with what says that they are cut, else with their root: ${how}`, async () => {
    const lines = (await textIn(formatOf("folded"), profile)).trimEnd().split("\n");
    assertEquals(lines.filter((line) => line.startsWith("worker;[stack cut];")).length, 1);
    assertEquals(lines.filter((line) => line.includes("[stack cut]")).length, 1);
  });
}

Deno.test("causes with several objects name those with most samples", () => {
  const cut = (object: string, samples: number) => ({
    reason: "no unwind information",
    cause: "without unwind information",
    frame: `[no unwind information: ${object}]`,
    object,
    samples,
    remedy: "",
  });
  const stacks = {
    unwound: 100_000,
    whole: 99_990,
    cut: [cut("a.so", 4), cut("b.so", 3), cut("c.so", 2), cut("d.so", 1)],
  };
  assertEquals(
    stacksText(stacks),
    "99.990% of 100000 whole; 0.010% without unwind information: a.so (4), b.so (3), c.so (2) and 1 more",
  );
  assertEquals(stacksText({ unwound: 7, whole: 7, cut: [] }), "100.0% of 7 whole");
});
