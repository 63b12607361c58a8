/**
 * Golden files: what a renderer gave when somebody looked at it and found it right. A missing one
 * fails; `PMUCTL_BLESS=1 scripts/test` writes them all anew, for git diff to show.
 */

import { assertEquals } from "@std/assert";

/** Compares `actual` with tests/testdata/golden/NAME. */
export function assertGolden(name: string, actual: string): void {
  const url = new URL(`./testdata/golden/${name}`, import.meta.url);
  if (Deno.env.get("PMUCTL_BLESS") === "1") {
    Deno.writeTextFileSync(url, actual);
    return;
  }
  let expected: string;
  try {
    expected = Deno.readTextFileSync(url);
  } catch {
    throw new Error(`no golden file ${name}: PMUCTL_BLESS=1 writes it, after which look at it`);
  }
  assertEquals(actual, expected);
}
