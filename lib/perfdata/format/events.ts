/** The events of a recording, and which of them a record belongs to. */

import { PERF_TYPE } from "../../base/system/abi.ts";
import { BadInputError } from "../../base/system/errors.ts";
import type { EventAttr } from "../../events/attr.ts";
import { eventName } from "../../events/name.ts";
import { type AttrLayout, compileLayout } from "./attr_layout.ts";
import { FEATURE, type Features } from "./features.ts";
import { compileRead, type ReadLayout } from "./group_read.ts";
import { IdTable } from "./id_table.ts";
import { tracepointNames } from "./tracing_data.ts";

/** More events than any recorder opens: all tracepoints are some thousands. */
const MAX_EVENTS = 1 << 14;
/** Ids of all events: 500 events on 1000 CPUs have half a million. */
const MAX_IDS = 1 << 22;

/** One event of a recording. */
export interface EventDesc {
  attr: EventAttr;
  /** The kernel's ids of its instances, one a CPU or thread. */
  ids: bigint[];
  /** As the recorder spelled it, else as eventName() does. */
  name: string;
  layout: AttrLayout;
  /** Where samples have counts that are samples of this and other events; undefined when they have none. */
  read?: ReadLayout;
  /** What a sample counts for that does not say: the fixed period, or 1. */
  period: number;
}

/** Makes the description of an event from its attr; `name` defaults to what the attr spells. */
export function describeEvent(attr: EventAttr, ids: bigint[], name = eventName(attr)): EventDesc {
  const fixed = attr.flags.has("freq") ? 1 : Number(attr.samplePeriod) || 1;
  const layout = compileLayout(attr);
  const read = compileRead(layout, attr.flags.has("inherit"));
  return { attr, ids, name, layout, ...read ? { read } : {}, period: fixed };
}

export class EventTable {
  readonly events: EventDesc[] = [];
  readonly #littleEndian: boolean;
  #table = new IdTable();
  /** What EVENT_UPDATE has called an event, by its index. */
  readonly #names = new Map<number, string>();
  /** Names of tracepoints by their number, which is the attr's `config`. */
  readonly #tracepoints = new Map<bigint, string>();
  /** Offset of the id in a sample, -1 when samples have none. */
  #sampleIdAt = -1;
  /** Distance of the id from the end of other records, 0 when they have none. */
  #trailerIdBack = 0;
  /** The id that was looked up last, and its event: the records of one ring come one after the other. */
  #lastLow = 0;
  #lastHigh = 0;
  #lastEvent = 0;

  /** @param littleEndian the order of bytes in which the samples were recorded. */
  constructor(littleEndian = true) {
    this.#littleEndian = littleEndian;
  }

  /** Throws BadInputError for more events, or ids of events, than any recorder has. */
  add(event: EventDesc): void {
    if (this.events.length === MAX_EVENTS) throw tooMany(MAX_EVENTS, "events");
    if (this.#table.size + event.ids.length > MAX_IDS) throw tooMany(MAX_IDS, "ids of events");
    event.layout.tail.swapped = !this.#littleEndian;
    // All events of a file agree on where the id is: without that no reader could tell them apart.
    if (this.events.length === 0) {
      const { identifier, id, trailer } = event.layout;
      this.#sampleIdAt = identifier >= 0 ? identifier : id;
      this.#trailerIdBack = trailer.identifier || trailer.id;
    }
    const index = this.events.push(event) - 1;
    for (const id of event.ids) this.#table.set(id, index);
    this.#lastLow = this.#lastHigh = this.#lastEvent = 0;
  }

  /** Index of the event of the sample at `pos`, `size` bytes long; -1 when its id is not known. */
  ofSample(u32: Uint32Array, pos: number, size: number): number {
    if (this.events.length < 2) return this.events.length - 1;
    const at = this.#sampleIdAt;
    if (at < 0) return 0;
    if (at + 8 > size) return -1;
    return this.#find(u32, (pos + at) >>> 2);
  }

  /** The same for another record, by its trailer. Records without one belong to the first event. */
  ofRecord(u32: Uint32Array, pos: number, size: number): number {
    if (this.events.length < 2) return this.events.length - 1;
    const back = this.#trailerIdBack;
    if (back === 0) return 0;
    if (8 + back > size) return -1;
    return this.#find(u32, (pos + size - back) >>> 2);
  }

  /** Index of the event with the id at `word`, as two halves; -1 when it is not known. */
  ofId(u32: Uint32Array, word: number): number {
    return this.#table.find(u32[word], u32[word + 1]);
  }

  /** Id 0 is what perf gives to the records that it synthesizes: the first event's. */
  #find(u32: Uint32Array, word: number): number {
    const low = u32[word], high = u32[word + 1];
    if (low === this.#lastLow && high === this.#lastHigh) return this.#lastEvent;
    this.#lastLow = low;
    this.#lastHigh = high;
    return this.#lastEvent = (low | high) === 0 ? 0 : this.#table.find(low, high);
  }

  /** Calls the event with this id `name`; an id that no event has is ignored. */
  rename(id: bigint, name: string): void {
    const index = this.#table.find(Number(BigInt.asIntN(32, id)), Number(BigInt.asIntN(32, id >> 32n)));
    if (index < 0 || name === "") return;
    this.#names.set(index, name);
    this.events[index].name = name;
  }

  /** Says what tracepoint `config` is called, `sched:sched_switch`; applyNames() makes use of it. */
  nameTracepoint(config: bigint, name: string): void {
    this.#tracepoints.set(config, name);
  }

  /**
   * Takes names from EVENT_DESC, whose events are in the order of the attrs; where there is none, those that the
   * records gave, those of tracepoints, and what the attr spells with the PMUs' names.
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

  /** Looks up the names of tracepoints that no other part of the recording gives. */
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
