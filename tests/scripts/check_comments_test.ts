import { assertEquals, assertMatch } from "@std/assert";
import { docComments, fragmentIn, undocumented, violations } from "../../scripts/check-comments.ts";

const member = (text: string) => ({ line: 1, text, subject: "member" as const });
const above = (text: string) => ({ line: 1, text, subject: "function" as const });

Deno.test("docComments() gives each comment's text, line and what it stands above", () => {
  const source = [
    "/** Rings of a recording. */",
    'import "./a.ts";',
    "",
    "/**",
    " * Reads a ring.",
    " * Throws PmuError.",
    " */",
    "export async function read() {}",
    "/** Pages of each ring. */",
    "export const PAGES = 8;",
    "class Ring {",
    "  /** Bytes held. */",
    "  size = 0;",
    "  /** Empties the ring. */",
    "  async empty(): Promise<void> {}",
    "  /** Data pages. */",
    "  get pages() { return 1; }",
    "}",
  ].join("\n");
  assertEquals(docComments(source).map(({ line, text, subject }) => [line, text, subject]), [
    [1, "Rings of a recording.", "module"],
    [4, "Reads a ring. Throws PmuError.", "function"],
    [9, "Pages of each ring.", "export"],
    [12, "Bytes held.", "member"],
    [14, "Empties the ring.", "function"],
    [16, "Data pages.", "member"],
  ]);
});

Deno.test("fragmentIn() refuses comments that continue another, or that name no thing", () => {
  for (
    const text of ["The same, by address.", "Of the drain.", "What a ring holds.", "and its size.", "As Row."]
  ) {
    assertMatch(fragmentIn(member(text))!, /^starts with '\w+': start with a verb or a noun$/);
  }
  for (
    const text of ["Bytes held.", "Whether the ring is full.", "Time of the last sample, in ns.", "@internal"]
  ) {
    assertEquals(fragmentIn(member(text)), undefined, text);
  }
});

Deno.test("fragmentIn() wants a verb above a function", () => {
  for (const text of ["Returns the size.", "Re-opens the ring.", "Memoizes names."]) {
    assertEquals(fragmentIn(above(text)), undefined, text);
  }
  for (
    const text of ["The size.", "Size of the ring.", "Bytes held.", "Whether it is full.", "read the ring."]
  ) {
    assertMatch(fragmentIn(above(text))!, /start with a verb/);
  }
});

Deno.test("undocumented() lists exports without a doc comment, but for further signatures of a function", () => {
  const source = [
    "/** Reads. */",
    "export function read(path: string): string;",
    "export function read(fd: number): string;",
    "export interface Row {",
    "}",
    "/* no doc comment */",
    "export const PAGES = 8;",
    "/** Number of pages. */",
    "export type Pages = number;",
  ].join("\n");
  assertEquals(undocumented(source), [{ line: 4, name: "Row" }, { line: 7, name: "PAGES" }]);
  assertEquals(violations("lib/a.ts", "export class A {}"), ["lib/a.ts:1: exports A without a doc comment"]);
});
