/**
 * Functions made up from nothing: units with functions, inlined copies of them and types around, mostly of the right
 * form, whose references, ranges, forms and lengths lie now and then.
 */

import { ByteReader, ByteWriter, concat } from "../../../lib/base/bytes/bytes.ts";
import { FORM } from "../../../lib/symbols/dwarf/info/constants.ts";
import type { Random } from "../random.ts";

/** Names of the sections, in the order in which an input has them. */
const NAMES = [
  ".debug_info",
  ".debug_abbrev",
  ".debug_str",
  ".debug_str_offsets",
  ".debug_addr",
  ".debug_ranges",
  ".debug_rnglists",
  ".debug_line",
  ".debug_cu_index",
  ".debug_aranges",
];

/** Code that the functions are in: from here on, so many bytes. */
export const CODE = 0x1000, CODE_SIZE = 0x100;

/** Forms that an attribute may have, by what it is. */
const FORMS = {
  address: [FORM.ADDR, FORM.ADDR, FORM.ADDRX, FORM.ADDRX1, FORM.ADDRX3, FORM.GNU_ADDR_INDEX],
  end: [FORM.DATA1, FORM.DATA4, FORM.DATA8, FORM.UDATA, FORM.ADDR, FORM.ADDRX],
  ranges: [FORM.SEC_OFFSET, FORM.SEC_OFFSET, FORM.DATA4, FORM.RNGLISTX],
  text: [FORM.STRING, FORM.STRP, FORM.STRX1, FORM.STRX, FORM.LINE_STRP, FORM.GNU_STRP_ALT],
  reference: [
    FORM.REF4,
    FORM.REF4,
    FORM.REF1,
    FORM.REF2,
    FORM.REF8,
    FORM.REF_UDATA,
    FORM.REF_ADDR,
    FORM.GNU_REF_ALT,
    FORM.REF_SIG8,
  ],
  number: [FORM.DATA1, FORM.DATA2, FORM.UDATA, FORM.SDATA, FORM.IMPLICIT_CONST, FORM.INDIRECT],
  offset: [FORM.SEC_OFFSET],
  id: [FORM.DATA8],
  other: [FORM.BLOCK1, FORM.EXPRLOC, FORM.FLAG_PRESENT, FORM.DATA16, FORM.FLAG, 0x7f],
} as const;
type Kind = keyof typeof FORMS;

/** Kinds of entries: tag, and attributes with what each is. */
const ENTRIES: readonly (readonly [tag: number, ...(readonly [name: number, kind: Kind])[]])[] = [
  [0x11, [0x11, "address"], [0x55, "ranges"], [0x10, "offset"], [0x72, "offset"], [0x73, "offset"], [
    0x74,
    "offset",
  ]],
  [0x11, [0x11, "address"], [0x12, "end"], [0x03, "text"]],
  [0x11, [0x11, "address"], [0x12, "end"], [0x2130, "text"], [0x2131, "id"], [0x2133, "offset"]],
  [0x2e, [0x03, "text"], [0x11, "address"], [0x12, "end"]],
  [0x2e, [0x47, "reference"], [0x55, "ranges"], [0x3f, "other"]],
  [0x2e, [0x6e, "text"], [0x03, "text"], [0x20, "number"]],
  [0x1d, [0x31, "reference"], [0x11, "address"], [0x12, "end"], [0x58, "number"], [0x59, "number"]],
  [0x1d, [0x31, "reference"], [0x55, "ranges"], [0x58, "number"], [0x59, "number"], [0x57, "number"]],
  [0x0b, [0x11, "address"], [0x12, "end"]],
  [0x13, [0x03, "text"], [0x01, "reference"]],
  [0x04, [0x01, "reference"], [0x03, "text"], [0x49, "reference"]],
  [0x3c],
];

interface Attribute {
  name: number;
  form: number;
  kind: Kind;
}

interface Abbreviation {
  code: number;
  tag: number;
  isParent: boolean;
  attributes: Attribute[];
}

/** Returns the bytes of an input: each section behind its length, in the order of NAMES. */
export function makeFunctions(random: Random): Uint8Array<ArrayBuffer> {
  const abbreviations = ENTRIES.flatMap((entry, i) => [
    abbreviationOf(random, entry, 2 * i + 1, true),
    abbreviationOf(random, entry, 2 * i + 2, false),
  ]);
  const units = Array.from({ length: 1 + random.below(3) }, () => unitOf(random, abbreviations));
  const contents = [
    concat(units),
    abbreviationTable(random, abbreviations),
    new TextEncoder().encode("main\0_ZN1a1bEv\0_RNvC1a1b\0"),
    numbers(random, 4, () => random.below(20)),
    numbers(random, 8, () => CODE + random.below(CODE_SIZE)),
    numbers(random, 8, () => random.oneIn(3) ? 0 : random.below(CODE_SIZE)),
    rangeLists(random),
    numbers(random, 4, () => random.u32()),
    packageIndex(random),
    random.oneIn(2) ? addressRanges(random, units) : new Uint8Array(0),
  ];
  return concat(contents.map((bytes) => concat([new ByteWriter(4).u32(bytes.length).bytes(), bytes])));
}

