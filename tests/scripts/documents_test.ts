/** What the documents say of this repository. */

import { assertEquals } from "@std/assert";
import { JSON_SCHEMAS } from "../../lib/base/text/json_schemas.ts";

const ROOT = new URL("../../", import.meta.url);
const DOCUMENTS = [
  ...["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"],
  ...Array.from(Deno.readDirSync(new URL("docs/", ROOT))).map(({ name }) => `docs/${name}`)
    .filter((path) => path.endsWith(".md")),
].sort();

function isThere(path: string, from: URL = ROOT): boolean {
  try {
    Deno.statSync(new URL(path, from));
    return true;
  } catch {
    return false;
  }
}

Deno.test("each file that a document names is there", () => {
  // `lib/record/session.ts`, and folders: `lib/record/host/`
  const PATH = /(?<![\w./-])(?:lib|ffi|tests|scripts|docs)\/[\w./-]*[\w/]/g;
  const missing = DOCUMENTS.flatMap((document) => {
    const text = Deno.readTextFileSync(new URL(document, ROOT));
    return [...text.matchAll(PATH)].map(([path]) => path)
      .filter((path) => !/\b(ROOM|FOLDER)\b/.test(path) && !isThere(path))
      .map((path) => `${document}: ${path}`);
  });
  assertEquals(missing, []);
});

Deno.test("each link between documents leads to a file", () => {
  const missing = DOCUMENTS.flatMap((document) => {
    const url = new URL(document, ROOT);
    const text = Deno.readTextFileSync(url);
    return [...text.matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)].map(([, target]) => target)
      .filter((target) => !isThere(target, url))
      .map((target) => `${document}: ${target}`);
  });
  assertEquals(missing, []);
});

Deno.test("docs/formats.md describes each JSON document, and no other", () => {
  const text = Deno.readTextFileSync(new URL("docs/formats.md", ROOT));
  const described = [...text.matchAll(/^### (pmuctl\.\S+)$/gm)].map(([, schema]) => schema);
  assertEquals(new Set(described), new Set(Object.values(JSON_SCHEMAS)));
});
