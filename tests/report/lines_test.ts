import { assertEquals, assertStringIncludes } from "@std/assert";
import { checkValid, type Profile } from "../../lib/profile/model/profile.ts";
import { parseSortKeys } from "../../lib/profile/request/sort_keys.ts";
import { renderJson } from "../../lib/report/json/json.ts";
import { DEFAULT_REPORT } from "../../lib/report/shared/options.ts";
import { renderText } from "../../lib/report/text/text.ts";
import { profileOf } from "../profile/build.ts";
import { whole } from "./whole.ts";

/** Two lines of one function in app, and one of none in libc. */
function withLines(): Profile {
  const profile = profileOf([
    "run app!main;app!work 3",
    "run app!main;app!work;libc!memcpy 2",
    "run app!main 1",
  ]);
  const { frames, symbols } = profile;
  const lines = { main: 0, work: 1, memcpy: -1 };
  profile.lines = {
    ofFrame: frames.symbol.map((symbol) => lines[symbols.name[symbol] as keyof typeof lines]),
    file: Int32Array.of(0, 0),
    line: Int32Array.of(12, 34),
    paths: ["/src/deep/app.c"],
  };
  checkValid(profile);
  return profile;
}

Deno.test("renderText() has a row a line with the key srcline, and ??:0 for what has none", () => {
  const options = { ...DEFAULT_REPORT, sort: parseSortKeys("sym,srcline") };
  const rows = whole(renderText(withLines(), options)).split("\n").filter((line) => line.includes("%"));
  assertEquals(rows.map((row) => row.trim().split(/ {2,}/)), [
    ["50.00%", "3", "[.] work", "app.c:34"],
    ["33.33%", "2", "[.] memcpy", "??:0"],
    ["16.67%", "1", "[.] main", "app.c:12"],
  ]);
});

Deno.test("renderText() names the lines of callers with the key srcline", () => {
  const text = whole(renderText(withLines(), {
    ...DEFAULT_REPORT,
    sort: parseSortKeys("sym,line"),
    tree: "callers",
  }));
  assertStringIncludes(text, "work app.c:34");
});

Deno.test("renderJson() gives whole paths and numbers with the key srcline, null for what has none", () => {
  const { events } = JSON.parse(
    whole(renderJson(withLines(), { sort: parseSortKeys("srcline"), children: false, tree: "none" })),
  );
  assertEquals(
    events[0].rows.map(({ file, line, self }: Record<string, unknown>) => [file, line, self]),
    [
      ["/src/deep/app.c", 34, { count: 3, period: 3 }],
      [null, null, { count: 2, period: 2 }],
      ["/src/deep/app.c", 12, { count: 1, period: 1 }],
    ],
  );
});
