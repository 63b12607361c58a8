/**
 * Says how much of each room's code the tests went through: `coverage.ts FOLDER`, of what `scripts/test --coverage` left there.
 * Prints a line a room, then the files with least. Files that no test loaded count with none of their lines.
 */

import { programFiles, readSources } from "./sources.ts";

/** Lines of code of a file or a room, and how many of them ran. */
interface Lines {
  all: number;
  ran: number;
}

/** Share of lines that a room should have. */
const WANTED_PERCENT = 85;

/** Parses LCOV records: `SF:path`, then `LF:lines` and `LH:lines that ran` in either order, to `end_of_record`. */
export function parseLcov(text: string): Map<string, Lines> {
  const files = new Map<string, Lines>();
  let file = "", all = 0, ran = 0;
  for (const line of text.split("\n")) {
    if (line.startsWith("SF:")) [file, all, ran] = [line.slice(3), 0, 0];
    else if (line.startsWith("LF:")) all = Number(line.slice(3));
    else if (line.startsWith("LH:")) ran = Number(line.slice(3));
    else if (line === "end_of_record") files.set(file, { all, ran });
  }
  return files;
}

/** Files that run in a browser, where nothing counts their lines: tests/browser goes through them. */
const IN_BROWSER = /^lib\/report\/(?:page\/.*|flame\/.*\.js)$/;

/** Returns the room of a file by its path from the root: `lib/record`, `ffi`; undefined for other folders. */
export function roomOf(path: string): string | undefined {
  if (IN_BROWSER.test(path)) return undefined;
  return /^(lib\/[^/]+|ffi|main\.ts)/.exec(path)?.[1];
}

/**
 * Adds the files among `sources` that no process loaded, of which `deno coverage` says nothing, with the lines of code that
 * they have. Types alone are no code.
 */
export function withUnloaded(
  files: ReadonlyMap<string, Lines>,
  sources: ReadonlyMap<string, string>,
): Map<string, Lines> {
  const all = new Map(files);
  for (const [path, text] of sources) {
    if (all.has(path) || !/^(export )?(async |abstract )*(function|class|const|let|enum)\b/m.test(text)) {
      continue;
    }
    const code = text.replace(/\/\*[^]*?\*\//g, "").split("\n").filter((line) => !/^\s*($|\/\/)/.test(line));
    all.set(path, { all: code.length, ran: 0 });
  }
  return all;
}

const percent = ({ all, ran }: Lines) => 100 * ran / Math.max(all, 1);

/** Renders the table of rooms, least first, and the files below the share that is wanted. */
export function render(files: ReadonlyMap<string, Lines>): string {
  const rooms = new Map<string, Lines>();
  for (const [path, { all, ran }] of files) {
    const room = roomOf(path);
    if (room === undefined) continue;
    const sum = rooms.get(room) ?? { all: 0, ran: 0 };
    rooms.set(room, { all: sum.all + all, ran: sum.ran + ran });
  }
  const row = ([name, lines]: [string, Lines]) =>
    `${percent(lines).toFixed(1).padStart(6)}%  ${String(lines.all).padStart(6)} lines  ${name}`;
  const byShare = (a: [string, Lines], b: [string, Lines]) => percent(a[1]) - percent(b[1]);
  const low = [...files].filter(([path, lines]) => roomOf(path) && percent(lines) < WANTED_PERCENT).sort(
    byShare,
  );
  return [
    "== coverage by room, but for what runs in a browser",
    ...[...rooms].sort(byShare).map(row),
    `== files below ${WANTED_PERCENT}%`,
    ...low.map(row),
  ].join("\n");
}

/** Removes what processes left that were killed while they wrote: `deno coverage` takes none of it then. */
function removeCutFiles(folder: string): void {
  for (const { name, isFile } of Deno.readDirSync(folder)) {
    if (!isFile) continue;
    const path = `${folder}/${name}`;
    using file = Deno.openSync(path);
    const { size } = file.statSync();
    const last = new Uint8Array(1);
    if (size > 0) file.seekSync(size - 1, Deno.SeekMode.Start);
    if (size === 0 || file.readSync(last) !== 1 || last[0] !== "}".charCodeAt(0)) Deno.removeSync(path);
  }
}

if (import.meta.main) {
  const [folder] = Deno.args;
  const root = new URL("..", import.meta.url).pathname;
  removeCutFiles(folder);
  const { stdout, success, stderr } = new Deno.Command(Deno.execPath(), {
    // its default leaves out each file whose name ends with "test.ts"
    args: ["coverage", "--lcov", "--exclude=/tests/", folder],
    cwd: root,
  }).outputSync();
  if (!success) {
    console.error(new TextDecoder().decode(stderr));
    Deno.exit(1);
  }
  const loaded = [...parseLcov(new TextDecoder().decode(stdout))];
  const files = new Map(loaded.map(([path, lines]) => [path.replace(root, ""), lines]));
  console.log(render(withUnloaded(files, readSources(root, programFiles(root)))));
}
