/**
 * Checks the layout of the sources: `check-layers.ts [ROOT]`. Imports go one way between rooms and between the folders
 * of a room, no files import each other in a circle, and no folder grows past what a reader takes in. Prints each
 * violation as `FILE:LINE: cannot import ...: RULE`, and exits with 1 when there are any.
 */

import { programFiles, readSources } from "./sources.ts";
import { counted } from "../lib/base/text/plural.ts";

/** A room: a folder of lib/, ffi, or main.ts. */
interface Room {
  /** The rooms that it may import from, besides itself. */
  imports: readonly string[];
  /**
   * Its folders, lowest first: each may import from those before it. `.` is the room's own files. A room without
   * the list has no folders, or folders in any order.
   */
  folders?: readonly string[];
  /** Files, or folders with a slash at the end, that other rooms may import. A room without the list is open. */
  doors?: readonly string[];
  /** Whether it may hold more than MAX_FILES files: one for each of many similar things. */
  wide?: boolean;
}

/** The most files that a folder may hold. */
export const MAX_FILES = 18;

// rooms that those of each name may import from
const EVENTS = ["base"];
const PERFDATA = ["events", ...EVENTS];
const SYMBOLS = ["events", ...EVENTS];
// the profile is built of what the other two of its level read
const PROFILE = ["unwind", "perfdata", "symbols", ...SYMBOLS];
const REPORT = ["profile", ...PROFILE];
const RECORD = ["ffi", "profile", ...PROFILE];
const RUN = ["counters", "record", ...RECORD];

/** The rooms, lowest first. */
export const ROOMS: Readonly<Record<string, Room>> = {
  // root.ts is as deep as the bundled program in build/program/
  base: { imports: [], folders: [".", "text", "system", "bytes", "files"] },
  ffi: { imports: ["base"] },
  events: { imports: EVENTS },
  perfdata: { imports: PERFDATA, folders: ["own", "format", "tracepoints", "read", "rewrite"] },
  symbols: {
    imports: SYMBOLS,
    folders: [
      "object",
      "table",
      "kept",
      "elf",
      "dwarf",
      "dwarf/info",
      "go",
      "kernel",
      "jit",
      "space",
      "files",
      "bundle",
      "debuginfod",
      ".",
    ],
  },
  unwind: { imports: ["symbols", ...SYMBOLS] },
  profile: {
    imports: PROFILE,
    folders: ["model", "request", "query", "compare", "load/inlined", "load/stacks", "load", "bundle"],
    doors: [
      "model/",
      "request/",
      "query/query.ts",
      "compare/diff.ts",
      "compare/stack_comparison.ts",
      "load/load.ts",
      // stacks are unwound while recording as they are while reading
      "load/stacks/unwind_objects.ts",
      "bundle/gather_names.ts",
    ],
  },
  report: {
    imports: REPORT,
    folders: [
      "shared",
      "json",
      "text",
      "flame",
      "html",
      "page/shared",
      "page/code",
      "page",
      "exchange",
      ".",
    ],
  },
  dataset: { imports: REPORT, folders: ["layout", "write", "read", "sql"] },
  annotate: { imports: REPORT.concat("report") },
  counters: {
    imports: RECORD,
    folders: ["verify", "rows", "open", "preflight", "named", "tasks", "cpus", "."],
  },
  record: {
    imports: RECORD,
    folders: ["host", "request", "open", "backends", "guard", "rings", "objects", "stacks", "output", "."],
  },
  run: { imports: RUN },
  cli: { imports: ["base"] },
  check: {
    imports: ["run", "report", "cli", ...RUN],
    folders: [
      ...[
        "statistics",
        "metrics",
        "baseline",
        "history",
        "stat",
        ".",
        "output",
        "trend",
        "foreign",
        "series",
      ],
    ],
  },
  commands: {
    imports: [
      "annotate",
      "check",
      "dataset",
      "run",
      "report",
      "cli",
      ...RUN.filter((room) => room !== "ffi"),
    ],
    wide: true,
  },
  main: { imports: ["commands", "cli", "base"] },
};

/** Single files that may import more than their room. */
const EXCEPTIONS: Readonly<Record<string, readonly string[]>> = { "lib/commands/info.ts": ["ffi"] };

/** Where a file stands in the layout. */
interface Place {
  room: string;
  /** Its folder inside the room; `.` for the room's own files. */
  folder: string;
}

/** Returns the place of a file, by its path from the root; undefined for a path outside all rooms. */
function placeOf(path: string): Place | undefined {
  const parts = path.split("/").slice(0, -1);
  if (path === "main.ts") return { room: "main", folder: "." };
  if (parts[0] === "ffi") return { room: "ffi", folder: parts.slice(1).join("/") || "." };
  if (parts[0] !== "lib" || parts.length < 2) return undefined;
  return { room: parts[1], folder: parts.slice(2).join("/") || "." };
}

/** An import as it stands in a file: 1-based line; no specifier when it is computed. */
export interface Import {
  line: number;
  specifier?: string;
}

