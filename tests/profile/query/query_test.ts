import { assertEquals } from "@std/assert";
import { placeName } from "../../../lib/profile/query/aggregation_keys.ts";
import { ProfileQuery } from "../../../lib/profile/query/query.ts";
import { profileOf } from "../build.ts";

const profile = profileOf([
  "cp cp!main;cp!copy;[kernel.kallsyms]!read 2 20",
  "cp cp!main;cp!copy 1 10",
  "tar tar!main;[kernel.kallsyms]!read 4 40",
]);
const query = new ProfileQuery(profile, ["comm", "sym"]);
const nameOf = (place: number) => placeName(profile, query.grouping.places, place);

Deno.test("ProfileQuery gives rows by its sort keys, heaviest self first", () => {
  const rows = query.rows([0], { children: false }).map(({ group, place, self, total }) => [
    query.valuesOf(group).comm,
    nameOf(place),
    self[0].period,
    total[0].period,
  ]);
  assertEquals(rows, [["tar", "read", 40, 40], ["cp", "read", 20, 20], ["cp", "copy", 10, 30]]);
});

Deno.test("ProfileQuery gives the callers of its rows", () => {
  const rows = query.rows([0], { children: false });
  const [ofTar, ofCp] = query.callers(0, rows);
  assertEquals(ofTar.map(({ place }) => nameOf(place)), ["main"]);
  assertEquals(ofCp.map(({ place, callers }) => [nameOf(place), callers.length]), [["copy", 1]]);
  assertEquals(query.callers(0, rows, 25)[1], []);
});

Deno.test("ProfileQuery gives a call tree for each group, without what is below the least period", () => {
  const trees = query.calls(0).map(({ group, total }) => [query.valuesOf(group).comm, total.period]);
  assertEquals(trees, [["tar", 40], ["cp", 30]]);
  assertEquals(query.calls(0, 35).map(({ group }) => query.valuesOf(group).comm), ["tar"]);
});
