import { assertEquals, assertMatch } from "@std/assert";
import { importsIn, MAY_IMPORT, violations } from "../../scripts/check-layers.ts";

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

Deno.test("violations() lets imports go down, and inside a room", () => {
  const cases: [string, string][] = [
    ["main.ts", "./lib/commands/record.ts"],
    ["lib/commands/record.ts", "../record/session.ts"],
    ["lib/commands/info.ts", "../../ffi/pmu.ts"],
    ["lib/record/session.ts", "../../ffi/pmu.ts"],
    ["lib/profile/profile.ts", "../symbols/symbolizer.ts"],
    ["lib/events/attr.ts", "./name.ts"],
    ["ffi/load.ts", "../lib/base/errors.ts"],
    ["lib/cli/args.ts", "@std/cli/parse-args"],
    ["lib/symbols/demangle.ts", "gecko-profiler-demangle"],
  ];
  for (const [path, specifier] of cases) {
    assertEquals(violations(path, `import "${specifier}";`), [], `${path} imports ${specifier}`);
  }
});

Deno.test("violations() refuses imports that go up, sideways or around the rooms", () => {
  const cases: [string, string][] = [
    ["lib/base/bytes.ts", "../events/attr.ts"],
    ["lib/events/attr.ts", "../perfdata/reader.ts"],
    ["lib/perfdata/reader.ts", "../symbols/elf.ts"],
    ["lib/symbols/elf.ts", "../profile/profile.ts"],
    ["lib/report/text.ts", "../record/ledger.ts"],
    ["lib/report/text.ts", "../cli/io.ts"],
    ["lib/report/text.ts", "../../ffi/pmu.ts"],
    ["lib/commands/record.ts", "../../ffi/pmu.ts"],
    ["lib/cli/args.ts", "../events/grammar.ts"],
    ["ffi/pmu.ts", "../lib/events/attr.ts"],
    ["main.ts", "./lib/record/session.ts"],
    ["lib/base/bytes.ts", "../../tests/needs.ts"],
    ["lib/base/bytes.ts", "../../main.ts"],
  ];
  for (const [path, specifier] of cases) {
    assertEquals(violations(path, `\nimport "${specifier}";`).length, 1, `${path} imports ${specifier}`);
  }
});

Deno.test("a violation names the file, the line and the rule", () => {
  assertEquals(violations("lib/events/attr.ts", '\nexport * from "../profile/profile.ts";'), [
    "lib/events/attr.ts:2: cannot import lib/profile/profile.ts: events may import base",
  ]);
  assertMatch(violations("lib/base/a.ts", "import(path);")[0], /^lib\/base\/a\.ts:1: .*literal/);
  assertEquals(violations("lib/misc/a.ts", ""), ["lib/misc/a.ts:1: is in no room of the layout"]);
});

Deno.test("no two rooms may import each other", () => {
  for (const [room, others] of Object.entries(MAY_IMPORT)) {
    for (const other of others) assertEquals(MAY_IMPORT[other].includes(room), false, `${room} and ${other}`);
  }
});
