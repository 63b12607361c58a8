/**
 * Delivery of records in their order: looks up each record's event, sets the cursor for it and counts it. For
 * handlers that take many samples at once, consecutive samples of one event are collected into a run.
 */

import { PERF_RECORD } from "../../base/system/abi.ts";
import type { Cursor, RecordCursor, SampleCursor } from "../format/cursor.ts";
import type { EventTable } from "../format/events.ts";
import { LastCounts, type ReadLayout } from "../format/group_read.ts";
import type { RecordLedger } from "./record_ledger.ts";
import { decodeLost, decodeLostSamples } from "../format/records.ts";
import { setRecord, setSample, setToolRecord, type TimeBase, timeOf } from "./sample.ts";
import { SampleRun } from "./sample_run.ts";
import { BATCH } from "./sorter.ts";
import type { ReadStats } from "./stats.ts";

/** Receiver of records. A cursor is valid only until the call returns. */
export interface RecordHandler {
  /**
   * Takes a sample of a known event. A sample that carries counts (PERF_SAMPLE_READ, `{a,b}:S`) is delivered once for
   * each event whose count has increased, with the increase as its period.
   */
  sample(cursor: SampleCursor): void;
  /**
   * Takes consecutive samples of one event without counts all at once, which is faster. Returns false to get them one
   * by one. A handler without this method gets all samples one by one.
   */
  sampleRun?(run: SampleRun): boolean;
  /**
   * Takes any other record, including those of unknown types and samples whose id belongs to no event; but not
   * FINISHED_ROUND, COMPRESSED (its contents are delivered instead) or the data after AUXTRACE.
   */
  record?(cursor: RecordCursor): void;
}

/**
 * Tag of places without an event index. Records lie at multiples of 8, so the place of a waiting sample carries its
 * event's index in the low three bits, which saves looking it up again. Samples of events with a higher index have
 * this tag, and so do all other records.
 */
export const UNTAGGED = 7;

/** Returns a place without its tag. */
export function positionOf(place: number): number {
  return place - (place & 7);
}

/** Source of the records, and the statistics they are counted in. */
export interface DeliveryParts {
  cursor: Cursor;
  table: EventTable;
  base: TimeBase;
  stats: ReadStats;
  ledger: RecordLedger;
}

/** Delivers records to a handler, and counts them. */
export class Delivery {
  handler: RecordHandler = { sample() {} };
  readonly #cursor: Cursor;
  readonly #table: EventTable;
  readonly #base: TimeBase;
  readonly #stats: ReadStats;
  readonly #ledger: RecordLedger;
  readonly #lastCounts = new LastCounts();
  readonly #run = new SampleRun(BATCH);

  constructor({ cursor, table, base, stats, ledger }: DeliveryParts) {
    this.#cursor = cursor;
    this.#table = table;
    this.#base = base;
    this.#stats = stats;
    this.#ledger = ledger;
  }

  /** Delivers a record of the perf tools. */
  deliverToolRecord(pos: number, type: number, size: number): void {
    this.sizeCounts();
    setToolRecord(this.#cursor, pos, type, size);
    this.handler.record?.(this.#cursor);
  }

  /** Delivers the kernel's records at these places. */
  deliverAll(places: Uint32Array, count: number): void {
    if (this.handler.sampleRun === undefined) {
      for (let i = 0; i < count; i++) this.deliver(places[i]);
      return;
    }
    const run = this.#run, words = run.words;
    for (let i = 0; i < count; i++) {
      const place = places[i], event = place & 7;
      if (event !== run.event) {
        this.#deliverRun();
        if (!this.#beginRun(event)) {
          this.deliver(place);
          continue;
        }
      }
      words[run.count++] = (place >>> 3) << 1;
    }
    this.#deliverRun();
  }

  /** Begins a run of samples of an event. Returns false when these must be delivered one by one. */
  #beginRun(index: number): boolean {
    const event = index < UNTAGGED ? this.#table.events[index] : undefined;
    if (event === undefined || event.read) return false;
    this.#run.begin(index, event);
    return true;
  }

  /** Delivers the current run, if it has samples. */
  #deliverRun(): void {
    const run = this.#run, { words, count } = run;
    if (count === 0) return;
    const cursor = this.#cursor, base = this.#base, event = this.#table.events[run.event];
    const u32 = run.u32 = cursor.u32, time = event.layout.time >>> 2;
    const first = words[0] + time, last = words[count - 1] + time;
    run.firstTime = timeOf(u32[first], u32[first + 1], base);
    run.lastTime = timeOf(u32[last], u32[last + 1], base);
    this.#stats.samplesByEvent[run.event] += count;
    this.#ledger.samples(run);
    if (!this.handler.sampleRun!(run)) {
      for (let i = 0; i < count; i++) {
        setSample(cursor, words[i] * 4, run.event, event, base);
        this.handler.sample(cursor);
      }
    }
    run.count = 0;
  }

  /** Delivers the kernel's record at `place`. */
  deliver(place: number): void {
    const cursor = this.#cursor, table = this.#table, u32 = cursor.u32;
    const tag = place & 7, pos = positionOf(place);
    const word = pos >>> 2;
    if (tag < UNTAGGED || u32[word] === PERF_RECORD.SAMPLE) {
      const index = tag < UNTAGGED ? tag : table.ofSample(u32, pos, u32[word + 1] >>> 16);
      if (index >= 0) {
        const event = table.events[index];
        setSample(cursor, pos, index, event, this.#base);
        if (event.read) return this.#deliverCounts(pos + event.layout.read, event.read);
        this.#stats.samplesByEvent[index]++;
        this.#ledger.sample(cursor.cpu);
        this.handler.sample(cursor);
        return;
      }
      setRecord(cursor, pos, -1, undefined, this.#base);
    } else {
      const index = table.ofRecord(u32, pos, u32[word + 1] >>> 16);
      setRecord(cursor, pos, index, table.events[index], this.#base);
      this.#countLost(cursor);
      this.#ledger.record(cursor);
    }
    if (cursor.event < 0) this.#stats.unknownIds++;
    this.handler.record?.(cursor);
  }

  /** Delivers the cursor's sample once for each event whose count in it has increased, as a sample of that event. */
  #deliverCounts(at: number, read: ReadLayout): void {
    const cursor = this.#cursor, u32 = cursor.u32, stats = this.#stats;
    const members = read.members < 0 ? 1 : u32[(at + read.members) >>> 2];
    const tid = read.byThread ? cursor.tid : -1;
    let word = (at + read.first) >>> 2;
    for (let i = 0; i < members; i++, word += read.stride >>> 2) {
      const id = word + (read.id >>> 2);
      const moved = this.#lastCounts.advance(u32[id], u32[id + 1], tid, u32[word], u32[word + 1]);
      const index = this.#table.ofId(u32, id);
      if (index < 0) stats.unknownIds++;
      if (index < 0 || moved === 0) continue;
      cursor.event = index;
      cursor.period = moved;
      stats.samplesByEvent[index]++;
      this.handler.sample(cursor);
    }
  }

  #countLost(cursor: Cursor): void {
    const stats = this.#stats;
    if (cursor.type === PERF_RECORD.LOST) {
      stats.lost += decodeLost(cursor).lost;
    } else if (cursor.type === PERF_RECORD.LOST_SAMPLES) {
      stats.lostSamples += decodeLostSamples(cursor);
    }
  }

  /** Grows the counts by event to the number of events known by now. */
  sizeCounts(): void {
    const counts = this.#stats.samplesByEvent;
    while (counts.length < this.#table.events.length) counts.push(0);
  }
}
