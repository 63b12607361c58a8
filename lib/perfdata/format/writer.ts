/**
 * Encoders of the parts of a perf.data file or pipe that surround the records. The records themselves come from the
 * kernel's rings and from record_encoders.ts, and do not pass through here.
 *
 *     file:  header | room | ids of each event | attrs | records ... | table of features | features
 *     pipe:  header | HEADER_ATTR, HEADER_FEATURE, EVENT_UPDATE records | records ...
 *
 * Layouts: header.ts, room.ts, pipe.ts, and tools/perf/Documentation/perf.data-file-format.txt.
 */

import { PERF_ATTR_SIZE, PERF_RECORD_USER } from "../../base/system/abi.ts";
import { ByteWriter, toCString } from "../../base/bytes/bytes.ts";
import { encodeAttr, type EventAttr } from "../../events/attr.ts";
import { MAX_RECORD_SIZE } from "./attr_layout.ts";
import type { FeatureSection } from "./feature_encoders.ts";
import { FEATURE } from "./features.ts";
import {
  DATA_SIZE_AT,
  FEATURE_BITS,
  FEATURE_BITS_AT,
  FILE_HEADER_SIZE,
  MAGIC,
  PIPE_HEADER_SIZE,
} from "./header.ts";
import { encodeRoom, type PlacedSection, type Room, type RoomPlan } from "./room.ts";

/** Event to list in the header, with the kernel's ids of all its instances. */
export interface WrittenEvent {
  /** Attr that it was opened with. */
  attr: EventAttr;
  /** The kernel's ids of its instances. */
  ids: readonly bigint[];
}

/** Front of a file, before the first record. */
export interface FileStart {
  /**
   * Bytes to write at offset 0. They say "no data yet, no features", so that a killed recorder leaves a readable
   * file.
   */
  bytes: Uint8Array<ArrayBuffer>;
  /** Offset of the first record: the length of `bytes`. */
  dataOffset: number;
  /** Offset of the u64 that must be kept equal to the number of bytes of records written. */
  dataSizeAt: number;
  /** Places of each event's ids. */
  ids: IdPlace[];
  /** Room, when one was planned. */
  room?: Room;
}

/** Size in bytes of an entry of the attrs: the attr, then offset and size of its ids. */
const ATTR_ENTRY_SIZE = PERF_ATTR_SIZE + 16;

/** Contents of the front of a file besides the events. */
export interface FileStartPlan {
  /** Room for what describes the recording. */
  room?: RoomPlan;
  /** Number of ids that may be added to each event. */
  spareIds?: number;
}

/** Encodes the header, room, ids and attrs of a file with these events. */
export function encodeFileStart(
  events: readonly WrittenEvent[],
  { room: plan, spareIds = 0 }: FileStartPlan = {},
): FileStart {
  const room = plan && encodeRoom(plan);
  const idSpace = ({ ids }: WrittenEvent) => (ids.length + spareIds) * 8;
  let idsAt = FILE_HEADER_SIZE + (room?.bytes.length ?? 0);
  const attrsAt = idsAt + events.reduce((sum, event) => sum + idSpace(event), 0);
  const attrsSize = events.length * ATTR_ENTRY_SIZE;
  const dataAt = attrsAt + attrsSize;
  const w = new ByteWriter(dataAt);
  w.raw(new TextEncoder().encode(MAGIC)).u64(FILE_HEADER_SIZE).u64(ATTR_ENTRY_SIZE);
  w.u64(attrsAt).u64(attrsSize); // attrs
  w.u64(dataAt).u64(0); // data
  w.u64(0).u64(0); // event_types
  w.zeros(FEATURE_BITS / 8);
  if (room) w.raw(room.bytes);
  for (const { ids } of events) {
    for (const id of ids) w.u64(id);
    w.zeros(spareIds * 8);
  }
  const ids = events.map((event, i) => {
    w.raw(encodeAttr(event.attr)).u64(idsAt).u64(event.ids.length * 8);
    const place = { at: idsAt, count: event.ids.length, capacity: event.ids.length + spareIds };
    idsAt += idSpace(event);
    return { ...place, sizeAt: attrsAt + (i + 1) * ATTR_ENTRY_SIZE - 8 };
  });
  return { bytes: w.bytes(), dataOffset: w.length, dataSizeAt: DATA_SIZE_AT, ids, ...room && { room } };
}

/** Place of an event's ids in a file. */
export interface IdPlace {
  /** Offset of the first id. */
  at: number;
  /** Number of ids present. */
  count: number;
  /** Number of ids that there is room for. */
  capacity: number;
  /** Offset of the u64 that holds eight times their count. */
  sizeAt: number;
}

/** Returns the writes that add an id to an event, to be done in this order; undefined when there is no room left. */
export function encodeAddedId(
  { at, count, capacity, sizeAt }: IdPlace,
  id: bigint,
): FileEnd["patches"] | undefined {
  if (count === capacity) return undefined;
  return [
    { offset: at + count * 8, bytes: new ByteWriter(8).u64(id).bytes() },
    { offset: sizeAt, bytes: new ByteWriter(8).u64((count + 1) * 8).bytes() },
  ];
}

