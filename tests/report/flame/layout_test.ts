import { assertAlmostEquals, assertEquals } from "@std/assert";
import { compareStacks } from "../../../lib/profile/compare/stack_comparison.ts";
import { ProfileQuery } from "../../../lib/profile/query/query.ts";
import type { Profile } from "../../../lib/profile/model/profile.ts";
import { type Box, type FlameLayout, layoutFlames } from "../../../lib/report/flame/layout.ts";
import { profileCalls } from "../../../lib/report/flame/profile_calls.ts";
import { profileOf } from "../../profile/build.ts";

const limits = { maxFrames: Infinity, minWidth: 0, maxDepth: 100 };
const calls = (profile: Profile) =>
  profileCalls({ counts: new ProfileQuery(profile).by(["comm", "sym"]), event: 0 });
const shape = ({ boxes }: FlameLayout) =>
  boxes.map(({ name, depth, x, width }) => `${" ".repeat(depth)}${name} ${x}+${width}`);
const named = ({ boxes }: FlameLayout, name: string) => boxes.find((box) => box.name === name)!;

const profile = profileOf([
  "b app!main;app!work;libm.so.6!sin 4 400",
  "b app!main;app!work 2 200",
  "b app!main;app!idle;[kernel.kallsyms]!halt 1 200",
  "a app! 2 200",
]);

Deno.test("layoutFlames() puts siblings side by side by their names, each under what it called", () => {
  assertEquals(shape(layoutFlames(calls(profile), limits)), [
    "all 0+1",
    " a 0+0.2",
    "  app+0xff0 0+0.2",
    " b 0.2+0.8",
    "  main 0.2+0.8",
    "   idle 0.2+0.2",
    "    halt 0.2+0.2",
    "   work 0.4+0.6",
    "    sin 0.4+0.4",
  ]);
});

Deno.test("layoutFlames() keeps self and total of each frame, and what kind of code it is", () => {
  const layout = layoutFlames(calls(profile), limits);
  const work = named(layout, "work");
  assertEquals([work.self, work.total], [{ count: 2, period: 200 }, { count: 6, period: 600 }]);
  assertEquals([layout.rows, layout.whole], [5, { count: 9, period: 1000 }]);
  const kinds = layout.boxes.map(({ name, kind }): [string, Box["kind"]] => [name, kind]);
  assertEquals(Object.fromEntries(kinds), {
    all: "root",
    a: "root",
    b: "root",
    "app+0xff0": "unresolved",
    main: "program",
    work: "program",
    idle: "program",
    halt: "kernel",
    sin: "library",
  });
});

Deno.test("layoutFlames() leaves narrow frames out of large graphs only, and says how many", () => {
  const names = ({ boxes }: FlameLayout) => boxes.map(({ name }) => name);
  const narrow = layoutFlames(calls(profile), { ...limits, maxFrames: 5, minWidth: 0.3 });
  assertEquals(names(narrow), ["all", "a", "b", "main", "work", "sin"]);
  assertEquals([narrow.narrow, narrow.narrowest], [{ frames: 3, weight: { count: 3, period: 400 } }, 0.3]);
  const enough = layoutFlames(calls(profile), { ...limits, maxFrames: 6, minWidth: 0.3 });
  assertEquals([enough.boxes.length, enough.narrow.frames], [9, 0]);
  const widest = layoutFlames(calls(profile), { ...limits, maxFrames: 2 });
  assertEquals([names(widest), widest.narrowest], [["all", "a", "b", "main", "work"], 0.4]);
});

Deno.test("layoutFlames() leaves narrow commands out where there are more of them than frames can be drawn", () => {
  const many = profileOf(Array.from({ length: 30 }, (_, i) => `c${i} app!f ${i < 2 ? 100 : 1}`));
  const layout = layoutFlames(calls(many), { ...limits, maxFrames: 10, minWidth: 0.1 });
  assertEquals(layout.boxes.map(({ name }) => name), ["all", "c0", "f", "c1", "f"]);
  assertEquals(layout.narrow.frames, 28);
});

