/**
 * The moment between two outputs, in which it is read what runs: what comes meanwhile goes into a file without a
 * name, and from there behind what was read. Else nobody would empty the rings, and they would overflow.
 */

import {
  closeFd,
  type Drain,
  PmuError,
  readPipe,
  type RingStats,
  seek,
  type SeenRecords,
  writeAll,
} from "../../../ffi/pmu.ts";
import { namelessFile } from "./nameless_file.ts";
import { type Rings, takeOver } from "../rings/rings.ts";

const CHUNK = 1 << 20;

/** What came in a gap: bytes, what each ring has seen, and what they tell of what runs. */
export interface SpooledRecords {
  bytes: number;
  stats: RingStats[];
  seen: SeenRecords;
}

export class HandoverSpool {
  readonly #fd: number;
  readonly #drain: Drain;

  private constructor(fd: number, drain: Drain) {
    this.#fd = fd;
    this.#drain = drain;
  }

  /** A gap between files like `output`, to be started when the first one ends; undefined where none can be made. */
  static open(output: string, rings: Rings): HandoverSpool | undefined {
    let fd: number | undefined;
    try {
      fd = namelessFile(output);
      return new HandoverSpool(fd, takeOver({ fd, sizeFieldAt: undefined, spare: 0 }, rings));
    } catch {
      if (fd !== undefined) closeFd(fd);
      return undefined; // then the rings have to do
    }
  }

  start(): void {
    this.#drain.start();
  }

  /**
   * Ends it, and writes what came to the position of `fd`. What cannot be written is not there at all, and
   * counted as dropped.
   */
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

  /** Lets go of the rings and the file. */
  free(): void {
    this.#drain.free();
    closeFd(this.#fd);
  }
}
