/**
 * Goes through the records of a recording while it is written, a piece at a time, to learn which objects
 * its samples are in, and to tell of each mapping while its process may still live. Records come in the
 * order they were written in, which is that of time but within a round; so an address whose mapping is not
 * there yet is looked up once more at the end of its piece.
 */

import { PERF_RECORD, PERF_RECORD_MISC } from "../base/abi.ts";
import { addressOf } from "../base/address.ts";
import { BadInputError } from "../base/errors.ts";
import type { FileBytes } from "../base/file_bytes.ts";
import { RECORD_HEADER_SIZE } from "../perfdata/attr_layout.ts";
import type { EventTable } from "../perfdata/events.ts";
import { decodeMmap2, decodeTask, type Mmap2, type RecordBytes } from "../perfdata/records.ts";
import { callchainOffset } from "../perfdata/attr_layout.ts";
import { sampleFits } from "../perfdata/sample.ts";
import { AddressSpaces } from "../symbols/address_space.ts";
import type { ObjectInfo } from "../symbols/objects.ts";

/** Told of what the scan comes by. */
export interface ScanListener {
  /** An executable mapping appeared in a process. */
  mapped(map: Mmap2): void;
  /** A process was started by another. */
  forked(pid: number, parent: number): void;
}

const CHUNK = 1 << 20;
/**
 * Of so many samples every caller is looked at, and of every so manieth behind them: by then an object that callers
 * are in has been seen, or matters to next to none, and the recorder has to be cheap. Where each sample itself
 * is (all that perf looks at) is always looked at.
 */
const ALL_CALLERS_OF = 2000;
const CALLERS_OF_EVERY = 32;
/** Slots for the pages that were looked up last; a power of two. */
const RECENT = 1 << 14;
/** Addresses kept for a second look in one piece; more are garbage of broken call chains. */
const MOST_PENDING = 10_000;

export class HitScan {
  readonly #file: FileBytes;
  readonly #table: EventTable;
  readonly #listener: ScanListener;
  readonly #spaces = new AddressSpaces();
  readonly #buffer = new Uint8Array(CHUNK);
  readonly #words = new Uint32Array(this.#buffer.buffer);
  /**
   * Pages that have been looked up, by address space: a sample in one of them tells nothing new. Each in the slot that
   * its key gives: both halves of the key, and 1 where there is one.
   */
  readonly #recent = new Int32Array(3 * RECENT);
  readonly #hit = new Set<number>();
  #pending: { pid: number; address: number }[] = [];
  #at: number;
  #stopped = false;
  #samples = 0;
  // samples of one process follow one another: its space, until a mapping or a process may have changed it
  #pid = -1;
  #space = -1;
  /** Where a sample's address, process and time are, when it is the same place for all events; else undefined. */
  readonly #places: { ip: number; tid: number; time: number; size: number } | undefined;
  // of samples, in ns of the recording's clock: each as two halves, because it takes more than a double holds
  #firstHigh = Infinity;
  #firstLow = 0;
  #lastHigh = -1;
  #lastLow = 0;

  /**
   * @param file the recording; it stays the caller's.
   * @param dataOffset where its records begin.
   */
  constructor(file: FileBytes, dataOffset: number, table: EventTable, listener: ScanListener) {
    this.#file = file;
    this.#at = dataOffset;
    this.#table = table;
    this.#places = samePlaces(table);
    this.#listener = listener;
  }

