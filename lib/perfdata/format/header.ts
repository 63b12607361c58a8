/**
 * The header of a perf.data file or pipe. Layout: tools/perf/Documentation/perf.data-file-format.txt, and for what perf
 * up to Linux 3.2 wrote, tools/perf/util/header.c of that time and the checks for it in today's.
 *
 *     struct perf_header {                      struct perf_pipe_file_header {
 *       char magic[8];  "PERFILE2"                u64 magic;
 *       u64 size;       104                       u64 size;   16
 *       u64 attr_size;                          };
 *       struct perf_file_section attrs;
 *       struct perf_file_section data;
 *       struct perf_file_section event_types;   struct perf_file_section { u64 offset; u64 size; };
 *       u64 flags[4];   bitmap of features
 *     };
 *
 * A big-endian recorder writes the magic as `2ELIFREP`. perf up to Linux 3.2 wrote `PERFFILE` on machines of either byte
 * order, which the size of the header tells apart; its first versions had no `flags`, and a header of 72 bytes. The
 * section of event types (perf up to 3.10) holds `struct { u64 config; char name[64]; }` for each event.
 */

import { ByteReader } from "../../base/bytes/bytes.ts";
import { BadInputError } from "../../base/system/errors.ts";
import { decodeAttr, type EventAttr } from "../../events/attr.ts";
import { counted } from "../../base/text/plural.ts";

/** Size in bytes of the header of a file. */
export const FILE_HEADER_SIZE = 104;
/** Size in bytes of the header of a pipe. */
export const PIPE_HEADER_SIZE = 16;
/** Size in bytes of the file header of perf's first versions, which had no feature bitmap. */
const OLD_HEADER_SIZE = 72;
/** Offset in the file header of the data size, which a recorder fills in at the end. */
export const DATA_SIZE_AT = 48;
/** Offset in the file header of the feature bitmap, which a recorder fills in at the end. */
export const FEATURE_BITS_AT = 72;
/** Number of bits in the feature bitmap. */
export const FEATURE_BITS = 256;
/** Size in bytes of a struct perf_file_section. */
export const SECTION_SIZE = 16;
/** Magic as a little-endian recorder writes it. */
export const MAGIC = "PERFILE2";
/** Magic of perf up to Linux 3.2, in either byte order. */
const OLD_MAGIC = "PERFFILE";
/** Size in bytes of an entry in the section of event types. */
const EVENT_TYPE_SIZE = 72;
/** Size in bytes of the name in such an entry. */
const EVENT_TYPE_NAME_SIZE = 64;

/** Range of bytes in the file (struct perf_file_section). */
export interface PerfFileSection {
  offset: number;
  size: number;
}

/** Decoded magic and header size: the first 16 bytes of a file or pipe. */
export interface Magic {
  pipe: boolean;
  littleEndian: boolean;
  /** Size in bytes of the header to decode: PIPE_HEADER_SIZE, FILE_HEADER_SIZE, or less in old files. */
  headerSize: number;
}

/** Fixed header at the front of a perf.data file. */
export interface FileHeader {
  /** Size in bytes. */
  size: number;
  littleEndian: boolean;
  /** Size in bytes of an entry of `attrs`: the attr and the section of its ids. */
  attrSize: number;
  attrs: PerfFileSection;
  /** Section of the records. Its size is 0 when the recorder was killed before it could write it. */
  data: PerfFileSection;
  /** Section of event names, in files of perf up to Linux 3.10; see decodeEventTypes(). */
  eventTypes: PerfFileSection;
  /** Numbers of the features whose sections follow the data, ascending. */
  featureNumbers: number[];
}

/** Remedy for a recording that was damaged on its way here, or when it was made. */
export const AGAIN = "copy it again, or record again";

/**
 * Decodes the first PIPE_HEADER_SIZE bytes of `name`: the byte order, and whether a pipe's records or the rest of a
 * file's header follow. Throws BadInputError when it is not perf.data.
 */
