/** Debug information of functions that takes time or memory out of proportion to its size. */

import { ByteWriter, concat } from "../../../lib/base/bytes/bytes.ts";
import { openInlinedFunctions } from "../../../lib/symbols/dwarf/info/inlined_functions.ts";
import type { DebugInfo } from "../../../lib/symbols/elf/debug_section.ts";
import { Cost } from "../../../lib/symbols/object/limits.ts";
import { HeldBytes } from "../../../lib/symbols/object/windows.ts";
import type { Bomb } from "./bomb.ts";

const CODE = 0x1000, SIZE = 0x1000;
/**
 * Abbreviations: 1 is a unit, 2 a function, both from CODE on; 3 is a function inlined there, 4 one with a range list, 5
 * one with a name.
 */
const ABBREVIATIONS = Uint8Array.of(
  ...[1, 0x11, 1, 0x11, 0x01, 0x12, 0x06, 0, 0],
  ...[2, 0x2e, 1, 0x11, 0x01, 0x12, 0x06, 0, 0],
  ...[3, 0x1d, 1, 0x31, 0x13, 0x11, 0x01, 0x12, 0x06, 0, 0],
  ...[4, 0x1d, 0, 0x31, 0x13, 0x55, 0x17, 0, 0],
  ...[5, 0x2e, 0, 0x03, 0x0e, 0, 0],
  0,
);

/** Asks for all functions at some addresses of one unit of DWARF 4, with `entries` in its function. */
function readUnit(entries: Uint8Array, more: Readonly<Record<string, Uint8Array>> = {}): void {
  const body = new ByteWriter(64).u16(4).u32(0).u8(8)
    .u8(1).u64(CODE).u32(SIZE)
    .u8(2).u64(CODE).u32(SIZE).bytes();
  const length = new ByteWriter(4).u32(body.length + entries.length).bytes();
  const sections: Record<string, Uint8Array> = {
    ".debug_info": concat([length, body, entries]),
    ".debug_abbrev": ABBREVIATIONS,
    ...more,
  };
  const info: DebugInfo = {
    littleEndian: true,
    cost: new Cost(),
    get: (name) => name in sections ? new HeldBytes(sections[name]) : undefined,
  };
  const functions = openInlinedFunctions(info)!;
  for (let at = CODE; at < CODE + SIZE; at += SIZE / 4) {
    for (let row = functions.at(at); row >= 0; row = functions.parent(row)) functions.name(row);
  }
}

/** Offset of the first of the entries in .debug_info. */
const ENTRIES = 4 + 7 + 13 + 13;

export const functionBombs: readonly Bomb[] = [
  {
    name: "inlined-depth", // each in the one before
    sizes: [1e4, 1e6, 4e6],
    go(n) {
      const w = new ByteWriter(17 * n);
      for (let i = 0; i < n; i++) w.u8(3).u32(ENTRIES).u64(CODE).u32(SIZE);
      readUnit(w.bytes());
    },
  },
  {
    name: "inlined-ranges", // all with the same long list of them
    sizes: [1e3, 1e5],
    go(n) {
      const w = new ByteWriter(9 * n), ranges = new ByteWriter(16 * n + 16);
      for (let i = 0; i < n; i++) w.u8(4).u32(ENTRIES).u32(0);
      for (let i = 0; i < n; i++) ranges.u64(i % SIZE).u64(i % SIZE + 1);
      readUnit(w.bytes(), { ".debug_ranges": ranges.zeros(16).bytes() });
    },
  },
  {
    name: "inlined-names", // each another part of one that is far too long
    sizes: [1e3, 1e6],
    go(n) {
      const w = new ByteWriter(22 * n);
      for (let i = 0; i < n; i++) w.u8(5).u32(i);
      for (let i = 0; i < n; i++) {
        w.u8(3).u32(ENTRIES + 5 * i).u64(CODE).u32(SIZE);
      }
      readUnit(w.bytes(), { ".debug_str": new Uint8Array(n + (1 << 20)).fill(65) });
    },
  },
];
