/**
 * Addresses of an object's code: as in AddressSpaces.at, as linked, and as the offsets that kept tables go by. These are
 * offsets in the file; of the kernel and its modules, whose addresses say nothing about the file, they are counted from
 * where its code was linked, so that they are the same wherever it is loaded.
 */

import { MODULE_BASE } from "./elf/elf.ts";
import { PT } from "./elf/elf_header.ts";
import { linkedAddress, type LoadedPart, loadedParts } from "./elf/load_offsets.ts";
import type { ObjectElf } from "./object_elf.ts";

/** Largest offset of a table. */
const MAX_OFFSET = 2 ** 32 - 1;

/** Addresses of one object's code. */
export interface CodeOffsets {
  /** Returns the offset of an address. */
  offset(at: number): number;
  /** Returns the link-time address of an address; NaN where nothing is loaded. */
  linked(at: number): number;
  /** Returns the ranges of link-time addresses that have offsets. */
  parts(): LoadedPart[];
}

/** Returns the addresses of an object's code. */
export function codeOffsets({ file, shift }: Pick<ObjectElf, "file" | "shift">): CodeOffsets {
  if (shift === undefined) {
    return { offset: (at) => at, linked: (at) => linkedAddress(file, at), parts: () => loadedParts(file) };
  }
  const origin = file.isRelocatable ? MODULE_BASE : lowestOfKernel(file.segments);
  return {
    offset: (at) => at + shift - origin,
    linked: (at) => at + shift,
    parts: () => [{ offset: 0, end: MAX_OFFSET, shift: origin }],
  };
}

/** Returns the lowest address of the kernel's half that is loaded, which is negative; data of each CPU is linked at 0. */
function lowestOfKernel(segments: readonly { type: number; vaddr: number }[]): number {
  return segments.reduce(
    (least, { type, vaddr }) => type === PT.LOAD && vaddr < 0 ? Math.min(least, vaddr) : least,
    0,
  );
}
