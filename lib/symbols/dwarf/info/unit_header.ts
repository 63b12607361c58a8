/** Headers of the units of .debug_info (DWARF 5, section 7.5.1). */

import type { Abbreviations, AbbreviationTable } from "./abbreviations.ts";
import { UT } from "./constants.ts";
import type { Encoding } from "./forms.ts";
import type { SectionReader } from "./section_reader.ts";

/** Bytes of the longest header of a unit, and of the length that it begins with. */
const MAX_HEADER = 48, MAX_LENGTH = 12;

/** Unit with entries. */
export interface Unit extends Encoding {
  /** Offset in .debug_info of the next unit. */
  end: number;
  /** Offset of the first entry from the start of the unit. */
  entries: number;
  abbreviations: AbbreviationTable;
  /** Whether its header says that it has no code: it has types, or what dwz found in several units. */
  isCodeless: boolean;
  /** `UnitRoot.splitId`, if it is in the header, as since DWARF 5. */
  splitId: number;
}

/** Returns the offset behind the unit at `at`; NaN if its length is damaged. */
export function unitEnd(section: SectionReader, at: number): number {
  const r = section.at(at, MAX_LENGTH), start = r.pos;
  const { length } = r.unitLength(), end = at + r.pos - start + length;
  return length > 0 && end <= section.size ? end : NaN;
}

/**
 * Reads the header of the unit from `at` to `end`; undefined if its version is unknown, or it has no abbreviations.
 * Throws LimitError.
 */
export function readUnitHeader(
  section: SectionReader,
  at: number,
  end: number,
  tables: Abbreviations,
): Unit | undefined {
  const r = section.at(at, MAX_HEADER), start = r.pos;
  const { offsetSize } = r.unitLength();
  const version = r.u16();
  if (version < 2 || version > 5) return undefined;
  const type = version < 5 ? 0 : r.u8();
  const early = version < 5 ? 0 : r.u8();
  const table = r.sized(offsetSize);
  const addressSize = version < 5 ? r.u8() : early;
  const splitId = type === UT.SKELETON || type === UT.SPLIT_COMPILE ? r.u64() : NaN;
  const isType = type === UT.TYPE || type === UT.SPLIT_TYPE;
  if (isType) r.pos += 8 + offsetSize;
  const abbreviations = tables.at(table), entries = r.pos - start;
  if (!abbreviations || !isSize(addressSize) || at + entries > end) return undefined;
  const isCodeless = isType || type === UT.PARTIAL;
  return { version, offsetSize, addressSize, offset: at, end, entries, abbreviations, isCodeless, splitId };
}

function isSize(bytes: number): boolean {
  return bytes === 1 || bytes === 2 || bytes === 4 || bytes === 8;
}
