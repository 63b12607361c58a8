/** What the page computes of its tables has to be what the report computes of the profile. */

import { assert, assertEquals } from "@std/assert";
import { overhead } from "../../../lib/profile/query/aggregate.ts";
import { cutTimes, filterProfile } from "../../../lib/profile/query/filter.ts";
import { ProfileQuery } from "../../../lib/profile/query/query.ts";
import type { Profile } from "../../../lib/profile/model/profile.ts";
import { packProfile } from "../../../lib/report/html/pack.ts";
import {
  comparedRows,
  functionRows,
  lanesOf,
  type SampleSelection,
  type StackWeights,
  weighStacks,
  weightsThrough,
  weightThrough,
} from "../../../lib/report/html/select.ts";
import { bucketCount, decodeTables, encodeTables, type PageTables } from "../../../lib/report/html/tables.ts";
import { nameOf, pageCalls } from "../../../lib/report/html/calls.ts";
import { FLAME_LIMITS } from "../../../lib/report/flame/boxes.ts";
import { type FlameLayout, layoutFlames } from "../../../lib/report/flame/layout.ts";
import { profileCalls } from "../../../lib/report/flame/profile_calls.ts";
import { profileOf } from "../../profile/build.ts";

/** Samples on two CPUs, at uneven times, one of them without a time. */
function timedProfile(): Profile {
  const profile = profileOf([
    "app app!main;app!work;app!hot 60 60000",
    "app app!main;app!work;app!main;libc.so.6! 30 33000",
    "app app!main;[kernel.kallsyms]!do_idle 25 25000",
    "sh app!main;sh!once 5 500",
  ]);
  const { samples } = profile;
  samples.cpu.set([0, 1, 1, 0]);
  const order: number[] = [];
  for (let left = samples.count.slice(); left.some((n) => n > 0);) {
    left = left.map((n, row) => n > 0 ? (order.push(row), n - 1) : n);
  }
  order.pop();
  profile.times = {
    at: Float64Array.from(order, (_, i) => i * i * 997),
    sample: Int32Array.from(order),
    period: Float64Array.from(order, (row) => samples.period[row] / samples.count[row]),
  };
  return profile;
}

const profile = timedProfile();
const tables = decodeTables(encodeTables(packProfile(profile)));

/** `OBJECT SYMBOL: self count, self period, total count, total period` of each function, as the page has them. */
function ofPage(selection: SampleSelection, from: PageTables = tables): string[] {
  return functionRows(from, weighStacks(from, selection)).map((row) => {
    const object = from.places.object[row.place];
    const name = nameOf(from, row.place);
    return `${object < 0 ? "[unknown]" : from.objects[object].name} ${name}: ` +
      [row.selfCount, row.selfPeriod, row.totalCount, row.totalPeriod].join(" ");
  }).sort();
}

/** The same as the report has them. */
function ofReport(of: Profile): string[] {
  const counts = new ProfileQuery(of).by(["dso", "sym"]);
  return overhead(of, counts, 0).filter(({ total }) => total.count > 0).map(({ place, self, total }) =>
    `${counts.objectOf(place)} ${counts.nameOf(place)}: ` +
    [self.count, self.period, total.count, total.period].join(" ")
  ).sort();
}

Deno.test("weighStacks() of everything is what the report counts, with samples that have no time", () => {
  assertEquals(ofPage({ event: 0 }), ofReport(profile));
});

Deno.test("weighStacks() of a range of buckets is what the report counts of these times", () => {
  const buckets = bucketCount(tables);
  assert(buckets > 500);
  for (const [from, to] of [[1, 2], [1, buckets + 1], [100, 400], [401, 490], [buckets, buckets + 1]]) {
    const cut = cutTimes(
      profile,
      (at) => at >= (from - 1) * tables.bucketNs && at <= (to - 1) * tables.bucketNs - 1,
    );
    assertEquals(ofPage({ event: 0, range: { from, to } }), ofReport(cut), `${from} to ${to}`);
  }
});

Deno.test("weighStacks() of a lane is what the report counts of this CPU", () => {
  const lanes = lanesOf(tables, 0, "cpu", 40);
  assertEquals(lanes.labels, ["CPU 0", "CPU 1"]);
  const lane = { of: lanes.ofRow, is: 1 };
  assertEquals(ofPage({ event: 0, lane }), ofReport(filterProfile(profile, { cpus: new Set([1]) })));
});

