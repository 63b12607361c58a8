import { assertEquals, assertThrows } from "@std/assert";
import { SetRefusal } from "../../../lib/counters/open/bound_set.ts";
import { type NotifyingPlace, NotifyingSet } from "../../../lib/counters/named/notifying_set.ts";
import type { OverflowInfo } from "../../../lib/counters/named/protocol.ts";

const U64 = 1n << 64n;
const PRESETS = [U64 - 100n, 5n];
const OVERFLOW: OverflowInfo = {
  counter: 0,
  pid: 7,
  tid: 8,
  cpu: 1,
  hrtimeNs: 99n,
  pc: "0x401000",
  text: "hot+0x4",
};

/** A place whose counters show what the test puts there. */
class FakePlace implements NotifyingPlace {
  readonly place: NotifyingPlace["place"];
  readonly done: string[] = [];
  counts = [...PRESETS];
  lost = false;

  constructor(target: string) {
    this.place = { pid: 1, cpu: -1, target };
  }
  enable = () => void this.done.push("enable");
  disable = () => void this.done.push("disable");
  close = () => void this.done.push("close");
  restart = () => {
    this.done.push("restart");
    this.counts = [...PRESETS];
  };
  preset = (index: number, value: bigint) => {
    this.counts[index] = value;
  };
  sample = (hrtimeNs: bigint) =>
    this.lost ? undefined : { hrtimeNs, enabledNs: 10, tickNs: 10, counts: [...this.counts] };
}

function setOf() {
  const places = [new FakePlace("thread 8"), new FakePlace("thread 9")];
  return { places, set: new NotifyingSet(places, PRESETS, () => 1000n) };
}

Deno.test("an overflow at one place stops the whole set, which says where it was", () => {
  const { places, set } = setOf();
  set.enable();
  set.overflowed(OVERFLOW);
  assertEquals(set.state, "overflowed");
  assertEquals(set.overflow, OVERFLOW);
  assertEquals(places.map((place) => place.done), [["enable", "disable"], ["enable", "disable"]]);
});

Deno.test("a set that overflowed is neither enabled nor disabled, and goes on with restart, from its presets", () => {
  const { places, set } = setOf();
  set.enable();
  places[0].counts = [3n, 50n];
  set.overflowed(OVERFLOW);
  for (const action of [() => set.enable(), () => set.disable()]) {
    const { refusal } = assertThrows(action, SetRefusal, "it stopped at an overflow");
    assertEquals([refusal.errno, refusal.remedy], ["EINVAL", "'pmuctl restart' resumes it"]);
  }
  set.restart();
  assertEquals(set.state, "counting");
  assertEquals(places[1].done, ["enable", "disable", "restart", "enable"]);
  assertEquals(set.sample().counts, PRESETS);
  assertEquals(set.overflow, OVERFLOW); // the last one stays to be seen
});

Deno.test("counts of several places start from the preset once, past its overflow as well", () => {
  const { places, set } = setOf();
  set.enable();
  places[0].counts = [3n, 15n]; // 103 and 10 events
  places[1].counts = [U64 - 60n, 6n]; // 40 and 1
  const { counts, tickNs, places: each } = set.sample();
  assertEquals(counts, [43n, 16n]);
  assertEquals(tickNs, 20n);
  assertEquals(each.map((place) => place.counts), [[3n, 15n], [U64 - 60n, 6n]]);
});

Deno.test("differences go from one sample to the next, and begin anew with restart", () => {
  const { places, set } = setOf();
  set.enable();
  places[0].counts = [PRESETS[0] + 3n, 5n];
  const first = set.sample();
  assertEquals(set.since(first).counts, [3n, 0n]); // since the start
  set.remember(first);
  places[0].counts = [PRESETS[0] + 10n, 6n];
  assertEquals(set.since(set.sample()).counts, [7n, 1n]);
  set.restart();
  assertEquals(set.since(set.sample()).counts, [0n, 0n]);
});

Deno.test("a preset is one of every place; one out of range is refused", () => {
  const { places, set } = setOf();
  set.enable();
  set.preset(1, 1000n);
  assertEquals(places.map((place) => place.counts[1]), [1000n, 1000n]);
  assertEquals(set.sample().counts[1], 1000n);
  assertThrows(() => set.preset(2, 0n), SetRefusal, "there is no request 2");
});

Deno.test("a set that lost its counters is invalid, and one whose target ended keeps its counts", () => {
  const lost = setOf();
  lost.set.enable();
  lost.places[1].lost = true;
  assertThrows(() => lost.set.sample(), SetRefusal, "taken by another user");
  assertEquals(lost.set.state, "invalid");
  const ended = setOf();
  ended.set.enable();
  ended.set.overflowed(OVERFLOW);
  ended.set.targetEnded();
  assertEquals(ended.set.state, "ended");
  assertEquals(ended.set.sample().counts, PRESETS);
  assertThrows(() => ended.set.restart(), SetRefusal, "its target has ended");
});
