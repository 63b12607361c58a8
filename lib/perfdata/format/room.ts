/**
 * Room: space reserved at the front of a file that pmuctl records, for what describes the recording. Because it
 * exists from the first write on, neither a kill nor a full disk takes it away. It holds the features that are known
 * before the first record, and two slots for the state that changes, written in turn so that one of them is whole at
 * any time. perf never reads the room itself: the header does not refer to it, and the table of features after the
 * records refers to the payloads in it.
 *
 *     104:    char magic[8]; u64 size;         size of the room, which holds all that follows
 *             u64 sections;
 *             struct { u64 offset, size; } build_ids, states[2];
 *             struct { u64 number, offset, size; } section[sections];
 *     ...     the sections | build_ids: entries as in a BUILD_ID section | states
 *
 *     state:  u32 check, length; u64 turn, build_id_bytes; char version[length];   the payload of a VERSION section
 *
 * Offsets are from the start of the file. `check` covers all of the state that follows it.
 */

import { fnv1a } from "../../base/bytes/hash.ts";
import { ByteReader, ByteWriter } from "../../base/bytes/bytes.ts";
import { BadInputError } from "../../base/system/errors.ts";
import type { FeatureSection } from "./feature_encoders.ts";
import { FEATURE } from "./features.ts";
import { FILE_HEADER_SIZE, type PerfFileSection } from "./header.ts";

const MAGIC = "pmuROOM1";
/** Size in bytes of the room before the first section entry. */
const FRONT_SIZE = 72;
/** Size in bytes of a section entry. */
const ENTRY_SIZE = 24;
/** Size in bytes of a state before its payload. */
export const STATE_SIZE = 24;
/** Limits of a room that is read. pmuctl never writes a larger one. */
const MAX_BYTES = 64 * 2 ** 20;
const MAX_SECTIONS = 256;

/** Contents to reserve room for. */
export interface RoomPlan {
  /** Features known before the first record. */
  sections: readonly FeatureSection[];
  /** Bytes to reserve for the entries of a BUILD_ID section. */
  buildIdBytes: number;
  /** Bytes to reserve for the payload of the VERSION section, which holds the ledger. */
  versionBytes: number;
}

/** Feature whose payload is in the file already. */
export interface PlacedSection extends PerfFileSection {
  number: number;
}

/** Encoded room. */
export interface Room {
  /** Bytes to write at FILE_HEADER_SIZE; their number is a multiple of 8. */
  bytes: Uint8Array<ArrayBuffer>;
  sections: PlacedSection[];
  buildIds: PerfFileSection;
  states: readonly [PerfFileSection, PerfFileSection];
}

/** Lays out a room, without a state. */
export function encodeRoom({ sections, buildIdBytes, versionBytes }: RoomPlan): Room {
  let at = FILE_HEADER_SIZE + FRONT_SIZE + ENTRY_SIZE * sections.length;
  const place = (size: number): PerfFileSection => {
    const offset = at;
    at += Math.ceil(size / 8) * 8;
    return { offset, size };
  };
  const placed = sections.map(({ number, payload }) => ({ number, ...place(payload.length) }));
  const buildIds = place(buildIdBytes);
  const states = [place(STATE_SIZE + versionBytes), place(STATE_SIZE + versionBytes)] as const;
  const w = new ByteWriter(at - FILE_HEADER_SIZE);
  w.raw(new TextEncoder().encode(MAGIC)).u64(at - FILE_HEADER_SIZE).u64(sections.length);
  for (const { offset, size } of [buildIds, ...states]) w.u64(offset).u64(size);
  for (const { number, offset, size } of placed) w.u64(number).u64(offset).u64(size);
  for (const { payload } of sections) w.raw(payload).zeros((8 - payload.length % 8) % 8);
  w.zeros(at - FILE_HEADER_SIZE - w.length);
  return { bytes: w.bytes(), sections: placed, buildIds, states };
}

