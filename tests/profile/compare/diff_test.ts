import { assertAlmostEquals, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { BadInputError } from "../../../lib/base/system/errors.ts";
import { diffProfiles, type DiffRow } from "../../../lib/profile/compare/diff.ts";
import { profileOf } from "../build.ts";

const old = profileOf([
  "app app!main;app!work;app!hot 100 100000",
  "app app!main;app!work 40 40000",
  "app app!main;app!dropped 10 10000",
]);
const now = profileOf([
  "app app!main;app!work;app!hot 190 190000",
  "app app!main;app!work 41 41000",
  "app app!main;app!added 9 9000",
]);
const named = (rows: readonly DiffRow[], symbol: string) => rows.find((row) => row.symbol === symbol)!;

Deno.test("diffProfiles() has what changed most first, with self and total of both", () => {
  const [{ rows, a, b }] = diffProfiles(old, now).events;
  assertEquals([a.count, b.count], [150, 240]);
  assertEquals(rows.map(({ symbol }) => symbol), ["hot", "dropped", "added", "work", "main"]);
  const work = named(rows, "work");
  assertEquals([work.a.self.count, work.a.total.count], [40, 140]);
  assertEquals([work.b.self.count, work.b.total.count], [41, 231]);
  assertEquals([work.self.weight, work.total.weight], [1000, 91000]);
  assertAlmostEquals(named(rows, "hot").self.share, 100 * (190 / 240 - 100 / 150));
});

Deno.test("diffProfiles() tells what is new and what is gone", () => {
  const [{ rows }] = diffProfiles(old, now).events;
  assertEquals(rows.map(({ symbol, presence }) => [symbol, presence]).sort(), [
    ["added", "new"],
    ["dropped", "gone"],
    ["hot", "both"],
    ["main", "both"],
    ["work", "both"],
  ]);
  assertEquals(named(rows, "main").a.self.count, 0); // a caller alone is there, too
});

Deno.test("diffProfiles() normalizes B's weights to A's duration, samples or share", () => {
  const half = { ...now, meta: { ...now.meta, seconds: 3 } };
  const factors = (["none", "duration", "samples", "share"] as const)
    .map((normalize) => diffProfiles(old, half, { normalize }).events[0].factor);
  assertEquals(factors, [1, 0.5, 150 / 240, 150 / 240]);
  const [{ rows }] = diffProfiles(old, half, { normalize: "duration" }).events;
  assertEquals(named(rows, "hot").self.weight, 95000 - 100000);
});

Deno.test("diffProfiles() refuses to normalize by a duration that is not known", () => {
  const untimed = { ...now, meta: { ...now.meta, seconds: -1 } };
  assertThrows(
    () => diffProfiles(old, untimed, { normalize: "duration" }),
    BadInputError,
    "B does not have one: use --normalize samples",
  );
});

Deno.test("diffProfiles() of a profile with itself finds no change", () => {
  for (const row of diffProfiles(old, old).events[0].rows) {
    assertEquals([row.self.weight, row.self.share, row.total.weight, row.presence], [0, 0, 0, "both"]);
  }
});

Deno.test("diffProfiles() knows what chance alone makes of a count", () => {
  const [{ rows }] = diffProfiles(old, now).events;
  const { noise } = named(rows, "hot").self;
  assertAlmostEquals(noise, 1000 * Math.sqrt(100 + 190)); // periods are 1000
});

Deno.test("diffProfiles() compares different events by share alone, and says so", () => {
  const cycles = profileOf(["app app!main;app!hot 3 9000000"], "cycles");
  const { events: [event], notes } = diffProfiles(old, cycles);
  assertEquals([event.names.a, event.names.b, event.normalize], ["cpu-clock", "cycles", "share"]);
  assertStringIncludes(
    notes.join("\n"),
    "A sampled cpu-clock and B cycles: only their shares can be compared",
  );
});

Deno.test("diffProfiles() refuses an event that one of them has not", () => {
  assertThrows(
    () => diffProfiles(old, now, { event: "cycles" }),
    BadInputError,
    "cannot compare event 'cycles': A does not have it: choose from cpu-clock",
  );
});

Deno.test("diffProfiles() notes what differs besides the code", () => {
  const moved = {
    ...now,
    meta: {
      ...now.meta,
      host: "other",
      kernel: "6.2.0",
      cpus: 4,
      warnings: ["5 lost"],
      stacks: { unwound: 5, whole: 5, cut: [] },
    },
  };
  moved.events = [{ ...now.events[0], rate: "4000 Hz" }];
  moved.objects = now.objects.map((object) => ({ ...object, buildId: "ff" }));
  const built = { ...old, objects: old.objects.map((object) => ({ ...object, buildId: "ee" })) };
  assertEquals(diffProfiles(built, moved).notes, [
    "recorded on different machines: A box, B other",
    "recorded on different CPUs: A Some CPU x2, B Some CPU x4",
    "recorded under different kernels: A 6.1.0, B 6.2.0",
    "sampled at different rates: A 1000 Hz, B 4000 Hz",
    "callers were found in different ways, so totals differ: A not by unwinding, B by unwinding",
    "the build ids differ, so these are not the same code: app",
    "B: 5 lost",
  ]);
  assertEquals(diffProfiles(old, now).notes, []);
});

Deno.test("diffProfiles() of an empty recording calls everything gone", () => {
  const { events: [event] } = diffProfiles(old, profileOf([]), { normalize: "share" });
  assertEquals(event.rows.every(({ presence }) => presence === "gone"), true);
});
