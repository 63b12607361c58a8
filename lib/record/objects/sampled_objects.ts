/**
 * Finds the objects that the samples of a complete recording are in. Records of one round are in no order, and one may be
 * older than those of the round before (see perfdata/read/sorter.ts). So an address whose mapping has not come yet is
 * looked up once more when the next round is over.
 */

import { PERF_RECORD, PERF_RECORD_MISC, PERF_RECORD_USER } from "../../base/system/abi.ts";
import { addressOf } from "../../base/bytes/address.ts";
import { float64Column, int32Column } from "../../base/bytes/column.ts";
import { BadInputError } from "../../base/system/errors.ts";
import type { FileBytes } from "../../base/files/file_bytes.ts";
import { callchainOffset, RECORD_HEADER_SIZE } from "../../perfdata/format/attr_layout.ts";
import type { EventTable } from "../../perfdata/format/events.ts";
import { decodeMmap2, decodeTask, type RecordBytes } from "../../perfdata/format/records.ts";
import { sampleFits } from "../../perfdata/read/sample.ts";
import { AddressSpaces } from "../../symbols/space/address_space.ts";
import type { ObjectInfo } from "../../symbols/object/objects.ts";

/** Bytes that are read of the file at once. */
const CHUNK = 1 << 20;
/** Slots for the pages that were looked up last; a power of two. */
const RECENT = 1 << 14;
/** Most addresses in code that processes made. */
const MAX_CODE_ADDRESSES = 1_000_000;
/** Addresses of one round that are kept for a second look; so many are garbage of broken call chains. */
const MAX_PENDING = 1 << 17;

/** Objects and times of a recording's samples. */
export interface SampledObjects {
  /** Objects that a sample or one of its callers is in. */
  objects: ObjectInfo[];
  /** Addresses that were hit in code that processes made as they ran, by the process that it belongs to. */
  code: ReadonlyMap<number, ReadonlySet<number>>;
  /** Times of the first and last sample, in ns of the recording's clock; undefined without samples. */
  times: { first: bigint; last: bigint } | undefined;
}

/** Scans the records in [from, to) of `file`, whose events are in `table`. Does not close the file. */
export function findSampledObjects(
  file: FileBytes,
  from: number,
  to: number,
  table: EventTable,
): SampledObjects {
  const scan = new SampledObjectScan(file, table);
  scan.take(from, to);
  return scan.hits;
}

/** Addresses of a round that were in no mapping, and the processes they belong to. */
class UnmappedAddresses {
  readonly pids = int32Column();
  readonly addresses = float64Column();

  add(pid: number, address: number): void {
    this.pids.push(pid);
    this.addresses.push(address);
  }
}

class SampledObjectScan {
  readonly #file: FileBytes;
  readonly #table: EventTable;
  readonly #spaces = new AddressSpaces();
  readonly #buffer = new Uint8Array(CHUNK);
  readonly #words = new Uint32Array(this.#buffer.buffer);
  /**
   * Cache of pages that are mapped, as another sample in one of them adds nothing. A slot, indexed by a hash of its key
   * (page and address space), has both halves of the key, the number of mappings when it was looked up, and what is there:
   * 1 for what adds nothing, or the number of an object of run-time code, of which each address is kept, plus 2.
   */
  readonly #recent = new Int32Array(4 * RECENT);
  /** Number of mappings so far, from 1. Each may be in the place of another. */
  #mappings = 1;
  readonly #hit = new Set<number>();
  readonly #code = new Map<number, Set<number>>();
  #codeAddresses = 0;
  /** Addresses that a mapping may still come for: those of the round before, and of this one. */
  #before = new UnmappedAddresses();
  #pending = new UnmappedAddresses();
  // the address space of the last sample's process, until a mapping or a fork may have changed it
  #pid = -1;
  #space = -1;
  // times of samples in two halves, since a double cannot hold them
  #firstHigh = Infinity;
  #firstLow = 0;
  #lastHigh = -1;
  #lastLow = 0;

  constructor(file: FileBytes, table: EventTable) {
    this.#file = file;
    this.#table = table;
  }

