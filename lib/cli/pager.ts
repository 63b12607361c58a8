/** Paging of long output on a terminal, as git does it. */

import { toolFolders } from "../base/system/tools.ts";
import { displayWidth, fit } from "../base/text/width.ts";
import type { Io } from "./command.ts";
import { gathered } from "./gather.ts";

/**
 * Prints text in pieces: through $PMUCTL_PAGER, else $PAGER, else `less`, when standard output is a terminal with fewer
 * lines than the text; directly otherwise. An empty setting, or `cat`, means no pager. Prints directly when the pager
 * cannot be run. With `cut`, each piece is a line, which is truncated to the terminal's width unless a pager, which can
 * scroll, shows it.
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
      // a pager with options is a command line; cat replaces a missing pager
      args: ["-c", `command -v "\${1%% *}" >/dev/null 2>&1 || exec cat; eval "exec $1"`, "sh", pager],
      stdin: "piped",
      env: { LESS: lessOptions(io.env("LESS")), PATH: toolFolders() },
    }).spawn();
  } catch {
    return print(all, io);
  }
  // Ctrl-C is for the pager, which stays open, and must not end this process before it
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
 * Returns options for `less`. R: keep our colours; S: truncate long lines, the right arrow key shows the rest; X and F:
 * leave the text on the screen. The user's options come after those that our text needs, so they prevail.
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

/** Writes a text to a pager, until the pager is closed. */
async function feed(to: WritableStream<Uint8Array>, text: Iterable<string | Uint8Array>): Promise<void> {
  const writer = to.getWriter();
  const pager = { closed: false };
  const write = (bytes: Uint8Array) => writer.write(bytes).catch(() => pager.closed = true);
  for (const block of gathered(text)) {
    await write(block);
    if (pager.closed) return;
  }
  await writer.close().catch(() => {});
}

/** Takes pieces until they fill more than a screen, or all of them; says whether they fit. */
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

/** Counts the lines that a text takes on a screen of `columns` columns. */
function countLines(text: string, columns: number): number {
  let lines = 0;
  for (let at = 0, end = text.indexOf("\n"); end >= 0; at = end + 1, end = text.indexOf("\n", at)) {
    lines += columns === Infinity ? 1 : Math.max(1, Math.ceil(displayWidth(text.slice(at, end)) / columns));
  }
  return lines;
}