Deno.test("lanesOf() puts the lightest threads into one lane, and counts all timed samples once", () => {
  const lanes = lanesOf(tables, 0, "thread", 2);
  assertEquals(lanes.labels, ["app 100", "sh 101"]);
  const one = lanesOf(tables, 0, "thread", 1);
  assertEquals([one.labels, one.others], [["2 more threads"], 2]);
  assertEquals(one.counts.reduce((a, b) => a + b, 0), profile.times!.at.length);
});

Deno.test("lanesOf() tells threads apart that have the same id and name", () => {
  const twice = timedProfile();
  twice.comms.fill("sh");
  twice.threads.tid.fill(100);
  assertEquals(lanesOf(packProfile(twice), 0, "thread", 5).labels, ["sh 100", "sh 100 of 101, lane 2"]);
});

Deno.test("comparedRows() has what only one of two parts has, and how much each has changed", () => {
  const middle = Math.floor(bucketCount(tables) / 3);
  const weigh = (from: number, to: number) => weighStacks(tables, { event: 0, range: { from, to } });
  const [b, a] = [weigh(1, middle), weigh(middle, bucketCount(tables) + 1)];
  const rows = comparedRows(tables, a, { weights: b, scale: 0.5 });
  const self = (weights: StackWeights, place: number) =>
    functionRows(tables, weights).find((row) => row.place === place)?.selfPeriod ?? 0;
  const places = new Set(
    [a, b].flatMap((weights) => functionRows(tables, weights).map(({ place }) => place)),
  );
  assertEquals(new Set(rows.map(({ place }) => place)), places);
  assertEquals(rows.length, places.size);
  assert(rows.some(({ totalCount }) => totalCount === 0));
  for (const { place, change } of rows) assertEquals(change, self(a, place) - 0.5 * self(b, place));
});

Deno.test("weightsThrough() keeps the stacks that a function is in", () => {
  const all = weighStacks(tables, { event: 0 });
  const hot = functionRows(tables, all).find(({ place }) => nameOf(tables, place) === "hot")!;
  const part = weightsThrough(tables, all, hot.place);
  assertEquals(part.whole, { count: 60, period: 60000 });
  const main = functionRows(tables, part).find(({ place }) => nameOf(tables, place) === "main")!;
  assertEquals([main.selfCount, main.totalCount], [0, 60]);
});

/** Lays out what the page shows of a selection. */
function flames(from: PageTables, selection: SampleSelection = { event: 0 }): FlameLayout {
  return layoutFlames(
    pageCalls(from, { weights: weighStacks(from, selection), event: selection.event }),
    FLAME_LIMITS,
  );
}

Deno.test("pageCalls() are the calls that the SVG draws, of everything and of a part", () => {
  const shape = ({ boxes }: FlameLayout) => boxes.map(({ node: _, ...box }) => box);
  const svg = (of: Profile) =>
    layoutFlames(
      profileCalls({ counts: new ProfileQuery(of).by(["comm", "sym"]), event: 0 }),
      FLAME_LIMITS,
    );
  assertEquals(shape(flames(tables)), shape(svg(profile)));
  const lane = { of: lanesOf(tables, 0, "cpu", 40).ofRow, is: 1 };
  assertEquals(
    shape(flames(tables, { event: 0, lane })),
    shape(svg(filterProfile(profile, { cpus: new Set([1]) }))),
  );
});

Deno.test("pageCalls() of two ranges are the calls of two reports: shared boxes, and what is gone", () => {
  const buckets = bucketCount(tables), middle = Math.floor(buckets / 3);
  const cut = (from: number, to: number) =>
    cutTimes(profile, (at) => at >= (from - 1) * tables.bucketNs && at <= (to - 1) * tables.bucketNs - 1);
  const weigh = (from: number, to: number) => weighStacks(tables, { event: 0, range: { from, to } });
  const source = (of: Profile) => ({ counts: new ProfileQuery(of).by(["comm", "sym"]), event: 0 });
  const parts = [[1, middle], [middle, buckets + 1]] as const;
  for (const [[from, to], [baseFrom, baseTo]] of [parts, [parts[1], parts[0]]]) {
    const page = layoutFlames(
      pageCalls(tables, { weights: weigh(from, to), base: weigh(baseFrom, baseTo), event: 0 }),
      FLAME_LIMITS,
    );
    const report = layoutFlames(
      profileCalls(source(cut(from, to)), source(cut(baseFrom, baseTo))),
      FLAME_LIMITS,
    );
    const shape = ({ boxes, gone, whole, otherWhole }: FlameLayout) => [
      boxes.map(({ node: _, ...box }) => box),
      [gone, whole, otherWhole],
    ];
    assertEquals(shape(page), shape(report));
  }
});

