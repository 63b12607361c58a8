import { assertEquals } from "@std/assert";
import rules from "../../scripts/lint-rules.ts";

const messages = (path: string, source: string) =>
  Deno.lint.runPlugin(rules, path, source).map(({ message }) => message);

Deno.test("functions of every kind are refused from 61 lines on, except in tests", () => {
  const body = (lines: number) => `{\n${"  f();\n".repeat(lines - 2)}}`;
  const refused = "a function of 61 lines: split it, 60 at most";
  const kinds = [
    (lines: number) => `export async function g() ${body(lines)}`,
    (lines: number) => `const g = () => ${body(lines)};`,
    (lines: number) => `const g = { method() ${body(lines)} };`,
    (lines: number) => `class G {\n  *method() ${body(lines)}\n}`,
  ];
  for (const of of kinds) {
    assertEquals(messages("/p/lib/g.ts", of(60)), [], of(60).slice(0, 40));
    assertEquals(messages("/p/lib/g.ts", of(61)), [refused], of(61).slice(0, 40));
    assertEquals(messages("/p/tests/g_test.ts", of(61)), []);
  }
});
