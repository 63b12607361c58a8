/** Blocks of zstd: literals and sequences, and what they copy from (RFC 8878, section 3.1.1.3). */

import {
  BackwardBits,
  fseOfOne,
  type FseTable,
  fseTable,
  type HuffmanTable,
  readFseTable,
  readHuffmanTable,
  readLiterals,
  ZstdError,
} from "./zstd_entropy.ts";

/** Limit on a decoded block in bytes, of the format. */
export const MAX_BLOCK = 128 << 10;
const LITERALS = { RAW: 0, RLE: 1, COMPRESSED: 2 } as const;
const MODE = { PREDEFINED: 0, RLE: 1, COMPRESSED: 2 } as const;

/** Codes of literal and match lengths: for each code, the base value and the number of extra bits added to it. */
const LITERAL_LENGTHS = codes(16, 0, [1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
const MATCH_LENGTHS = codes(32, 3, [1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
const MAX_OFFSET_CODE = 31;

/** Base value and number of extra bits of each code. */
interface Codes {
  bases: Uint32Array;
  bits: Uint8Array;
}

/**
 * Builds a code table: the first `single` codes stand for one length each, from `first` on; the others have extra bits.
 */
function codes(single: number, first: number, more: readonly number[]): Codes {
  const bits = Uint8Array.from([...Array(single).fill(0), ...more]);
  const bases = new Uint32Array(bits.length);
  bases[0] = first;
  for (let i = 1; i < bits.length; i++) bases[i] = bases[i - 1] + 2 ** bits[i - 1];
  return { bases, bits };
}

/** Predefined tables (section 3.1.1.3.2.2): of literal lengths, offsets, and match lengths. */
const PREDEFINED: readonly FseTable[] = [
  // deno-fmt-ignore
  fseTable([4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1,
    -1, -1, -1, -1], 6),
  // deno-fmt-ignore
  fseTable([1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1], 5),
  // deno-fmt-ignore
  fseTable([1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1], 6),
];
/** Limits of each of the three tables: bits of a state, and last code. */
const TABLE_LIMITS = [
  { log: 9, code: LITERAL_LENGTHS.bits.length - 1 },
  { log: 8, code: MAX_OFFSET_CODE },
  { log: 9, code: MATCH_LENGTHS.bits.length - 1 },
];

/** State of the frame being decoded. */
export interface Frame {
  window: number;
  checksum: boolean;
  /** Tables and offsets that blocks inherit from earlier ones. */
  huffman: HuffmanTable | undefined;
  tables: (FseTable | undefined)[];
  offsets: [number, number, number];
}

/** Decoded bytes of a frame, as far back as its window. */
export class History {
  bytes = new Uint8Array(2 * MAX_BLOCK);
  /** End of the decoded bytes. */
  end = 0;

  /**
   * Makes room for a block: by growing up to half a window more than the window, and then by moving the window to the
   * front.
   */
  makeRoom({ window }: Frame): void {
    if (this.end + MAX_BLOCK <= this.bytes.length) return;
    const most = window + MAX_BLOCK + Math.max(MAX_BLOCK, window >> 1);
    if (this.bytes.length < most) {
      const grown = new Uint8Array(Math.min(most, Math.max(2 * this.bytes.length, this.end + MAX_BLOCK)));
      grown.set(this.bytes.subarray(0, this.end));
      this.bytes = grown;
      if (this.end + MAX_BLOCK <= grown.length) return;
    }
    const kept = Math.min(window, this.end);
    this.bytes.copyWithin(0, this.end - kept, this.end);
    this.end = kept;
  }

  append(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.end);
    this.end += bytes.length;
  }

  fill(byte: number, count: number): void {
    this.bytes.fill(byte, this.end, this.end + count);
    this.end += count;
  }
}

/** Block of literals and sequences. */
export class CompressedBlock {
  readonly #bytes: Uint8Array;
  readonly #frame: Frame;
  readonly #history: History;
  readonly #literals: Uint8Array;
  /** Number of literals, and position of the data after them. */
  #literalCount = 0;
  #at = 0;

  constructor(bytes: Uint8Array, frame: Frame, history: History, literals: Uint8Array) {
    this.#bytes = bytes;
    this.#frame = frame;
    this.#history = history;
    this.#literals = literals;
  }

  unpack(): void {
    this.#readLiterals();
    const count = this.#sequenceCount();
    const history = this.#history;
    const used = count === 0 ? 0 : this.#runSequences(count, history.end + MAX_BLOCK);
    history.append(this.#literals.subarray(used, this.#literalCount));
  }

  /** Reads the Literals_Section (section 3.1.1.3.1). */
  #readLiterals(): void {
    const bytes = this.#bytes, head = bytes[0] ?? 0, type = head & 3, format = (head >> 2) & 3;
    const number = (bits: number, shift: number, size: number) => {
      let value = 0;
      for (let i = 0; i < size; i++) value += (bytes[i] ?? 0) * 2 ** (8 * i);
      return Math.floor(value / 2 ** shift) % 2 ** bits;
    };
    if (type === LITERALS.RAW || type === LITERALS.RLE) {
      const [size, bits, shift] = format === 1 ? [2, 12, 4] : format === 3 ? [3, 20, 4] : [1, 5, 3];
      this.#take(number(bits, shift, size));
      const end = size + (type === LITERALS.RAW ? this.#literalCount : 1);
      if (end > bytes.length) throw new ZstdError("literals are cut off");
      if (type === LITERALS.RAW) this.#literals.set(bytes.subarray(size, end));
      else this.#literals.fill(bytes[size], 0, this.#literalCount);
      this.#at = end;
      return;
    }
    const bits = [10, 10, 14, 18][format], size = [3, 3, 4, 5][format];
    this.#take(number(bits, 4, size));
    const end = size + number(bits, 4 + bits, size);
    if (end > bytes.length) throw new ZstdError("literals are cut off");
    this.#unpackLiterals(bytes.subarray(size, end), type === LITERALS.COMPRESSED, format === 0 ? 1 : 4);
    this.#at = end;
  }

  #take(literals: number): void {
    if (literals > MAX_BLOCK) throw new ZstdError("a block has too many literals");
    this.#literalCount = literals;
  }

  #unpackLiterals(packed: Uint8Array, hasTable: boolean, streams: 1 | 4): void {
    const frame = this.#frame;
    let at = 0;
    if (hasTable) {
      const { table, size } = readHuffmanTable(packed);
      frame.huffman = table;
      at = size;
    }
    const table = frame.huffman;
    if (table === undefined) throw new ZstdError("literals have no table, or it is in a dictionary");
    const into = this.#literals.subarray(0, this.#literalCount);
    if (streams === 1) return readLiterals(packed.subarray(at), table, into);
    const each = (into.length + 3) >> 2,
      sizes = [0, 2, 4].map((i) => packed[at + i] | (packed[at + i + 1] << 8));
    at += 6;
    for (let i = 0; i < 4; i++) {
      const end = i < 3 ? at + sizes[i] : packed.length;
      if (!(end <= packed.length) || 3 * each > into.length) throw new ZstdError("literals are cut off");
      readLiterals(
        packed.subarray(at, end),
        table,
        into.subarray(i * each, i < 3 ? (i + 1) * each : into.length),
      );
      at = end;
    }
  }

  /** Reads Number_of_Sequences (section 3.1.1.3.2.1). */
  #sequenceCount(): number {
    const bytes = this.#bytes, first = bytes[this.#at++];
    if (first === undefined) throw new ZstdError("a block is cut off");
    if (first < 128) return first;
    const second = bytes[this.#at++] ?? 0;
    if (first < 255) return ((first - 128) << 8) + second;
    return second + ((bytes[this.#at++] ?? 0) << 8) + 0x7f00;
  }

  /** Returns the table of literal lengths (0), offsets (1) or match lengths (2). */
  #table(which: 0 | 1 | 2, mode: number): FseTable {
    const { tables } = this.#frame, { log, code } = TABLE_LIMITS[which];
    if (mode === MODE.PREDEFINED) tables[which] = PREDEFINED[which];
    else if (mode === MODE.RLE) {
      const symbol = this.#bytes[this.#at++] ?? 255;
      if (symbol > code) throw new ZstdError("a sequence has an unknown code");
      tables[which] = fseOfOne(symbol);
    } else if (mode === MODE.COMPRESSED) {
      const { table, size } = readFseTable(this.#bytes.subarray(this.#at), log, code);
      tables[which] = table;
      this.#at += size;
    }
    const table = tables[which];
    if (table === undefined) throw new ZstdError("sequences have no table, or it is in a dictionary");
    return table;
  }

  /** Executes the sequences, which may write up to `limit` of the history; returns the number of literals used. */
  #runSequences(count: number, limit: number): number {
    const modes = this.#bytes[this.#at++] ?? 0;
    if (modes & 3) throw new ZstdError("sequences have an unknown bit");
    const literalTable = this.#table(0, modes >> 6);
    const offsetTable = this.#table(1, (modes >> 4) & 3);
    const matchTable = this.#table(2, (modes >> 2) & 3);
    const r = new BackwardBits(this.#bytes.subarray(this.#at));
    const history = this.#history, literals = this.#literals, { window, offsets } = this.#frame;
    let literalCell = literalTable.cells[r.read(literalTable.log)];
    let offsetCell = offsetTable.cells[r.read(offsetTable.log)];
    let matchCell = matchTable.cells[r.read(matchTable.log)];
    let used = 0;
    for (let i = 0; i < count; i++) {
      const offsetCode = offsetCell & 255, matchCode = matchCell & 255, literalCode = literalCell & 255;
      const value = ((1 << offsetCode) >>> 0) + r.readLong(offsetCode);
      const matchBits = MATCH_LENGTHS.bits[matchCode], literalBits = LITERAL_LENGTHS.bits[literalCode];
      let matchLength = MATCH_LENGTHS.bases[matchCode], literalLength = LITERAL_LENGTHS.bases[literalCode];
      if (matchBits + literalBits > 0) {
        matchLength += r.read(matchBits);
        literalLength += r.read(literalBits);
      }
      if (i + 1 < count) {
        literalCell = literalTable.cells[(literalCell >> 16) + r.read((literalCell >> 8) & 255)];
        matchCell = matchTable.cells[(matchCell >> 16) + r.read((matchCell >> 8) & 255)];
        offsetCell = offsetTable.cells[(offsetCell >> 16) + r.read((offsetCell >> 8) & 255)];
      }
      if (r.left < 0) throw new ZstdError("sequences are cut off");
      const offset = nextOffset(offsets, value, literalLength === 0);
      const from = history.end + literalLength - offset;
      const end = history.end + literalLength + matchLength;
      if (end > limit || used + literalLength > this.#literalCount) {
        throw new ZstdError("a block is too large");
      }
      if (!(offset > 0 && offset <= Math.max(window, MAX_BLOCK)) || from < 0) {
        throw new ZstdError("a match lies too far back");
      }
      copyShort(literals, used, history.bytes, history.end, literalLength);
      copyMatch(history.bytes, from, history.end + literalLength, matchLength);
      used += literalLength;
      history.end = end;
    }
    if (r.left !== 0) throw new ZstdError("sequences are damaged");
    if (history.end + this.#literalCount - used > limit) throw new ZstdError("a block is too large");
    return used;
  }
}

/** Returns the offset that a sequence's value stands for and updates the three most recent ones (section 3.1.1.5). */
function nextOffset(offsets: [number, number, number], value: number, noLiterals: boolean): number {
  if (value > 3) {
    offsets[2] = offsets[1];
    offsets[1] = offsets[0];
    return offsets[0] = value - 3;
  }
  const which = value - 1 + (noLiterals ? 1 : 0);
  if (which === 0) return offsets[0];
  const offset = which === 3 ? offsets[0] - 1 : offsets[which];
  if (which > 1) offsets[2] = offsets[1];
  offsets[1] = offsets[0];
  return offsets[0] = offset;
}

/** Longest copy in bytes that a loop does faster than a library call. */
const SHORT = 32;

function copyShort(from: Uint8Array, at: number, to: Uint8Array, end: number, length: number): void {
  if (length > SHORT) to.set(from.subarray(at, at + length), end);
  else for (let i = 0; i < length; i++) to[end + i] = from[at + i];
}

/** Copies a match within `bytes`. Source and target may overlap: then the match repeats itself. */
function copyMatch(bytes: Uint8Array, from: number, to: number, length: number): void {
  const distance = to - from;
  if (length <= SHORT) {
    for (let i = 0; i < length; i++) bytes[to + i] = bytes[from + i];
    return;
  }
  // each copy doubles the length of the next one
  for (let done = 0; done < length;) {
    const step = Math.min(length - done, distance + done);
    bytes.copyWithin(to + done, from, from + step);
    done += step;
  }
}
