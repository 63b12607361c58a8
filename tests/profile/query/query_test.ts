import { assert, assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../lib/base/system/errors.ts";
import { ProfileQuery, type SampleCounts } from "../../../lib/profile/query/query.ts";
import { profileOf } from "../build.ts";

const profile = profileOf([
  "cp cp!main;cp!copy;[kernel.kallsyms]!read 2 20",
  "cp cp!main;cp!copy 1 10",
  "tar tar!main;[kernel.kallsyms]!read 4 40",
]);
const query = new ProfileQuery(profile), counts = query.by(["comm", "sym"]);
const nameOf = (place: number) => counts.nameOf(place);

Deno.test("by() gives rows by its sort keys, heaviest self first", () => {
  const rows = counts.rows([0], { children: false }).map(({ group, place, self, total }) => [
    counts.valuesOf(group).comm,
    nameOf(place),
    self[0].period,
    total[0].period,
  ]);
  assertEquals(rows, [["tar", "read", 40, 40], ["cp", "read", 20, 20], ["cp", "copy", 10, 30]]);
});

Deno.test("by() gives the callers of its rows", () => {
  const rows = counts.rows([0], { children: false });
  const [ofTar, ofCp] = counts.callers(0, rows);
  assertEquals(ofTar.map(({ place }) => nameOf(place)), ["main"]);
  assertEquals(ofCp.map(({ place, callers }) => [nameOf(place), callers.length]), [["copy", 1]]);
  assertEquals(counts.callers(0, rows, 25)[1], []);
});

Deno.test("by() gives a call tree for each group, without what is below the least period", () => {
  const trees = counts.calls(0).map(({ group, total }) => [counts.valuesOf(group).comm, total.period]);
  assertEquals(trees, [["tar", 40], ["cp", 30]]);
  assertEquals(counts.calls(0, 35).map(({ group }) => counts.valuesOf(group).comm), ["tar"]);
});

Deno.test("a selection answers for what is left, and the profile it came from stays whole", () => {
  const left = query.filter({ comms: new Set(["cp"]) });
  assertEquals([left.totals(), query.totals()], [{ count: [3], period: [30] }, { count: [7], period: [70] }]);
  assertEquals(query.unmatched({ comms: new Set(["dd"]) }).map(({ values }) => values), [["dd"]]);
  const events = ["cycles", "dummy", "faults"].map((name) => ({
    name,
    rate: "",
    tracksOnly: name === "dummy",
  }));
  const both = new ProfileQuery({ ...profile, events });
  assertEquals([both.sampledEvents(), both.heaviestEvents()], [[0, 2], [0, 2]]);
  const faults = both.select(["faults"], "recorded");
  assert(faults instanceof ProfileQuery);
  assertEquals([faults.profile.events.map(({ name }) => name), faults.totals().count], [["faults"], [0]]);
  assertEquals(both.select(["nothing"], "recorded"), { unknown: ["nothing"], known: ["cycles", "faults"] });
  assertEquals(both.withEvents([2, 0]).totals().count, [0, 7]);
});

Deno.test("columnEvents() refuses more events than a table has columns for", () => {
  const events = Array.from({ length: 257 }, (_, i) => ({ name: `event${i}`, rate: "", tracksOnly: false }));
  assertEquals(new ProfileQuery({ ...profile, events: events.slice(1) }).columnEvents().length, 256);
  assertThrows(
    () => new ProfileQuery({ ...profile, events }).columnEvents(),
    UsageError,
    "257 events side by side",
  );
});

Deno.test("by() has names for places: of symbols, objects, addresses, and code without a symbol", () => {
  const nameless = new ProfileQuery(profileOf(["cp cp!0x1a40;[kernel.kallsyms]!read 1"]));
  const names = (counts: SampleCounts) =>
    counts.rows([0], { children: true }).map(({ place }) =>
      `${counts.objectOf(place)} ${counts.nameOf(place)}`
    ).sort();
  const both = ["[kernel.kallsyms] read", "cp cp+0x1a40"];
  assertEquals(names(nameless.by(["sym"])), both);
  assertEquals(names(nameless.by(["pid"], "address")), both);
  assertEquals(names(nameless.by(["dso"])), ["[kernel.kallsyms] [kernel.kallsyms]", "cp cp"]);
  assertEquals(nameless.by(["pid"]).rows([0], { children: false }).length, 1);
});
