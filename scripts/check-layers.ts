/**
 * Checks that imports go one way: `check-layers.ts [ROOT]`. Prints each that does not as
 * `FILE:LINE: cannot import ...: RULE`, and exits with 1 when there are any.
 */

/** The rooms that each room may import from, besides itself; rooms are folders of lib/, ffi and main.ts. */
export const MAY_IMPORT: Record<string, readonly string[]> = (() => {
  const events = ["base"];
  const perfdata = ["events", ...events];
  const symbols = ["events", ...events];
  const unwind = ["symbols", "base"];
  // The profile is built of what the other two of its level read.
  const profile = ["perfdata", "symbols", "unwind", ...perfdata];
  const core = ["profile", ...profile];
  return {
    base: [],
    ffi: ["base"],
    events,
    perfdata,
    symbols,
    unwind,
    profile,
    report: core,
    check: core,
    record: ["ffi", ...core],
    cpc: ["ffi", ...core],
    cli: ["base"],
    commands: ["cpc", "record", "report", "check", "cli", ...core],
    main: ["commands", "cli", "base"],
  };
})();

/** Single files that may import more than their room. */
const EXCEPTIONS: Record<string, readonly string[]> = { "lib/commands/info.ts": ["ffi"] };

/** The room of a file, by its path from the root; undefined for a path outside all rooms. */
function roomOf(path: string): string | undefined {
  const [first, second, third] = path.split("/");
  if (path === "main.ts") return "main";
  if (first === "ffi") return "ffi";
  return first === "lib" && third !== undefined ? second : undefined;
}

/** An import as it stands in a file: 1-based line; no specifier when it is computed. */
export interface Import {
  line: number;
  specifier?: string;
}

const COMMENT_OR_TEXT = /\/\/.*|\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`/g;
const IMPORT =
  /(?<![.\w$])(?:import|export)\b(?:[\w\s{},*$]*?\bfrom)?\s*(["'])(.+?)\1|(?<![.\w$])import\s*\(\s*(?:(["'])(.+?)\3\s*[,)])?/g;

/** All imports, re-exports and dynamic imports of a module's source. */
export function importsIn(source: string): Import[] {
  // Comments become blanks, and so do template texts, which may quote code; lines stay where they are.
  const code = source.replace(
    COMMENT_OR_TEXT,
    (part) => part[0] === '"' || part[0] === "'" ? part : part.replace(/[^\n]/g, " "),
  );
  return [...code.matchAll(IMPORT)].map((match) => ({
    line: code.slice(0, match.index).split("\n").length,
    specifier: match[2] ?? match[4],
  }));
}

/** What is wrong with the imports of one file; `path` is from the root. Empty when nothing is. */
export function violations(path: string, source: string): string[] {
  const room = roomOf(path);
  if (room === undefined || !(room in MAY_IMPORT)) return [`${path}:1: is in no room of the layout`];
  const allowed = [...MAY_IMPORT[room], ...(EXCEPTIONS[path] ?? [])];
  const found: string[] = [];
  for (const { line, specifier } of importsIn(source)) {
    const refuse = (what: string, rule: string) =>
      found.push(`${path}:${line}: cannot import ${what}: ${rule}`);
    if (specifier === undefined) {
      refuse("a computed module", "a literal name is needed to check the direction, and to compile it in");
    } else if (/^\.{0,2}\//.test(specifier)) {
      const target = new URL(specifier, `file:///${path}`).pathname.slice(1);
      const to = roomOf(target);
      if (to === room || to !== undefined && allowed.includes(to)) continue;
      refuse(target, `${room} may import ${allowed.length ? allowed.join(", ") : "nothing"}`);
    }
  }
  return found;
}

/** The TypeScript files below a folder, as paths from the root. */
function* sources(root: string, folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(`${root}/${folder}`)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* sources(root, path);
    else if (path.endsWith(".ts")) yield path;
  }
}

if (import.meta.main) {
  const root = Deno.args[0] ?? new URL("..", import.meta.url).pathname;
  const paths = ["main.ts", ...sources(root, "lib"), ...sources(root, "ffi")];
  const found = paths.flatMap((path) => violations(path, Deno.readTextFileSync(`${root}/${path}`)));
  for (const line of found) console.error(line);
  console.log(`${paths.length} files, ${found.length} imports against the layout`);
  if (found.length) Deno.exit(1);
}
