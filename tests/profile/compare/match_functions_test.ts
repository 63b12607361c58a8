import { assertEquals } from "@std/assert";
import {
  matchFunctions,
  unsuffixedSymbol,
  unversionedObject,
} from "../../../lib/profile/compare/match_functions.ts";
import { profileOf } from "../build.ts";

Deno.test("unversionedObject() drops versions and process ids, and nothing else", () => {
  const cases = [
    ["libc.so.6", "libc.so"],
    ["libc-2.31.so", "libc.so"],
    ["libstdc++.so.6.0.30", "libstdc++.so"],
    ["ld-linux-x86-64.so.2", "ld-linux-x86-64.so"],
    ["[JIT] tid 4711", "[JIT]"],
    ["app (deleted)", "app"],
    ["python3.11", "python3.11"],
    ["[kernel.kallsyms]", "[kernel.kallsyms]"],
  ];
  for (const [name, plain] of cases) assertEquals(unversionedObject(name), plain);
});

Deno.test("unsuffixedSymbol() drops what compilers append to copies and parts of functions", () => {
  const cases = [
    ["hot", "hot"],
    ["hot.constprop.0", "hot"],
    ["hot.isra.0.cold", "hot"],
    ["hot.part.3", "hot"],
    ["std::sort(int*) [clone .constprop.0]", "std::sort(int*)"],
    ["foo.llvm.1234567", "foo"],
    ["a.out", "a.out"],
    ["main.main.func1", "main.main.func1"],
  ];
  for (const [name, plain] of cases) assertEquals(unsuffixedSymbol(name), plain);
});

Deno.test("matchFunctions() gives the same function the same number in both", () => {
  const a = profileOf(["app app!main;libc-2.31.so!memcpy 3", "app app!main;app!hot.isra.0 3"]);
  const b = profileOf(["app app!main;app!hot 3", "app app!main;libc.so.6!memcpy 3", "app app! 1"]);
  const alike = matchFunctions(a, b, ["dso", "sym"]);
  assertEquals(alike.places, [
    { object: "app", symbol: "main", kernel: false },
    { object: "app", symbol: "hot", kernel: false },
    { object: "libc.so.6", symbol: "memcpy", kernel: false },
    { object: "app", symbol: null, unnamed: "app+0xff0", kernel: false },
  ]);
  assertEquals([...alike.a.places.ofFrame], [0, 2, 1]);
  assertEquals([...alike.b.places.ofFrame], [0, 1, 2, 3]);
  assertEquals(alike.renamed, []);
});

Deno.test("matchFunctions() takes a program under a new name for the same one, by its symbols", () => {
  const a = profileOf(["old app.old!main;app.old!work;app.old!hot 3", "old tool!main;tool!chop 1"]);
  const b = profileOf(["new app.new!main;app.new!work;app.new!cold 3", "new other!main;other!saw 1"]);
  const alike = matchFunctions(a, b, ["dso", "sym"]);
  assertEquals(alike.renamed, [{ a: "app.old", b: "app.new", symbols: 1 }]);
  assertEquals(alike.places.filter(({ symbol }) => symbol === "work"), [
    { object: "app.new", symbol: "work", kernel: false },
  ]);
  // tool and other have nothing but main in common
  assertEquals(alike.places.filter(({ symbol }) => symbol === "main").length, 3);
});

Deno.test("matchFunctions() tells commands apart when asked to", () => {
  const a = profileOf(["one app!f 1", "two app!f 1"]);
  const b = profileOf(["two app!f 1"]);
  const alike = matchFunctions(a, b, ["comm", "sym"]);
  assertEquals(alike.comms, ["two", "one"]);
  assertEquals([...alike.a.groups.ofSample], [1, 0]);
  assertEquals(alike.places, [{ symbol: "f", kernel: false }]);
});

Deno.test("matchFunctions() takes the command of a renamed program for the same one", () => {
  const a = profileOf(["server-1.0-debug app-a!f 1", "server-1.0-debug server-1.0-debug-build!work 3"]);
  const b = profileOf(["server-1.1-debug app-a!f 1", "server-1.1-debug server-1.1-debug-build!work 3"]);
  const cut = (profile: typeof a) => ({ ...profile, comms: profile.comms.map((comm) => comm.slice(0, 15)) });
  const { comms } = matchFunctions(cut(a), cut(b), ["comm", "dso", "sym"]);
  assertEquals(comms, ["server-1.1-debu"]);
});

Deno.test("matchFunctions() tells functions without names apart in objects of one build alone", () => {
  const make = (buildId: string, ...lines: string[]) => {
    const profile = profileOf(lines);
    for (const object of profile.objects) object.buildId = buildId;
    return profile;
  };
  const lines = ["app app!0x10;app!0x20 3", "app app!0x10;app!0x30 1"];
  const names = (a: string, b: string) =>
    matchFunctions(make(a, ...lines), make(b, ...lines), ["dso", "sym"]).places.map(({ unnamed }) => unnamed);
  assertEquals(names("aa", "aa"), ["app+0x10", "app+0x20", "app+0x30"]);
  assertEquals(names("aa", "bb"), ["app+0x10..0x30"]);
  assertEquals(names("", ""), ["app+0x10..0x30"]);
});

Deno.test("matchFunctions() finds the renamed one of 20,000 objects, with symbols that all of them have", () => {
  const lines = (build: string) =>
    Array.from({ length: 20_000 }, (_, i) => `app ${build}${i}!common;${build}${i}!${build}${i}_own 1`);
  const hot = (name: string) => [`app ${name}!alpha;${name}!beta 5`];
  const a = profileOf([...lines("old"), ...hot("server-1")]);
  const b = profileOf([...lines("new"), ...hot("server-2")]);
  const { renamed, places } = matchFunctions(a, b, ["dso", "sym"]);
  assertEquals(renamed, [{ a: "server-1", b: "server-2", symbols: 2 }]);
  assertEquals(places.length, 80_002);
});
