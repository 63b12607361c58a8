import { assertEquals, assertThrows } from "@std/assert";
import { BoundSet, SetRefusal, subtractBuffers } from "../../../lib/counters/open/bound_set.ts";
import { FakePlace } from "./fake_place.ts";

const U64_MAX = (1n << 64n) - 1n;

/** A set of two requests at two places, counting; each look at the clock is a ns later. */
function bound(presets = [0n, 0n]) {
  const places = [new FakePlace("thread 1", [0n, 0n]), new FakePlace("thread 2", [0n, 0n])];
  let now = 100n;
  const set = new BoundSet(places, presets, () => now++);
  set.enable();
  const count = (...counts: [bigint, bigint][]) =>
    counts.forEach((values, i) => {
      places[i].counts = values;
      places[i].tickNs += 10;
    });
  return { set, places, count };
}

function errnoOf(action: () => unknown): string {
  return assertThrows(action, SetRefusal).refusal.errno;
}

Deno.test("sample() sums the places of a set, and gives each of them", () => {
  const { set, count } = bound();
  count([1n, 20n], [300n, 4000n]);
  assertEquals(set.sample(), {
    hrtimeNs: 100n,
    tickNs: 20n,
    counts: [301n, 4020n],
    places: [
      { place: "thread 1", tickNs: 10n, counts: [1n, 20n] },
      { place: "thread 2", tickNs: 10n, counts: [300n, 4000n] },
    ],
  });
});

Deno.test("counting starts at the preset, once for the whole set, and wraps in 64 bits", () => {
  const { set, count } = bound([U64_MAX, 1000n]);
  count([1n, 1n], [2n, 2n]);
  const { counts, places } = set.sample();
  assertEquals(counts, [2n, 1003n]);
  assertEquals(places.map((place) => place.counts), [[0n, 1001n], [1n, 1002n]]);
});

Deno.test("since() is the difference to the sample remembered last, or to the start", () => {
  const { set, count } = bound([5n, 0n]);
  count([10n, 1n], [10n, 1n]);
  const first = set.sample();
  assertEquals(set.since(first).counts, [20n, 2n]);
  set.remember(first);
  count([11n, 2n], [12n, 5n]);
  const second = set.since(set.sample());
  assertEquals([second.hrtimeNs, second.tickNs], [101n, 20n]);
  assertEquals(second.counts, [3n, 5n]);
  assertEquals(second.places.map((place) => place.counts), [[1n, 1n], [2n, 4n]]);
});

Deno.test("subtract() takes request by request in 64 bits, and keeps the later hrtime", () => {
  const buffer = (hrtimeNs: bigint, count: bigint) => ({
    hrtimeNs,
    tickNs: hrtimeNs,
    counts: [count],
    places: [],
  });
  assertEquals(subtractBuffers(buffer(9n, 3n), buffer(4n, U64_MAX)), {
    hrtimeNs: 9n,
    tickNs: 5n,
    counts: [4n],
    places: [],
  });
});

Deno.test("preset() makes one request start anew and leaves the others alone", () => {
  const { set, count } = bound();
  count([10n, 10n], [10n, 10n]);
  set.remember(set.sample());
  set.preset(1, 500n);
  assertEquals(set.sample().counts, [20n, 500n]);
  count([11n, 12n], [11n, 12n]);
  const sample = set.sample();
  assertEquals(sample.counts, [22n, 504n]);
  assertEquals(set.since(sample).counts, [2n, 4n]);
});

Deno.test("preset() refuses a request that is not there with EINVAL", () => {
  const { set } = bound();
  for (const index of [2, -1, 0.5]) assertEquals(errnoOf(() => set.preset(index, 0n)), "EINVAL");
});

Deno.test("restart() counts from the presets again, and enables a frozen set", () => {
  const { set, places, count } = bound([7n, 0n]);
  count([10n, 10n], [10n, 10n]);
  set.disable();
  set.restart();
  assertEquals([set.state, places.map((place) => place.enabled)], ["counting", [true, true]]);
  assertEquals(set.sample().counts, [7n, 0n]);
  count([11n, 10n], [10n, 13n]);
  assertEquals(set.sample().counts, [8n, 3n]);
  assertEquals(set.since(set.sample()).counts, [1n, 3n]);
});

Deno.test("disable() and enable() switch all places, and refuse to do so twice", () => {
  const { set, places } = bound();
  assertEquals(errnoOf(() => set.enable()), "EINVAL");
  set.disable();
  assertEquals(places.map((place) => place.enabled), [false, false]);
  assertEquals(errnoOf(() => set.disable()), "EINVAL");
  set.enable();
  assertEquals([set.state, places.map((place) => place.enabled)], ["counting", [true, true]]);
});

Deno.test("a set that lost a counter at any place is invalid from then on, and says EAGAIN", () => {
  const { set, places } = bound();
  places[1].counts = undefined;
  assertEquals(set.state, "counting");
  assertEquals(errnoOf(() => set.sample()), "EAGAIN");
  places[1].counts = [0n, 0n];
  assertEquals(set.state, "invalid");
  for (const action of ["sample", "restart", "enable", "disable"] as const) {
    assertEquals(errnoOf(() => set[action]()), "EAGAIN");
  }
  assertEquals(errnoOf(() => set.preset(0, 0n)), "EAGAIN");
  set.targetEnded();
  assertEquals(set.state, "invalid");
});

Deno.test("a set whose target has ended still gives its counts, and changes no more", () => {
  const { set, count } = bound();
  count([1n, 2n], [3n, 4n]);
  set.targetEnded();
  assertEquals(set.sample().counts, [4n, 6n]);
  for (const action of ["restart", "enable", "disable"] as const) {
    assertEquals(errnoOf(() => set[action]()), "EINVAL");
  }
});
