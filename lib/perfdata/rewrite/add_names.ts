/**
 * Adds a bundle of names to a complete recording, in place of one that it has. Everything else stays as it is:
 *
 *     file:  header | ... | records | table of features | features, with the names at the end of VERSION
 *     pipe:  header | attrs of the events | VERSION features, each with a part of the names | the rest
 */

import { ByteReader, ByteWriter } from "../../base/bytes/bytes.ts";
import { BadInputError, UnsupportedError } from "../../base/system/errors.ts";
import { writeString } from "../format/feature_encoders.ts";
import { FEATURE, Features } from "../format/features.ts";
import {
  AGAIN,
  decodeFeatureTable,
  decodeFileHeader,
  decodeMagic,
  FEATURE_BITS_AT,
  FILE_HEADER_SIZE,
  type FileHeader,
  PIPE_HEADER_SIZE,
  SECTION_SIZE,
} from "../format/header.ts";
import { findInRoom } from "../format/room.ts";
import { encodeHeaderFeature } from "../format/writer.ts";
import { PERF_RECORD_USER } from "../../base/system/abi.ts";
import { encodeNamesPart, namesOffset, namesParts } from "../own/names_part.ts";
import { pipedNamesParts } from "./piped_names.ts";
import { readRange, type SeekableInput } from "../read/data_input.ts";

/** Bytes that are copied at once. */
const CHUNK = 1 << 20;
/** Size in bytes of a HEADER_FEATURE record before its payload. */
const FEATURE_HEADER = 16;

/**
 * Returns the bytes of the recording `input` with `names` (an encoded bundle), in pieces. Throws UnsupportedError if it
 * is not complete, and BadInputError if it is damaged.
 */
export function withNames(input: SeekableInput, names: Uint8Array): Iterable<Uint8Array> {
  const { name } = input;
  const head = readRange(input, 0, FILE_HEADER_SIZE), magic = decodeMagic(head, name);
  if (magic.pipe) return pipeWithNames(input, magic.littleEndian, names);
  const header = decodeFileHeader(head, magic, name);
  if (header.data.size === 0 || magic.headerSize !== FILE_HEADER_SIZE) {
    const cause = header.data.size === 0
      ? "its recorder was killed before it wrote where the records end"
      : "it was written by one of perf's first versions, without features";
    throw new UnsupportedError({ attempt: `add names to ${name}`, cause, remedy: "record again" });
  }
  return fileWithNames(input, header, names);
}

/** Feature section, and where it is in the file. */
interface FoundSection {
  number: number;
  offset: number;
  size: number;
  /** Contents, if they are to be others than those in the file. */
  payload?: Uint8Array;
}

function* fileWithNames(input: SeekableInput, header: FileHeader, names: Uint8Array): Generator<Uint8Array> {
  const { littleEndian } = header, end = header.data.offset + header.data.size;
  const sections = sectionsOf(input, header);
  const version = sections.find(({ number }) => number === FEATURE.VERSION);
  const payload = versionWithNames(versionOf(input, header, version), littleEndian, names);
  if (version) version.payload = payload;
  else sections.push({ number: FEATURE.VERSION, offset: end, size: 0, payload });
  sections.sort((a, b) => a.number - b.number); // readers expect the order of their bits
  const table = new ByteWriter(sections.length * SECTION_SIZE, littleEndian);
  let at = end + sections.length * SECTION_SIZE;
  const moved = sections.filter((each) => each.payload !== undefined || each.offset >= end);
  for (const each of sections) {
    const size = each.payload?.length ?? each.size;
    const stays = !moved.includes(each);
    table.u64(stays ? each.offset : at).u64(size);
    if (!stays) at += size;
  }
  const front = readRange(input, 0, FILE_HEADER_SIZE);
  if (!version) front[FEATURE_BITS_AT + bitByte(FEATURE.VERSION, littleEndian)] |= 1 << (FEATURE.VERSION & 7);
  yield front;
  yield* copy(input, FILE_HEADER_SIZE, end);
  yield table.bytes();
  for (const { payload, offset, size } of moved) {
    if (payload) yield payload;
    else yield* copy(input, offset, offset + size);
  }
}

/** Returns the place in the bitmap, an array of u64, of the byte with a feature's bit. */
function bitByte(number: number, littleEndian: boolean): number {
  const byte = number >>> 3;
  return littleEndian ? byte : (byte & ~7) + 7 - (byte & 7);
}

