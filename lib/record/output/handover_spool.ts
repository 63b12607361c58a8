/**
 * Keeps the rings from overflowing while a recording changes files: /proc is read for the front of the next file, and
 * the records that arrive meanwhile are spooled into a nameless file, then copied behind that front.
 */

import {
  closeFd,
  PmuError,
  readPipe,
  type RingStats,
  seek,
  type SeenRecords,
  writeAll,
} from "../../../ffi/pmu.ts";
import { namelessFile } from "./nameless_file.ts";
import { type RingDrain, type Rings, takeOver } from "../rings/rings.ts";

const CHUNK = 1 << 20;

/** Records that were spooled between two files. */
export interface SpooledRecords {
  bytes: number;
  /** Counters of each ring. */
  stats: RingStats[];
  /** Mappings and forks among the records. */
  seen: SeenRecords;
}

/** Spool of one change of files. */
export class HandoverSpool {
  readonly #fd: number;
  readonly #drain: RingDrain;

  private constructor(fd: number, drain: RingDrain) {
    this.#fd = fd;
    this.#drain = drain;
  }

  /** Makes a spool in the folder of `output`, to be started when the first file ends; undefined where that fails. */
  static open(output: string, rings: Rings): HandoverSpool | undefined {
    let fd: number | undefined;
    try {
      fd = namelessFile(output);
      return new HandoverSpool(fd, takeOver({ fd, sizeFieldAt: undefined, spare: 0 }, rings));
    } catch {
      if (fd !== undefined) closeFd(fd);
      return undefined; // then the rings have to be large enough
    }
  }

  /** Begins to take records from the rings. */
  start(): void {
    this.#drain.start();
  }

  /** Stops spooling, and copies the records to the position of `fd`: all, or none, which are then counted as dropped. */
  async endInto(fd: number): Promise<SpooledRecords> {
    await this.#drain.stop();
    const stats = this.#drain.stats();
    const seen = this.#drain.takeSeen();
    const at = seek(fd, 0, "current");
    try {
      await this.#copy(fd);
      return { bytes: this.#drain.written, stats, seen };
    } catch (error) {
      if (!(error instanceof PmuError)) throw error;
      seek(fd, at);
      const dropped = stats.map((ring) => ({ ...ring, dropbuf: 1, dropbufSample: ring.samples }));
      return { bytes: 0, stats: dropped, seen };
    }
  }

  async #copy(fd: number): Promise<void> {
    const chunk = new Uint8Array(CHUNK);
    seek(this.#fd, 0);
    for (let left = this.#drain.written; left > 0;) {
      const n = Math.min(await readPipe(this.#fd, chunk), left);
      if (n === 0) break;
      writeAll(fd, chunk.subarray(0, n));
      left -= n;
    }
  }

  /** Frees the rings and the file. */
  free(): void {
    this.#drain.free();
    closeFd(this.#fd);
  }
}