/** End of a file, which completes it. */
export interface FileEnd {
  /** Bytes to write after the last record. */
  tail: Uint8Array<ArrayBuffer>;
  /** Writes to do afterwards, in this order: features are announced only once they are there. */
  patches: { offset: number; bytes: Uint8Array<ArrayBuffer> }[];
}

/** Upper limit in bytes of encodeFileEnd()'s table of features: an offset and a size for each. */
export const MAX_TABLE_BYTES = 16 * (1 + Math.max(...Object.values(FEATURE)));

/**
 * Encodes the end of a file whose `dataSize` bytes of records begin at `dataOffset`: the table of `sections`, then
 * the payloads of those that are not in the file yet. No two may have the same number.
 */
export function encodeFileEnd(
  dataOffset: number,
  dataSize: number,
  sections: readonly (FeatureSection | PlacedSection)[],
): FileEnd {
  const table = new ByteWriter(sections.length * 16);
  let at = dataOffset + dataSize + sections.length * 16;
  const bitmap = new Uint8Array(FEATURE_BITS / 8);
  const payloads: Uint8Array[] = [];
  for (const section of [...sections].sort((a, b) => a.number - b.number)) { // readers expect the order of their bits
    const { number } = section;
    bitmap[number >>> 3] |= 1 << (number & 7);
    if ("offset" in section) {
      table.u64(section.offset).u64(section.size);
    } else {
      table.u64(at).u64(section.payload.length);
      at += section.payload.length;
      payloads.push(section.payload);
    }
  }
  for (const payload of payloads) table.raw(payload);
  return {
    tail: table.bytes(),
    patches: [
      { offset: DATA_SIZE_AT, bytes: new ByteWriter(8).u64(dataSize).bytes() },
      { offset: FEATURE_BITS_AT, bytes: bitmap },
    ],
  };
}

/** Encodes the header of a pipe. */
export function encodePipeHeader(): Uint8Array<ArrayBuffer> {
  return new ByteWriter(PIPE_HEADER_SIZE).raw(new TextEncoder().encode(MAGIC)).u64(PIPE_HEADER_SIZE).bytes();
}

/** Encodes a PERF_RECORD_HEADER_ATTR: struct { header; struct perf_event_attr attr; u64 id[]; }. */
export function encodeHeaderAttr({ attr, ids }: WrittenEvent): Uint8Array<ArrayBuffer> {
  return toolRecord(PERF_RECORD_USER.HEADER_ATTR, (w) => {
    w.raw(encodeAttr(attr));
    for (const id of ids) w.u64(id);
  });
}

/**
 * Encodes a PERF_RECORD_HEADER_FEATURE: struct { header; u64 feat_id; char data[]; }. Of several with the same
 * number, the last one counts. BUILD_ID has records of its own instead (encodeHeaderBuildId). Throws RangeError when
 * the payload does not fit in a record.
 */
export function encodeHeaderFeature({ number, payload }: FeatureSection): Uint8Array<ArrayBuffer> {
  return toolRecord(PERF_RECORD_USER.HEADER_FEATURE, (w) => {
    w.u64(number).raw(payload);
  });
}

/**
 * Encodes a PERF_RECORD_HEADER_TRACING_DATA: struct { header; u32 size; }, followed by the data, which is not part of
 * the record. Both are padded to a multiple of 8.
 */
export function encodeHeaderTracingData(data: Uint8Array): Uint8Array<ArrayBuffer> {
  const size = Math.ceil(data.length / 8) * 8;
  const record = toolRecord(PERF_RECORD_USER.HEADER_TRACING_DATA, (w) => {
    w.u32(size);
  });
  return new ByteWriter(record.length + size).raw(record).raw(data).zeros(size - data.length).bytes();
}

/** Type of a PERF_RECORD_EVENT_UPDATE that gives a name. */
const EVENT_UPDATE_NAME = 2;

/** Encodes a PERF_RECORD_EVENT_UPDATE, struct { header; u64 type; u64 id; char name[]; }, for the event with `id`. */
export function encodeEventName(id: bigint, name: string): Uint8Array<ArrayBuffer> {
  return toolRecord(PERF_RECORD_USER.EVENT_UPDATE, (w) => {
    w.u64(EVENT_UPDATE_NAME).u64(id).raw(toCString(name));
  });
}

/** Encodes a PERF_RECORD_FINISHED_ROUND: all rings have been drained once more. */
export function encodeFinishedRound(): Uint8Array<ArrayBuffer> {
  return toolRecord(PERF_RECORD_USER.FINISHED_ROUND, () => {});
}

/** Upper limit in bytes of a payload that encodeHeaderFeature() takes. */
export const MAX_FEATURE_BYTES = MAX_RECORD_SIZE - 16;

/** Encodes a record, padded with zeros to a multiple of 8 so that the records after it are aligned. */
function toolRecord(type: number, body: (w: ByteWriter) => void): Uint8Array<ArrayBuffer> {
  const w = new ByteWriter();
  w.u32(type).u16(0).u16(0);
  body(w);
  w.zeros((8 - w.length % 8) % 8);
  if (w.length > MAX_RECORD_SIZE) {
    throw new RangeError(
      `a record of type ${type} would be ${w.length} bytes: ${MAX_RECORD_SIZE} is the most`,
    );
  }
  w.patchU16(6, w.length); // perf_event_header.size
  return w.bytes();
}
