import { assert, assertEquals, assertMatch } from "@std/assert";
import { findPlace, findStack, placeId, stackId } from "../../../lib/report/html/ids.ts";
import { nameOf } from "../../../lib/report/html/calls.ts";
import { packProfile } from "../../../lib/report/html/pack.ts";
import { profileOf } from "../../profile/build.ts";

const LINES = [
  "app app!main;app!work;app!hot 3",
  "app app!main;app!hot;app!work 2",
  "app app!main;libc.so.6!hot 1",
  "sh app!main 1",
];

Deno.test("each place and each stack has an id of its own, by which it is found", () => {
  const many = Array.from({ length: 3000 }, (_, i) => `app app!f${i};app!g${i % 7};app!f${i % 50} 1`);
  const tables = packProfile(profileOf([...LINES, ...many]));
  const places = Array.from(tables.places.name, (_, place) => placeId(tables, place));
  const stacks = Array.from(tables.stacks.parent, (_, stack) => stackId(tables, stack));
  for (const [ids, find] of [[places, findPlace], [stacks, findStack]] as const) {
    assertEquals(new Set(ids).size, ids.length);
    assert(ids.every((id, row) => find(tables, id) === row));
    ids.forEach((id) => assertMatch(id, /^[0-9a-f]{16}$/));
  }
});

Deno.test("an id means the same in another recording, or nothing", () => {
  const one = packProfile(profileOf(LINES));
  const other = packProfile(profileOf(["x x!y 1", LINES[1], LINES[0]]));
  const deepest = one.stacks.parent.findIndex((_, stack) => nameOf(one, one.stacks.place[stack]) === "hot");
  const found = findStack(other, stackId(one, deepest));
  assertEquals(nameOf(other, other.stacks.place[found]), "hot");
  assertEquals(other.stacks.parent[other.stacks.parent[found]] >= 0, true);
  const sh = one.stacks.parent.findLastIndex((caller) => caller < 0);
  assertEquals([nameOf(one, one.stacks.place[sh]), findStack(other, stackId(one, sh))], ["sh", -1]);
  for (const id of ["", "0", "zz", "__proto__", "0".repeat(16), "f".repeat(1000)]) {
    assertEquals([findPlace(one, id), findStack(one, id)], [-1, -1]);
  }
});
