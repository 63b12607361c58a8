/** Results into a file that the user named with -o. */

import { UnsupportedError, UsageError } from "../base/errors.ts";
import { identityOf } from "../base/file_bytes.ts";
import { gathered } from "./gather.ts";
import { refusal } from "../base/system_error.ts";

/** Throws UsageError when writing `output` would destroy `input`: both are one file, whatever their names. */
export function refuseSameFile(output: string, input: string): void {
  const out = tryStat(output), from = tryStat(input);
  if (out?.isFile && from && identityOf(out) === identityOf(from)) {
    throw new UsageError(`-o ${output} would overwrite the recording itself: name another file`);
  }
}

/**
 * Writes all of a file, in place of one that was there. Throws UnsupportedError when that cannot be done, and what the
 * pieces throw: when that comes before the first block is full, no file has been
 * touched.
 */
export function writeOutputFile(
  path: string,
  content: string | Uint8Array | Iterable<string | Uint8Array>,
): void {
  const isWhole = typeof content === "string" || content instanceof Uint8Array;
  const blocks = gathered(isWhole ? [content] : content);
  let block = blocks.next();
  const file = new OutputFile(path);
  try {
    for (; !block.done; block = blocks.next()) file.write(block.value);
  } finally {
    file.close();
  }
}

/** A file that results go into as they come. */
export class OutputFile {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  readonly #encoder = new TextEncoder();

  /** Makes the file, or empties one that was there. Throws UnsupportedError. */
  constructor(path: string) {
    this.#path = path;
    try {
      this.#file = Deno.openSync(path, { write: true, create: true, truncate: true });
    } catch (error) {
      throw outputError(path, error);
    }
  }

  /** Throws UnsupportedError. */
  write(piece: string | Uint8Array): void {
    const bytes = typeof piece === "string" ? this.#encoder.encode(piece) : piece;
    try {
      for (let at = 0; at < bytes.length;) at += this.#file.writeSync(bytes.subarray(at));
    } catch (error) {
      throw outputError(this.#path, error);
    }
  }

  close(): void {
    this.#file.close();
  }
}

function outputError(path: string, error: unknown): UnsupportedError {
  const missing = error instanceof Deno.errors.NotFound ? new Error("no such folder") : error;
  return refusal(`write ${path}`, missing, "name another file with -o");
}

function tryStat(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch {
    return undefined;
  }
}
