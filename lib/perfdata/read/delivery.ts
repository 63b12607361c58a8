/**
 * Hands records out as their turn comes: finds each one's event, sets the cursor for it and counts it. Samples of
 * handlers that take many at once are gathered until something else comes.
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

/** Who gets the records. The cursor is only good until the call returns. */
export interface RecordHandler {
  /**
   * A sample of a known event. One that carries counts (PERF_SAMPLE_READ, `{a,b}:S`) comes once for each event
   * whose count has moved since, with that as its period.
   */
  sample(cursor: SampleCursor): void;
  /**
   * The same for many at once, which is faster: those of events without counts, where nothing else comes between.
   * False to have these one by one. Without it all come so.
   */
  sampleRun?(run: SampleRun): boolean;
  /**
   * Any other record, also of a type that is not known, and samples whose id belongs to no event. Not
   * FINISHED_ROUND, COMPRESSED (what it holds comes instead) nor what follows AUXTRACE.
   */
  record?(cursor: RecordCursor): void;
}

/**
 * Records lie at multiples of 8: the place that a waiting sample is known by has its event's index in the low three
 * bits, to save looking it up again. Samples of events for which that is too few bits have this there, and all other
 * records.
 */
export const UNTAGGED = 7;

/** A place without the event in its low bits. */
export function positionOf(place: number): number {
  return place - (place & 7);
}

/** What records are read from and counted in. */
export interface DeliveryParts {
  cursor: Cursor;
  table: EventTable;
  base: TimeBase;
  stats: ReadStats;
  ledger: RecordLedger;
}

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

  /** Gives a record of the perf tools. */
  giveToolRecord(pos: number, type: number, size: number): void {
    this.sizeCounts();
    setToolRecord(this.#cursor, pos, type, size);
    this.handler.record?.(this.#cursor);
  }

  /** Gives the kernel's records at these places. */
  giveAll(places: Uint32Array, count: number): void {
    if (this.handler.sampleRun === undefined) {
      for (let i = 0; i < count; i++) this.give(places[i]);
      return;
    }
    const run = this.#run, words = run.words;
    for (let i = 0; i < count; i++) {
      const place = places[i], event = place & 7;
      if (event !== run.event) {
        this.#giveRun();
        if (!this.#beginRun(event)) {
          this.give(place);
          continue;
        }
      }
      words[run.count++] = (place >>> 3) << 1;
    }
    this.#giveRun();
  }

  /** Begins a run of samples of an event; false when these have to be given one by one. */
  #beginRun(index: number): boolean {
    const event = index < UNTAGGED ? this.#table.events[index] : undefined;
    if (event === undefined || event.read) return false;
    this.#run.begin(index, event);
    return true;
  }

  /** Gives what there is of a run. */
  #giveRun(): void {
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

  /** Gives the kernel's record at `place`. */
  give(place: number): void {
    const cursor = this.#cursor, table = this.#table, u32 = cursor.u32;
    const tag = place & 7, pos = positionOf(place);
    const word = pos >>> 2;
    if (tag < UNTAGGED || u32[word] === PERF_RECORD.SAMPLE) {
      const index = tag < UNTAGGED ? tag : table.ofSample(u32, pos, u32[word + 1] >>> 16);
      if (index >= 0) {
        const event = table.events[index];
        setSample(cursor, pos, index, event, this.#base);
        if (event.read) return this.#giveCounts(pos + event.layout.read, event.read);
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

  /** Gives the sample under the cursor once for each event whose count in it has moved, as a sample of that event. */
  #giveCounts(at: number, read: ReadLayout): void {
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

  /** Room for the counts of the events there are by now. */
  sizeCounts(): void {
    const counts = this.#stats.samplesByEvent;
    while (counts.length < this.#table.events.length) counts.push(0);
  }
}