/** Returns the sections of an input by name; those that are cut off are empty. */
export function functionSections(bytes: Uint8Array): Map<string, Uint8Array> {
  const r = new ByteReader(bytes, true, "input");
  const sections = new Map<string, Uint8Array>();
  for (const name of NAMES) {
    const size = bytes.length - r.pos >= 4 ? r.u32() : 0;
    sections.set(name, r.slice(Math.min(size, bytes.length - r.pos)));
  }
  return sections;
}

function abbreviationOf(
  random: Random,
  [tag, ...attributes]: typeof ENTRIES[number],
  code: number,
  isParent: boolean,
): Abbreviation {
  return {
    code: random.oneIn(60) ? random.below(100_000) : code,
    tag: random.oneIn(60) ? random.below(0x50) : tag,
    isParent,
    attributes: attributes.filter(() => !random.oneIn(12)).map(([name, kind]) => ({
      name,
      kind,
      form: random.oneIn(40) ? random.below(0x2d) : random.pick(FORMS[kind]),
    })),
  };
}

function abbreviationTable(random: Random, all: readonly Abbreviation[]): Uint8Array {
  const w = new ByteWriter();
  for (const { code, tag, isParent, attributes } of all) {
    uleb(uleb(w, code), tag).u8(isParent ? 1 : 0);
    for (const { name, form } of attributes) {
      uleb(uleb(w, name), form);
      if (form === FORM.IMPLICIT_CONST) w.u8(random.below(64));
    }
    w.u8(0).u8(0);
  }
  if (!random.oneIn(20)) w.u8(0);
  return w.bytes();
}

function unitOf(random: Random, abbreviations: readonly Abbreviation[]): Uint8Array {
  const version = random.oneIn(30) ? random.below(8) : random.pick([2, 3, 4, 4, 5, 5]);
  const is64 = random.oneIn(6), offset = () => is64 ? w.u64(0) : w.u32(0);
  const w = new ByteWriter(1024).u16(version);
  if (version >= 5) {
    w.u8(random.oneIn(12) ? random.below(7) : 1).u8(8);
    offset();
  } else {
    offset();
    w.u8(8);
  }
  let depth = 0;
  for (let left = random.below(60); left > 0; left--) {
    const { code, isParent, attributes } = depth === 0
      ? random.pick(abbreviations.slice(0, 6))
      : random.pick(abbreviations);
    uleb(w, code);
    for (const attribute of attributes) value(w, random, attribute, is64 ? 8 : 4);
    if (isParent) depth++;
    for (; depth > 1 && random.oneIn(3); depth--) w.u8(0);
  }
  for (; depth > 0 && !random.oneIn(10); depth--) w.u8(0);
  const body = w.bytes(), length = random.oneIn(25) ? random.u64() : BigInt(body.length);
  const head = new ByteWriter(12);
  if (is64) head.u32(0xffffffff).u64(length);
  else head.u32(Number(length & 0xffffffffn));
  return concat([head.bytes(), body]);
}

/** Writes a value that makes sense for what it is, or a number of any size now and then. */
function value(w: ByteWriter, random: Random, { form, kind }: Attribute, offsetSize: number): void {
  const number = random.oneIn(20) ? random.u64() : BigInt(sensible(random, kind, form));
  const low = Number(number & 0xffffffffn);
  switch (form) {
    case FORM.STRING:
      return void w.raw(new TextEncoder().encode(random.pick(["f", "", "_ZN1xE", "x".repeat(300)]))).u8(0);
    case FORM.DATA1:
    case FORM.REF1:
    case FORM.STRX1:
    case FORM.ADDRX1:
    case FORM.FLAG:
      return void w.u8(low & 0xff);
    case FORM.DATA2:
    case FORM.REF2:
      return void w.u16(low & 0xffff);
    case FORM.ADDRX3:
      return void w.u16(low & 0xffff).u8(0);
    case FORM.DATA4:
    case FORM.REF4:
      return void w.u32(low);
    case FORM.ADDR:
    case FORM.DATA8:
    case FORM.REF8:
    case FORM.REF_SIG8:
      return void w.u64(number);
    case FORM.STRP:
    case FORM.LINE_STRP:
    case FORM.SEC_OFFSET:
    case FORM.REF_ADDR:
    case FORM.GNU_REF_ALT:
    case FORM.GNU_STRP_ALT:
      return void (offsetSize === 8 ? w.u64(number) : w.u32(low));
    case FORM.DATA16:
      return void w.zeros(16);
    case FORM.BLOCK1:
    case FORM.EXPRLOC:
      return void w.u8(random.oneIn(20) ? 200 : 2).zeros(2);
    case FORM.IMPLICIT_CONST:
    case FORM.FLAG_PRESENT:
      return;
    case FORM.INDIRECT:
      for (let n = random.below(3); n > 0; n--) w.u8(FORM.INDIRECT);
      return void w.u8(FORM.DATA1).u8(low & 0xff);
    default:
      uleb(w, number);
  }
}

