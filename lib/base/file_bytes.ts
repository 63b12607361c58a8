/** Files and standard input as the byte sources that readers take. The only place that opens a file to read it. */

import type { ByteInput, ByteSource } from "./byte_source.ts";
import { BadInputError } from "./errors.ts";

/** An open file: readable from front to back and at any offset. `close()` it. */
export class FileBytes implements ByteInput, ByteSource {
  readonly name: string;
  /** In bytes, as it was when the file was opened. */
  readonly size: number;
  beside?: readonly FileBytes[];
  /** Tells this file from all others of the machine, whatever its names. */
  readonly identity: string;
  readonly #file: Deno.FsFile;
  #pos = 0;
  #filePos = 0;

  private constructor(
    name: string,
    file: Deno.FsFile,
    { size, identity }: { size: number; identity: string },
  ) {
    this.name = name;
    this.#file = file;
    this.size = size;
    this.identity = identity;
  }

  /** Opens a regular file; undefined when it is not there, not one, or not ours to read. */
  static tryOpen(path: string): FileBytes | undefined {
    try {
      // asked before opening: opening a FIFO would wait, and a device may act
      if (!Deno.statSync(path).isFile) return undefined;
      const file = Deno.openSync(path);
      const stat = file.statSync();
      return new FileBytes(path, file, { size: stat.size, identity: identityOf(stat) });
    } catch {
      return undefined;
    }
  }

  read(into: Uint8Array): number;
  read(offset: number, length: number): Uint8Array;
  read(first: Uint8Array | number, length = 0): number | Uint8Array {
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

  close(): void {
    this.#file.close();
  }
}

/** What FileBytes.identity is for the file of this `stat`. */
export function identityOf({ dev, ino }: Deno.FileInfo): string {
  return `${dev}:${ino}`;
}

/** Standard input, as a stream. */
export function standardInput(): ByteInput {
  return { name: "standard input", read: (into) => Deno.stdin.readSync(into) ?? 0 };
}

/**
 * Opens what the user named as input: a file, a FIFO, or standard input for `-`. Throws BadInputError
 * saying why it cannot be read.
 */
export function openInput(path: string): ByteInput {
  if (path === "-") return standardInput();
  const file = FileBytes.tryOpen(path);
  if (file) return file;
  let cause: string;
  try {
    const stat = Deno.statSync(path);
    if (stat.isDirectory) {
      const folder = openFolder(path);
      if (folder) return folder;
      cause =
        "it is a folder, and not a recording by 'perf record --threads' (it has no file 'data'): name a file";
    } else {
      const stream = Deno.openSync(path);
      return { name: path, read: (into) => stream.readSync(into) ?? 0 };
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      cause = "no such file: record one with 'pmuctl record', or name another with -i";
    } else if (error instanceof Deno.errors.PermissionDenied) {
      cause = "permission denied: run as the user who recorded it, or as root";
    } else {
      cause = error instanceof Error ? error.message : String(error);
    }
  }
  throw new BadInputError(`cannot read ${path}: ${cause}`);
}

/** A recording in several files: `data`, and `data.0`, `data.1` and so on beside it. Undefined when it is none. */
function openFolder(path: string): ByteInput | undefined {
  const main = FileBytes.tryOpen(`${path}/data`);
  if (!main) return undefined;
  const numbers: number[] = [];
  for (const { name } of Deno.readDirSync(path)) {
    const number = /^data\.(\d+)$/.exec(name);
    if (number) numbers.push(Number(number[1]));
  }
  const names = numbers.sort((a, b) => a - b).map((number) => `${path}/data.${number}`);
  main.beside = names.map((name) => {
    const file = FileBytes.tryOpen(name);
    if (!file) {
      throw new BadInputError(`cannot read ${name}, a part of the recording ${path}: permission denied`);
    }
    return file;
  });
  return main;
}
