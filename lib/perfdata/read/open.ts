/** Opening of a recording: header, room, events and features, which are read before any record. */

import { type ByteInput, readStream } from "../../base/bytes/byte_source.ts";
import { concat } from "../../base/bytes/bytes.ts";
import { BadInputError } from "../../base/system/errors.ts";
import {
  type DataInput,
  FileSection,
  isSeekable,
  readRange,
  type SeekableInput,
  StreamSection,
} from "./data_input.ts";
import { describeEvent, EventTable } from "../format/events.ts";
import { FEATURE, Features, isDecoded } from "../format/features.ts";
import {
  AGAIN,
  decodeAttrs,
  decodeEventTypes,
  decodeFeatureTable,
  decodeFileHeader,
  decodeIds,
  decodeMagic,
  FILE_HEADER_SIZE,
  type FileHeader,
  type PerfFileSection,
  PIPE_HEADER_SIZE,
  SECTION_SIZE,
} from "../format/header.ts";
import { findInRoom } from "../format/room.ts";
import { counted } from "../../base/text/plural.ts";

/** Limit in bytes of the section of event names: more than any machine has tracepoints. */
const MAX_EVENT_TYPE_BYTES = 1 << 22;

/** Limit in bytes of the events' attrs, and of their ids. Those of 500 events on 1000 CPUs are 4 MB. */
const MAX_EVENT_BYTES = 16 << 20;
/** Limit in bytes of all feature sections that are decoded. The build ids of 50,000 objects are 5 MB. */
const MAX_FEATURE_SECTION_BYTES = 32 << 20;
/** Limit in bytes of all sections after the data of a stream. Those of tracepoints and BPF programs are a few MB. */
const MAX_TAIL_BYTES = 256 << 20;

/** Recording whose front has been read. */
export interface OpenedRecording {
  pipe: boolean;
  littleEndian: boolean;
  table: EventTable;
  features: Features;
  dataOffset: number;
  /** Size in bytes of the records as the header gives it; 0 when it does not. */
  dataSize: number;
  /** Input of the records. */
  data: DataInput;
  /** True when the input is one of a recording's several files, and the others were not given. */
  partial: boolean;
  /** Files with more records, not in order of time with the others. */
  beside: DataInput[];
  /** False when the header rules out compression. A pipe announces it in its records. */
  mayBeCompressed: boolean;
  /** Header of a stream whose features follow the data, and the bytes between the header and the data. */
  late?: { header: FileHeader; front: Uint8Array };
  /** Damage to the features, which does not prevent reading the records first. */
  damage?: BadInputError;
}

/**
 * Reads the front of `input`, and the features that lie at the end of a file. Throws BadInputError when it is not
 * perf.data or its events are damaged.
 */
export function openRecording(input: ByteInput): OpenedRecording {
  return isSeekable(input) ? openFile(input) : openStream(input);
}

function openFile(input: SeekableInput): OpenedRecording {
  const { name } = input;
  const head = readRange(input, 0, FILE_HEADER_SIZE);
  const magic = decodeMagic(head, name);
  if (magic.pipe) {
    return openPipe(magic.littleEndian, new FileSection(input, PIPE_HEADER_SIZE, Infinity));
  }
  const header = decodeFileHeader(head, magic, name);
  const table = readEvents(header, name, input.size, (s) => readRange(input, s.offset, s.size));
  const opened = withEvents(header, table, new FileSection(input, header.data.offset, dataLength(header)));
  opened.beside = (input.beside ?? []).filter(isSeekable).map((file) => new FileSection(file, 0, file.size));
  const bytesOf = (s: PerfFileSection) => readRange(input, s.offset, s.size);
  takeRoom(header, opened, bytesOf);
  takeFeatures(header, input, input.size, opened, bytesOf);
  return opened;
}

