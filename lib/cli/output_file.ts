/** Result files that the user names with -o. */

import { ERRNO } from "../base/system/errno.ts";
import { UnsupportedError, UsageError } from "../base/system/errors.ts";
import { fileIdentity } from "../base/files/file_bytes.ts";
import { descriptorFlags, ownDescriptor, readsAlone } from "../base/files/own_descriptor.ts";
import { removeQuietly } from "../base/files/remove_quietly.ts";
import { gathered } from "./gather.ts";
import { errnoOf, refusal } from "../base/system/system_error.ts";
import { openStandardOutput, type Stream } from "./standard_output.ts";

/**
 * Refuses an output that is the input file, whatever their names: writing it would destroy the recording, or whatever
 * `what` calls it. Throws UsageError.
 */
export function refuseSameFile(output: string, input: string, what = "recording"): void {
  const out = tryStat(output), from = tryStat(input);
  if (out?.isFile && from && fileIdentity(out) === fileIdentity(from)) {
    throw new UsageError(`-o ${output} would overwrite the ${what}: name another file`);
  }
}

/** Returns whether two paths lead to the same regular file, which is there. */
export function isSameFile(path: string, other: string): boolean {
  const one = tryStat(path), two = tryStat(other);
  return one?.isFile === true && two !== undefined && fileIdentity(one) === fileIdentity(two);
}

/**
 * Writes a file atomically: an existing file stays as it is until the new one is complete, so a full disk destroys
 * nothing. With `durable`, the data is also on the disk when this returns, which takes time; a new file has the permissions of
 * `mode`. Throws UnsupportedError when the file cannot be written, and whatever the pieces throw.
 */
export function writeOutputFile(
  path: string,
  content: string | Uint8Array | Iterable<string | Uint8Array>,
  { durable = false, mode = 0o666 } = {},
): void {
  const isWhole = typeof content === "string" || content instanceof Uint8Array;
  const blocks = gathered(isWhole ? [content] : content);
  let block = blocks.next(); // an error of the first piece comes before any file is touched
  const target = replaceable(path);
  const temporary = target && createTemporary(target, mode);
  const file = new OutputFile(path, temporary?.file);
  try {
    for (; !block.done; block = blocks.next()) file.write(block.value);
    file.close({ durable });
    if (temporary) Deno.renameSync(temporary.path, target.path);
  } catch (error) {
    file.close();
    if (temporary) removeQuietly(temporary.path);
    throw error instanceof Error && errnoOf(error) !== undefined ? outputError(path, error) : error;
  }
}

const STDOUT = 1;

/** File that can be replaced by renaming another one to it. */
interface ReplaceableFile {
  /** Path with links resolved. */
  path: string;
  /** Status of the existing file. */
  old?: Deno.FileInfo;
}

/**
 * Returns the file to replace; undefined where `path` must be written to directly: a pipe, a device, a dangling link,
 * or a file of another user. Throws UnsupportedError when an existing file is not writable.
 */
function replaceable(path: string): ReplaceableFile | undefined {
  const old = tryStat(path);
  if (!old) return isLink(path) ? undefined : { path };
  if (!old.isFile || ownDescriptor(path) !== undefined || DESCRIPTOR.test(path)) return undefined;
  if (old.uid !== Deno.uid() && Deno.uid() !== 0) return undefined;
  try {
    Deno.openSync(path, { write: true }).close(); // a read-only file is meant to stay as it is
    return { path: Deno.realPathSync(path), old };
  } catch (error) {
    throw outputError(path, error);
  }
}

/** Path of an open descriptor of any process, which reads or writes through it. */
const DESCRIPTOR = /^\/proc\/[^/]+\/(?:task\/\d+\/)?fd\/\d+$/;

/**
 * Creates a temporary file next to the target; undefined where no file can be created there, though the target may be
 * writable.
 */
