/** The real world behind `Io`: this process's standard streams and environment. */

import { environmentValue } from "../base/system/launcher.ts";
import { printable } from "../base/text/printable.ts";
import { refusal } from "../base/system/system_error.ts";
import type { Io } from "./command.ts";
import { stdoutIsNonblocking, waitingStdout } from "./nonblocking.ts";

/** Thrown when the reader of our standard output has gone away, as `| head` does. */
export class OutputClosed extends Error {}

interface Stream {
  writeSync(bytes: Uint8Array<ArrayBuffer>): number;
}

/** To the first column, and nothing in the line (ECMA-48: CR, EL). */
const CLEAR_LINE = "\r\x1b[K";
const FLUSH_AT = 1 << 16;
const NO_TERMINAL_COLUMNS = 80;

/** An Io over this process. Writes block; standard output is gathered into 64 KiB pieces. */
export function processIo(): Io {
  const encoder = new TextEncoder();
  let pending: string[] = [];
  let size = 0;
  /** The status line on the terminal; "" for none. */
  let shown = "";
  const say = (text: string) => {
    try {
      writeTo(Deno.stderr, encoder.encode(text));
    } catch {
      // nobody reads standard error; there is nowhere left to say so
    }
  };
  const flush = () => {
    const text = pending.join("");
    pending = [];
    size = 0;
    writeAll(encoder.encode(text));
  };
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
      const line = printable(text); // it may quote any name
      say(shown ? `${CLEAR_LINE}${line}\n${shown}` : `${line}\n`);
    },
    status(line) {
      if (line !== shown) say(CLEAR_LINE + line);
      shown = line;
    },
    flush,
    stdoutIsTerminal: Deno.stdout.isTerminal(),
    stderrIsTerminal: Deno.stderr.isTerminal(),
    get columns() {
      try {
        return Deno.consoleSize().columns || NO_TERMINAL_COLUMNS; // a pty may have no size
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

/** Throws OutputClosed, or UnsupportedError for a full disk and the like. */
function writeAll(bytes: Uint8Array<ArrayBuffer>) {
  try {
    if (bytes.length === 0) return;
    writeTo(stdout ??= stdoutIsNonblocking() ? waitingStdout() : Deno.stdout, bytes);
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) throw new OutputClosed();
    throw refusal("write to standard output", error);
  }
}

/** Standard output, as writes to it are to be made; found out at the first one. */
let stdout: Stream | undefined;

function writeTo(stream: Stream, bytes: Uint8Array<ArrayBuffer>) {
  for (let at = 0; at < bytes.length;) at += stream.writeSync(bytes.subarray(at));
}
