/**
 * Abbreviations: the kinds of entries that units consist of, each a tag and a list of attributes (DWARF 5, section
 * 7.5.3). A table is read only as far as it is needed: the first entry of a unit mostly has the first abbreviation.
 */

import type { DebugInfo } from "../../elf/debug_section.ts";
import { WORK } from "../../object/limits.ts";
import type { ByteWindows } from "../../object/windows.ts";
import { LineReader } from "../dwarf_line_header.ts";
import { FORM } from "./constants.ts";

/** Bytes that are read at once; most tables have fewer. */
const PIECE = 4096;
/** Bytes of the longest attribute: a name, a form and a constant as LEB128 of sensible length. */
const MAX_ATTRIBUTE = 64;
/** Codes below this are looked up in a list. Compilers count from 1. */
const MAX_DENSE = 1 << 16;
/** Bytes of memory of a table, of an abbreviation and of an attribute, with copies of these while their list grows. */
const TABLE_BYTES = 500, ROW_BYTES = 64, ATTRIBUTE_BYTES = 72;

/** Table of abbreviations. Abbreviations have row numbers, in the order in which they stand. */
export class AbbreviationTable {
  /** DW_TAG_* of each row. */
  readonly tags: number[] = [];
  /** Whether entries of a row have children. */
  readonly parents: boolean[] = [];
  /** Place in `attributes` of each row's first one. */
  readonly starts: number[] = [0];
  /** Attributes: DW_AT_*, DW_FORM_*, and the constant of DW_FORM_implicit_const. */
  readonly attributes: number[] = [];
  readonly #info: DebugInfo;
  readonly #section: ByteWindows;
  #at: number;
  #ended = false;
  /** Row of each code, plus one. */
  readonly #dense: number[] = [0];
  readonly #sparse = new Map<number, number>();

  /** Makes a table that starts at `offset` of .debug_abbrev; it reads when rows are asked for. */
  constructor(info: DebugInfo, section: ByteWindows, offset: number) {
    this.#info = info;
    this.#section = section;
    this.#at = offset;
    info.cost.hold(TABLE_BYTES);
  }

  /** Returns the row of an abbreviation; -1 if the table has no such code. Throws LimitError. */
  row(code: number): number {
    const known = this.#known(code);
    return known >= 0 || this.#ended ? known : this.#readTo(code);
  }

  #known(code: number): number {
    return (code < MAX_DENSE ? this.#dense[code] ?? 0 : this.#sparse.get(code) ?? 0) - 1;
  }

  /** Reads abbreviations up to the one with `code`; returns its row, or -1. */
  #readTo(code: number): number {
    while (!this.#ended) {
      const own = this.#readNext();
      if (own === code && own !== 0) return this.#known(code);
    }
    return -1;
  }

  /** Reads an abbreviation; returns its code, or 0 at the end of the table. */
  #readNext(): number {
    const { cost } = this.#info, { attributes } = this;
    let r = this.#piece();
    const code = r.uleb(), tag = r.uleb();
    const isParent = r.u8() !== 0;
    if (code === 0 || this.#isPastEnd(r)) {
      this.#ended = true;
      return 0;
    }
    for (;;) {
      if (r.pos + MAX_ATTRIBUTE > PIECE) r = this.#piece(r.pos);
      const name = r.uleb(), form = r.uleb();
      const constant = form === FORM.IMPLICIT_CONST ? r.sleb() : 0;
      if ((name === 0 && form === 0) || this.#isPastEnd(r)) break;
      if (attributes.length % 96 === 0) cost.hold(32 * ATTRIBUTE_BYTES);
      attributes.push(name, form, constant);
    }
    cost.work(r.pos * WORK.abbreviation);
    this.#at += r.pos;
    this.#add(code, tag, isParent);
    return code;
  }

  #add(code: number, tag: number, isParent: boolean): void {
    this.#info.cost.hold(ROW_BYTES);
    const row = this.tags.push(tag) - 1;
    this.parents.push(isParent);
    this.starts.push(this.attributes.length);
    if (this.#known(code) >= 0) return; // the first one counts
    if (code >= MAX_DENSE) this.#sparse.set(code, row + 1);
    else {
      // compilers' codes leave no gaps
      this.#info.cost.hold(8 * Math.max(0, code - this.#dense.length));
      while (this.#dense.length <= code) this.#dense.push(0);
      this.#dense[code] = row + 1;
    }
  }

  /** Returns a reader of the next piece of the table, after `taken` bytes of this one. */
  #piece(taken = 0): LineReader {
    this.#info.cost.work(WORK.abbreviation * taken + WORK.debugUnit);
    this.#at += taken;
    return new LineReader(this.#section.window(this.#at, PIECE), this.#info.littleEndian);
  }

  #isPastEnd(r: LineReader): boolean {
    return this.#at + r.pos > this.#section.size;
  }
}

/** Tables of abbreviations of a file, each read once. */
export class Abbreviations {
  readonly #info: DebugInfo;
  readonly #section: ByteWindows | undefined;
  readonly #tables = new Map<number, AbbreviationTable>();

  constructor(info: DebugInfo) {
    this.#info = info;
    this.#section = info.get(".debug_abbrev");
  }

  /** Returns the table at an offset of .debug_abbrev; undefined if nothing is there. Throws LimitError. */
  at(offset: number): AbbreviationTable | undefined {
    if (!this.#section || !(offset >= 0 && offset < this.#section.size)) return undefined;
    let table = this.#tables.get(offset);
    if (table === undefined) {
      this.#tables.set(offset, table = new AbbreviationTable(this.#info, this.#section, offset));
    }
    return table;
  }
}