Deno.test("layoutFlames() ends a deep recursion, and says how much is above", () => {
  const deep = profileOf([`app ${Array.from({ length: 10_000 }, () => "app!f").join(";")} 3`]);
  const layout = layoutFlames(calls(deep), limits);
  assertEquals([layout.rows, layout.boxes.length], [102, 102]);
  assertEquals(layout.deep, { frames: 9900, weight: { count: 3, period: 3 } });
});

Deno.test("layoutFlames() of nothing has one box", () => {
  const layout = layoutFlames(calls(profileOf([])), limits);
  assertEquals([layout.boxes.length, layout.boxes[0].width, layout.rows], [1, 1, 1]);
});

Deno.test("layoutFlames() finds each frame in the other profile, by its path, and what is gone from there", () => {
  const old = profileOf([
    "b app!main;app!work;libm.so.5!sin 1 100",
    "b app!main;app!idle 1 50",
    "b app!main;app!dropped 5 500",
  ]);
  const { a, b } = compareStacks(old, profile, { normalize: "none" });
  const layout = layoutFlames(
    profileCalls(b, a),
    limits,
  );
  assertEquals(named(layout, "sin").other, {
    self: { count: 1, period: 100 },
    total: { count: 1, period: 100 },
  });
  assertEquals(named(layout, "halt").other?.total.count, 0);
  assertEquals(named(layout, "main").other?.total.period, 650);
  assertEquals(layout.otherWhole, { count: 7, period: 650 });
  assertEquals(layout.gone, { count: 5, period: 500 });
  assertAlmostEquals(layout.boxes[0].width, 1);
});

Deno.test("layoutFlames() draws frames without a symbol upon each other as one, but for functions with samples", () => {
  const of = (...lines: string[]) => shape(layoutFlames(calls(profileOf(lines)), limits)).slice(2);
  assertEquals(
    of("a app!main;lib.so!0x10;lib.so!0x20;lib.so!0x30;app!work 3", "a app!main;lib.so!0x10;lib.so!0x40 1"),
    [
      "  main 0+1",
      "   lib.so+0x10 0+1",
      "    lib.so (2 frames) 0+0.75",
      "     work 0+0.75",
      "    lib.so+0x40 0.75+0.25",
    ],
  );
  // where functions are not known there is nothing to tell them apart by
  assertEquals(of("a app!main;lib.so!;lib.so!;lib.so! 3"), ["  main 0+1", "   lib.so (3 frames) 0+1"]);
  assertEquals(of("a app!main;lib.so!;[ext4]!;lib.so! 3"), [
    "  main 0+1",
    "   lib.so+0xff0 0+1",
    "    [ext4]+0xff0 0+1",
    "     lib.so+0xff0 0+1",
  ]);
});

Deno.test("layoutFlames() of the callees of one frame shows what is too narrow in the graph of everything", () => {
  const lines = Array.from({ length: 40 }, (_, i) => `a app!main;app!work;app!f${i} 1`);
  const tree = calls(profileOf([...lines, "a app!main;app!idle 960", "b app!other 5"]));
  const few = { ...limits, maxFrames: 5, minWidth: 0.01 };
  const all = layoutFlames(tree, few);
  assertEquals(all.boxes.map(({ name }) => name), ["all", "a", "main", "idle", "work", "b"]);
  assertEquals(all.narrow.frames, 41);

  const work = all.boxes.find(({ name }) => name === "work")!;
  const zoomed = layoutFlames(tree, { ...few, maxFrames: 40 }, work.node);
  assertEquals(shape(zoomed).slice(0, 6), [
    "all 0+1",
    " a 0+1",
    "  main 0+1",
    "   work 0+1",
    "    f0 0+0.025",
    "    f1 0.025+0.025",
  ]);
  assertEquals([zoomed.boxes.length, zoomed.narrow.frames, zoomed.whole.count], [44, 0, 1005]);
  assertEquals([zoomed.boxes[0].total.count, zoomed.boxes[2].total.count], [1005, 1000]);
});

Deno.test("layoutFlames() shows samples where no sample has a period", () => {
  const layout = layoutFlames(calls(profileOf(["a app!f 3 0", "a app!g 1 0"])), limits);
  assertEquals(layout.measure, "count");
  assertEquals(shape(layout), ["all 0+1", " a 0+1", "  f 0+0.75", "  g 0.75+0.25"]);
});