/** State that changes during a recording. */
export interface RoomState {
  /** Sequence number, from 1 up; the state goes into `states[turn % 2]`. */
  turn: number;
  /** Payload of the VERSION section. */
  version: Uint8Array;
  /** Bytes used of the room for build ids. */
  buildIdBytes: number;
}

/** Encodes a state. It fits when the payload is no longer than was planned. */
export function encodeState({ turn, version, buildIdBytes }: RoomState): Uint8Array<ArrayBuffer> {
  const w = new ByteWriter(STATE_SIZE + version.length);
  w.u32(0).u32(version.length).u64(turn).u64(buildIdBytes).raw(version);
  return w.patchU32(0, checkOf(w.bytes())).bytes();
}

/** Returns the place of the VERSION section's payload within a state that was written at `place`. */
export function versionAt({ offset }: PerfFileSection, state: Uint8Array): PlacedSection {
  return { number: FEATURE.VERSION, offset: offset + STATE_SIZE, size: state.length - STATE_SIZE };
}

/** Feature found in a room. */
export interface FoundSection {
  number: number;
  offset: number;
  payload: Uint8Array;
}

/**
 * Returns the features in a file's room; none when there is no room or it is damaged. `bytesOf` returns a range of
 * the file, cut at its end.
 */
export function findInRoom(
  dataOffset: number,
  bytesOf: (section: PerfFileSection) => Uint8Array,
): FoundSection[] {
  try {
    return readRoom(dataOffset, bytesOf);
  } catch (error) {
    if (!(error instanceof BadInputError)) throw error;
    return [];
  }
}

function readRoom(dataOffset: number, bytesOf: (section: PerfFileSection) => Uint8Array): FoundSection[] {
  if (dataOffset < FILE_HEADER_SIZE + FRONT_SIZE) return [];
  const front = new ByteReader(bytesOf({ offset: FILE_HEADER_SIZE, size: FRONT_SIZE }));
  if (front.fixedString(8) !== MAGIC) return [];
  const size = front.size(), sections = front.size();
  if (size > Math.min(MAX_BYTES, dataOffset - FILE_HEADER_SIZE) || sections > MAX_SECTIONS) return [];
  const room = bytesOf({ offset: FILE_HEADER_SIZE, size });
  const r = new ByteReader(room);
  r.take(front.pos);
  const section = (): PerfFileSection => ({ offset: r.size(), size: r.size() });
  const within = ({ offset, size }: PerfFileSection) => {
    const part = new ByteReader(room);
    part.take(offset - FILE_HEADER_SIZE);
    return part.slice(size);
  };
  const buildIds = section();
  const states = [section(), section()].flatMap((place) => stateIn(within(place), place.offset));
  const found = Array.from({ length: sections }, () => {
    const number = r.size(), place = section();
    return { number, offset: place.offset, payload: within(place) };
  });
  const [state] = states.sort((a, b) => b.turn - a.turn);
  if (!state) return found;
  const { version, offset, buildIdBytes } = state;
  found.push({ number: FEATURE.VERSION, offset, payload: version });
  const ids = within({ ...buildIds, size: Math.min(buildIds.size, buildIdBytes) });
  if (ids.length > 0) found.push({ number: FEATURE.BUILD_ID, offset: buildIds.offset, payload: ids });
  return found;
}

/** Decodes the state in `bytes`, at `offset` in the file; none when it was never written, or not completely. */
function stateIn(bytes: Uint8Array, offset: number): (RoomState & { offset: number })[] {
  const r = new ByteReader(bytes);
  const check = r.u32(), length = r.u32(), turn = r.size(), buildIdBytes = r.size();
  if (turn === 0 || length > r.left || check !== checkOf(bytes.subarray(0, STATE_SIZE + length))) return [];
  return [{ turn, version: r.slice(length), buildIdBytes, offset: offset + STATE_SIZE }];
}

/** Returns the hash of all but the first four bytes. It detects incomplete writes, not forgery. */
const checkOf = (bytes: Uint8Array) => fnv1a(bytes, 4);
