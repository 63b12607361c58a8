/** Writes THIRD-PARTY.md: see scripts/third-party. */

const ROOT = new URL("../", import.meta.url);

/** A package of npm that is in the program. */
interface Package {
  name: string;
  version: string;
}

interface Lock {
  npm: Record<string, { dependencies?: string[] }>;
}

/** MIT's words, for what says that it is under them and has no file of them. */
const MIT =
  `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation
the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to
permit persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of
the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;

/** Licences of packages that come without a file of them, by name. */
const WITHOUT_FILE: Readonly<Record<string, string>> = {
  "xz-decompress": "MIT License (package.json)\n\nCopyright (c) Tim Perry, Steven Sanderson\n\n" + MIT +
    "\n\nContains XZ Embedded by Lasse Collin and Igor Pavlov, which they put into the public domain.",
};

const HEAD = `# Third-party software

pmuctl itself is under the Apache License 2.0, in [LICENSE](LICENSE). The program and the HTML reports that it writes
contain the packages below. \`scripts/third-party\` writes this file.

A compiled binary also contains [Deno](https://deno.com) ("Copyright 2018-2026 the Deno authors", MIT License, as is the
standard library, \`@std\`), which itself contains [V8](https://v8.dev) ("Copyright 2014, the V8 project authors",
BSD-3-Clause) and Rust crates under licences that its own repository lists. The decoders of zstd, DWARF, jitdump and
perf.data are pmuctl's own.
`;

/** Lists the packages that code in lib/ imports, and all that these depend on, by name. */
export function bundledPackages(): Package[] {
  const lock: Lock = JSON.parse(read("deno.lock"));
  const ids = new Map(Object.keys(lock.npm).map((id) => [packageOf(id).name, id]));
  const found = new Map<string, Package>();
  const add = (name: string) => {
    const id = ids.get(name);
    if (id === undefined) throw new Error(`deno.lock has no ${name}: run scripts/deno install`);
    if (found.has(name)) return;
    found.set(name, packageOf(id));
    lock.npm[id].dependencies?.forEach(add);
  };
  importedNames().forEach(add);
  return [...found.values()].sort((a, b) => a.name < b.name ? -1 : 1);
}

/** The names of npm's packages in import maps that some file of lib/ or ffi/ imports from. */
function importedNames(): string[] {
  const { imports } = JSON.parse(read("deno.json")) as { imports: Record<string, string> };
  const sources = ["lib/", "ffi/"].flatMap(sourcesIn).map(read).join("\n");
  return Object.entries(imports).filter(([specifier, target]) =>
    target.startsWith("npm:") && sources.includes(`"${specifier}"`)
  ).map(([, target]) => packageOf(target.slice("npm:".length)).name);
}

/** `d3-transition@3.0.2_d3-selection@3.0.0` and `@scope/name@1.2.3/file.js`, taken apart. */
function packageOf(id: string): Package {
  const [, name, version] = /^((?:@[^/]+\/)?[^@/]+)@([^_/]+)/.exec(id)!;
  return { name, version };
}

/** Lists the TypeScript files in a folder and those inside it. */
function sourcesIn(folder: string): string[] {
  return Array.from(Deno.readDirSync(new URL(folder, ROOT))).flatMap(({ name, isDirectory }) =>
    isDirectory ? sourcesIn(`${folder}${name}/`) : name.endsWith(".ts") ? [`${folder}${name}`] : []
  );
}

function read(path: string): string {
  return Deno.readTextFileSync(new URL(path, ROOT));
}

/** The text of a package's licence: the permissive one of two. Throws when there is none. */
function licenceOf({ name, version }: Package, cache: string): string {
  const known = WITHOUT_FILE[name];
  if (known !== undefined) return known;
  for (const registry of Deno.readDirSync(`${cache}/npm`)) {
    const folder = `${cache}/npm/${registry.name}/${name}/${version}`;
    const names = ["LICENSE-MIT", "LICENSE", "LICENSE.md", "LICENSE.txt", "license"];
    const file = names.map((file) => `${folder}/${file}`).find(exists);
    if (file !== undefined) return Deno.readTextFileSync(file).trim();
  }
  throw new Error(`${name} ${version} has no licence in ${cache}: add it to WITHOUT_FILE`);
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** The whole file: packages that share a text share a section. */
function notice(cache: string): string {
  const byText = Map.groupBy(bundledPackages(), (one) => licenceOf(one, cache));
  const sections = [...byText].map(([text, packages]) =>
    `\n## ${
      packages.map(({ name, version }) => `${name} ${version}`).join(", ")
    }\n\n\`\`\`text\n${text}\n\`\`\`\n`
  );
  return HEAD + sections.join("");
}

if (import.meta.main) {
  const cache = Deno.env.get("DENO_DIR");
  if (!cache) throw new Error("DENO_DIR is not set: run scripts/third-party");
  Deno.writeTextFileSync(new URL("THIRD-PARTY.md", ROOT), notice(cache));
}
