/** Reader of small values anywhere in a section. */

import type { ByteWindows } from "../../object/windows.ts";
import { LineReader } from "../dwarf_line_header.ts";

/** Bytes that are read at once of a section that is not in memory. */
const WINDOW = 4096;

/** Reader of a section that holds a window on what was read last; on all of it if it is in memory. */
export class SectionReader {
  readonly size: number;
  readonly #bytes: ByteWindows;
  readonly #littleEndian: boolean;
  #r: LineReader;
  #from = 0;
  #to = 0;

  constructor(bytes: ByteWindows, littleEndian: boolean) {
    this.size = bytes.size;
    this.#bytes = bytes;
    this.#littleEndian = littleEndian;
    this.#r = this.#window(0, bytes.held ? bytes.size : 0);
  }

  /**
   * Returns a reader of the bytes from `at` on, of which `most` can be read; past the end of the section they are zero.
   * It is valid until the next call.
   */
  at(at: number, most: number): LineReader {
    const from = at >= 0 && at < this.size ? at : this.size;
    if (from < this.#from || Math.min(from + most, this.size) > this.#to) {
      this.#r = this.#window(from, WINDOW);
    }
    this.#r.pos = from - this.#from;
    return this.#r;
  }

  #window(from: number, length: number): LineReader {
    this.#from = from;
    this.#to = Math.min(from + length, this.size);
    return new LineReader(this.#bytes.window(from, length), this.#littleEndian);
  }
}
