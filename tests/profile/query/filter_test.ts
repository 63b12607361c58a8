import { assertEquals } from "@std/assert";
import { overhead } from "../../../lib/profile/query/aggregate.ts";
import { ProfileQuery } from "../../../lib/profile/query/query.ts";
import { DEFAULT_SORT } from "../../../lib/profile/request/sort_keys.ts";
import { cutTimes, filterProfile, type ProfileFilter } from "../../../lib/profile/query/filter.ts";
import { unmatchedFilters } from "../../../lib/profile/query/unmatched.ts";
import { checkValid, type Profile } from "../../../lib/profile/model/profile.ts";
import { profileOf } from "../build.ts";

const profile = profileOf([
  "app app!main;app!hot 3 300",
  "app app!main;app!hot;[kernel]!fault 2 20",
  "app app!main;libc.so! 1 7",
  "sh libc.so!read 4 400",
]);
profile.unresolved = [{ object: "libc.so", cause: "no symbol", remedy: "", samples: 1 }];
profile.frames.unresolved.set(Array.from(profile.frames.symbol, (symbol) => symbol < 0 ? 0 : -1));

/** `COMM SYMBOL COUNT` of what is left, heaviest first. */
function left(of: Profile): string[] {
  checkValid(of);
  const counts = new ProfileQuery(of).by(DEFAULT_SORT);
  return overhead(of, counts, 0, { selfOnly: true }).map((row) =>
    `${counts.valuesOf(row.group).comm} ${counts.nameOf(row.place)} ${row.self.count}`
  );
}
const kept = (filter: ProfileFilter) => left(filterProfile(profile, filter));

Deno.test("filterProfile() keeps everything without conditions", () => {
  assertEquals(filterProfile(profile, {}), profile);
});

Deno.test("filterProfile() goes by thread, and by where the sample was taken", () => {
  assertEquals(kept({ comms: new Set(["sh"]) }), ["sh read 4"]);
  assertEquals(kept({ pids: new Set([100]), objects: new Set(["libc.so"]) }), ["app libc.so+0xff0 1"]);
  assertEquals(kept({ objects: new Set(["/bin/libc.so"]) }), ["sh read 4", "app libc.so+0xff0 1"]);
  assertEquals(kept({ symbols: new Set(["hot"]) }), ["app hot 3"]);
  assertEquals(kept({ symbolPart: "a" }), ["sh read 4", "app fault 2"]);
  assertEquals(kept({ tids: new Set([101]) }), ["sh read 4"]);
  assertEquals(kept({ cpus: new Set([1]) }), []);
  assertEquals(kept({ events: new Set([1]) }), []);
});

Deno.test("filterProfile() takes names of functions with their parameters or without, and says which match nothing", () => {
  const cxx = profileOf([
    "app app!ns::work(int,long) 3",
    "app app!ns::each<int,long>(int) 2",
    "app app!main 1",
  ]);
  const symbols = new Set(["ns::work", "ns::each<int, long>", "ns"]);
  assertEquals(left(filterProfile(cxx, { symbols })), [
    "app ns::work(int,long) 3",
    "app ns::each<int,long>(int) 2",
  ]);
  const [{ values }] = unmatchedFilters(cxx, { symbols });
  assertEquals(values, ["ns"]);
  symbols.delete("ns");
  assertEquals(unmatchedFilters(cxx, { symbols }), []);
});

Deno.test("filterProfile() tells the kernel from the rest", () => {
  assertEquals(kept({ kernel: true }), ["app fault 2"]);
  assertEquals(kept({ kernel: false }), ["sh read 4", "app hot 3", "app libc.so+0xff0 1"]);
});

Deno.test("filterProfile() counts anew what has no symbol, and keeps the times of what is left", () => {
  const times = {
    at: Float64Array.of(0, 5, 9),
    sample: Int32Array.of(0, 3, 0),
    period: Float64Array.of(100, 100, 100),
  };
  const filtered = filterProfile({ ...profile, times }, { comms: new Set(["sh"]) });
  checkValid(filtered);
  assertEquals(filtered.unresolved[0].samples, 0);
  assertEquals(filtered.times, {
    at: Float64Array.of(5),
    sample: Int32Array.of(0),
    period: Float64Array.of(100),
  });
});

Deno.test("cutTimes() takes the weight of the samples within, and starts at the first of them", () => {
  const times = {
    at: Float64Array.of(0, 5, 9, 20),
    sample: Int32Array.of(0, 3, 0, 3),
    period: Float64Array.of(100, 90, 110, 1),
  };
  const cut = cutTimes({ ...profile, times }, (at) => at >= 5 && at < 20);
  assertEquals(left(cut), ["app hot 1", "sh read 1"]);
  assertEquals(Array.from(cut.samples.period), [110, 90]);
  assertEquals(cut.times!.at, Float64Array.of(0, 4));
  assertEquals([cut.meta.start, cut.meta.end], [10_000_000_005n, 10_000_000_009n]);
});