function sensible(random: Random, kind: Kind, form: number): number {
  switch (kind) {
    case "address":
      return form === FORM.ADDR ? CODE + random.below(CODE_SIZE) : random.below(8);
    case "end":
      return form === FORM.ADDR ? CODE + random.below(CODE_SIZE) : random.below(64);
    case "ranges":
      return form === FORM.RNGLISTX ? random.below(3) : random.below(8) * 16;
    case "offset":
      return 8;
    case "id":
      return random.below(3);
    default:
      return random.below(100);
  }
}

/** Returns a section of numbers of so many bytes, behind eight that are the header of some sections. */
function numbers(random: Random, size: 4 | 8, next: () => number): Uint8Array {
  const w = new ByteWriter(256).u32(60).u16(5).u8(8).u8(0);
  for (let n = 8 + random.below(24); n > 0; n--) size === 8 ? w.u64(next()) : w.u32(next());
  return w.bytes();
}

/** Returns .debug_aranges with some of the units, each with some ranges. */
function addressRanges(random: Random, units: readonly Uint8Array[]): Uint8Array {
  const w = new ByteWriter(256);
  let offset = 0;
  for (const unit of units) {
    const count = random.below(4), is64 = random.oneIn(6);
    const length = random.oneIn(12) ? random.u64() : BigInt(28 + 16 * count);
    if (is64) w.u32(0xffffffff).u64(length + 4n).u16(2).u64(offset);
    else w.u32(Number(length & 0xffffffffn)).u16(2).u32(random.oneIn(12) ? random.below(500) : offset);
    w.u8(8).u8(0);
    w.zeros(is64 ? 8 : 4);
    for (let n = 0; n < count; n++) w.u64(CODE + random.below(CODE_SIZE)).u64(random.below(CODE_SIZE));
    w.zeros(16);
    offset += unit.length;
  }
  return w.bytes();
}

/** Returns the index of a package of split units: of some numbers, each with all of some sections. */
function packageIndex(random: Random): Uint8Array {
  const version = random.pick([2, 5, 5, random.below(9)]),
    slots = 1 << random.below(4),
    units = random.below(4);
  const sections = [1, 3, 6, 8].slice(0, 1 + random.below(4));
  const w = new ByteWriter(256).u32(version).u32(random.oneIn(12) ? random.u32() : sections.length);
  w.u32(random.oneIn(12) ? random.u32() : units).u32(random.oneIn(12) ? random.u32() : slots);
  for (let slot = 0; slot < slots; slot++) w.u64(random.below(3));
  for (let slot = 0; slot < slots; slot++) w.u32(random.below(units + 1));
  for (const section of sections) w.u32(section);
  for (let cell = 0; cell < units * sections.length; cell++) w.u32(random.oneIn(6) ? random.u32() : 0);
  for (let cell = 0; cell < units * sections.length; cell++) w.u32(random.below(2000));
  return w.bytes();
}

function rangeLists(random: Random): Uint8Array {
  const w = new ByteWriter(256).u32(100).u16(5).u8(8).u8(0);
  for (let n = random.below(4); n > 0; n--) w.u32(12 + random.below(40));
  for (let n = random.below(30); n > 0; n--) {
    const kind = random.oneIn(20) ? random.below(256) : random.below(8);
    w.u8(kind);
    if (kind === 5 || kind === 6 || kind === 7) w.u64(CODE + random.below(CODE_SIZE));
    if (kind === 6) w.u64(CODE + random.below(CODE_SIZE));
    if (kind >= 1 && kind <= 4) uleb(w, random.below(16));
    if (kind === 2 || kind === 3 || kind === 4 || kind === 7) uleb(w, random.below(32));
  }
  if (!random.oneIn(5)) w.u8(0);
  return w.bytes();
}

function uleb(w: ByteWriter, value: number | bigint): ByteWriter {
  let left = BigInt.asUintN(64, BigInt(value));
  do {
    const byte = Number(left & 0x7fn);
    left >>= 7n;
    w.u8(left > 0n ? byte | 0x80 : byte);
  } while (left > 0n);
  return w;
}
