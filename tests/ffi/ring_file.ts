/** Rings made by hand: files with the layout of a perf ring, which a test fills in the kernel's place. */

import { closeFd, createFile, pageSize, truncate, writeAt } from "../../ffi/pmu.ts";
import { FileBytes } from "../../lib/base/files/file_bytes.ts";
import { KERNEL_LINK } from "../../lib/record/host/procfs.ts";

/** Offsets of struct perf_event_mmap_page: u64 data_head, data_tail. */
const DATA_HEAD = 1024, DATA_TAIL = 1032;

/** A ring of one page in a nameless file. epoll cannot wait for it: a drain looks at it at its interval. */
export class RingFile {
  readonly fd: number;
  readonly size = pageSize();
  readonly #file: FileBytes;
  #head: number;

  /** @param start position of the first record. */
  constructor(start = 0) {
    const path = Deno.makeTempFileSync({ prefix: "pmuctl-ring-" });
    this.fd = createFile(path);
    Deno.removeSync(path);
    truncate(this.fd, 2 * this.size);
    this.#file = FileBytes.tryOpen(`/proc/self/fd/${this.fd}`, KERNEL_LINK)!;
    this.#head = start;
    this.#putWord(DATA_HEAD, start);
    this.#putWord(DATA_TAIL, start);
  }

  /** Appends whole records, and lets the drain see them. */
  put(...records: Uint8Array[]): void {
    for (const record of records) {
      const at = this.#head % this.size, first = record.subarray(0, this.size - at);
      this.#putAt(this.size + at, first);
      this.#putAt(this.size, record.subarray(first.length));
      this.#head += record.length;
    }
    this.#putWord(DATA_HEAD, this.#head);
  }

  /** Position behind the last record. */
  get head(): number {
    return this.#head;
  }

  /** Position up to which the space has been given back. */
  get tail(): number {
    return Number(new DataView(this.#file.read(DATA_TAIL, 8).buffer).getBigUint64(0, true));
  }

  close(): void {
    this.#file.close();
    closeFd(this.fd);
  }

  #putAt(offset: number, bytes: Uint8Array): void {
    if (bytes.length > 0) writeAt(this.fd, bytes.slice(), offset);
  }

  #putWord(offset: number, value: number): void {
    this.#putAt(offset, new Uint8Array(BigUint64Array.of(BigInt(value)).buffer));
  }
}
