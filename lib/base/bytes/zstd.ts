/**
 * Streaming zstd decoder (RFC 8878). The data is untrusted: each block is checked against the format's limits before it
 * is written (128 kB, and matches within the decoded data), and the window against MAX_WINDOW. Memory grows with the
 * decoded data, not with the sizes that the input claims.
 *
 *     frame: magic, header, blocks, checksum (skipped)         (section 3.1.1)
 *     block: u24 header; stored, one byte repeated, or literals and the sequences that copy them and earlier data
 */

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

export { ZstdError } from "./zstd_entropy.ts";

const MAGIC = 0xfd2fb528;
/** Magic of skippable frames, whose low four bits may be any. */
const SKIPPABLE = 0x184d2a50;
const MAX_FRAME_HEADER = 18;
const BLOCK_HEADER = 3;
const MAX_BLOCK = 128 << 10;
/** Limit on the window in bytes: the default limit of zstd's own decoder. */
const MAX_WINDOW = 1 << 27;
const BLOCK = { RAW: 0, RLE: 1, COMPRESSED: 2 } as const;
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
interface Frame {
  window: number;
  checksum: boolean;
  /** Tables and offsets that blocks inherit from earlier ones. */
  huffman: HuffmanTable | undefined;
  tables: (FseTable | undefined)[];
  offsets: [number, number, number];
}

/** Decoder state: between frames, in one, or skipping bytes. */
type State = { kind: "between" } | { kind: "frame"; frame: Frame } | { kind: "skip"; left: number };

/** Decodes a stream that is pushed piece by piece. */
export class Unzstd {
  readonly #onBlock: (block: Uint8Array) => void;
  readonly #beforeBlock: (() => void) | undefined;
  #state: State = { kind: "between" };
  /** Pending input: [#from, #to). */
  #input = new Uint8Array(0);
  #from = 0;
  #to = 0;
  readonly #history = new History();
  readonly #literals = new Uint8Array(MAX_BLOCK);

  /**
   * @param onBlock receives decoded bytes, which are valid only until it returns.
   * @param beforeBlock called before each block, empty ones included: a few bytes can make new tables, which take 3 us.
   */
  constructor(onBlock: (block: Uint8Array) => void, beforeBlock?: () => void) {
    this.#onBlock = onBlock;
    this.#beforeBlock = beforeBlock;
  }

  /** Whether the input so far consists of whole frames. */
  get isComplete(): boolean {
    return this.#state.kind === "between" && this.#from === this.#to;
  }

  /** Decodes the next bytes. Throws ZstdError when they are damaged. */
  push(bytes: Uint8Array): void {
    this.#append(bytes);
    while (this.#step());
  }

  #append(bytes: Uint8Array): void {
    const kept = this.#to - this.#from;
    if (this.#to + bytes.length > this.#input.length) {
      const grown = kept + bytes.length > this.#input.length
        ? new Uint8Array(2 * (kept + bytes.length))
        : this.#input;
      grown.set(this.#input.subarray(this.#from, this.#to));
      this.#input = grown;
      this.#from = 0;
      this.#to = kept;
    }
    this.#input.set(bytes, this.#to);
    this.#to += bytes.length;
  }

  /** Takes one decoding step; returns false when it needs more input. */
  #step(): boolean {
    const state = this.#state;
    if (state.kind === "skip") {
      const n = Math.min(state.left, this.#to - this.#from);
      this.#from += n;
      state.left -= n;
      if (state.left > 0) return false;
      this.#state = { kind: "between" };
      return true;
    }
    return state.kind === "between" ? this.#beginFrame() : this.#block(state.frame);
  }

  #beginFrame(): boolean {
    const bytes = this.#input.subarray(this.#from, this.#to);
    if (bytes.length < 5) return false;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const magic = view.getUint32(0, true);
    if ((magic & ~15) >>> 0 === SKIPPABLE) {
      if (bytes.length < 8) return false;
      this.#from += 8;
      this.#state = { kind: "skip", left: view.getUint32(4, true) };
      return true;
    }
    if (magic !== MAGIC) throw new ZstdError("not zstd data");
    const header = frameHeader(bytes);
    if (header === undefined) {
      if (bytes.length >= MAX_FRAME_HEADER) throw new ZstdError("a frame's header is damaged");
      return false;
    }
    const { size, window, checksum } = header;
    if (window > MAX_WINDOW) {
      throw new ZstdError(
        `its window of ${window} bytes is over the limit of ${MAX_WINDOW >> 20} MiB`,
      );
    }
    this.#from += size;
    this.#history.end = 0; // frames do not refer to earlier ones
    const frame: Frame = { window, checksum, huffman: undefined, tables: [], offsets: [1, 4, 8] };
    this.#state = { kind: "frame", frame };
    return true;
  }

