/** The licences of what pmuctl contains. */

import { assertEquals } from "@std/assert";
import { bundledPackages } from "../../scripts/third-party.ts";

Deno.test("THIRD-PARTY.md has each package that the program contains, and no other", () => {
  const text = Deno.readTextFileSync(new URL("../../THIRD-PARTY.md", import.meta.url));
  const headings = [...text.matchAll(/^## (.*)$/gm)].flatMap(([, names]) => names.split(", "));
  const wanted = bundledPackages().map(({ name, version }) => `${name} ${version}`);
  assertEquals(headings.toSorted(), wanted.toSorted(), "run scripts/third-party");
});

Deno.test("no licence in THIRD-PARTY.md asks for more than to be named", () => {
  const text = Deno.readTextFileSync(new URL("../../THIRD-PARTY.md", import.meta.url));
  assertEquals(/GNU|General Public|Mozilla Public|Affero|Commons Attribution-/.exec(text)?.[0], undefined);
});