export function decodeMagic(bytes: Uint8Array, name: string): Magic {
  const magic = String.fromCharCode(...bytes.subarray(0, 8));
  const swapped = [...MAGIC].reverse().join("");
  if (magic !== MAGIC && magic !== swapped && magic !== OLD_MAGIC) {
    throw new BadInputError(`cannot read ${name}: ${whatItIs(bytes)}`, 0);
  }
  checkLength(bytes, PIPE_HEADER_SIZE, name);
  const sizeAs = (littleEndian: boolean) => {
    const r = new ByteReader(bytes, littleEndian, `the header of ${name}`);
    r.take(8);
    return r.u64();
  };
  const isOld = magic === OLD_MAGIC;
  const littleEndian = isOld ? isKnownSize(sizeAs(true)) : magic === MAGIC;
  const size = sizeAs(littleEndian);
  // A later perf may append fields to the header, but keeps those known here.
  if (!isKnownSize(size) && (isOld || size < FILE_HEADER_SIZE)) {
    throw new BadInputError(
      `cannot read ${name}: its header gives its own size as ${counted(size, "byte")}: ` +
        `expected ${FILE_HEADER_SIZE} (a file) or ${PIPE_HEADER_SIZE} (a pipe): ${AGAIN}`,
      8,
    );
  }
  return {
    pipe: size === BigInt(PIPE_HEADER_SIZE),
    littleEndian,
    headerSize: Number(size < FILE_HEADER_SIZE ? size : FILE_HEADER_SIZE),
  };
}

function checkLength(bytes: Uint8Array, length: number, name: string): void {
  if (bytes.length >= length) return;
  const there = counted(bytes.length, "byte");
  throw new BadInputError(
    `cannot read ${name}: it ends within its header, after ${there}: ${AGAIN}`,
    bytes.length,
  );
}

function isKnownSize(size: bigint): boolean {
  return [PIPE_HEADER_SIZE, OLD_HEADER_SIZE, FILE_HEADER_SIZE].some((known) => size === BigInt(known));
}

/** Decodes the header of a file from its first `headerSize` bytes. Throws BadInputError when there are fewer. */
export function decodeFileHeader(
  bytes: Uint8Array,
  { littleEndian, headerSize }: Magic,
  name: string,
): FileHeader {
  checkLength(bytes, headerSize, name);
  const r = new ByteReader(bytes, littleEndian, `the header of ${name}`);
  r.take(PIPE_HEADER_SIZE);
  const attrSize = r.size();
  const section = () => ({ offset: r.size(), size: r.size() });
  const attrs = section();
  const data = section();
  if (data.offset < headerSize) {
    throw new BadInputError(
      `cannot read ${name}: its header is damaged: it puts the records at offset ${data.offset}, within the header: ` +
        AGAIN,
      DATA_SIZE_AT - 8,
    );
  }
  const eventTypes = section();
  const featureNumbers = headerSize < FILE_HEADER_SIZE ? [] : decodeFeatureBits(r);
  return { size: headerSize, littleEndian, attrSize, attrs, data, eventTypes, featureNumbers };
}

/**
 * Decodes the feature bitmap, ascending. It is an array of C's `unsigned long`: a 32-bit machine of the other byte
 * order puts the low bits, some of which every file has, where a 64-bit machine puts bits 32 and up.
 */
function decodeFeatureBits(r: ByteReader): number[] {
  const words: bigint[] = [];
  for (let i = 0; i < FEATURE_BITS / 64; i++) words.push(r.u64());
  const halves = !r.littleEndian && (words[0] & 0xffffffffn) === 0n;
  const numbers: number[] = [];
  words.forEach((word, i) => {
    const bits = halves ? ((word << 32n) | (word >> 32n)) & 0xffffffffffffffffn : word;
    for (let bit = 0; bit < 64; bit++) {
      if ((bits >> BigInt(bit)) & 1n) numbers.push(i * 64 + bit);
    }
  });
  return numbers;
}

/** Decodes the whole entries of the section of event types: names by `config`. */
export function decodeEventTypes(bytes: Uint8Array, littleEndian: boolean): Map<bigint, string> {
  const r = new ByteReader(bytes, littleEndian, "the names of the events");
  const names = new Map<bigint, string>();
  while (r.left >= EVENT_TYPE_SIZE) names.set(r.u64(), r.fixedString(EVENT_TYPE_NAME_SIZE));
  return names;
}

