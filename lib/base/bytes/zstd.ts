/**
 * Streaming zstd decoder (RFC 8878). The data is untrusted: each block is checked against the format's limits before it
 * is written (128 kB, and matches within the decoded data), and the window against MAX_WINDOW. Memory grows with the
 * decoded data, not with the sizes that the input claims.
 *
 *     frame: magic, header, blocks, checksum (skipped)         (section 3.1.1)
 *     block: u24 header; stored, one byte repeated, or literals and the sequences that copy them and earlier data
 */

import { viewOf } from "./bytes.ts";
import { CompressedBlock, type Frame, History, MAX_BLOCK } from "./zstd_block.ts";
import { ZstdError } from "./zstd_entropy.ts";

export { ZstdError };

const MAGIC = 0xfd2fb528;
/** Magic of skippable frames, whose low four bits may be any. */
const SKIPPABLE = 0x184d2a50;
const MAX_FRAME_HEADER = 18;
const BLOCK_HEADER = 3;
/** Limit on the window in bytes: the default limit of zstd's own decoder. */
const MAX_WINDOW = 1 << 27;
const BLOCK = { RAW: 0, RLE: 1, COMPRESSED: 2 } as const;

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
    const view = viewOf(bytes);
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