const COMMENT_OR_TEXT = /\/\/.*|\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`/g;
const IMPORT =
  /(?<![.\w$])(?:import|export)\b(?:[\w\s{},*$]*?\bfrom)?\s*(["'])(.+?)\1|(?<![.\w$])import\s*\(\s*(?:(["'])(.+?)\3\s*[,)])?/g;

/** Returns all imports, re-exports and dynamic imports of a module's source. */
export function importsIn(source: string): Import[] {
  // comments become blanks, and so do template texts, which may quote code; lines stay where they are
  const code = source.replace(
    COMMENT_OR_TEXT,
    (part) => part[0] === '"' || part[0] === "'" ? part : part.replace(/[^\n]/g, " "),
  );
  return [...code.matchAll(IMPORT)].map((match) => ({
    line: code.slice(0, match.index).split("\n").length,
    specifier: match[2] ?? match[4],
  }));
}

/** Returns the path from the root of a relative import; undefined for a package. */
function targetOf(path: string, specifier: string): string | undefined {
  if (!/^\.{0,2}\//.test(specifier)) return undefined;
  return new URL(specifier, `file:///${path}`).pathname.slice(1);
}

/** Returns why other rooms may not import a file; undefined when they may. */
function closed(target: string, room: string): string | undefined {
  const { doors } = ROOMS[room], inside = target.slice(`lib/${room}/`.length);
  if (
    doors === undefined ||
    doors.some((door) => door === inside || (door.endsWith("/") && inside.startsWith(door)))
  ) {
    return undefined;
  }
  return `other rooms may import ${doors.join(", ")} of ${room}`;
}

/** Returns why a file may not import another; undefined when it may. */
function refusal(path: string, target: string): string | undefined {
  const from = placeOf(path)!, to = placeOf(target);
  const { imports, folders } = ROOMS[from.room];
  if (to?.room !== from.room) {
    const allowed = [...imports, ...(EXCEPTIONS[path] ?? [])];
    if (to !== undefined && allowed.includes(to.room)) return closed(target, to.room);
    return `${from.room} may import ${allowed.length ? allowed.join(", ") : "nothing"}`;
  }
  if (folders === undefined || from.folder === to.folder) return undefined;
  const below = folders.slice(0, folders.indexOf(from.folder));
  if (below.includes(to.folder)) return undefined;
  return `${from.room}/${from.folder} may import ${below.join(", ") || "none"} of its room's folders`;
}

/** Returns what is wrong with the place and the imports of one file; `path` is from the root. */
export function violations(path: string, source: string): string[] {
  const place = placeOf(path);
  if (place === undefined || !(place.room in ROOMS)) return [`${path}:1: is in no room of the layout`];
  const { folders } = ROOMS[place.room];
  if (folders !== undefined && !folders.includes(place.folder)) {
    return [`${path}:1: is in no folder of the layout: ${place.room} has ${folders.join(", ")}`];
  }
  const found: string[] = [];
  for (const { line, specifier } of importsIn(source)) {
    const refuse = (what: string, rule: string) =>
      found.push(`${path}:${line}: cannot import ${what}: ${rule}`);
    if (specifier === undefined) {
      refuse("a computed module", "a literal name is needed to check the direction, and to compile it in");
      continue;
    }
    const target = targetOf(path, specifier);
    if (target === undefined) continue;
    const rule = refusal(path, target);
    if (rule !== undefined) refuse(target, rule);
  }
  return found;
}

/**
 * Returns the groups of files that import each other in a circle, each in the order of an import chain: the strongly
 * connected components of more than one file, by Tarjan's algorithm.
 */
export function circles(imports: ReadonlyMap<string, readonly string[]>): string[][] {
  const found: string[][] = [];
  const order = new Map<string, number>(), low = new Map<string, number>();
  const stack: string[] = [];
  const visit = (file: string) => {
    order.set(file, order.size);
    low.set(file, order.get(file)!);
    stack.push(file);
    for (const next of imports.get(file) ?? []) {
      if (!imports.has(next)) continue;
      if (!order.has(next)) visit(next);
      if (stack.includes(next)) low.set(file, Math.min(low.get(file)!, low.get(next)!));
    }
    if (low.get(file) !== order.get(file)) return;
    const group = stack.splice(stack.indexOf(file));
    if (group.length > 1) found.push(group);
  };
  for (const file of imports.keys()) if (!order.has(file)) visit(file);
  return found;
}

/** Returns the folders that hold more than MAX_FILES files, but for those of a wide room. */
export function crowded(paths: readonly string[]): string[] {
  const files = new Map<string, number>();
  for (const path of paths) {
    const folder = path.slice(0, path.lastIndexOf("/") + 1) || "./";
    files.set(folder, (files.get(folder) ?? 0) + 1);
  }
  return [...files].filter(([folder, count]) =>
    count > MAX_FILES && !ROOMS[placeOf(`${folder}x`)?.room ?? ""]?.wide
  ).map(([folder, count]) => `${folder}: holds ${counted(count, "file")}: ${MAX_FILES} at most`);
}

if (import.meta.main) {
  const root = Deno.args[0] ?? new URL("..", import.meta.url).pathname;
  const all = [...programFiles(root)];
  const sources = readSources(root, all);
  const imports = new Map([...sources].map(([path, source]) => [
    path,
    importsIn(source).flatMap(({ specifier }) => targetOf(path, specifier ?? "") ?? []),
  ]));
  const found = [
    ...[...sources].flatMap(([path, source]) => violations(path, source)),
    ...circles(imports).map((files) => `${files[0]}:1: imports itself, through ${files.slice(1).join(", ")}`),
    ...crowded(all),
  ];
  for (const line of found) console.error(line);
  console.log(`${counted(sources.size, "file")}, ${counted(found.length, "violation")} of the layout`);
  if (found.length) Deno.exit(1);
}
