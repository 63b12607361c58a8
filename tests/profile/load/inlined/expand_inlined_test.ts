/** Frames of inlined functions in a profile. */

import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { expandInlined } from "../../../../lib/profile/load/inlined/expand_inlined.ts";
import { checkValid, type Profile } from "../../../../lib/profile/model/profile.ts";
import { matchFunctions } from "../../../../lib/profile/compare/match_functions.ts";
import { filterProfile } from "../../../../lib/profile/query/filter.ts";
import { ProfileQuery } from "../../../../lib/profile/query/query.ts";
import { sampleCount } from "../../../../lib/profile/model/profile.ts";
import { profileOf } from "../../build.ts";
import { expandedProfile, INLINED, inlinedAt } from "../../inlined.ts";

/** Stacks of a profile as text, root first, inlined functions in brackets, with the number of samples. */
function stacksOf({ stacks, frames, symbols, samples }: Profile): string[] {
  const name = (frame: number) => {
    const symbol = symbols.name[frames.symbol[frame]];
    return (frames.inlinedInto?.[frame] ?? -1) >= 0 ? `(${symbol})` : symbol;
  };
  return Array.from(samples.stack, (leaf, row) => {
    const path: string[] = [];
    for (let stack = leaf; stack >= 0; stack = stacks.parent[stack]) path.unshift(name(stacks.frame[stack]));
    return `${path.join(" ")} ${samples.count[row]}`;
  });
}

Deno.test("inlined functions stand between the function that they are in and what they called", () => {
  assertEquals(stacksOf(expandedProfile()), [
    "main run (all) (sort) 5",
    "main run (all) (sort) memcpy 2",
    "main 1",
  ]);
});

Deno.test("a profile in which nothing was inlined stays what it is", () => {
  const profile = profileOf(["w app!main 1"]);
  assertStrictEquals(expandInlined(profile, { ...INLINED, ofFrame: Int32Array.of(-1) }, []), profile);
});

Deno.test("each function is at the line of the call that was inlined, the innermost at the line of the code", () => {
  const profile = profileOf(["w app!main;app!run 5"]);
  profile.lines = {
    ofFrame: Int32Array.of(0, 1),
    file: Int32Array.of(0, 1),
    line: Int32Array.of(3, 99),
    paths: ["/src/main.c", "/src/sort.h"],
  };
  const { frames, symbols, lines } = expandInlined(profile, inlinedAt(profile, "run"), ["all", "sort"]);
  const placed = Array.from(frames.symbol, (symbol, frame) => {
    const row = lines!.ofFrame[frame];
    return `${symbols.name[symbol]} ${lines!.paths[lines!.file[row]]}:${lines!.line[row]}`;
  });
  assertEquals(placed, [
    "main /src/main.c:3",
    "run /src/main.c:20",
    "all /src/all.h:30",
    "sort /src/sort.h:99",
  ]);
});

Deno.test("an inlined function is a row of its own, apart from the function of the same name", () => {
  const profile = profileOf(["w app!main;app!run 5", "w app!sort 3"]);
  const expanded = expandInlined(profile, inlinedAt(profile, "run"), ["all", "sort"]);
  const counts = new ProfileQuery(expanded).by(["sym"]), { inlined } = counts.places;
  const rows = counts.rows([0], { children: false, selfOnly: true });
  assertEquals(
    rows.map(({ place, self }) => [counts.nameOf(place), inlined?.[place], self[0].count]),
    [["sort", 1, 5], ["sort", 0, 3]],
  );
  const { a, places: shared } = matchFunctions(expanded, expanded, ["sym"]);
  const marked = shared.filter((_, place) => a.places.inlined?.[place] === 1);
  assertEquals(marked.map(({ symbol }) => symbol).sort(), ["all", "sort"]);
});

Deno.test("inlined functions that are shown by the same name are one symbol", () => {
  const profile = profileOf(["w app!main;app!run 5", "w app!sort 3"]);
  const expanded = expandInlined(profile, inlinedAt(profile, "run"), ["swap", "swap"]);
  assertEquals(expanded.symbols.name, [...profile.symbols.name, "swap"]);
  assertEquals(stacksOf(expanded), ["main run (swap) (swap) 5", "sort 3"]);
  const rows = new ProfileQuery(expanded).by(["sym"]).rows([0], { children: true });
  const swap = rows.find(({ place }) => expanded.symbols.name[place] === "swap")!;
  assertEquals([swap.self[0].count, swap.total[0].count], [5, 5]);
});

Deno.test("a filter by symbol keeps the code of a function, whatever was inlined there", () => {
  for (const [name, samples] of [["run", 5], ["all", 5], ["sort", 5], ["main", 1], ["none", 0]] as const) {
    assertEquals(sampleCount(filterProfile(expandedProfile(), { symbols: new Set([name]) })), samples, name);
  }
});

Deno.test("checkValid() finds an inlined frame that is not on top of what it was inlined into", () => {
  const profile = expandedProfile();
  checkValid(profile);
  const { frames, stacks } = profile;
  const parent = stacks.parent.map((caller, stack) =>
    frames.inlinedInto![stacks.frame[stack]] >= 0 ? -1 : caller
  );
  assertThrows(() => checkValid({ ...profile, stacks: { ...stacks, parent } }), Error, "inlined into");
  const inlinedInto = frames.inlinedInto!.map((into) => into < 0 ? into : frames.object.length);
  assertThrows(() => checkValid({ ...profile, frames: { ...frames, inlinedInto } }), Error, "inlinedInto");
});

Deno.test("symbols keep their addresses, and inlined functions have none of their own", () => {
  const profile = profileOf(["w app!main;app!run 5"]), { symbols } = profile;
  const placed = {
    ...profile,
    symbols: { ...symbols, start: Float64Array.of(1, 2), end: Float64Array.of(2, 3) },
  };
  const { symbols: { start, end, name } } = expandInlined(placed, inlinedAt(placed, "run"), ["all", "sort"]);
  assertEquals(name, ["main", "run", "all", "sort"]);
  assertEquals([start, end], [Float64Array.of(1, 2, NaN, NaN), Float64Array.of(2, 3, NaN, NaN)]);
});