Deno.test("pageCalls() leave the lightest out of very many stacks, and say how many", () => {
  const lines = Array.from({ length: 30_000 }, (_, i) => `app app!f${i} ${i % 3 === 0 ? 30 : 1}`);
  const many = packProfile(profileOf(lines));
  const layout = flames(many);
  assertEquals([layout.boxes.length, layout.narrow.frames], [10_002, 20_000]);
  assertEquals(layout.whole.count, 320_000);
  assertEquals(functionRows(many, weighStacks(many, { event: 0 })).length, 30_000);
});

Deno.test("weightThrough() counts a sample once, whether its innermost function matches or a caller", () => {
  const weights = weighStacks(tables, { event: 0 });
  const of = (...names: string[]) =>
    weightThrough(tables, weights, (place) => names.includes(nameOf(tables, place)));
  assertEquals(of("work"), { count: 90, period: 93000 });
  assertEquals(of("work", "hot", "once"), { count: 95, period: 93500 });
  assertEquals(of("none"), { count: 0, period: 0 });
});

Deno.test("packProfile() of samples without times has one bucket, which is of no time", () => {
  const untimed = packProfile(profileOf(["app app!f 3 300"]));
  assertEquals([bucketCount(untimed), untimed.bucketNs, untimed.start], [0, 0, ""]);
  assertEquals(ofPage({ event: 0 }, untimed), ["app f: 3 300 3 300"]);
});

Deno.test("packProfile() makes buckets longer where there would be too many cells", () => {
  const lines = Array.from({ length: 1500 }, (_, i) => `app app!f${i} 1000 1000`);
  const long = profileOf(lines);
  const n = 1_500_000;
  long.times = {
    at: Float64Array.from({ length: n }, (_, i) => i * 1000),
    sample: Int32Array.from({ length: n }, (_, i) => i % 1500),
    period: new Float64Array(n).fill(1),
  };
  const packed = packProfile(long);
  assertEquals(bucketCount(packed) < 1000 && bucketCount(packed) >= 125, true);
  assertEquals(weighStacks(packed, { event: 0 }).whole, { count: n, period: n });
});

Deno.test("pageCalls() join frames without a symbol as the SVG does", () => {
  const lines = [
    "a app!main;lib.so!0x10;lib.so!0x20;lib.so!0x30;app!work 3",
    "a app!main;lib.so!0x10;lib.so!0x40 1",
  ];
  const made = packProfile(profileOf([...lines, "b lib.so!;lib.so!;lib.so! 2"]));
  assertEquals(
    flames(made).boxes.map(({ name, depth, self }) => `${" ".repeat(depth)}${name} ${self.count}`),
    [
      "all 0",
      " a 0",
      "  main 0",
      "   lib.so+0x10 0",
      "    lib.so (2 frames) 0",
      "     work 3",
      "    lib.so+0x40 1",
      " b 0",
      "  lib.so (3 frames) 2",
    ],
  );
});

Deno.test("functionRows() of a chain of 60,000 callers counts each place once, and recursion once", () => {
  const chain = Array.from({ length: 60_000 }, (_, i) => `app!f${i % 30_000}`);
  const deep = packProfile(profileOf([`app ${chain.join(";")} 2`, "app app!f1;app!f0;app!f1 1"]));
  const rows = functionRows(deep, weighStacks(deep, { event: 0 }));
  const row = (name: string) => rows.find(({ place }) => nameOf(deep, place) === name)!;
  assertEquals(rows.length, 30_000);
  assertEquals([row("f0").totalCount, row("f0").selfCount], [3, 0]);
  assertEquals([row("f1").totalCount, row("f1").selfCount], [3, 1]);
  assertEquals([row("f29999").totalCount, row("f29999").selfCount], [2, 2]);
});
