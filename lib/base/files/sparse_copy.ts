/** Private copies of files that others wrote: bounded in size, with holes where the original has them. */

import type { FileBytes } from "./file_bytes.ts";

const CHUNK = 1 << 20;
/** Bytes between two yields to other tasks. */
const PIECE = 16 << 20;
/** Smallest possible hole, in bytes. */
const BLOCK = 4096;

/**
 * Copies `from` to a new file at `path`, which appears complete and with mode 0600. Yields to other tasks between
 * pieces, and gives up once `stopped()` is true. Returns the allocated bytes. Throws Deno.errors, and leaves nothing
 * behind, when it cannot be written.
 */
export async function copySparse(from: FileBytes, path: string, stopped: () => boolean): Promise<number> {
  const partial = `${path}.${crypto.randomUUID()}`;
  // createNew: neither an existing file nor a link
  const to = Deno.openSync(partial, { write: true, createNew: true, mode: 0o600 });
  try {
    const written = await copyData(from, to, stopped);
    to.truncateSync(from.size);
    Deno.renameSync(partial, path);
    return written;
  } catch (error) {
    Deno.removeSync(partial);
    throw error;
  } finally {
    to.close();
  }
}

async function copyData(from: FileBytes, to: Deno.FsFile, stopped: () => boolean): Promise<number> {
  const buffer = new Uint8Array(CHUNK);
  let written = 0;
  for (let at = 0, n: number; (n = from.readAt(at, buffer)) > 0 && at < from.size; at += n) {
    for (const [start, end] of dataIn(buffer.subarray(0, n))) {
      to.seekSync(at + start, Deno.SeekMode.Start);
      for (let done = start; done < end;) done += to.writeSync(buffer.subarray(done, end));
      written += end - start;
    }
    if (at % PIECE === 0) await new Promise((resolve) => setTimeout(resolve));
    if (stopped()) throw new Deno.errors.Interrupted("it was interrupted");
  }
  return written;
}

/** Yields the ranges of blocks that are not all zeros, as [start, end) in bytes. */
function* dataIn(bytes: Uint8Array<ArrayBuffer>): Generator<[number, number]> {
  let start = -1;
  for (let at = 0; at < bytes.length; at += BLOCK) {
    const end = Math.min(at + BLOCK, bytes.length);
    const isHole = isZero(bytes, at, end);
    if (!isHole && start < 0) start = at;
    if (isHole && start >= 0) {
      yield [start, at];
      start = -1;
    }
  }
  if (start >= 0) yield [start, bytes.length];
}

function isZero(bytes: Uint8Array<ArrayBuffer>, start: number, end: number): boolean {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset + start, (end - start) >> 2);
  for (let i = 0; i < words.length; i++) if (words[i] !== 0) return false;
  for (let i = start + 4 * words.length; i < end; i++) if (bytes[i] !== 0) return false;
  return true;
}
