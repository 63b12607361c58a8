/**
 * Header of Go's table of functions, "pclntab", which every Go program has, stripped or not: its runtime prints stack
 * traces with it. Layouts: runtime.pcHeader, runtime._func and runtime.inlinedCall of the Go versions named here.
 */

import type { LineReader } from "../dwarf/dwarf_line_header.ts";

/** Layouts of the table, by the first Go version that has them. */
export const GO = { V2: 2, V16: 16, V18: 18, V20: 20 } as const;
/** One of GO. */
export type GoLayout = typeof GO[keyof typeof GO];

/** First word of the table. */
const LAYOUT_OF_MAGIC: Readonly<Record<number, GoLayout | undefined>> = {
  0xfffffffb: GO.V2,
  0xfffffffa: GO.V16,
  0xfffffff0: GO.V18,
  0xfffffff1: GO.V20,
};

/** Most bytes of a header: 8, and eight words. */
export const HEADER_BYTES = 72;
/** Bytes of a header before the first word. */
const PREFIX = 8;

/** Header of a table. Offsets count from its first byte. */
export interface PclntabHeader {
  layout: GoLayout;
  /** Bytes that steps between instructions are multiples of. */
  quantum: number;
  /** Bytes of an address. */
  pointer: number;
  /** Number of functions. */
  count: number;
  /** Address that those of functions count from, 0 if the header does not tell; NaN if they are absolute. */
  text: number;
  /** Offset of names, which offsets of names count from. */
  names: number;
  /** Offset of each compilation unit's list of files. */
  units: number;
  /** Offset of the paths of source files. */
  files: number;
  /** Offset of tables of values by address. */
  values: number;
  /** Offset of the list of functions, and of what offsets in it count from. */
  functions: number;
  functionBase: number;
}

/**
 * Reads the header at the reader's position; undefined if there is none.
 *
 *     u32 magic; u8 0, 0, quantum, size of a pointer; uintptr nfunc
 *     before Go 1.16:    the list of functions, which ends with an address; u32 offset of the files
 *     Go 1.16 and 1.17:  uintptr nfiles; uintptr funcnameOffset, cuOffset, filetabOffset, pctabOffset, pclnOffset
 *     since Go 1.18:     uintptr nfiles, textStart; then as above; textStart is 0 since Go 1.26
 *
 * @param size bytes of the table.
 * @param u32At reads a number elsewhere in the table.
 */
export function readPclntabHeader(
  r: LineReader,
  size: number,
  u32At: (at: number) => number,
): PclntabHeader | undefined {
  const layout = LAYOUT_OF_MAGIC[r.u32()], zeros = r.u16(), quantum = r.u8(), pointer = r.u8();
  const isPlausible = zeros === 0 && (quantum === 1 || quantum === 2 || quantum === 4) &&
    (pointer === 4 || pointer === 8);
  if (layout === undefined || !isPlausible) return undefined;
  const count = r.sized(pointer);
  const common = { layout, quantum, pointer, count };
  if (layout === GO.V2) {
    const functions = PREFIX + pointer, end = functions + (2 * count + 1) * pointer;
    if (!(count > 0 && end + 4 <= size)) return undefined;
    const files = u32At(end);
    return { ...common, text: NaN, names: 0, units: 0, files, values: 0, functions, functionBase: 0 };
  }
  r.sized(pointer); // number of files
  const text = layout === GO.V16 ? NaN : r.sized(pointer);
  const [names, units, files, values, functions] = Array.from({ length: 5 }, () => r.sized(pointer));
  const parts = [PREFIX, names, units, files, values, functions];
  const isOrdered = parts.every((part, i) => i === 0 || part >= parts[i - 1]);
  const list = functions + count * functionEntryBytes(layout, pointer);
  if (!(count > 0 && isOrdered && list <= size)) return undefined;
  return { ...common, text, names, units, files, values, functions, functionBase: functions };
}

/** Returns the bytes of a function in the list of functions: its address, and where more is said of it. */
export function functionEntryBytes(layout: GoLayout, pointer: number): number {
  return layout >= GO.V18 ? 8 : 2 * pointer;
}

/**
 * Returns the offsets in what is said of a function: of its name, and of the first table of values. Between them are
 *
 *     i32 name, args; u32 deferreturn, pcsp, pcfile, pcln, npcdata[, cuOffset (1.16)][, startLine (1.20)]
 *     u8 funcID, flag, 0, nfuncdata
 */
export function functionOffsets({ layout, pointer }: PclntabHeader): { name: number; values: number } {
  const name = layout >= GO.V18 ? 4 : pointer;
  return { name, values: name + (layout >= GO.V20 ? 40 : 36) };
}