  /** Takes in the records before offset `end` of the file that have not been yet. */
  advance(end: number): void {
    while (!this.#stopped && this.#at < end) {
      const got = this.#file.readAt(this.#at, this.#buffer.subarray(0, Math.min(CHUNK, end - this.#at)));
      const taken = this.#records(got);
      this.#at += taken;
      // what is there is no whole record: nothing a recorder writes
      if (taken === 0) this.#stopped = true;
    }
    for (const { pid, address } of this.#pending) this.#lookUp(pid, address);
    this.#pending = [];
  }

  /** The objects that samples are in, and their callers (see ALL_CALLERS_OF). */
  hits(): ObjectInfo[] {
    return [...this.#hit].map((id) => this.#spaces.objects.rows[id]);
  }

  /** Times of the first and the last sample, in ns of the recording's clock; undefined without any. */
  times(): { first: bigint; last: bigint } | undefined {
    if (this.#lastHigh < 0) return undefined;
    return {
      first: (BigInt(this.#firstHigh) << 32n) | BigInt(this.#firstLow),
      last: (BigInt(this.#lastHigh) << 32n) | BigInt(this.#lastLow),
    };
  }

  /** The whole records at the buffer's start; gives their bytes. */
  #records(bytes: number): number {
    const words = this.#words;
    const places = this.#places;
    let pos = 0;
    while (pos + RECORD_HEADER_SIZE <= bytes) {
      const type = words[pos >>> 2], second = words[(pos >>> 2) + 1];
      const size = second >>> 16;
      if (size < RECORD_HEADER_SIZE || size % 8 !== 0 || pos + size > bytes) break;
      if (type === PERF_RECORD.SAMPLE) {
        const callers = ++this.#samples <= ALL_CALLERS_OF || this.#samples % CALLERS_OF_EVERY === 0;
        if (callers || !places) this.#sample(pos, size, callers);
        else if (size >= places.size) this.#sampleAt(pos, places.ip, places.tid, places.time);
      } else if (type === PERF_RECORD.MMAP2 || type === PERF_RECORD.FORK) {
        this.#record(type, pos, size, second & 0xffff);
      }
      pos += size;
    }
    return pos;
  }

  #record(type: number, pos: number, size: number, misc: number): void {
    this.#pid = -1;
    const index = this.#table.ofRecord(this.#words, pos, size);
    const trailer = this.#table.events[index]?.layout.trailer.size ?? 0;
    const record: RecordBytes = { u8: this.#buffer, pos, size, misc, trailer, fileOffset: this.#at + pos };
    try {
      if (type === PERF_RECORD.FORK) {
        const { pid, ppid, tid, ptid } = decodeTask(record);
        this.#spaces.fork(pid, ppid, tid, ptid, (misc & PERF_RECORD_MISC.FORK_EXEC) === 0);
        if (pid !== ppid) this.#listener.forked(pid, ppid);
      } else {
        const map = decodeMmap2(record);
        this.#spaces.mmap({ ...map, cpumode: misc & PERF_RECORD_MISC.CPUMODE_MASK });
        this.#listener.mapped(map);
      }
    } catch (error) {
      if (!(error instanceof BadInputError)) throw error; // shorter than its struct: the reader will say so
    }
  }

  #sample(pos: number, size: number, callers: boolean): void {
    const words = this.#words;
    const index = this.#table.ofSample(words, pos, size);
    if (index < 0) return;
    const { layout } = this.#table.events[index];
    if (layout.tid < 0 || !sampleFits(words, pos, size, layout)) return;
    this.#sampleAt(pos, layout.ip, layout.tid, layout.time);
    if (!callers) return;
    const chain = callchainOffset(layout, words, pos, size);
    if (chain < 0) return;
    const first = ((pos + chain) >>> 2) + 2;
    const end = first + 2 * words[first - 2];
    for (let word = first; word < end; word += 2) this.#address(this.#pid, this.#space, word);
  }

  /** The sample itself: when, whose, and where. The offsets are those of its layout. */
  #sampleAt(pos: number, ip: number, tid: number, time: number): void {
    const pid = this.#words[(pos + tid) >>> 2] | 0;
    if (time >= 0) this.#time((pos + time) >>> 2);
    if (pid !== this.#pid) {
      this.#pid = pid;
      this.#space = this.#spaces.spaceOf(pid, PERF_RECORD_MISC.USER);
    }
    if (ip >= 0) this.#address(pid, this.#space, (pos + ip) >>> 2);
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

  /** The address at this word of the buffer, in user space; the kernel is listed whether it is hit or not. */
  #address(pid: number, space: number, word: number): void {
    const low = this.#words[word], high = this.#words[word + 1];
    if (high >>> 31 === 1) return;
    // a page of 4096 bytes: bits 12 to 43 in one half of the key, the rest beside the space in the other
    const page = (low >>> 12) | ((high & 0xfff) << 20);
    const rest = (space << 8) | ((high >>> 12) & 0xff);
    const recent = this.#recent;
    const slot = 3 * ((Math.imul(page ^ Math.imul(space, 0x85ebca6b), 0x9e3779b1) >>> 16) & (RECENT - 1));
    if (recent[slot] === page && recent[slot + 1] === rest && recent[slot + 2] === 1) return;
    recent[slot] = page;
    recent[slot + 1] = rest;
    recent[slot + 2] = 1;
    const address = addressOf(low, high);
    if (!this.#lookUp(pid, address) && this.#pending.length < MOST_PENDING) {
      this.#pending.push({ pid, address });
    }
  }

  #lookUp(pid: number, address: number): boolean {
    const mapping = this.#spaces.find(pid, address, PERF_RECORD_MISC.USER);
    if (mapping < 0) return false;
    this.#hit.add(this.#spaces.objectOf(mapping));
    return true;
  }
}

/** The places that samples of all events have in common; events that are told apart by more than their id have none. */
function samePlaces(
  { events }: EventTable,
): { ip: number; tid: number; time: number; size: number } | undefined {
  const layouts = events.map(({ layout }) => layout).filter(({ ip }) => ip >= 0);
  const [first] = layouts;
  if (!first || first.tid < 0) return undefined;
  const { ip, tid, time } = first;
  if (layouts.some((other) => other.ip !== ip || other.tid !== tid || other.time !== time)) return undefined;
  return { ip, tid, time, size: Math.max(ip, tid, time) + 8 };
}
