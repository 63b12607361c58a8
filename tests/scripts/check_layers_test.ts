import { assertEquals, assertMatch } from "@std/assert";
import { circles, crowded, importsIn, MAX_FILES, ROOMS, violations } from "../../scripts/check-layers.ts";

Deno.test("importsIn() finds imports, re-exports and dynamic imports with their lines", () => {
  const source = [
    'import "./a.ts";',
    'import b, { type c } from "./b.ts";',
    "import {",
    "  d,",
    "} from './c.ts';",
    'export * as e from "./d.ts";',
    'const f = () => import("./e.ts");',
    "const g = await import(name);",
  ].join("\n");
  assertEquals(importsIn(source), [
    { line: 1, specifier: "./a.ts" },
    { line: 2, specifier: "./b.ts" },
    { line: 3, specifier: "./c.ts" },
    { line: 6, specifier: "./d.ts" },
    { line: 7, specifier: "./e.ts" },
    { line: 8, specifier: undefined },
  ]);
});

Deno.test("importsIn() passes over comments, text and names that only look alike", () => {
  const source = [
    '// import "./a.ts";',
    '/* import "./b.ts"; */',
    "const text = `import './c.ts'`;",
    "import.meta.url; object.import('./d.ts');",
    'export const from = "./e.ts";',
    'export function f() { return "./f.ts"; }',
    'const url = "http://x/*"; // */',
  ].join("\n");
  assertEquals(importsIn(source), []);
});

Deno.test("violations() lets imports go down, between rooms and between folders, and inside a folder", () => {
  const cases: [string, string][] = [
    ["main.ts", "./lib/commands/record.ts"],
    ["lib/commands/record.ts", "../record/session.ts"],
    ["lib/commands/info.ts", "../../ffi/pmu.ts"],
    ["lib/record/session.ts", "../../ffi/pmu.ts"],
    ["lib/record/session.ts", "./request/request.ts"],
    ["lib/record/output/file.ts", "../rings/rings.ts"],
    ["lib/profile/load/load.ts", "../../symbols/symbolizer.ts"],
    ["lib/symbols/elf/elf.ts", "../object/limits.ts"],
    ["lib/events/attr.ts", "./name.ts"],
    ["ffi/load.ts", "../lib/base/system/errors.ts"],
    ["lib/cli/args.ts", "@std/cli/parse-args"],
    ["lib/symbols/table/demangle.ts", "gecko-profiler-demangle"],
  ];
  for (const [path, specifier] of cases) {
    assertEquals(violations(path, `import "${specifier}";`), [], `${path} imports ${specifier}`);
  }
});

Deno.test("violations() refuses imports that go up, sideways or around the rooms", () => {
  const cases: [string, string][] = [
    ["lib/base/bytes/bytes.ts", "../../events/attr.ts"],
    ["lib/base/text/printable.ts", "../system/errors.ts"],
    ["lib/events/attr.ts", "../perfdata/read/reader.ts"],
    ["lib/perfdata/format/header.ts", "../read/reader.ts"],
    ["lib/perfdata/read/reader.ts", "../../symbols/elf/elf.ts"],
    ["lib/symbols/elf/elf.ts", "../symbolizer.ts"],
    ["lib/symbols/elf/elf.ts", "../../profile/model/profile.ts"],
    ["lib/record/request/request.ts", "../output/file.ts"],
    ["lib/report/text/text.ts", "../../record/session.ts"],
    ["lib/report/text/text.ts", "../../cli/io.ts"],
    ["lib/report/text/text.ts", "../../../ffi/pmu.ts"],
    ["lib/commands/record.ts", "../../ffi/pmu.ts"],
    ["lib/cli/args.ts", "../events/grammar.ts"],
    ["ffi/pmu.ts", "../lib/events/attr.ts"],
    ["main.ts", "./lib/record/session.ts"],
    ["lib/base/bytes/bytes.ts", "../../../tests/needs.ts"],
    ["lib/base/bytes/bytes.ts", "../../../main.ts"],
  ];
  for (const [path, specifier] of cases) {
    assertEquals(violations(path, `\nimport "${specifier}";`).length, 1, `${path} imports ${specifier}`);
  }
});

Deno.test("violations() lets other rooms in only by the doors of a room that has some", () => {
  const inside = ["./path_tree.ts", "../model/tables.ts"], outside = ["query/query.ts", "model/tables.ts"];
  for (const specifier of inside) {
    assertEquals(violations("lib/profile/query/query.ts", `import "${specifier}";`), [], specifier);
  }
  for (const file of outside) {
    assertEquals(violations("lib/report/text/text.ts", `import "../../profile/${file}";`), [], file);
  }
  assertMatch(
    violations("lib/report/text/text.ts", 'import "../../profile/query/path_tree.ts";')[0],
    /cannot import lib\/profile\/query\/path_tree\.ts: other rooms may import model\/, .* of profile$/,
  );
});

Deno.test("doors are files and folders that exist", () => {
  const root = new URL("../../lib/", import.meta.url);
  for (const [room, { doors = [] }] of Object.entries(ROOMS)) {
    for (const door of doors) Deno.statSync(new URL(`${room}/${door}`, root));
  }
});

Deno.test("a violation names the file, the line and the rule", () => {
  assertEquals(violations("lib/events/attr.ts", '\nexport * from "../profile/model/profile.ts";'), [
    "lib/events/attr.ts:2: cannot import lib/profile/model/profile.ts: events may import base",
  ]);
  assertEquals(violations("lib/perfdata/format/header.ts", 'import "../read/reader.ts";'), [
    "lib/perfdata/format/header.ts:1: cannot import lib/perfdata/read/reader.ts: " +
    "perfdata/format may import own of its room's folders",
  ]);
  assertMatch(violations("lib/base/text/a.ts", "import(path);")[0], /^lib\/base\/text\/a\.ts:1: .*literal/);
  assertEquals(violations("lib/misc/a.ts", ""), ["lib/misc/a.ts:1: is in no room of the layout"]);
  assertMatch(violations("lib/base/misc/a.ts", "")[0], /is in no folder of the layout: base has \., text/);
});

Deno.test("no two rooms may import each other", () => {
  for (const [room, { imports }] of Object.entries(ROOMS)) {
    for (const other of imports) {
      assertEquals(ROOMS[other].imports.includes(room), false, `${room} and ${other}`);
    }
  }
});

Deno.test("circles() finds files that import each other, directly and through others", () => {
  const imports = new Map([
    ["a", ["b", "d"]],
    ["b", ["c"]],
    ["c", ["a"]],
    ["d", ["e", "elsewhere"]],
    ["e", []],
    ["f", ["g"]],
    ["g", ["f"]],
  ]);
  assertEquals(circles(imports).map((files) => files.toSorted()), [["a", "b", "c"], ["f", "g"]]);
});

Deno.test("crowded() finds folders with too many files, and lets commands have theirs", () => {
  const files = (folder: string, count: number) =>
    Array.from({ length: count }, (_, i) => `${folder}/${i}.ts`);
  assertEquals(crowded([...files("lib/events", MAX_FILES), ...files("lib/commands", MAX_FILES + 9)]), []);
  assertEquals(crowded(files("lib/symbols/elf", MAX_FILES + 1)), [
    "lib/symbols/elf/: holds 19 files: 18 at most",
  ]);
});
