/**
 * Checks exported names: `check-names.ts [ROOT]`. No two files export the same one, so that a name tells what it holds
 * wherever it is read. Prints each violation as `FILE:LINE: RULE`, and exits with 1 when there are any.
 */

import { exportsIn } from "./check-comments.ts";
import { programFiles, readSources } from "./sources.ts";
import { counted } from "../lib/base/text/plural.ts";

/** Names that files share by agreement, with the folder of those that do. */
const SHARED: Readonly<Record<string, string>> = {
  // main.ts loads a command by its file, and finds it under this name
  command: "lib/commands/",
};

/** Returns what is wrong with the names that these modules export: text by path from the root. */
export function sharedNames(sources: ReadonlyMap<string, string>): string[] {
  const owners = new Map<string, string>();
  return [...sources].flatMap(([path, source]) =>
    exportsIn(source).flatMap(({ name, line }) => {
      if (Object.hasOwn(SHARED, name) && path.startsWith(SHARED[name])) return [];
      const owner = owners.get(name);
      if (owner === undefined) owners.set(name, path);
      // further signatures of a function are in its own file
      return owner === undefined || owner === path ? [] : [
        `${path}:${line}: exports ${name}, as ${owner} does: rename one, so that each name tells what it holds`,
      ];
    })
  );
}

if (import.meta.main) {
  const root = Deno.args[0] ?? new URL("..", import.meta.url).pathname;
  const sources = readSources(root, programFiles(root));
  const found = sharedNames(sources);
  for (const line of found) console.error(line);
  const names = [...sources.values()].reduce((sum, source) => sum + exportsIn(source).length, 0);
  console.log(`${counted(names, "exported name")}, ${counted(found.length, "violation")}`);
  if (found.length) Deno.exit(1);
}
