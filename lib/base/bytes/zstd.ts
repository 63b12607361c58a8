/**
 * Unpacks zstd (RFC 8878) as it comes in. What is packed may be made by anyone, so each block is held to what the format
 * allows before it is written (128 kB, and matches within what is there), and a window to what the caller allows; memory
 * goes with what has come out, not with what the data says will.
 *
 *     frame: magic, header, blocks, checksum (passed over)         (section 3.1.1)
 *     block: u24 header; stored, one byte repeated, or literals and the sequences that copy them and what came before
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
/** Skippable frames: the low four bits may be any. */
const SKIPPABLE = 0x184d2a50;
const MOST_FRAME_HEADER = 18;
const BLOCK_HEADER = 3;
const MOST_BLOCK = 128 << 10;
/** How far back data may refer: the most that zstd's own decoder allows unless told otherwise. */
const MOST_WINDOW = 1 << 27;
const BLOCK = { RAW: 0, RLE: 1, COMPRESSED: 2 } as const;
const LITERALS = { RAW: 0, RLE: 1, COMPRESSED: 2 } as const;
const MODE = { PREDEFINED: 0, RLE: 1, COMPRESSED: 2 } as const;

/** Codes of lengths of literals and of matches: what is added to the bits that follow, and how many those are. */
const LITERAL_LENGTHS = codes(16, 0, [1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
const MATCH_LENGTHS = codes(32, 3, [1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
const MOST_OFFSET_CODE = 31;

interface Codes {
  bases: Uint32Array;
  bits: Uint8Array;
}

/** The first `single` codes are one length each, from `first` on; those behind have bits. */
function codes(single: number, first: number, more: readonly number[]): Codes {
  const bits = Uint8Array.from([...Array(single).fill(0), ...more]);
  const bases = new Uint32Array(bits.length);
  bases[0] = first;
  for (let i = 1; i < bits.length; i++) bases[i] = bases[i - 1] + 2 ** bits[i - 1];
  return { bases, bits };
}

/** The tables that are not in the data (section 3.1.1.3.2.2): of lengths of literals, offsets, and lengths of matches. */
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
/** Of each of the three: the most bits of a state, and the last code. */
const TABLE_LIMITS = [
  { log: 9, code: LITERAL_LENGTHS.bits.length - 1 },
  { log: 8, code: MOST_OFFSET_CODE },
  { log: 9, code: MATCH_LENGTHS.bits.length - 1 },
];

/** A frame that is being unpacked. */
interface Frame {
  window: number;
  checksum: boolean;
  /** What blocks take over from those before. */
  huffman: HuffmanTable | undefined;
  tables: (FseTable | undefined)[];
  offsets: [number, number, number];
}

/** Where the unpacking is: between frames, in one, or passing over what is of no use. */
type State = { kind: "between" } | { kind: "frame"; frame: Frame } | { kind: "skip"; left: number };

/** Unpacks a stream that is pushed piece by piece. */
export class Unzstd {
  readonly #onBlock: (block: Uint8Array) => void;
  #state: State = { kind: "between" };
  /** What has come in and is not yet used: [#from, #to). */
  #input = new Uint8Array(0);
  #from = 0;
  #to = 0;
  readonly #history = new History();
  readonly #literals = new Uint8Array(MOST_BLOCK);

  /** @param onBlock is given what comes out, which is only valid until it returns. */
  constructor(onBlock: (block: Uint8Array) => void) {
    this.#onBlock = onBlock;
  }

  /** Whether all that came in was whole frames. */
  get isComplete(): boolean {
    return this.#state.kind === "between" && this.#from === this.#to;
  }

  /** Takes the next bytes, and gives what they complete. Throws ZstdError when they are damaged. */
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

  /** Does what can be done next; false when more has to come in first. */
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
    if (magic !== MAGIC) throw new ZstdError("it is not zstd");
    const header = frameHeader(bytes);
    if (header === undefined) {
      if (bytes.length >= MOST_FRAME_HEADER) throw new ZstdError("a frame's header is damaged");
      return false;
    }
    const { size, window, checksum } = header;
    if (window > MOST_WINDOW) {
      throw new ZstdError(
        `it asks for a window of ${window} bytes, and ${MOST_WINDOW >> 20} MiB are allowed`,
      );
    }
    this.#from += size;
    this.#history.end = 0; // nothing refers to what earlier frames gave
    const frame: Frame = { window, checksum, huffman: undefined, tables: [], offsets: [1, 4, 8] };
    this.#state = { kind: "frame", frame };
    return true;
  }

  #block(frame: Frame): boolean {
    const input = this.#input, at = this.#from, there = this.#to - at;
    if (there < BLOCK_HEADER) return false;
    const header = input[at] | (input[at + 1] << 8) | (input[at + 2] << 16);
    const isLast = (header & 1) === 1, type = (header >> 1) & 3, size = header >> 3;
    if (size > MOST_BLOCK) throw new ZstdError(`a block of ${size} bytes`);
    const packed = type === BLOCK.RLE ? 1 : size;
    if (there < BLOCK_HEADER + packed) return false;
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

/** Unpacks all of `packed` into `into`, which it fills. Throws ZstdError when it is damaged, or has another size. */
export function unzstd(packed: Uint8Array, into: Uint8Array): void {
  let at = 0;
  const decoder = new Unzstd((block) => {
    if (at + block.length > into.length) throw new ZstdError("it is larger than it says");
    into.set(block, at);
    at += block.length;
  });
  decoder.push(packed);
  if (at < into.length || !decoder.isComplete) throw new ZstdError("it is cut off");
}

/** A frame's header behind the magic; undefined when it is not all there. */
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

/** What has come out of a frame, as far back as its window. */
class History {
  bytes = new Uint8Array(2 * MOST_BLOCK);
  /** Behind the last byte that has come out. */
  end = 0;

  /** Makes room for a block: by growing as what comes out does, up to half a window more than the window, then by moving. */
  makeRoom({ window }: Frame): void {
    if (this.end + MOST_BLOCK <= this.bytes.length) return;
    const most = window + MOST_BLOCK + Math.max(MOST_BLOCK, window >> 1);
    if (this.bytes.length < most) {
      const grown = new Uint8Array(Math.min(most, Math.max(2 * this.bytes.length, this.end + MOST_BLOCK)));
      grown.set(this.bytes.subarray(0, this.end));
      this.bytes = grown;
      if (this.end + MOST_BLOCK <= grown.length) return;
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

/** A block of literals and sequences. */
class CompressedBlock {
  readonly #bytes: Uint8Array;
  readonly #frame: Frame;
  readonly #history: History;
  readonly #literals: Uint8Array;
  /** How many literals there are, and where what follows them begins. */
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
    const used = count === 0 ? 0 : this.#runSequences(count, history.end + MOST_BLOCK);
    history.append(this.#literals.subarray(used, this.#literalCount));
  }

  /** Literals_Section (section 3.1.1.3.1). */
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
    if (literals > MOST_BLOCK) throw new ZstdError("a block has too many literals");
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

  /** Number_of_Sequences (section 3.1.1.3.2.1). */
  #sequenceCount(): number {
    const bytes = this.#bytes, first = bytes[this.#at++];
    if (first === undefined) throw new ZstdError("a block is cut off");
    if (first < 128) return first;
    const second = bytes[this.#at++] ?? 0;
    if (first < 255) return ((first - 128) << 8) + second;
    return second + ((bytes[this.#at++] ?? 0) << 8) + 0x7f00;
  }

  /** The table of lengths of literals (0), offsets (1) or lengths of matches (2). */
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

  /** Runs the sequences, which write up to `limit` of the history at most; returns how many literals they use. */
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
      if (!(offset > 0 && offset <= Math.max(window, MOST_BLOCK)) || from < 0) {
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

/** The offset that a sequence's value stands for, by those used last, which it changes (section 3.1.1.5). */
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

/** Longer copies are worth a call. */
const SHORT = 32;

function copyShort(from: Uint8Array, at: number, to: Uint8Array, end: number, length: number): void {
  if (length > SHORT) to.set(from.subarray(at, at + length), end);
  else for (let i = 0; i < length; i++) to[end + i] = from[at + i];
}

/** Copies within `bytes` what may overlap: a match of its own end repeats it. */
function copyMatch(bytes: Uint8Array, from: number, to: number, length: number): void {
  const distance = to - from;
  if (length <= SHORT) {
    for (let i = 0; i < length; i++) bytes[to + i] = bytes[from + i];
    return;
  }
  // each copy doubles what the next one can take at once
  for (let done = 0; done < length;) {
    const step = Math.min(length - done, distance + done);
    bytes.copyWithin(to + done, from, from + step);
    done += step;
  }
}