  get hits(): SampledObjects {
    const time = (high: number, low: number) => (BigInt(high) << 32n) | BigInt(low);
    return {
      objects: [...this.#hit].map((id) => this.#spaces.objects.rows[id]),
      code: this.#code,
      times: this.#lastHigh < 0
        ? undefined
        : { first: time(this.#firstHigh, this.#firstLow), last: time(this.#lastHigh, this.#lastLow) },
    };
  }

  take(from: number, to: number): void {
    for (let at = from; at < to;) {
      const got = this.#file.readAt(at, this.#buffer.subarray(0, Math.min(CHUNK, to - at)));
      const taken = this.#records(at, got);
      if (taken === 0) break; // not a whole record: no recorder writes that
      at += taken;
    }
    this.#endRound();
    this.#endRound();
  }

  /** Looks up what the round before left. */
  #endRound(): void {
    const { pids, addresses } = this.#before;
    for (let i = 0; i < pids.length; i++) this.#lookUp(pids.data[i], addresses.data[i]);
    this.#before = this.#pending;
    this.#pending = new UnmappedAddresses();
  }

  /** Scans the whole records at the buffer's start, which is `offset` of the file; returns their bytes. */
  #records(offset: number, bytes: number): number {
    const words = this.#words;
    let pos = 0;
    while (pos + RECORD_HEADER_SIZE <= bytes) {
      const type = words[pos >>> 2], second = words[(pos >>> 2) + 1];
      const size = second >>> 16;
      if (size < RECORD_HEADER_SIZE || size % 8 !== 0 || pos + size > bytes) break;
      if (type === PERF_RECORD.SAMPLE) this.#sample(pos, size);
      else if (type === PERF_RECORD.MMAP2 || type === PERF_RECORD.FORK) {
        this.#record(type, pos, size, second & 0xffff, offset + pos);
      } else if (type === PERF_RECORD_USER.FINISHED_ROUND) this.#endRound();
      pos += size;
    }
    return pos;
  }

  #record(type: number, pos: number, size: number, misc: number, fileOffset: number): void {
    this.#pid = -1;
    const index = this.#table.ofRecord(this.#words, pos, size);
    const trailer = this.#table.events[index]?.layout.trailer.size ?? 0;
    const record: RecordBytes = { u8: this.#buffer, pos, size, misc, trailer, fileOffset };
    try {
      if (type === PERF_RECORD.FORK) {
        const { pid, ppid, tid, ptid } = decodeTask(record);
        this.#spaces.fork(pid, ppid, tid, ptid, (misc & PERF_RECORD_MISC.FORK_EXEC) === 0);
      } else {
        this.#mappings++;
        this.#spaces.mmap(decodeMmap2(record), misc & PERF_RECORD_MISC.CPUMODE_MASK);
      }
    } catch (error) {
      if (!(error instanceof BadInputError)) throw error; // shorter than its struct: a reader reports it
    }
  }

  #sample(pos: number, size: number): void {
    const words = this.#words;
    const index = this.#table.ofSample(words, pos, size);
    if (index < 0) return;
    const { layout } = this.#table.events[index];
    if (layout.tid < 0 || !sampleFits(words, pos, size, layout)) return;
    const pid = words[(pos + layout.tid) >>> 2] | 0;
    if (pid !== this.#pid) {
      this.#pid = pid;
      this.#space = this.#spaces.spaceOf(pid, PERF_RECORD_MISC.USER);
    }
    if (layout.time >= 0) this.#time((pos + layout.time) >>> 2);
    if (layout.ip >= 0) this.#address((pos + layout.ip) >>> 2);
    const chain = callchainOffset(layout, words, pos, size);
    if (chain < 0) return;
    const first = ((pos + chain) >>> 2) + 2;
    const end = first + 2 * words[first - 2];
    for (let word = first; word < end; word += 2) this.#address(word);
  }

  #time(word: number): void {
    const low = this.#words[word], high = this.#words[word + 1];
    if (high < this.#firstHigh || (high === this.#firstHigh && low < this.#firstLow)) {
      this.#firstHigh = high;
      this.#firstLow = low;
    }
    if (high > this.#lastHigh || (high === this.#lastHigh && low > this.#lastLow)) {
      this.#lastHigh = high;
      this.#lastLow = low;
    }
  }

  /** Looks up the address at this word of the buffer, if it is in user space. */
  #address(word: number): void {
    const low = this.#words[word], high = this.#words[word + 1];
    if (high >>> 31 === 1) return;
    // a page of 4096 bytes: bits 12 to 43 in one half of the key, the rest beside the space in the other
    const page = (low >>> 12) | ((high & 0xfff) << 20);
    const rest = (this.#space << 8) | ((high >>> 12) & 0xff);
    const recent = this.#recent;
    const slot = 4 *
      ((Math.imul(page ^ Math.imul(this.#space, 0x85ebca6b), 0x9e3779b1) >>> 16) & (RECENT - 1));
    const isRecent = recent[slot] === page && recent[slot + 1] === rest &&
      recent[slot + 2] === this.#mappings;
    if (isRecent && recent[slot + 3] === 1) return;
    const address = addressOf(low, high);
    if (isRecent) {
      this.#addCode(this.#spaces.objects.rows[recent[slot + 3] - 2].pid, address);
      return;
    }
    const found = this.#lookUp(this.#pid, address);
    if (found < 0) {
      this.#pending.add(this.#pid, address);
      if (this.#pending.pids.length === MAX_PENDING) this.#endRound();
      return;
    }
    recent[slot] = page;
    recent[slot + 1] = rest;
    recent[slot + 2] = this.#mappings;
    recent[slot + 3] = this.#isCode(found) ? found + 2 : 1;
  }

  /** Finds the object at an address, -1 for none, and takes note of it. */
  #lookUp(pid: number, address: number): number {
    const object = this.#spaces.find(pid, address, PERF_RECORD_MISC.USER);
    if (object < 0) return -1;
    this.#hit.add(object);
    if (this.#isCode(object)) this.#addCode(this.#spaces.objects.rows[object].pid, address);
    return object;
  }

  #isCode(object: number): boolean {
    return this.#spaces.objects.rows[object].kind === "jit";
  }

  #addCode(pid: number, address: number): void {
    let addresses = this.#code.get(pid);
    if (addresses === undefined) this.#code.set(pid, addresses = new Set());
    if (addresses.has(address) || this.#codeAddresses === MAX_CODE_ADDRESSES) return;
    addresses.add(address);
    this.#codeAddresses++;
  }
}
