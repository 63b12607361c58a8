/** Files and standard input as byte sources. */

import type { ByteInput, ByteSource } from "../bytes/byte_source.ts";
import { BadInputError } from "../system/errors.ts";
import { errorCause } from "../system/system_error.ts";
import { exists } from "./exists.ts";
import { type GuardedFile, openGuarded, type OpenPolicy, type OpenRefusal } from "./guarded_open.ts";

/** Open file, readable from front to back and at any offset. Needs `close()`. */
export class FileBytes implements ByteInput, ByteSource {
  readonly name: string;
  /** Size in bytes when the file was opened, or `measure` was last called. */
  size: number;
  beside?: readonly FileBytes[];
  /** Unique identity of the file on this machine, whatever its names. */
  readonly identity: string;
  readonly #file: Deno.FsFile;
  #pos = 0;
  #filePos = 0;

  /** Device number, `major:minor` in hex as in /proc/PID/maps. */
  readonly device: string;
  /** Inode number on that device. */
  readonly inode: number;
  /** Allocated bytes on disk: fewer than `size` where the file has holes. */
  readonly allocated: number;
  /** Permission bits. */
  readonly mode: number;
  /** Time of the last write, in seconds since 1970. */
  readonly modified: number;
  /** Text that is another once the contents are others: nobody can set the time of the last change. */
  readonly stamp: string;

  private constructor(name: string, { file, stat }: GuardedFile) {
    this.name = name;
    this.#file = file;
    this.size = stat.size;
    this.identity = fileIdentity(stat);
    this.device = deviceText(stat.dev);
    this.inode = stat.ino ?? 0;
    this.allocated = 512 * (stat.blocks ?? 0);
    this.mode = (stat.mode ?? 0) & 0o7777;
    this.modified = (stat.mtime?.getTime() ?? 0) / 1000;
    this.stamp = `${this.identity}:${stat.size}:${stat.mtime?.getTime()}:${stat.ctime?.getTime()}`;
  }

  /**
   * Opens a regular file that `policy` allows, or returns why it does not. By default, no link of another user may lead
   * to it. Never blocks and never throws.
   */
  static open(path: string, policy?: OpenPolicy): FileBytes | OpenRefusal {
    const opened = openGuarded(path, policy);
    return "file" in opened ? new FileBytes(path, opened) : opened;
  }

  /** Opens like `open()`; returns undefined when that is refused, for whatever cause. */
  static tryOpen(path: string, policy?: OpenPolicy): FileBytes | undefined {
    const opened = FileBytes.open(path, policy);
    return opened instanceof FileBytes ? opened : undefined;
  }

  read(into: Uint8Array): number;
  read(offset: number, length: number): Uint8Array<ArrayBuffer>;
  read(first: Uint8Array | number, length = 0): number | Uint8Array<ArrayBuffer> {
    if (typeof first !== "number") {
      const n = this.readAt(this.#pos, first);
      this.#pos += n;
      return n;
    }
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.size - first)));
    let got = 0;
    while (got < bytes.length) {
      const n = this.readAt(first + got, bytes.subarray(got));
      if (n === 0) break;
      got += n;
    }
    return bytes.subarray(0, got);
  }

  readAt(offset: number, into: Uint8Array): number {
    if (into.length === 0) return 0;
    if (offset !== this.#filePos) this.#file.seekSync(offset, Deno.SeekMode.Start);
    const n = this.#file.readSync(into) ?? 0;
    this.#filePos = offset + n;
    return n;
  }

  /** Sets `size` anew, for a file that others write to. */
  measure(): void {
    this.size = this.#file.statSync().size;
  }

  close(): void {
    this.#file.close();
  }
}

