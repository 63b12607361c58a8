/**
 * The header of a perf.data file or pipe. Layout: tools/perf/Documentation/perf.data-file-format.txt.
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
 * A big-endian recorder writes the magic as `2ELIFREP`.
 */

import { ByteReader } from "../base/bytes.ts";
import { BadInputError } from "../base/errors.ts";
import { decodeAttr, type EventAttr } from "../events/attr.ts";

/** Size in bytes of the header of a file, and of a pipe. */
export const FILE_HEADER_SIZE = 104;
export const PIPE_HEADER_SIZE = 16;
/** Offsets in the file's header of what a recorder fills in at the end. */
export const DATA_SIZE_AT = 48;
export const FEATURE_BITS_AT = 72;
/** Bits in the bitmap of features. */
export const FEATURE_BITS = 256;
/** The magic, as a little-endian recorder writes it. */
export const MAGIC = "PERFILE2";

/** A part of the file, in bytes. */
export interface Section {
  offset: number;
  size: number;
}

/** The fixed header at the front of a perf.data file. */
export interface FileHeader {
  pipe: false;
  littleEndian: boolean;
  /** Size of an entry of `attrs`: the attr and the section of its ids. */
  attrSize: number;
  attrs: Section;
  /** Its size is 0 when the recorder did not live to write it. */
  data: Section;
  /** Numbers of the features whose sections follow the data, ascending. */
  featureNumbers: number[];
}

/** The fixed header at the front of a pipe. */
export interface PipeHeader {
  pipe: true;
  littleEndian: boolean;
}

/**
 * Checks the first PIPE_HEADER_SIZE bytes of `name`: byte order, and whether a pipe's records or the
 * rest of a file's header follows. Throws BadInputError when it is not perf.data.
 */
export function decodeMagic(
  bytes: Uint8Array,
  name: string,
): PipeHeader | { pipe: false; littleEndian: boolean } {
  const magic = String.fromCharCode(...bytes.subarray(0, 8));
  const littleEndian = magic === MAGIC;
  if (!littleEndian && magic !== [...MAGIC].reverse().join("")) {
    throw new BadInputError(`cannot read ${name}: ${whatItIs(bytes, magic)}`, 0);
  }
  const r = new ByteReader(bytes, littleEndian, `the header of ${name}`);
  r.take(8);
  const size = r.size();
  if (size !== PIPE_HEADER_SIZE && size < FILE_HEADER_SIZE) {
    throw new BadInputError(
      `cannot read ${name}: its header gives its own size as ${size} bytes: ` +
        `${FILE_HEADER_SIZE} (a file) or ${PIPE_HEADER_SIZE} (a pipe) is possible`,
      8,
    );
  }
  return { pipe: size === PIPE_HEADER_SIZE, littleEndian };
}

/** Decodes the header of a file from its first FILE_HEADER_SIZE bytes. Throws BadInputError when they are fewer. */
export function decodeFileHeader(bytes: Uint8Array, littleEndian: boolean, name: string): FileHeader {
  const r = new ByteReader(bytes, littleEndian, `the header of ${name}`);
  r.take(PIPE_HEADER_SIZE);
  const attrSize = r.size();
  const section = () => ({ offset: r.size(), size: r.size() });
  const attrs = section();
  const data = section();
  if (data.offset < FILE_HEADER_SIZE) {
    throw new BadInputError(
      `cannot read ${name}: its header is damaged: it has the records begin at offset ${data.offset}, within itself`,
      DATA_SIZE_AT - 8,
    );
  }
  section(); // event_types, which no recorder writes since 2012
  const featureNumbers: number[] = [];
  for (let word = 0; word < FEATURE_BITS / 64; word++) {
    const bits = r.u64();
    for (let bit = 0; bit < 64; bit++) {
      if ((bits >> BigInt(bit)) & 1n) featureNumbers.push(word * 64 + bit);
    }
  }
  return { pipe: false, littleEndian, attrSize, attrs, data, featureNumbers };
}

/** Decodes the table of feature sections that stands behind the data, for features `numbers`. */
export function decodeFeatureTable(
  bytes: Uint8Array,
  numbers: number[],
  littleEndian: boolean,
  origin: number,
): Section[] {
  const r = new ByteReader(bytes, littleEndian, "the table of feature sections", origin);
  return numbers.map(() => ({ offset: r.size(), size: r.size() }));
}

function whatItIs(bytes: Uint8Array, magic: string): string {
  if (bytes.length === 0) return "it is empty: record again";
  if (magic === "PERFFILE") {
    return "it was written by perf before Linux 3.0: convert it with a perf of that time";
  }
  const found = KNOWN_STARTS.find(([start]) => start.every((byte, i) => bytes[i] === byte));
  if (found) return `it is ${found[1]}`;
  return "it is not a perf.data file (no PERFILE2 at its start)";
}

/** What people hand in by mistake, by its first bytes. */
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

/** An event's attr and where its ids are. */
export interface AttrEntry {
  attr: EventAttr;
  ids: Section;
}

/** Decodes the section of attrs, `bytes` being as much of it as the file has. Throws BadInputError. */
export function decodeAttrs(header: FileHeader, bytes: Uint8Array, name: string): AttrEntry[] {
  const { attrSize, attrs, littleEndian } = header;
  // struct perf_file_attr { struct perf_event_attr attr; struct perf_file_section ids; };
  if (attrSize < 64 + 16 || attrs.size % attrSize !== 0 || bytes.length < attrs.size) {
    throw new BadInputError(
      `cannot read ${name}: its events are damaged: ${attrs.size} bytes of them at offset ${attrs.offset}, ` +
        `in entries of ${attrSize}, ${bytes.length} there`,
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

/** Decodes an array of u64 ids; bytes behind the last whole one are ignored. */
export function decodeIds(bytes: Uint8Array, littleEndian: boolean): bigint[] {
  const r = new ByteReader(bytes, littleEndian, "an event's ids");
  const ids: bigint[] = [];
  while (r.left >= 8) ids.push(r.u64());
  return ids;
}
