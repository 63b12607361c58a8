/**
 * DWARF made up from nothing: line tables of versions 2 to 5, units and their abbreviations, mostly of the right form, with
 * counts, lengths and offsets that lie now and then.
 */

import { ByteWriter, concat } from "../../../lib/base/bytes/bytes.ts";
import type { Random } from "../random.ts";

/** Sections by their names, for ElfParts.with. */
export type Sections = { name: string; contents: Uint8Array }[];

const STRINGS = ["/src", "deep", "a.c", "/abs/b.c", "..", "", "\u001b[2J", "x".repeat(500)];
/** DW_FORM_*: all that there are, and some that are none. */
const FORMS = [
  ...Array.from({ length: 0x2d }, (_, form) => form),
  0x1f01,
  0x1f02,
  0x1f20,
  0x1f21,
  0x7f,
];

function uleb(w: ByteWriter, value: number | bigint): ByteWriter {
  let left = BigInt.asUintN(64, BigInt(value));
  do {
    const byte = Number(left & 0x7fn);
    left >>= 7n;
    w.u8(left > 0n ? byte | 0x80 : byte);
  } while (left > 0n);
  return w;
}

function sleb(w: ByteWriter, value: number): ByteWriter {
  for (let left = value;;) {
    const byte = left & 0x7f;
    left >>= 7;
    const isLast = (left === 0 && (byte & 0x40) === 0) || (left === -1 && (byte & 0x40) !== 0);
    w.u8(isLast ? byte : byte | 0x80);
    if (isLast) return w;
  }
}

/** A number as a LEB128, a wrong one now and then: huge, or longer than it need be. */
function someUleb(w: ByteWriter, random: Random, honest: number): void {
  if (random.oneIn(30)) uleb(w, random.u64());
  else if (random.oneIn(60)) w.raw(new Uint8Array(random.pick([2, 20, 400])).fill(0x80)).u8(0);
  else uleb(w, honest);
}

function cText(w: ByteWriter, random: Random): void {
  w.raw(new TextEncoder().encode(random.pick(STRINGS))).u8(0);
}

/** `body` behind its length, of 4 or 8 bytes, which lies now and then. */
function withLength(random: Random, little: boolean, is64: boolean, body: Uint8Array): Uint8Array {
  const w = new ByteWriter(body.length + 12, little);
  const length = random.oneIn(20) ? random.u64() : BigInt(body.length);
  if (is64) w.u32(0xffffffff).u64(length);
  else w.u32(Number(length & 0xffffffffn));
  return w.raw(body).bytes();
}

/** .debug_line, .debug_line_str and .debug_str. */
export function makeLines(random: Random, little: boolean, text: number): Sections {
  const units = Array.from({ length: 1 + random.below(4) }, () => lineUnit(random, little, text));
  return [
    { name: ".debug_line", contents: concat(units) },
    { name: ".debug_line_str", contents: stringSection(random) },
    { name: ".debug_str", contents: stringSection(random) },
  ];
}

function stringSection(random: Random): Uint8Array {
  const w = new ByteWriter(256);
  for (let n = random.below(6); n > 0; n--) cText(w, random);
  if (random.oneIn(3)) w.raw(new Uint8Array(20).fill(0x41)); // no NUL at the end
  return w.bytes().slice();
}

function lineUnit(random: Random, little: boolean, text: number): Uint8Array {
  const is64 = random.oneIn(5), version = random.oneIn(25) ? random.below(9) : 2 + random.below(4);
  const offsetSize = is64 ? 8 : 4;
  const tables = new ByteWriter(256, little);
  const opcodeBase = random.oneIn(8) ? random.below(256) : 13,
    lineRange = random.oneIn(12) ? random.below(256) : 14;
  tables.u8(random.oneIn(8) ? random.below(256) : 1);
  if (version >= 4) tables.u8(1);
  tables.u8(1).u8(random.oneIn(8) ? random.below(256) : 0xfb).u8(lineRange).u8(opcodeBase);
  const lengths = [0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1];
  for (let i = 0; i + 1 < opcodeBase; i++) tables.u8(random.oneIn(40) ? random.below(256) : lengths[i] ?? 0);
  if (version >= 5) { for (const isFiles of [false, true]) tableOf5(random, tables, isFiles, offsetSize); }
  else tablesBefore5(random, tables);
  const head = new ByteWriter(32, little).u16(version);
  if (version >= 5) head.u8(8).u8(0);
  const headerLength = random.oneIn(20) ? random.u64() : BigInt(tables.length);
  if (is64) head.u64(headerLength);
  else head.u32(Number(headerLength & 0xffffffffn));
  const body = concat([head.bytes(), tables.bytes(), lineProgram(random, little, opcodeBase, text)]);
  return withLength(random, little, is64, body);
}

function tablesBefore5(random: Random, w: ByteWriter): void {
  for (let n = random.below(4); n > 0; n--) w.raw(new TextEncoder().encode("dir")).u8(0);
  w.u8(0);
  for (let n = random.below(4); n > 0; n--) {
    w.raw(new TextEncoder().encode("file.c")).u8(0);
    for (let i = 0; i < 3; i++) someUleb(w, random, random.below(3));
  }
  if (!random.oneIn(12)) w.u8(0);
}

function tableOf5(random: Random, w: ByteWriter, isFiles: boolean, offsetSize: number): void {
  const formats: [number, number][] = random.oneIn(5)
    ? Array.from({ length: random.below(4) }, () => [random.below(8), random.pick(FORMS)])
    : [
      [1, random.pick([0x08, 0x0e, 0x1f])],
      ...(isFiles ? [[2, random.pick([0x0b, 0x05, 0x0f])] as [number, number]] : []),
    ];
  w.u8(random.oneIn(20) ? random.below(256) : formats.length);
  for (const [content, form] of formats) uleb(uleb(w, content), form);
  const rows = random.below(4);
  someUleb(w, random, rows);
  for (let row = 0; row < rows; row++) for (const [, form] of formats) value(random, w, form, offsetSize);
}