function openStream(input: ByteInput): OpenedRecording {
  const { name } = input;
  const first = readStream(input, PIPE_HEADER_SIZE);
  const magic = decodeMagic(first, name);
  if (magic.pipe) {
    return openPipe(magic.littleEndian, new StreamSection(input, PIPE_HEADER_SIZE, Infinity));
  }
  const { headerSize } = magic;
  const head = concat([first, readStream(input, headerSize - PIPE_HEADER_SIZE)]);
  const header = decodeFileHeader(head, magic, name);
  checkEventBytes(header.data.offset, "header and events", name);
  const front = readStream(input, header.data.offset - headerSize);
  const bytesOf = (s: PerfFileSection) => partOf(front, headerSize, s);
  const table = readEvents(header, name, header.data.offset, bytesOf);
  const opened = withEvents(header, table, new StreamSection(input, header.data.offset, dataLength(header)));
  takeRoom(header, opened, bytesOf);
  leaveOutDamaged(opened, name);
  table.applyNames(opened.features);
  if (header.data.size > 0 && header.featureNumbers.length > 0) opened.late = { header, front };
  return opened;
}

/**
 * Returns the range of `bytes`, which lie at `origin` in the file; shorter when it extends beyond them, empty when it
 * starts before them.
 */
function partOf(bytes: Uint8Array, origin: number, { offset, size }: PerfFileSection): Uint8Array {
  const at = offset - origin;
  return at < 0 ? new Uint8Array() : bytes.subarray(at, at + size);
}

/** Adds the features that pmuctl keeps in the room. Those after the data are added later and replace them. */
function takeRoom(
  header: FileHeader,
  { features }: OpenedRecording,
  bytesOf: (section: PerfFileSection) => Uint8Array,
): void {
  if (!header.littleEndian) return; // pmuctl records on little-endian machines only
  for (const { number, payload, offset } of findInRoom(header.data.offset, bytesOf)) {
    features.add(number, payload, offset);
  }
}

function openPipe(littleEndian: boolean, data: DataInput): OpenedRecording {
  return {
    pipe: true,
    littleEndian,
    table: new EventTable(littleEndian),
    features: new Features(littleEndian),
    dataOffset: PIPE_HEADER_SIZE,
    dataSize: 0,
    data,
    beside: [],
    partial: false,
    mayBeCompressed: false,
  };
}

function withEvents(header: FileHeader, table: EventTable, data: DataInput): OpenedRecording {
  return {
    pipe: false,
    littleEndian: header.littleEndian,
    table,
    features: new Features(header.littleEndian),
    dataOffset: header.data.offset,
    dataSize: header.data.size,
    data,
    beside: [],
    partial: false,
    // A recorder that was killed did not get to announce compression.
    mayBeCompressed: header.data.size === 0 || header.featureNumbers.includes(FEATURE.COMPRESSED),
  };
}

/** Returns the length of the data. A recorder that was killed left 0: then everything that is there is data. */
function dataLength(header: FileHeader): number {
  return header.data.size || Infinity;
}

/**
 * Reads the events, their ids and the names of tracepoints. Throws BadInputError when they are damaged, or more than
 * any recorder makes.
 * @param limit offset by which sections must end.
 */
function readEvents(
  header: FileHeader,
  name: string,
  limit: number,
  bytesOf: (section: PerfFileSection) => Uint8Array,
): EventTable {
  const table = new EventTable(header.littleEndian);
  let idBytes = 0;
  checkEventBytes(header.attrs.size, "events", name);
  for (const { attr, ids } of decodeAttrs(header, bytesOf(header.attrs), name)) {
    idBytes += ids.size;
    checkEventBytes(idBytes, "ids of events", name);
    // There cannot be more ids than bytes: without this check, events that all claim the same ids would take time
    // proportional to their product.
    if (idBytes > limit || ids.offset + ids.size > limit) {
      throw new BadInputError(
        `cannot read ${name}: an event's ids (${
          counted(ids.size, "byte")
        } at offset ${ids.offset}) do not fit in it: ${AGAIN}`,
        ids.offset,
      );
    }
    table.add(describeEvent(attr, decodeIds(bytesOf(ids), header.littleEndian)));
  }
  const { offset, size } = header.eventTypes;
  const named = bytesOf({ offset, size: Math.min(size, MAX_EVENT_TYPE_BYTES) });
  for (const [config, event] of decodeEventTypes(named, header.littleEndian)) {
    table.nameTracepoint(config, event);
  }
  return table;
}

