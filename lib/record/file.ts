/** The perf.data file of a recording, from its header to its features. */

import { closeFd, createFile, PmuError, seek, writeAll } from "../../ffi/pmu.ts";
import { encodeFeatures } from "../perfdata/feature_encoders.ts";
import { encodeFileEnd, encodeFileStart, type FileStart } from "../perfdata/writer.ts";
import type { Opened } from "./opening.ts";
import { concat, type Facts, featuresOf, type Sink, writeError } from "./sink.ts";

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
      opened.map(({ attr, places }) => ({ attr, ids: places.map((p) => p.id) })),
    );
  }

  /**
   * Makes the file, with its header. A file that was there is kept as FILE.old, as perf does. Throws
   * UnsupportedError when it cannot be made.
   */
  static create(path: string, opened: readonly Opened[]): RecordFile {
    const hadOld = isFile(path);
    try {
      if (hadOld) Deno.renameSync(path, path + OLD);
      const file = new RecordFile(path, hadOld, createFile(path), opened);
      file.#write(file.#start.bytes);
      return file;
    } catch (error) {
      throw writeError(path, error);
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
   * Puts the features behind `dataBytes` bytes of records and completes the header; gives the size of the
   * whole file. When the disk is full it leaves out what does not fit: the records can be read without.
   */
  finish(dataBytes: number, facts: Facts): number {
    const sections = encodeFeatures(featuresOf(facts, this.#opened));
    const { tail, patches } = encodeFileEnd(this.#start.dataOffset, dataBytes, sections);
    const end = this.#start.dataOffset + dataBytes;
    try {
      seek(this.fd, end);
      this.#write(tail);
    } catch (error) {
      if (!(error instanceof PmuError)) throw error;
      return end;
    }
    for (const { offset, bytes } of patches) {
      seek(this.fd, offset);
      this.#write(bytes);
    }
    return end + tail.length;
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
