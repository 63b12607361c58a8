/** Progress of a report on a terminal: of reading a large file, and of fetching files from the network. */

import { format } from "@std/fmt/bytes";
import type { ByteInput } from "../base/bytes/byte_source.ts";
import { counted } from "../base/text/plural.ts";
import type { Io } from "./command.ts";

/** Size in bytes from which reading takes long enough to show progress. */
const LONG = 100e6;
/** Interval between two updates of the line, in ms. */
const INTERVAL = 100;

/**
 * Calls `body` with `input`, showing on standard error how much of it has been read: only on a terminal, and only for a
 * file (or a folder of them) of 100 MB or more. Removes the line when `body` has ended.
 */
export async function withProgress<T>(
  input: ByteInput,
  io: Pick<Io, "status" | "stderrIsTerminal">,
  body: (input: ByteInput) => Promise<T>,
  now: () => number = () => performance.now(),
): Promise<T> {
  const parts = [input, ...input.beside ?? []];
  const size = parts.reduce((sum, { size = 0 }) => sum + size, 0);
  if (!io.stderrIsTerminal || size < LONG) return await body(input);
  let done = 0, shown = -Infinity;
  const count = (bytes: number) => {
    done += bytes;
    const time = now();
    if (time - shown >= INTERVAL) {
      shown = time;
      io.status(progressLine(done, size));
    }
    return bytes;
  };
  const [main, ...beside] = parts.map((part) => counting(part, count));
  try {
    return await body(input.beside ? { ...main, beside } : main);
  } finally {
    io.status("");
  }
}

/** Formats the line: `reading  34% of 1.2 GiB`. Parts that are read twice don't exceed 100%. */
function progressLine(done: number, size: number): string {
  const percent = Math.min(100, Math.floor(100 * done / size));
  return `reading ${String(percent).padStart(3)}% of ${format(size, { binary: true })}`;
}

/** Wraps an input so that `count` is called with the size of each read. */
function counting(input: ByteInput, count: (bytes: number) => number): ByteInput {
  return {
    name: input.name,
    size: input.size,
    modified: input.modified,
    read: (into) => count(input.read(into)),
    readAt: input.readAt && ((offset, into) => count(input.readAt!(offset, into))),
  };
}

/** How far the fetching is. Sizes in bytes. */
export interface Fetching {
  done: number;
  files: number;
  received: number;
  announced: number;
}

/** Renders the line in at most `columns` - 1 columns: `fetching debug files: 2 of 7, 12.3 MiB of 45.1 MiB`. */
export function renderFetching({ done, files, received, announced }: Fetching, columns: number): string {
  const size = (bytes: number) =>
    format(bytes, { binary: true, minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const parts = [
    `fetching ${counted(files, "debug file")}: ${done} done`,
    received > 0 ? `, ${size(received)}${announced > received ? ` of ${size(announced)}` : ""}` : "",
    "  (Ctrl-C goes on without)",
  ];
  let line = "";
  for (const part of parts) {
    if (line.length + part.length >= columns) break;
    line += part;
  }
  return line;
}

/** Returns a function that shows how far the fetching is as a status line, and is told undefined at its end. */
export function fetchingNotes(
  io: Pick<Io, "status" | "columns">,
): (progress: Fetching | undefined) => void {
  return (progress) => io.status(progress ? renderFetching(progress, io.columns) : "");
}