  #block(frame: Frame): boolean {
    const input = this.#input, at = this.#from, there = this.#to - at;
    if (there < BLOCK_HEADER) return false;
    const header = input[at] | (input[at + 1] << 8) | (input[at + 2] << 16);
    const isLast = (header & 1) === 1, type = (header >> 1) & 3, size = header >> 3;
    if (size > MAX_BLOCK) throw new ZstdError(`a block of ${size} bytes`);
    const packed = type === BLOCK.RLE ? 1 : size;
    if (there < BLOCK_HEADER + packed) return false;
    this.#beforeBlock?.();
    const contents = input.subarray(at + BLOCK_HEADER, at + BLOCK_HEADER + packed);
    this.#from += BLOCK_HEADER + packed;
    const history = this.#history;
    history.makeRoom(frame);
    const start = history.end;
    if (type === BLOCK.RAW) history.append(contents);
    else if (type === BLOCK.RLE) history.fill(contents[0], size);
    else if (type === BLOCK.COMPRESSED) {
      new CompressedBlock(contents, frame, history, this.#literals).unpack();
    } else throw new ZstdError("a block of an unknown type");
    if (history.end > start) this.#onBlock(history.bytes.subarray(start, history.end));
    if (isLast) this.#state = frame.checksum ? { kind: "skip", left: 4 } : { kind: "between" };
    return true;
  }
}

/**
 * Decodes `packed` into `into`, which it fills exactly. Throws ZstdError when it is damaged or has another size.
 * @param beforeBlock called before each block.
 */
export function unzstd(packed: Uint8Array, into: Uint8Array, beforeBlock?: () => void): void {
  let at = 0;
  const decoder = new Unzstd((block) => {
    if (at + block.length > into.length) throw new ZstdError("it is larger than it says");
    into.set(block, at);
    at += block.length;
  }, beforeBlock);
  decoder.push(packed);
  if (at < into.length || !decoder.isComplete) throw new ZstdError("it is cut off");
}

/** Parses a frame's header after the magic; undefined when it is incomplete. */
function frameHeader(bytes: Uint8Array): { size: number; window: number; checksum: boolean } | undefined {
  const descriptor = bytes[4];
  const isSingle = (descriptor & 0x20) !== 0, checksum = (descriptor & 4) !== 0;
  if (descriptor & 8) throw new ZstdError("a frame's header has an unknown bit");
  const idSize = [0, 1, 2, 4][descriptor & 3];
  const sizeFlag = descriptor >> 6, contentSize = sizeFlag === 0 ? (isSingle ? 1 : 0) : 1 << sizeFlag;
  let at = isSingle ? 5 : 6;
  const size = at + idSize + contentSize;
  if (bytes.length < size) return undefined;
  for (let i = 0; i < idSize; i++) if (bytes[at++] !== 0) throw new ZstdError("it needs a dictionary");
  if (!isSingle) {
    const base = 2 ** (10 + (bytes[5] >> 3));
    return { size, checksum, window: base + (base / 8) * (bytes[5] & 7) };
  }
  let content = contentSize === 2 ? 256 : 0;
  for (let i = 0; i < contentSize; i++) content += bytes[at + i] * 2 ** (8 * i);
  return { size, checksum, window: content };
}

/** Decoded bytes of a frame, as far back as its window. */
class History {
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
class CompressedBlock {
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
