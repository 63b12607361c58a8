/** Results into a file that the user named with -o. */

import { ERRNO } from "../base/system/errno.ts";
import { UnsupportedError, UsageError } from "../base/system/errors.ts";
import { identityOf } from "../base/files/file_bytes.ts";
import { gathered } from "./gather.ts";
import { errnoOf, refusal } from "../base/system/system_error.ts";

/** Throws UsageError when writing `output` would destroy `input`: both are one file, whatever their names. */
export function refuseSameFile(output: string, input: string): void {
  const out = tryStat(output), from = tryStat(input);
  if (out?.isFile && from && identityOf(out) === identityOf(from)) {
    throw new UsageError(`-o ${output} would overwrite the recording itself: name another file`);
  }
}

/**
 * Writes all of a file, in place of one that was there, which stays as it was until all is written: a full disk destroys
 * nothing. With `durable` it is on the disk by then, too, which takes its time. Throws UnsupportedError when that cannot
 * be done, and what the pieces throw.
 */
export function writeOutputFile(
  path: string,
  content: string | Uint8Array | Iterable<string | Uint8Array>,
  { durable = false } = {},
): void {
  const isWhole = typeof content === "string" || content instanceof Uint8Array;
  const blocks = gathered(isWhole ? [content] : content);
  let block = blocks.next(); // what it throws comes before any file has been touched
  const place = replaceable(path);
  const beside = place && makeBeside(place);
  const file = new OutputFile(path, beside?.file);
  try {
    for (; !block.done; block = blocks.next()) file.write(block.value);
    file.close({ durable });
    if (beside) Deno.renameSync(beside.path, place.path);
  } catch (error) {
    file.close();
    if (beside) remove(beside.path);
    throw error instanceof Error && errnoOf(error) !== undefined ? outputError(path, error) : error;
  }
}

function remove(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // somebody has taken it away
  }
}

/** A file that can be replaced by another one. */
interface Place {
  /** Without links. */
  path: string;
  /** What there is now. */
  old?: Deno.FileInfo;
}

/**
 * Where a file of this name is to be put in place of what is there; undefined where it has to be written to as it is: a
 * pipe, a device, what a link leads to and is not there, and what belongs to somebody else. Throws UnsupportedError when
 * what is there may not be written.
 */
function replaceable(path: string): Place | undefined {
  const old = tryStat(path);
  if (!old) return isLink(path) ? undefined : { path };
  if (!old.isFile || OWN_DESCRIPTOR.test(path)) return undefined;
  if (old.uid !== Deno.uid() && Deno.uid() !== 0) return undefined;
  try {
    Deno.openSync(path, { write: true }).close(); // whoever made it read-only meant it
    return { path: Deno.realPathSync(path), old };
  } catch (error) {
    throw outputError(path, error);
  }
}

/** A path of a file that is open already, which somebody reads or writes through that descriptor. */
const OWN_DESCRIPTOR = /^\/(?:dev|proc\/[^/]+)\/(?:fd\/\d+|stdin|stdout|stderr)$/;

/** Makes a file in the folder of `place`; undefined where no file can be made there, though one may be written. */
function makeBeside({ path, old }: Place): { path: string; file: Deno.FsFile } | undefined {
  const slash = path.lastIndexOf("/") + 1;
  const beside = `${path.slice(0, slash)}.${path.slice(slash, slash + MOST_NAME)}.${
    crypto.randomUUID().slice(0, 8)
  }`;
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(beside, { write: true, createNew: true });
  } catch {
    return undefined; // to be told of the file itself, if that cannot be written either
  }
  if (old) takeAfter(beside, old);
  return { path: beside, file };
}

/** A name may have 255 bytes, of which the rest of the one beside it takes some; a character may have four. */
const MOST_NAME = 60;

/** Gives it the owner and the permissions of the file that it is to replace, as far as this user may. */
function takeAfter(path: string, { mode, uid, gid }: Deno.FileInfo): void {
  try {
    if (uid !== Deno.uid() || gid !== Deno.gid()) Deno.chownSync(path, uid, gid);
  } catch {
    // a group that we are not in
  }
  if (mode !== null) Deno.chmodSync(path, mode & 0o777);
}

/** A file that results go into as they come. */
export class OutputFile {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  readonly #encoder = new TextEncoder();
  #closed = false;

  /** Makes the file, or empties one that was there; or takes `file`, and `path` for messages. Throws UnsupportedError. */
  constructor(path: string, file?: Deno.FsFile) {
    this.#path = path;
    try {
      this.#file = file ?? Deno.openSync(path, { write: true, create: true, truncate: true });
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

  /** Once is enough, and more often does no harm. With `durable` all is on the disk then. Throws UnsupportedError. */
  close({ durable = false } = {}): void {
    if (this.#closed) return;
    try {
      if (durable) this.#file.syncDataSync();
    } catch (error) {
      // a pipe or a device, which has no disk
      if (errnoOf(error) !== ERRNO.EINVAL) throw outputError(this.#path, error);
    }
    this.#closed = true;
    this.#file.close();
  }
}

function outputError(path: string, error: unknown): UnsupportedError {
  const missing = error instanceof Deno.errors.NotFound ? new Error("no such folder") : error;
  return refusal(`write ${path}`, missing, "name another file with -o");
}

function isLink(path: string): boolean {
  try {
    return Deno.lstatSync(path).isSymlink;
  } catch {
    return false;
  }
}

function tryStat(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch {
    return undefined;
  }
}
