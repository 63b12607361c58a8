import { assertEquals } from "@std/assert";
import type { Profile } from "../../../lib/profile/model/profile.ts";
import { sampleCount } from "../../../lib/profile/model/profile.ts";
import { heaviestFirst, mergeHybridEvents, selectEvents } from "../../../lib/profile/query/shown_events.ts";
import { profileOf } from "../build.ts";

/** A profile of these events with so many samples each. */
function withEventsOf(events: readonly (readonly [name: string, samples: number, rate?: string])[]): Profile {
  const lines = events.flatMap(([, samples], i) => samples > 0 ? [`comm${i} main!f${i} ${samples}`] : []);
  const profile = profileOf(lines);
  const rows = events.flatMap(([, samples], i) =>
    samples > 0 ? Array(profile.samples.count.length).fill(i) : []
  );
  const sampled = events.flatMap(([, samples], i) => samples > 0 ? [i] : []);
  return {
    ...profile,
    events: events.map(([name, , rate = "4000 Hz"]) => ({
      name,
      rate,
      tracksOnly: name.startsWith("dummy"),
    })),
    samples: {
      ...profile.samples,
      event: Int32Array.from(profile.samples.thread, (thread) => sampled[thread] ?? rows[0]),
    },
  };
}

const told = (profile: Profile) =>
  profile.events.map(({ name }, event) => `${name} ${sampleCount(profile, event)}`);

Deno.test("the event with the most samples comes first, whatever came first in the recording", () => {
  const cases: [[string, number][], string[]][] = [
    [[["cpu_atom/cycles/P", 3], ["cpu_core/instructions/", 2230]], [
      "cpu_core/instructions/",
      "cpu_atom/cycles/P",
    ]],
    [[["intel_pt//", 0], ["dummy:u", 0], ["cycles:P", 10]], ["cycles:P", "intel_pt//"]],
    [[["cs_etm/autofdo/k", 0], ["instructions:k", 56], ["branches", 57]], [
      "branches",
      "instructions:k",
      "cs_etm/autofdo/k",
    ]],
    [[["a", 5], ["b", 5]], ["a", "b"]],
    [[["a", 0], ["b", 0]], ["a", "b"]],
  ];
  for (const [events, expected] of cases) {
    const profile = withEventsOf(events);
    assertEquals(heaviestFirst(profile).map((event) => profile.events[event].name), expected);
  }
});

for (
  const [what, events, expected] of [
    ["cpu_core and cpu_atom", [["cpu_atom/cycles/P", 3], ["cpu_core/cycles/P", 7]], ["cycles:P 10"]],
    [
      "two events on three kinds of cores",
      [
        ["cpu_core/cycles/u", 1],
        ["cpu_atom/cycles/u", 2],
        ["cpu_lowpower/cycles/u", 4],
        ["cpu_core/instructions/u", 8],
        ["cpu_atom/instructions/u", 16],
      ],
      ["cycles:u 7", "instructions:u 24"],
    ],
    ["Arm's big and little cores", [["armv8_cortex_a53/cycles/", 1], ["armv8_cortex_a72/cycles/", 2]], [
      "cycles 3",
    ]],
    ["Apple's", [["apple_icestorm_pmu/cycles/", 1], ["apple_firestorm_pmu/cycles/", 2]], ["cycles 3"]],
    [
      "an event by its code",
      [["cpu_core/event=0x3c,umask=0x1/P", 1], ["cpu_atom/event=0x3c,umask=0x1/P", 2]],
      ["cpu/event=0x3c,umask=0x1/P 3"],
    ],
    ["a modifier behind a colon", [["cpu_core/cycles/:u", 1], ["cpu_atom/cycles/:u", 2]], ["cycles:u 3"]],
  ] as [string, [string, number][], string[]][]
) {
  Deno.test(`one event on several kinds of cores is one: ${what}`, () => {
    assertEquals(told(mergeHybridEvents(withEventsOf(events))), expected);
  });
}

Deno.test("events that differ in more than the kind of core stay apart", () => {
  for (
    const events of [
      [["cpu_core/cycles/P", 1], ["cpu_core/cycles/P", 2]], // asked for twice
      [["cpu_core/cycles/u", 1], ["cpu_atom/cycles/k", 2]],
      [["cpu_core/cycles/", 1], ["cpu_atom/instructions/", 2]],
      [["uncore_imc_0/cas_count_read/", 1], ["uncore_imc_1/cas_count_read/", 2]],
      [["cycles", 1], ["cpu_core/cycles/", 2]],
      [["cpu_core/cycles/P", 1]],
    ] as [string, number][][]
  ) assertEquals(told(mergeHybridEvents(withEventsOf(events))), told(withEventsOf(events)));
});

Deno.test("twins sampled at different rates say both", () => {
  const profile = mergeHybridEvents(
    withEventsOf([["cpu_core/cycles/", 1, "4000 Hz"], ["cpu_atom/cycles/", 1, "100 Hz"]]),
  );
  assertEquals(profile.events.map(({ rate }) => rate), ["4000 Hz and 100 Hz"]);
});

Deno.test("twins go by their own names and by their common one", () => {
  const profile = withEventsOf([["cpu_atom/cycles/P", 3], ["cpu_core/cycles/P", 7], ["branches", 5]]);
  const named = (names: string[], choice: "recorded" | "heaviest" = "heaviest") => {
    const found = selectEvents(profile, names, choice);
    return "unknown" in found ? found : told(found);
  };
  assertEquals(named([]), ["cycles:P 10", "branches 5"]);
  assertEquals(named(["cycles:P"]), ["cycles:P 10"]);
  assertEquals(named(["cpu_core/cycles/P"]), ["cpu_core/cycles/P 7"]);
  assertEquals(named(["cpu_atom/cycles/P", "cpu_core/cycles/P"]), ["cycles:P 10"]);
  assertEquals(named(["branches", "nope"]), {
    unknown: ["nope"],
    known: ["cycles:P", "cpu_atom/cycles/P", "cpu_core/cycles/P", "branches"],
  });
  assertEquals(named([], "recorded"), ["cpu_atom/cycles/P 3", "cpu_core/cycles/P 7", "branches 5"]);
  assertEquals(named(["cycles:P"], "recorded"), {
    unknown: ["cycles:P"],
    known: ["cpu_atom/cycles/P", "cpu_core/cycles/P", "branches"],
  });
});
