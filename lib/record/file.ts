/** The perf.data file of a recording, from its header to its features. */

import { closeFd, createFile, lockFile, PmuError, seek, writeAll } from "../../ffi/pmu.ts";
import { ERRNO } from "../base/errno.ts";
import { UnsupportedError } from "../base/errors.ts";
import { concat } from "../base/bytes.ts";
import { encodeFeatures } from "../perfdata/feature_encoders.ts";
import { encodeFileEnd, encodeFileStart, type FileStart } from "../perfdata/writer.ts";
import { listed, type Opened } from "./opening.ts";
import { type Facts, featuresOf, type Finished, type Sink, writeError } from "./sink.ts";

const OLD = ".old";

export class RecordFile implements Sink {
  #path: string;
  /** Whether a file of that name was there, and waits as FILE.old. */
  readonly #hadOld: boolean;
  readonly #start: FileStart;
  readonly #opened: readonly Opened[];
  /** The descriptor, positioned behind what has been written. */
  readonly fd: number;
  #dataBytes = 0;

  private constructor(path: string, hadOld: boolean, fd: number, opened: readonly Opened[]) {
    this.#path = path;
    this.#hadOld = hadOld;
    this.fd = fd;
    this.#opened = opened;
    this.#start = encodeFileStart(
      listed(opened),
    );
  }

  /**
   * Makes the file, with its header. A file that was there is kept as FILE.old, as perf does. It is locked while it
   * is written: a lock goes with its process, however that ends. Throws UnsupportedError when it cannot be made,
   * or another recorder is writing it.
   */
  static create(path: string, opened: readonly Opened[]): RecordFile {
    let lock: number | undefined;
    try {
      const hadOld = isFile(path);
      if (hadOld) {
        lock = lockFile(path); // so that no other recorder writes to it
        Deno.renameSync(path, path + OLD);
      }
      const file = new RecordFile(path, hadOld, createFile(path), opened);
      file.#write(file.#start.bytes);
      return file;
    } catch (error) {
      if (!(error instanceof PmuError) || error.errno !== ERRNO.EAGAIN) throw writeError(path, error);
      throw new UnsupportedError({
        attempt: `write ${path}`,
        cause: "another recorder is writing it",
        remedy: "name another file with -o, or end the other recording",
      }, error.errno);
    } finally {
      if (lock !== undefined) closeFd(lock);
    }
  }

  /** Offset of the u64 that has to equal the bytes of records. */
  get sizeFieldAt(): number {
    return this.#start.dataSizeAt;
  }

  /** Bytes of records written through `write()`. */
  get dataBytes(): number {
    return this.#dataBytes;
  }

  /** Writes whole records. Throws UnsupportedError. */
  write(records: readonly Uint8Array[]): void {
    const bytes = concat(records);
    try {
      this.#write(bytes);
    } catch (error) {
      throw writeError(this.#path, error);
    }
    this.#dataBytes += bytes.length;
  }

  /**
   * Puts the features behind `dataBytes` bytes of records and completes the header. When that fails (the disk is
   * full) they are left out: the records can be read without.
   */
  finish(dataBytes: number, facts: Facts): Finished {
    const sections = encodeFeatures(featuresOf(facts, this.#opened));
    const { tail, patches } = encodeFileEnd(this.#start.dataOffset, dataBytes, sections);
    const end = this.#start.dataOffset + dataBytes;
    try {
      seek(this.fd, end);
      this.#write(tail);
      for (const { offset, bytes } of patches) {
        seek(this.fd, offset);
        this.#write(bytes);
      }
    } catch (error) {
      if (!(error instanceof PmuError)) throw error;
      return { bytes: end, error };
    }
    return { bytes: end + tail.length };
  }

  /** Gives the file another name; nothing may be there. Throws UnsupportedError. */
  rename(path: string): void {
    try {
      Deno.renameSync(this.#path, path);
    } catch (error) {
      throw writeError(path, error);
    }
    this.#path = path;
  }

  /** Removes the file, and puts back the one that was there before. */
  discard(): void {
    Deno.removeSync(this.#path);
    if (this.#hadOld) Deno.renameSync(this.#path + OLD, this.#path);
  }

  close(): void {
    closeFd(this.fd);
  }

  #write(bytes: Uint8Array<ArrayBuffer>) {
    writeAll(this.fd, bytes);
  }
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
