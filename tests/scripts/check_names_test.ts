import { assertEquals } from "@std/assert";
import { sharedNames } from "../../scripts/check-names.ts";

Deno.test("sharedNames() lists what two files export under one name, and neither signatures nor commands", () => {
  const sources = new Map([
    [
      "lib/a.ts",
      "export class Table {}\nexport function read(a: string): void;\nexport function read(a: number) {}",
    ],
    ["lib/commands/info.ts", "export const command = {};\nclass Table {}"],
    ["lib/commands/stat.ts", "export const command = {};"],
    ["lib/b.ts", "\nexport interface Table {}"],
    ["lib/c.ts", "export const command = {};\nexport const table = 1;"],
  ]);
  assertEquals(sharedNames(sources), [
    "lib/b.ts:2: exports Table, as lib/a.ts does: rename one, so that each name tells what it holds",
  ]);
});