/** Formats a device number of stat(2) as `major:minor` in hex (gnu_dev_major() and gnu_dev_minor() of glibc). */
function deviceText(dev: number): string {
  const high = Math.floor(dev / 2 ** 32), low = dev >>> 0;
  const major = ((low >>> 8) & 0xfff) + (high & ~0xfff), minor = (low & 0xff) + ((low >>> 12) & ~0xff);
  return deviceOf(major, minor);
}

/** Returns the FileBytes.device of a device with these numbers. */
export function deviceOf(major: number, minor: number): string {
  return `${major.toString(16)}:${minor.toString(16)}`;
}

/** Returns the FileBytes.identity of the file with this `stat`. */
export function fileIdentity({ dev, ino }: Deno.FileInfo): string {
  return `${dev}:${ino}`;
}

/** Returns standard input, as a stream. */
export function standardInput(): ByteInput {
  return { name: "standard input", read: (into) => Deno.stdin.readSync(into) ?? 0 };
}

/**
 * Opens the input that the user named: a file, a FIFO, or standard input for `-`. Throws BadInputError saying why it
 * cannot be read.
 */
export function openInput(path: string): ByteInput {
  if (path === "-") return standardInput();
  const file = FileBytes.open(path, NAMED_BY_USER);
  if (file instanceof FileBytes) return file;
  let cause: string;
  try {
    const stat = Deno.statSync(path);
    if (stat.isDirectory) {
      const folder = openFolder(path);
      if (folder) return folder;
      cause =
        "it is a folder without a file 'data', so not a recording by 'perf record --threads': name a file";
    } else if (stat.isFile && isMountedProc()) {
      cause = file.cause === "permission denied" ? DENIED : file.cause;
    } else {
      const stream = Deno.openSync(path);
      return { name: path, read: (into) => stream.readSync(into) ?? 0 };
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      cause = "no such file: record one with 'pmuctl record', or name another with -i";
    } else if (error instanceof Deno.errors.PermissionDenied) {
      cause = DENIED;
    } else {
      cause = errorCause(error);
    }
  }
  throw new BadInputError(`cannot read ${path}: ${cause}`);
}

/** Size limit of a text file, in bytes; a baseline of 10,000 benchmarks takes about 20 MB. */
const MAX_TEXT_BYTES = 1 << 26;

/** Reads a text file that the user named (a baseline, a configuration), or returns why it cannot be read. */
export function readNamedText(path: string, maxBytes = MAX_TEXT_BYTES): string | OpenRefusal {
  const file = FileBytes.open(path, { ...NAMED_BY_USER, maxBytes });
  if (!(file instanceof FileBytes)) return file;
  try {
    return new TextDecoder().decode(file.read(0, file.size));
  } finally {
    file.close();
  }
}

/** Policy for paths that the user named: follow any link. */
export const NAMED_BY_USER: OpenPolicy = { links: "all" };

const DENIED = "permission denied: run as the user who recorded it, or as root";

/** Returns whether /proc is mounted. Without it (a chroot, some containers) a file can only be read as a stream. */
function isMountedProc(): boolean {
  return exists("/proc/self/fd");
}

/**
 * Opens a recording made of several files: `data`, and beside it `data.0`, `data.1` and so on. Undefined when the
 * folder has no `data`.
 */
function openFolder(path: string): ByteInput | undefined {
  const main = FileBytes.tryOpen(`${path}/data`, NAMED_BY_USER);
  if (!main) return undefined;
  const numbers: number[] = [];
  for (const { name } of Deno.readDirSync(path)) {
    const number = /^data\.(\d+)$/.exec(name);
    if (number) numbers.push(Number(number[1]));
  }
  const names = numbers.sort((a, b) => a - b).map((number) => `${path}/data.${number}`);
  main.beside = names.map((name) => {
    const file = FileBytes.tryOpen(name, NAMED_BY_USER);
    if (!file) {
      throw new BadInputError(
        `cannot read ${name} of the recording ${path}: permission denied: run as the user who recorded it, or as root`,
      );
    }
    return file;
  });
  return main;
}