/** A value of a form, as long as the form says where that is known. */
function value(random: Random, w: ByteWriter, form: number, offsetSize: number): void {
  const offset = () => offsetSize === 8 ? w.u64(random.below(60)) : w.u32(random.below(60));
  switch (form) {
    case 0x08:
      return cText(w, random);
    case 0x0e:
    case 0x10:
    case 0x17:
    case 0x1f:
      return void offset();
    case 0x0b:
    case 0x0c:
    case 0x11:
      return void w.u8(random.below(4));
    case 0x05:
    case 0x12:
      return void w.u16(random.below(4));
    case 0x06:
    case 0x13:
      return void w.u32(random.below(60));
    case 0x01:
    case 0x07:
    case 0x14:
      return void w.u64(random.u64());
    case 0x1e:
      return void w.zeros(16);
    case 0x09:
    case 0x18: {
      const n = random.below(9);
      someUleb(w, random, n);
      return void w.zeros(n);
    }
    default:
      someUleb(w, random, random.below(300));
  }
}

function lineProgram(random: Random, little: boolean, opcodeBase: number, text: number): Uint8Array {
  const w = new ByteWriter(256, little);
  const setAddress = () => {
    const width = random.oneIn(12) ? random.below(10) : 8;
    w.u8(0);
    someUleb(w, random, width + 1);
    w.u8(2);
    const address = random.oneIn(8) ? random.u64() : BigInt(text + random.below(64));
    if (width === 8) w.u64(address);
    else w.zeros(width);
  };
  setAddress();
  for (let n = random.below(40); n > 0; n--) {
    switch (random.below(12)) {
      case 0:
        w.u8(1);
        break;
      case 1:
        w.u8(2);
        someUleb(w, random, random.below(16));
        break;
      case 2:
        sleb(w.u8(3), random.below(200) - 100);
        break;
      case 3:
        w.u8(4);
        someUleb(w, random, random.below(5));
        break;
      case 4:
        w.u8(8);
        break;
      case 5:
        w.u8(9).u16(random.below(64));
        break;
      case 6:
        w.u8(0).u8(1).u8(1);
        setAddress();
        break;
      case 7:
        w.u8(0);
        someUleb(w, random, 4);
        w.u8(random.below(256)).zeros(3);
        break;
      case 8:
        w.u8(random.below(Math.max(1, opcodeBase)));
        break;
      default:
        w.u8(opcodeBase + random.below(Math.max(1, 256 - opcodeBase)));
    }
  }
  if (!random.oneIn(6)) w.u8(0).u8(1).u8(1);
  return w.bytes();
}

/** .debug_info, .debug_abbrev, .debug_str and .debug_line_str. */
export function makeUnits(random: Random, little: boolean): Sections {
  const abbreviations = Array.from({ length: 1 + random.below(4) }, (_, i) => ({
    code: random.oneIn(20) ? random.below(300) : i + 1,
    attributes: Array.from(
      { length: random.below(8) },
      (): [number, number] =>
        random.oneIn(3) ? [random.below(0x90), random.pick(FORMS)] : random.pick<[number, number]>([
          [0x10, 0x17],
          [0x10, 0x06],
          [0x1b, 0x08],
          [0x1b, 0x0e],
          [0x1b, 0x1f],
          [0x03, 0x08],
          [0x13, 0x05],
        ]),
    ),
  }));
  const abbrev = new ByteWriter(256, little);
  for (const { code, attributes } of abbreviations) {
    someUleb(abbrev, random, code);
    uleb(abbrev, random.pick([0x11, 0x2e, 0x1d, 0x4a])).u8(random.below(2));
    for (const [name, form] of attributes) {
      someUleb(abbrev, random, name);
      someUleb(abbrev, random, form);
      if (form === 0x21) sleb(abbrev, random.below(300) - 150);
    }
    if (!random.oneIn(15)) abbrev.u8(0).u8(0);
  }
  if (!random.oneIn(6)) abbrev.u8(0);
  const info = Array.from({ length: 1 + random.below(4) }, () => {
    const { code, attributes } = random.pick(abbreviations);
    const version = random.oneIn(25) ? random.below(9) : 2 + random.below(4), is64 = random.oneIn(5);
    const w = new ByteWriter(256, little).u16(version);
    const offset = BigInt(random.oneIn(8) ? random.u64() : 0);
    const abbrevOffset = () => is64 ? w.u64(offset) : w.u32(Number(offset & 0xffffffffn));
    if (version >= 5) {
      const type = random.oneIn(3) ? random.below(8) : 1;
      w.u8(type).u8(8);
      abbrevOffset();
      if (type === 4 || type === 5) w.u64(1);
    } else {
      abbrevOffset();
      w.u8(8);
    }
    someUleb(w, random, code);
    for (const [, form] of attributes) value(random, w, form, is64 ? 8 : 4);
    for (let n = random.below(20); n > 0; n--) w.u8(random.below(5));
    return withLength(random, little, is64, w.bytes());
  });
  return [
    { name: ".debug_info", contents: concat(info) },
    { name: ".debug_abbrev", contents: abbrev.bytes().slice() },
    { name: ".debug_str", contents: stringSection(random) },
    { name: ".debug_line_str", contents: stringSection(random) },
  ];
}
