/** Io over this process's standard streams and environment. */

import { environmentValue } from "../base/system/launcher.ts";
import { UnsupportedError } from "../base/system/errors.ts";
import { printable } from "../base/text/printable.ts";
import { refusal } from "../base/system/system_error.ts";
import type { Io } from "./command.ts";
import { openStandardOutput, type Stream } from "./standard_output.ts";

/** End of output: the reader of standard output has gone, as `| head` does. */
export class OutputClosed extends Error {}

/** Moves to the first column and erases the line (ECMA-48: CR, EL). */
const CLEAR_LINE = "\r\x1b[K";
const FLUSH_AT = 1 << 16;
const NO_TERMINAL_COLUMNS = 80;

/** Returns the Io of this process. Writes block; standard output is buffered in 64 KiB pieces. */
export function processIo(): Io {
  const encoder = new TextEncoder();
  let pending: string[] = [];
  let size = 0;
  /** Status line on the terminal; "" for none. */
  let shown = "";
  const say = (text: string) => {
    try {
      writeTo(Deno.stderr, encoder.encode(text));
    } catch {
      // nobody reads standard error, and there is nowhere else to report it
    }
  };
  const flush = () => {
    const text = pending.join("");
    pending = [];
    size = 0;
    writeAll(encoder.encode(text));
  };
  const stderrIsTerminal = Deno.stderr.isTerminal();
  return {
    out(text) {
      pending.push(text);
      size += text.length;
      if (size >= FLUSH_AT) flush();
    },
    outBytes(bytes) {
      flush();
      writeAll(bytes as Uint8Array<ArrayBuffer>);
    },
    err(text) {
      const line = printable(text); // it may quote arbitrary names
      say(shown ? `${CLEAR_LINE}${line}\n${shown}` : `${line}\n`);
    },
    status(line) {
      if (!stderrIsTerminal || line === shown) return;
      say(CLEAR_LINE + line);
      shown = line;
    },
    flush,
    stdoutIsTerminal: Deno.stdout.isTerminal(),
    stderrIsTerminal,
    get columns() {
      try {
        return Deno.consoleSize().columns || NO_TERMINAL_COLUMNS; // a pty may report no size
      } catch {
        return NO_TERMINAL_COLUMNS;
      }
    },
    get rows() {
      try {
        return Deno.consoleSize().rows || Infinity;
      } catch {
        return Infinity;
      }
    },
    env: environmentValue,
  };
}

/** Writes to standard output. Throws OutputClosed, or UnsupportedError for a full disk and the like. */
function writeAll(bytes: Uint8Array<ArrayBuffer>) {
  try {
    if (bytes.length === 0) return;
    writeTo(stdout ??= openStandardOutput(), bytes);
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) throw new OutputClosed();
    if (error instanceof UnsupportedError) throw error;
    throw refusal("write to standard output", error);
  }
}

/** Stream that standard output is written through; chosen at the first write. */
let stdout: Stream | undefined;

function writeTo(stream: Stream, bytes: Uint8Array<ArrayBuffer>) {
  for (let at = 0; at < bytes.length;) at += stream.writeSync(bytes.subarray(at));
}