/**
 * Decodes the table of feature sections, which follows the data, for features `numbers`: as many entries as `bytes`
 * holds. `origin` is the offset of `bytes` in the file.
 */
export function decodeFeatureTable(
  bytes: Uint8Array,
  numbers: number[],
  littleEndian: boolean,
  origin: number,
): { number: number; offset: bigint; size: bigint }[] {
  const r = new ByteReader(bytes, littleEndian, "the table of feature sections", origin);
  const whole = numbers.slice(0, Math.floor(bytes.length / SECTION_SIZE));
  return whole.map((number) => ({ number, offset: r.u64(), size: r.u64() }));
}

function whatItIs(bytes: Uint8Array): string {
  if (bytes.length === 0) return "it is empty: record again";
  const found = KNOWN_STARTS.find(([start]) => start.every((byte, i) => bytes[i] === byte));
  if (found) return `it is ${found[1]}`;
  return "it is not a perf.data file (no PERFILE2 at its start): name one that pmuctl or perf has recorded";
}

/** Files that people pass by mistake: their first bytes, and what to do with them. */
const KNOWN_STARTS: readonly [number[], string][] = [
  [
    [0x1f, 0x8b],
    "compressed with gzip: unpack it first (gunzip), or pipe it in: zcat FILE | pmuctl report -i -",
  ],
  [
    [0x28, 0xb5, 0x2f, 0xfd],
    "compressed with zstd: unpack it first (unzstd), or pipe it in: zstdcat FILE | pmuctl report -i -",
  ],
  [
    [0xfd, 0x37, 0x7a, 0x58, 0x5a],
    "compressed with xz: unpack it first (unxz), or pipe it in: xzcat FILE | pmuctl report -i -",
  ],
  [
    [0x7f, 0x45, 0x4c, 0x46],
    "a program or library (ELF), not a recording of one: record it with 'pmuctl record -- PROGRAM'",
  ],
];

/** Event's attr, and the section of its ids. */
export interface AttrEntry {
  attr: EventAttr;
  ids: PerfFileSection;
}

/**
 * Decodes the section of attrs; `bytes` is the part of it that the file has. Throws BadInputError when it is damaged.
 */
export function decodeAttrs(header: FileHeader, bytes: Uint8Array, name: string): AttrEntry[] {
  const { attrSize, attrs, littleEndian } = header;
  // struct perf_file_attr { struct perf_event_attr attr; struct perf_file_section ids; };
  if (attrSize < 64 + 16 || attrs.size % attrSize !== 0) {
    throw new BadInputError(
      `cannot read ${name}: its events are damaged: ${
        counted(attrs.size, "byte")
      } at offset ${attrs.offset}, ` +
        `in entries of ${attrSize}: ${AGAIN}`,
      attrs.offset,
    );
  }
  if (bytes.length < attrs.size) {
    throw new BadInputError(
      `cannot read ${name}: it ends before its list of events, ${
        counted(attrs.size, "byte")
      } at offset ${attrs.offset}: ` +
        AGAIN,
      attrs.offset,
    );
  }
  const entries: AttrEntry[] = [];
  for (let at = 0; at < bytes.length; at += attrSize) {
    const origin = attrs.offset + at;
    const attr = decodeAttr(bytes.subarray(at, at + attrSize - 16), littleEndian, origin);
    const r = new ByteReader(
      bytes.subarray(at + attrSize - 16, at + attrSize),
      littleEndian,
      `the events of ${name}`,
      origin + attrSize - 16,
    );
    entries.push({ attr, ids: { offset: r.size(), size: r.size() } });
  }
  return entries;
}

/** Decodes an array of u64 ids; bytes after the last whole one are ignored. */
export function decodeIds(bytes: Uint8Array, littleEndian: boolean): bigint[] {
  const r = new ByteReader(bytes, littleEndian, "an event's ids");
  const ids: bigint[] = [];
  while (r.left >= 8) ids.push(r.u64());
  return ids;
}
