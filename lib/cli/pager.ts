/** Long output on a terminal goes through the user's pager, as git's does. */

import { toolFolders } from "../base/system/tools.ts";
import { displayWidth, fit } from "../base/text/width.ts";
import type { Io } from "./command.ts";
import { gathered } from "./gather.ts";

/**
 * Prints text that comes in pieces: through $PMUCTL_PAGER, else $PAGER, else `less`, when standard output is a terminal
 * with fewer lines than the text; else as it is. An empty setting, or `cat`, is no pager. Where the pager cannot be run,
 * the text is printed as it is. With `cut`, each piece is a line, and one that is wider than a terminal is cut to its
 * width, but for a pager, which can show the rest.
 */
export async function page(
  text: Iterable<string | Uint8Array>,
  io: Io,
  { cut = false, paged = true } = {},
): Promise<void> {
  if (!io.stdoutIsTerminal) return print(text, io);
  const pager = (io.env("PMUCTL_PAGER") ?? io.env("PAGER") ?? "less").trim();
  if (!paged || pager === "" || pager === "cat") return print(cut ? cutLines(text, io.columns) : text, io);
  const pieces = text[Symbol.iterator]();
  const { screen, fits } = screenful(pieces, io.rows, cut ? Infinity : io.columns);
  if (fits) return print(cut ? cutLines(screen, io.columns) : screen, io);
  const all = (function* () {
    yield* screen;
    for (let next = pieces.next(); !next.done; next = pieces.next()) yield next.value;
  })();
  io.flush();
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command("/bin/sh", {
      // a pager with options of its own is a command line; where there is none, cat stands in
      args: ["-c", `command -v "\${1%% *}" >/dev/null 2>&1 || exec cat; eval "exec $1"`, "sh", pager],
      stdin: "piped",
      env: { LESS: lessOptions(io.env("LESS")), PATH: toolFolders() },
    }).spawn();
  } catch {
    return print(all, io);
  }
  // Ctrl-C is the pager's, which stays, and must not end us before it
  const ignore = () => {};
  Deno.addSignalListener("SIGINT", ignore);
  try {
    await feed(child.stdin, all);
    await child.status;
  } finally {
    Deno.removeSignalListener("SIGINT", ignore);
  }
}

/**
 * Returns options for `less`. R: our colours; S: a line is one on the screen, and the right arrow key shows the rest; X
 * and F: what is shown stays on the screen. The user's options come after those that our text needs, and so prevail.
 */
function lessOptions(own: string | undefined): string {
  return own === undefined ? "FRSX" : `-RS ${own}`;
}

function* cutLines(lines: Iterable<string | Uint8Array>, columns: number): Generator<string | Uint8Array> {
  for (const line of lines) yield typeof line === "string" ? fit(line.trimEnd(), columns) + "\n" : line;
}

/** Prints pieces as they are. */
export function print(pieces: Iterable<string | Uint8Array>, io: Io): void {
  for (const piece of pieces) typeof piece === "string" ? io.out(piece) : io.outBytes(piece);
}

/** Writes all of a text to a pager, or as much as it reads before it is left. */
async function feed(to: WritableStream<Uint8Array>, text: Iterable<string | Uint8Array>): Promise<void> {
  const writer = to.getWriter();
  const left = { before: false };
  const write = (bytes: Uint8Array) => writer.write(bytes).catch(() => left.before = true);
  for (const block of gathered(text)) {
    await write(block);
    if (left.before) return;
  }
  await writer.close().catch(() => {});
}

/** The first pieces, as many as have more lines than a screen, or all of them; and whether they fit on it. */
function screenful<T extends string | Uint8Array>(pieces: Iterator<T>, rows: number, columns: number) {
  const screen: T[] = [];
  let lines = 0;
  for (let next = pieces.next(); !next.done; next = pieces.next()) {
    screen.push(next.value);
    if (typeof next.value === "string") lines += countLines(next.value, columns);
    if (lines >= rows) return { screen, fits: false };
  }
  return { screen, fits: true };
}

/** The lines of a screen with so many columns that a text takes. */
function countLines(text: string, columns: number): number {
  let lines = 0;
  for (let at = 0, end = text.indexOf("\n"); end >= 0; at = end + 1, end = text.indexOf("\n", at)) {
    lines += columns === Infinity ? 1 : Math.max(1, Math.ceil(displayWidth(text.slice(at, end)) / columns));
  }
  return lines;
}
