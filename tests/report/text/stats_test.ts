import { assert, assertEquals } from "@std/assert";
import { MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { countRecords } from "../../../lib/perfdata/read/count.ts";
import { renderStats, renderStatsJson } from "../../../lib/report/text/stats.ts";
import { fixture, fixtureText, stream } from "../../perfdata/read_recording.ts";

for (const name of ["callgraph", "two_events", "compressed", "clock", "extras", "pipe"]) {
  Deno.test(`renderStats() prints the records of ${name} as perf report --stats does`, async () => {
    for (const input of [new MemoryBytes(fixture(`${name}.data`)), stream(fixture(`${name}.data`), 999)]) {
      assertEquals(renderStats(await countRecords(input, false)), fixtureText(`${name}.stats`));
    }
  });
}

Deno.test("renderStats() adds what perf does not say, where there is any", async () => {
  const counts = await countRecords(new MemoryBytes(fixture("clock.data")), false);
  Object.assign(counts.stats, { outOfOrder: 3, unknownRecords: 2 });
  counts.stats.byType.set(200, 2);
  const text = renderStats(counts);
  assert(text.endsWith("    out of order:                3\n of unknown type:                2\n"), text);
  assert(text.includes("        type 200 events:          2  ("), text);
});

Deno.test("renderStatsJson() gives the same figures", async () => {
  const counts = await countRecords(new MemoryBytes(fixture("two_events.data")), false);
  const json = JSON.parse(renderStatsJson(counts));
  assertEquals(json.total, 646);
  assertEquals(json.records.SAMPLE, 620);
  assertEquals(json.records.FINISHED_ROUND, 1);
  assertEquals(json.events.map((event: { samples: number }) => event.samples), [417, 203]);
  assertEquals(json.damage, null);
});
