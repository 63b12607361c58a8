/** Events of a recording, and the lookup from a record to its event. */

import { PERF_TYPE } from "../../base/system/abi.ts";
import { BadInputError } from "../../base/system/errors.ts";
import type { EventAttr } from "../../events/attr.ts";
import { eventName } from "../../events/name.ts";
import { type AttrLayout, compileLayout } from "./attr_layout.ts";
import { FEATURE, type Features } from "./features.ts";
import { compileRead, type ReadLayout } from "./group_read.ts";
import { IdTable } from "./id_table.ts";
import { tracepointNames } from "./tracing_data.ts";

/** Upper limit of events. All tracepoints together are a few thousand. */
const MAX_EVENTS = 1 << 14;
/** Upper limit of ids over all events. 500 events on 1000 CPUs have half a million. */
const MAX_IDS = 1 << 22;

/** One event of a recording. */
export interface EventDesc {
  attr: EventAttr;
  /** The kernel's ids of its instances, one for each CPU or thread. */
  ids: bigint[];
  /** Name as the recorder spelled it, otherwise as eventName() does. */
  name: string;
  layout: AttrLayout;
  /** Layout of the counts in its samples (PERF_SAMPLE_READ); undefined when they carry none. */
  read?: ReadLayout;
  /** Period of samples that carry none: the fixed period, or 1. */
  period: number;
}

/** Describes an event by its attr; `name` defaults to what the attr spells. */
export function describeEvent(attr: EventAttr, ids: bigint[], name = eventName(attr)): EventDesc {
  const fixed = attr.flags.has("freq") ? 1 : Number(attr.samplePeriod) || 1;
  const layout = compileLayout(attr);
  const read = compileRead(layout, attr.flags.has("inherit"));
  return { attr, ids, name, layout, ...read ? { read } : {}, period: fixed };
}

/** Table of a recording's events, by the ids in its records. */
export class EventTable {
  readonly events: EventDesc[] = [];
  readonly #littleEndian: boolean;
  #table = new IdTable();
  /** Names given by EVENT_UPDATE, by index of the event. */
  readonly #names = new Map<number, string>();
  /** Names of tracepoints by their number, the attr's `config`. */
  readonly #tracepoints = new Map<bigint, string>();
  /** Offset of the id in a sample; -1 when samples have none. */
  #sampleIdAt = -1;
  /** Distance in bytes of the id from the end of other records; 0 when they have none. */
  #trailerIdBack = 0;
  /** Most recent lookup: the id and its event. Records of one ring come in a row, so this hits most of the time. */
  #lastLow = 0;
  #lastHigh = 0;
  #lastEvent = 0;

  /** @param littleEndian byte order of the machine that recorded the samples. */
  constructor(littleEndian = true) {
    this.#littleEndian = littleEndian;
  }

  /** Adds an event. Throws BadInputError when there are more events or ids than any recorder makes. */
  add(event: EventDesc): void {
    if (this.events.length === MAX_EVENTS) throw tooMany(MAX_EVENTS, "events");
    if (this.#table.size + event.ids.length > MAX_IDS) throw tooMany(MAX_IDS, "ids of events");
    event.layout.tail.swapped = !this.#littleEndian;
    // All events of a file have their id at the same offset; otherwise no reader could tell them apart.
    if (this.events.length === 0) {
      const { identifier, id, trailer } = event.layout;
      this.#sampleIdAt = identifier >= 0 ? identifier : id;
      this.#trailerIdBack = trailer.identifier || trailer.id;
    }
    const index = this.events.push(event) - 1;
    for (const id of event.ids) this.#table.set(id, index);
    this.#lastLow = this.#lastHigh = this.#lastEvent = 0;
  }

  /** Returns the index of the event of the sample at `pos`, `size` bytes long; -1 when its id is unknown. */
  ofSample(u32: Uint32Array, pos: number, size: number): number {
    if (this.events.length < 2) return this.events.length - 1;
    const at = this.#sampleIdAt;
    if (at < 0) return 0;
    if (at + 8 > size) return -1;
    return this.#find(u32, (pos + at) >>> 2);
  }

  /**
   * Returns the index of the event of a record other than a sample, by its trailer; -1 when its id is unknown.
   * Records without a trailer belong to the first event.
   */
  ofRecord(u32: Uint32Array, pos: number, size: number): number {
    if (this.events.length < 2) return this.events.length - 1;
    const back = this.#trailerIdBack;
    if (back === 0) return 0;
    if (8 + back > size) return -1;
    return this.#find(u32, (pos + size - back) >>> 2);
  }

  /** Returns the index of the event with the id at `word`, as two halves; -1 when it is unknown. */
  ofId(u32: Uint32Array, word: number): number {
    return this.#table.find(u32[word], u32[word + 1]);
  }

  /** Looks up the id at `word`. perf gives synthesized records id 0, which stands for the first event. */
  #find(u32: Uint32Array, word: number): number {
    const low = u32[word], high = u32[word + 1];
    if (low === this.#lastLow && high === this.#lastHigh) return this.#lastEvent;
    this.#lastLow = low;
    this.#lastHigh = high;
    return this.#lastEvent = (low | high) === 0 ? 0 : this.#table.find(low, high);
  }

  /** Renames the event with this id; an id that no event has is ignored. */
  rename(id: bigint, name: string): void {
    const index = this.#table.find(Number(BigInt.asIntN(32, id)), Number(BigInt.asIntN(32, id >> 32n)));
    if (index < 0 || name === "") return;
    this.#names.set(index, name);
    this.events[index].name = name;
  }

  /** Records the name of tracepoint `config`, such as `sched:sched_switch`, for applyNames(). */
  nameTracepoint(config: bigint, name: string): void {
    this.#tracepoints.set(config, name);
  }

  /**
   * Applies names to the events: from EVENT_DESC, whose events are in the order of the attrs; otherwise from EVENT_UPDATE
   * records, tracepoint names, and finally from the attr and the PMUs' names.
   */
  applyNames(features: Features): void {
    const described = features.eventDesc ?? [];
    const pmus = features.pmuMappings;
    this.#readTracingData(described, features);
    this.events.forEach((event, i) => {
      event.name = described[i]?.name || this.#names.get(i) || this.#tracepointName(event.attr) ||
        eventName(event.attr, pmus);
    });
  }

  /** Reads the names of tracepoints that no other part of the recording gives. */
  #readTracingData(described: readonly unknown[], features: Features): void {
    const section = features.raw(FEATURE.TRACING_DATA);
    const nameless = this.events.some(({ attr }, i) =>
      attr.type === PERF_TYPE.TRACEPOINT && !described[i] && !this.#names.has(i) &&
      !this.#tracepoints.has(attr.config)
    );
    if (!section || !nameless) return;
    for (const [config, name] of tracepointNames(section)) this.#tracepoints.set(config, name);
  }

  #tracepointName({ type, config }: EventAttr): string | undefined {
    return type === PERF_TYPE.TRACEPOINT ? this.#tracepoints.get(config) : undefined;
  }
}

function tooMany(most: number, what: string): BadInputError {
  return new BadInputError(`cannot read the recording: it has more than ${most} ${what}`);
}
