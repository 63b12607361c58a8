import { assertEquals, assertThrows } from "@std/assert";
import { overhead } from "../../../lib/profile/query/aggregate.ts";
import { callerTrees } from "../../../lib/profile/query/caller_trees.ts";
import { ProfileQuery } from "../../../lib/profile/query/query.ts";
import { DEFAULT_SORT } from "../../../lib/profile/request/sort_keys.ts";
import { checkValid, sampleCount, totalPeriod } from "../../../lib/profile/model/profile.ts";
import { profileOf } from "../build.ts";

const profile = profileOf([
  "app app!main;app!work;app!hot 60 600",
  "app app!main;app!work;app!warm 20 200",
  "app app!main;app!work;app!hot;app!work;app!hot 10 100",
  "app app!main;app!work;app!hot;[kernel]!fault 5 50",
  "other app!main;app! 5 50",
]);
const counts = new ProfileQuery(profile).by(DEFAULT_SORT);
const rows = overhead(profile, counts, 0).map((row) => ({
  what: `${counts.valuesOf(row.group).comm} ${counts.nameOf(row.place)}`,
  self: row.self.count,
  total: row.total.count,
}));

Deno.test("checkValid() accepts a whole profile", () => checkValid(profile));

Deno.test("checkValid() names what is broken", () => {
  const broken = profileOf(["a x!f;x!g 1"]);
  broken.stacks.parent[0] = 1;
  assertThrows(() => checkValid(broken), Error, "stacks.parent[0] is 1");
  const foreign = profileOf(["a x!f;y!g 1"]);
  foreign.frames.object[1] = 0;
  assertThrows(() => checkValid(foreign), Error, "different objects");
  const empty = profileOf(["a x!f 1"]);
  empty.samples.count[0] = 0;
  assertThrows(() => checkValid(empty), Error, "count 0");
});

Deno.test("overhead() adds self by command and symbol, heaviest first", () => {
  assertEquals(rows.filter((r) => r.self).map((r) => [r.what, r.self]), [
    ["app hot", 70],
    ["app warm", 20],
    ["app fault", 5],
    ["other app+0xff0", 5],
  ]);
});

Deno.test("overhead() counts a recursive symbol once a sample in total", () => {
  const total = Object.fromEntries(rows.map((r) => [r.what, r.total]));
  assertEquals(total["app hot"], 75);
  assertEquals(total["app work"], 95);
  assertEquals(total["app main"], 95);
  assertEquals(total["other main"], 5);
});

Deno.test("overhead() accounts for every sample and period exactly once as self", () => {
  const all = overhead(profile, counts, 0);
  assertEquals(all.reduce((n, r) => n + r.self.count, 0), sampleCount(profile));
  assertEquals(all.reduce((n, r) => n + r.self.period, 0), totalPeriod(profile));
});

Deno.test("callerTrees() goes from the leaf's callers up to the roots", () => {
  const hot = overhead(profile, counts, 0)[0];
  const [tree] = callerTrees(profile, counts, 0, [hot]);
  assertEquals(tree.length, 1);
  assertEquals(counts.nameOf(tree[0].place), "work");
  assertEquals(tree[0].count, 70);
  assertEquals(tree[0].callers.map((n) => [counts.nameOf(n.place), n.count]), [
    ["main", 60],
    ["hot", 10],
  ]);
});

Deno.test("callerTrees() keeps rows apart, and leaves out what is too light", () => {
  const rows = overhead(profile, counts, 0).filter((row) => row.self.count > 0);
  const trees = callerTrees(profile, counts, 0, rows, 100);
  assertEquals(trees.map((tree) => tree.map((n) => [counts.nameOf(n.place), n.count])), [
    [["work", 70]],
    [["work", 20]],
    [],
    [],
  ]);
  assertEquals(trees[0][0].callers.map((n) => n.count), [60, 10]);
});