function checkEventBytes(bytes: number, what: string, name: string): void {
  if (bytes <= MAX_EVENT_BYTES) return;
  throw new BadInputError(
    `cannot read ${name}: it has ${bytes} bytes of ${what}: the limit is ${
      MAX_EVENT_BYTES >> 20
    } MiB: ${AGAIN}`,
  );
}

/** Reads the features and names the events by them. Damaged ones are omitted, and noted in `opened`. */
function takeFeatures(
  header: FileHeader,
  input: ByteInput,
  limit: number,
  opened: OpenedRecording,
  bytesOf: (section: PerfFileSection) => Uint8Array,
): void {
  const { name } = input;
  opened.damage = readFeatures(header, name, limit, opened.features, bytesOf);
  leaveOutDamaged(opened, name);
  opened.table.applyNames(opened.features);
  if (opened.features.has(FEATURE.DIR_FORMAT) && !input.beside) {
    opened.partial = true;
    opened.damage = new BadInputError(
      `cannot read all of ${name}: it is one of several files of a recording by 'perf record --threads': ` +
        "name the folder that it is in",
      header.data.offset + header.data.size,
    );
  }
}

/** Omits features that end early. Notes it unless other damage was noted before. */
function leaveOutDamaged(opened: OpenedRecording, name: string): void {
  const damaged = opened.features.dropDamaged();
  if (damaged) {
    opened.damage ??= new BadInputError(`cannot read all of ${name}: ${damaged.message}`, damaged.offset);
  }
}

/** Reads the sections that are in the file; one that ends early, up to there. Returns what is wrong with the others. */
function readFeatures(
  { data, featureNumbers, littleEndian }: FileHeader,
  name: string,
  limit: number,
  features: Features,
  bytesOf: (section: PerfFileSection) => Uint8Array,
): BadInputError | undefined {
  if (data.size === 0) return undefined;
  const table = { offset: data.offset + data.size, size: featureNumbers.length * SECTION_SIZE };
  const sections = decodeFeatureTable(bytesOf(table), featureNumbers, littleEndian, table.offset);
  let damage: BadInputError | undefined;
  if (sections.length < featureNumbers.length) {
    damage = new BadInputError(
      `cannot read all of ${name}: it ends within the table of its feature sections, ` +
        `${featureNumbers.length - sections.length} of which are not there`,
      limit,
    );
  }
  // There cannot be more bytes than the file has: without this check, sections that all claim the same bytes would
  // take time proportional to their product.
  let left = BigInt(limit);
  let room = BigInt(MAX_FEATURE_SECTION_BYTES);
  for (const { number, offset, size } of sections) {
    const isThere = size <= left && offset + size <= BigInt(limit);
    if (isThere && !isDecoded(number)) {
      left -= size;
      features.add(number, new Uint8Array(), Number(offset)); // never decoded
      continue;
    }
    if (isThere && size > room) {
      damage ??= new BadInputError(
        `cannot read all of ${name}: feature section ${number} has ${counted(size, "byte")}: ` +
          `the limit for all sections is ${MAX_FEATURE_SECTION_BYTES >> 20} MiB`,
        Number(offset),
      );
      continue;
    }
    if (isThere) {
      left -= size;
      room -= size;
      features.add(number, bytesOf({ offset: Number(offset), size: Number(size) }), Number(offset));
      continue;
    }
    damage ??= new BadInputError(
      `cannot read all of ${name}: it ends before feature section ${number} (${
        counted(size, "byte")
      } at offset ${offset})`,
      offset < BigInt(limit) ? Number(offset) : limit,
    );
  }
  return damage;
}

/**
 * Reads the features after the data of a stream, which has been read up to there, and names the events by them.
 * Damage, or a stream that ends before, is noted in `opened`.
 */
export function readLateFeatures(
  input: ByteInput,
  { header, front }: { header: FileHeader; front: Uint8Array },
  opened: OpenedRecording,
): void {
  const start = header.data.offset + header.data.size;
  const behind = readStream(input, MAX_TAIL_BYTES);
  takeFeatures(
    header,
    input,
    start + behind.length,
    opened,
    (section) =>
      section.offset < start ? partOf(front, header.size, section) : partOf(behind, start, section),
  );
}
