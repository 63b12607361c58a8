import { assert, assertEquals } from "@std/assert";
import { filesBelow, programFiles, readSources } from "../../scripts/sources.ts";

type Imports = Record<string, string>;

function importsOf(path: string): Imports {
  return JSON.parse(Deno.readTextFileSync(new URL(`../../${path}`, import.meta.url))).imports;
}

const real = importsOf("deno.json");
const standIns = importsOf("scripts/no-jsr/import_map.json");

Deno.test("both import maps name the same packages", () => {
  const packageOf = (specifier: string) =>
    specifier.startsWith("@") ? specifier.split("/").slice(0, 2).join("/") : specifier;
  assertEquals(
    [...new Set(Object.keys(standIns).map(packageOf))].sort(),
    Object.keys(real).sort(),
  );
});

Deno.test("both import maps pin npm packages to the same versions, and deno.json pins all", () => {
  for (const [name, target] of Object.entries(real)) {
    assert(/^(jsr|npm):@?[^@]+@\d+\.\d+\.\d+(\/[\w./-]+)?$/.test(target), `${name} is pinned: ${target}`);
    if (target.startsWith("npm:")) assertEquals(standIns[name], target);
  }
});

Deno.test("the stand-ins that the import map names exist", () => {
  for (const target of Object.values(standIns).filter((path) => path.startsWith("./"))) {
    assert(Deno.statSync(new URL(`../../scripts/no-jsr/${target}`, import.meta.url)).isFile);
  }
});

Deno.test("the stand-ins export only what the project imports", async () => {
  const root = new URL("../../", import.meta.url).pathname;
  const imported = new Map<string, Set<string>>();
  const files = [...programFiles(root), ...filesBelow(root, "scripts"), ...filesBelow(root, "tests")];
  for (const [path, source] of readSources(root, files)) {
    if (path.startsWith("tests/no_jsr/")) continue;
    for (
      const [, names, specifier] of source.matchAll(/import (?:type )?\{([^}]+)\} from "(@std\/[^"]+)"/g)
    ) {
      const known = imported.get(specifier) ?? new Set();
      imported.set(specifier, known);
      for (const name of names.split(",")) known.add(name.trim().replace(/^type /, ""));
    }
  }
  for (const [specifier, target] of Object.entries(standIns)) {
    if (!target.startsWith("./")) continue;
    const names = Object.keys(await import(`../../scripts/no-jsr/${target.slice(2)}`));
    assertEquals(names.filter((name) => !imported.get(specifier)?.has(name)), [], specifier);
  }
});