function createTemporary(
  { path, old }: ReplaceableFile,
  mode: number,
): { path: string; file: Deno.FsFile } | undefined {
  const slash = path.lastIndexOf("/") + 1;
  const temporary = `${path.slice(0, slash)}.${path.slice(slash, slash + MAX_NAME)}.${
    crypto.randomUUID().slice(0, 8)
  }`;
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(temporary, { write: true, createNew: true, mode });
  } catch {
    return undefined; // writing the target directly reports the error
  }
  if (old) copyOwnership(temporary, old);
  return { path: temporary, file };
}

/**
 * Limit on the characters taken from the target's name. A name may have 255 bytes, of which the temporary file's
 * affixes take some, and a character may have four.
 */
const MAX_NAME = 60;

/** Copies owner and permissions of the file to replace, as far as this user may. */
function copyOwnership(path: string, { mode, uid, gid }: Deno.FileInfo): void {
  try {
    if (uid !== Deno.uid() || gid !== Deno.gid()) Deno.chownSync(path, uid, gid);
  } catch {
    // a group that this user is not in
  }
  if (mode !== null) Deno.chmodSync(path, mode & 0o777);
}

/** Result file that is written piece by piece. */
export class OutputFile {
  readonly #path: string;
  readonly #file: Stream & Partial<Pick<Deno.FsFile, "syncDataSync" | "close">>;
  readonly #encoder = new TextEncoder();
  #closed = false;

  /**
   * Creates or truncates the file, or takes over `file`, for which `path` is the name in messages. What goes to a
   * descriptor that is open already comes behind what was written there. Throws UnsupportedError.
   */
  constructor(path: string, file?: Deno.FsFile) {
    this.#path = path;
    try {
      this.#file = file ?? openOutputPath(path);
    } catch (error) {
      throw error instanceof UnsupportedError ? error : outputError(path, error);
    }
  }

  /** Appends a piece. Throws UnsupportedError. */
  write(piece: string | Uint8Array): void {
    const bytes = typeof piece === "string" ? this.#encoder.encode(piece) : piece as Uint8Array<ArrayBuffer>;
    try {
      for (let at = 0; at < bytes.length;) at += this.#file.writeSync(bytes.subarray(at));
    } catch (error) {
      throw outputError(this.#path, error);
    }
  }

  /**
   * Closes the file; further calls do nothing. With `durable`, the data is on the disk then. Throws UnsupportedError.
   */
  close({ durable = false } = {}): void {
    if (this.#closed) return;
    try {
      if (durable) this.#file.syncDataSync?.();
    } catch (error) {
      // EINVAL: a pipe or a device, which has no disk
      if (errnoOf(error) !== ERRNO.EINVAL) throw outputError(this.#path, error);
    }
    this.#closed = true;
    this.#file.close?.();
  }
}

/**
 * Refuses a path of a descriptor of this process that is open for reading alone, as standard output is where it was closed.
 * Throws UnsupportedError.
 */
export function refuseReadOnly(path: string): void {
  const fd = ownDescriptor(path), flags = fd === undefined ? undefined : descriptorFlags(fd);
  if (flags === undefined || !readsAlone(flags)) return;
  if (fd === STDOUT) openStandardOutput();
  throw outputError(path, new Error("that descriptor is open for reading alone"));
}

/** Opens what a path names to be written from its start, or a descriptor of this process to be written on. */
function openOutputPath(path: string): Stream {
  const fd = ownDescriptor(path);
  if (fd === undefined) return Deno.openSync(path, { write: true, create: true, truncate: true });
  refuseReadOnly(path);
  if (fd !== STDOUT) return Deno.openSync(path, { append: true });
  const stream = openStandardOutput();
  return { writeSync: (bytes) => stream.writeSync(bytes) }; // it stays open for what else goes there
}

function outputError(path: string, error: unknown): UnsupportedError {
  const missing = error instanceof Deno.errors.NotFound ? new Error("no such folder") : error;
  return refusal(`write ${path}`, missing, "name another file");
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
