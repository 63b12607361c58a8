import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../lib/base/system/errors.ts";
import {
  parameterCombinations,
  parseParameter,
  substituteParameters,
  usesParameter,
} from "../../../lib/check/baseline/parameters.ts";

Deno.test("parseParameter() reads a name and its values", () => {
  assertEquals(parseParameter("n=1,2,4"), { name: "n", values: ["1", "2", "4"] });
  assertEquals(parseParameter("opt=-O2=x"), { name: "opt", values: ["-O2=x"] });
  for (const wrong of ["n", "n=", "=1", "1n=2"]) assertThrows(() => parseParameter(wrong), UsageError, wrong);
});

Deno.test("parameterCombinations() are all of them, the last parameter changing first", () => {
  assertEquals(parameterCombinations([]), [{}]);
  assertEquals(parameterCombinations([parseParameter("a=1,2"), parseParameter("b=x,y")]), [
    { a: "1", b: "x" },
    { a: "1", b: "y" },
    { a: "2", b: "x" },
    { a: "2", b: "y" },
  ]);
  assertThrows(
    () => parameterCombinations([parseParameter("a=1"), parseParameter("a=2")]),
    UsageError,
    "twice",
  );
});

Deno.test("substituteParameters() fills in what it knows, once, and leaves other braces alone", () => {
  assertEquals(substituteParameters(["-j{n}", "{}", "{m}", "a{n}b{n}"], { n: "{m}" }), [
    "-j{m}",
    "{}",
    "{m}",
    "a{m}b{m}",
  ]);
  assertEquals([usesParameter(["-j{n}"], "n"), usesParameter(["-jn"], "n")], [true, false]);
});