function sectionsOf(
  input: SeekableInput,
  { data, featureNumbers, littleEndian }: FileHeader,
): FoundSection[] {
  const end = data.offset + data.size;
  const table = readRange(input, end, featureNumbers.length * SECTION_SIZE);
  const sections = decodeFeatureTable(table, featureNumbers, littleEndian, end);
  if (sections.length < featureNumbers.length) {
    throw new BadInputError(
      `cannot add names to ${input.name}: it ends within its table of features: ${AGAIN}`,
      end,
    );
  }
  return sections.map(({ number, offset, size }) => {
    if (offset + size > BigInt(input.size)) {
      throw new BadInputError(
        `cannot add names to ${input.name}: it ends before feature section ${number}: ${AGAIN}`,
        end,
      );
    }
    return { number, offset: Number(offset), size: Number(size) };
  });
}

/** Returns the payload of the VERSION section; that of the room if the recorder was killed; empty if there is none. */
function versionOf(input: SeekableInput, header: FileHeader, section: FoundSection | undefined): Uint8Array {
  if (section) return readRange(input, section.offset, section.size);
  if (!header.littleEndian) return new Uint8Array();
  const room = findInRoom(header.data.offset, ({ offset, size }) => readRange(input, offset, size));
  return room.find(({ number }) => number === FEATURE.VERSION)?.payload ?? new Uint8Array();
}

/** Returns the payload of a VERSION section with these names behind its strings. */
function versionWithNames(payload: Uint8Array, littleEndian: boolean, names: Uint8Array): Uint8Array {
  const w = new ByteWriter(payload.length + names.length + 256, littleEndian);
  const strings = payload.subarray(0, namesOffset(payload, littleEndian));
  w.raw(strings);
  for (let count = countStrings(strings, littleEndian); count < 2; count++) writeString(w, "");
  for (const part of namesParts(names)) encodeNamesPart(w, part);
  return w.bytes();
}

/** Returns how many strings a payload has, 2 at most. */
function countStrings(payload: Uint8Array, littleEndian: boolean): number {
  const r = new ByteReader(payload, littleEndian);
  for (let count = 0;; count++) {
    if (count === 2 || r.left === 0) return count;
    r.take(r.u32());
  }
}

function* pipeWithNames(
  input: SeekableInput,
  littleEndian: boolean,
  names: Uint8Array,
): Generator<Uint8Array> {
  if (!littleEndian) {
    throw new UnsupportedError({
      attempt: `add names to ${input.name}`,
      cause: "it is a pipe's recording from a big-endian machine",
      remedy: "record into a file there",
    });
  }
  const at = behindAttrs(input); // before the first feature, at which `perf evlist` stops
  yield* copy(input, 0, at);
  // the records that describe the recording follow, and replace this version
  for (const payload of pipedNamesParts(names, "")) {
    yield encodeHeaderFeature({ number: FEATURE.VERSION, payload });
  }
  yield* copy(input, behindNames(input, at), input.size);
}

/** Returns where the records with the attrs of a pipe's events end. */
function behindAttrs(input: SeekableInput): number {
  for (let at = PIPE_HEADER_SIZE;;) {
    const { type, size } = recordAt(input, at);
    if (type !== PERF_RECORD_USER.HEADER_ATTR || at + size > input.size) return at;
    at += size;
  }
}

/** Returns where the records begin, from `from` on, that are not names added here before. */
function behindNames(input: SeekableInput, from: number): number {
  for (let at = from;;) {
    const { type, size, feature } = recordAt(input, at);
    if (type !== PERF_RECORD_USER.HEADER_FEATURE || feature !== FEATURE.VERSION) return at;
    const payload = readRange(input, at + FEATURE_HEADER, size - FEATURE_HEADER);
    const features = new Features();
    features.add(FEATURE.VERSION, payload);
    if (namesOffset(payload, true) === payload.length || features.version !== "") return at;
    at += size;
  }
}

/** Returns what a record in a pipe is, and which feature if it is one; type 0 for none. */
function recordAt(input: SeekableInput, at: number): { type: number; size: number; feature: number } {
  const r = new ByteReader(readRange(input, at, FEATURE_HEADER));
  if (r.left < FEATURE_HEADER) return { type: 0, size: 0, feature: 0 };
  const type = r.u32();
  r.u16();
  const size = r.u16();
  return size < FEATURE_HEADER ? { type: 0, size, feature: 0 } : { type, size, feature: Number(r.u64()) };
}

function* copy(input: SeekableInput, from: number, to: number): Generator<Uint8Array> {
  for (let at = from; at < to;) {
    const bytes = readRange(input, at, Math.min(CHUNK, to - at));
    if (bytes.length === 0) throw new BadInputError(`cannot read all of ${input.name}: it was cut short`, at);
    yield bytes;
    at += bytes.length;
  }
}
