import { assert, assertEquals, assertMatch } from "@std/assert";
import { remediesOf, remedyLines } from "../../../lib/report/shared/remedies.ts";
import { renderJson } from "../../../lib/report/json/json.ts";
import { DEFAULT_REPORT } from "../../../lib/report/shared/options.ts";
import { profileOf } from "../../profile/build.ts";
import { whole } from "../whole.ts";

const profile = profileOf(["app app!main 1000"]);
const row = (object: string, samples: number, remedy: string, cause = "no symbols") => ({
  object,
  cause,
  remedy,
  samples,
});
profile.unresolved = [
  row("libm.so.6", 10, "install them", "no symbol covers it"),
  row("libc.so.6", 100, "install them"),
  row("libz.so.1", 5, "install them"),
  row("liba.so.1", 4, "install them"),
  row("libb.so.1", 3, "install them"),
  row("app", 200, "restart the program and record again, since its file was deleted", "no file"),
  row("[heap]", 50, "", "not code"),
  row("libold.so", 20, "put it back", "build id differs"),
  row("libodd.so", 1, "check it", "damaged"),
];

Deno.test("remediesOf() has each remedy once, with the objects it is for, most samples first", () => {
  const [first, second, third] = remediesOf(profile);
  assertEquals([first.causes, first.objects], [["no file"], [{ name: "app", samples: 200 }]]);
  assertEquals([second.remedy, second.samples, second.causes.length], ["install them", 122, 2]);
  assertEquals(second.objects.map(({ name }) => name), [
    "libc.so.6",
    "libm.so.6",
    "libz.so.1",
    "liba.so.1",
    "libb.so.1",
  ]);
  assertEquals([third.remedy, third.causes], ["", ["not code"]]);
});

Deno.test("remedyLines() has all remedies where no terminal is, and a few in lines that fit where one is", () => {
  assertEquals([...remedyLines(profile, Infinity)], [
    "Without a symbol:",
    "  20.00%      200  app: no file; restart the program and record again, since its file was deleted",
    "  12.20%      122  libc.so.6 (100), libm.so.6 (10), libz.so.1 (5), liba.so.1 (4), libb.so.1 (3): " +
    "no symbols, no symbol covers it; install them",
    "   5.00%       50  [heap]: not code",
    "   2.00%       20  libold.so: build id differs; put it back",
    "   0.10%        1  libodd.so: damaged; check it",
  ]);
  const lines = [...remedyLines(profile, 60)];
  assertEquals(lines, [
    "Without a symbol:",
    "  20.00%      200  app: no file; restart the program and",
    "                   record again, since its file was deleted",
    "  12.20%      122  libc.so.6 (100), libm.so.6 (10),",
    "                   libz.so.1 (5) and 2 more: no symbols, no",
    "                   symbol covers it; install them",
    "   5.00%       50  [heap]: not code",
    "   2.10%       21  for 2 more reasons (--json has all)",
  ]);
  assertEquals([...remedyLines(profileOf(["app app!main 1"]), 80)], []);
});

Deno.test("remedyLines() names few of very many objects", () => {
  const many = profileOf(["app app!main 1000"]);
  many.unresolved = Array.from({ length: 5000 }, (_, i) => row(`[JIT] tid ${i}`, 1, "write a perf map"));
  const [, line, ...more] = remedyLines(many, Infinity);
  assertMatch(line, / and 4990 more: no symbols; write a perf map$/);
  assert(line.length < 400 && more.length === 0);
  assertEquals(JSON.parse(whole(renderJson(many, DEFAULT_REPORT))).unresolved.length, 5000);
});
