/**
 * Entropy coding of zstd (RFC 8878, section 4): bits read backwards, FSE tables, and Huffman tables. Damaged data
 * throws ZstdError; every table has a bounded size.
 */

/** Damage in compressed data. */
export class ZstdError extends Error {}

/** Limit on the bits of a literal's code (section 4.2.1). */
const MAX_HUFFMAN_BITS = 11;
const MAX_WEIGHTS = 255;

/**
 * Bit reader from the end of a stream, where the highest 1 marks the first bit; bits before the stream's start are
 * zeros.
 */
export class BackwardBits {
  readonly bytes: Uint8Array;
  /** Number of bits left; negative when more were read than there were. */
  left: number;

  constructor(bytes: Uint8Array) {
    const last = bytes.length > 0 ? bytes[bytes.length - 1] : 0;
    if (last === 0) throw new ZstdError("a stream of bits has no end");
    this.bytes = bytes;
    this.left = 8 * (bytes.length - 1) + log2(last);
  }

  /** Reads the next `n` bits, at most MAX_BITS. */
  read(n: number): number {
    const bits = bitsBefore(this.bytes, this.left, n);
    this.left -= n;
    return bits;
  }

  /** Reads the next `n` bits, at most 32. */
  readLong(n: number): number {
    if (n <= MAX_BITS) return this.read(n);
    const high = this.read(n - 16);
    return high * 65536 + this.read(16);
  }
}

/** Limit on a single read: the bits that four bytes have wherever in the first byte they begin. */
const MAX_BITS = 25;

/** Returns the `n` bits (at most MAX_BITS) before bit `end` of a stream; bits before its start are zeros. */
function bitsBefore(bytes: Uint8Array, end: number, n: number): number {
  const at = end - n;
  if (at < 0) return end <= 0 ? 0 : bitsBefore(bytes, end, end) << -at;
  const byte = at >> 3;
  const word = bytes[byte] | (bytes[byte + 1] << 8) | (bytes[byte + 2] << 16) | (bytes[byte + 3] << 24);
  return (word >>> (at & 7)) & ((1 << n) - 1);
}

/** Returns the index of the highest set bit. */
export function log2(value: number): number {
  return 31 - Math.clz32(value);
}

/** FSE decoding table: for each state, its symbol and the next state. */
export interface FseTable {
  /** Number of bits of a state. */
  log: number;
  /** Cells `symbol | bits << 8 | base << 16`: the next state is `base` plus the next `bits` bits. */
  cells: Int32Array;
}

/** Returns the table of a single symbol, which takes no bits. */
export function fseOfOne(symbol: number): FseTable {
  return { log: 0, cells: Int32Array.of(symbol) };
}

/** Builds a table from probabilities in units of 2^-log; -1 means less than one unit (section 4.1.1). */
export function fseTable(probabilities: readonly number[], log: number): FseTable {
  const size = 1 << log, mask = size - 1, step = (size >> 1) + (size >> 3) + 3;
  const cells = new Int32Array(size);
  const next = new Uint16Array(probabilities.length);
  let high = size;
  probabilities.forEach((probability, symbol) => {
    if (probability === -1) cells[--high] = symbol;
    next[symbol] = Math.abs(probability);
  });
  let at = 0;
  probabilities.forEach((probability, symbol) => {
    for (let i = 0; i < probability; i++) {
      cells[at] = symbol;
      do at = (at + step) & mask; while (at >= high);
    }
  });
  if (at !== 0) throw new ZstdError("an FSE table does not add up");
  for (let state = 0; state < size; state++) {
    const count = next[cells[state]]++, bits = log - log2(count);
    cells[state] |= (bits << 8) | (((count << bits) - size) << 16);
  }
  return { log, cells };
}

/**
 * Reads the description of an FSE table at the start of `bytes` (section 4.1.1); returns the table and its size in
 * bytes. Throws ZstdError for symbols above `maxSymbol`, or states of more than `maxLog` bits.
 */
export function readFseTable(
  bytes: Uint8Array,
  maxLog: number,
  maxSymbol: number,
): { table: FseTable; size: number } {
  const bitsAt = (at: number, n: number) => {
    const byte = at >> 3;
    return ((bytes[byte] | (bytes[byte + 1] << 8) | (bytes[byte + 2] << 16)) >>> (at & 7)) & ((1 << n) - 1);
  };
  const log = bitsAt(0, 4) + 5;
  if (log > maxLog) throw new ZstdError("an FSE table is too large");
  const probabilities: number[] = [];
  let at = 4, threshold = 1 << log, remaining = threshold + 1, width = log + 1;
  while (remaining > 1 && probabilities.length <= maxSymbol && at < 8 * bytes.length) {
    const short = 2 * threshold - 1 - remaining;
    let value = bitsAt(at, width - 1);
    if (value < short) at += width - 1;
    else {
      value = bitsAt(at, width);
      if (value >= threshold) value -= short;
      at += width;
    }
    const probability = value - 1;
    probabilities.push(probability);
    remaining -= Math.abs(probability);
    if (probability === 0) {
      for (let zeros = 3; zeros === 3 && at < 8 * bytes.length; at += 2) {
        zeros = bitsAt(at, 2);
        for (let i = 0; i < zeros; i++) probabilities.push(0);
      }
    }
    while (remaining < threshold && threshold > 1) {
      width--;
      threshold >>= 1;
    }
  }
  const size = (at + 7) >> 3;
  if (remaining !== 1 || probabilities.length > maxSymbol + 1 || size > bytes.length) {
    throw new ZstdError("an FSE table is damaged");
  }
  return { table: fseTable(probabilities, log), size };
}

/** Huffman decoding table of literals: for the next `log` bits, the symbol and the number of its bits. */
export interface HuffmanTable {
  log: number;
  /** Cells `symbol | bits << 8`. */
  cells: Uint16Array;
}

/**
 * Reads the description of a Huffman table at the start of `bytes` (section 4.2.1); returns the table and its size in
 * bytes.
 */
export function readHuffmanTable(bytes: Uint8Array): { table: HuffmanTable; size: number } {
  const head = bytes[0] ?? 0;
  if (head >= 128) {
    const count = head - 127, size = 1 + ((count + 1) >> 1);
    if (size > bytes.length) throw new ZstdError("a Huffman table is cut off");
    const weights = Array.from(
      { length: count },
      (_, i) => i % 2 ? bytes[1 + (i >> 1)] & 15 : bytes[1 + (i >> 1)] >> 4,
    );
    return { table: huffmanTable(weights), size };
  }
  const packed = bytes.subarray(1, 1 + head);
  if (packed.length < head) throw new ZstdError("a Huffman table is cut off");
  const { table, size } = readFseTable(packed, 6, MAX_WEIGHTS);
  return { table: huffmanTable(readWeights(packed.subarray(size), table)), size: 1 + head };
}

/** Decodes weights, which two states yield in turn. */
function readWeights(stream: Uint8Array, { log, cells }: FseTable): number[] {
  const r = new BackwardBits(stream), weights: number[] = [];
  let state = r.read(log), other = r.read(log);
  while (weights.length < MAX_WEIGHTS) {
    const cell = cells[state];
    weights.push(cell & 255);
    const next = (cell >> 16) + r.read((cell >> 8) & 255);
    if (r.left < 0) {
      weights.push(cells[other] & 255);
      return weights;
    }
    state = other;
    other = next;
  }
  throw new ZstdError("a Huffman table has too many symbols");
}

/** Builds a table from the weights of all symbols but the last, whose weight completes the sum to a power of two. */
function huffmanTable(weights: number[]): HuffmanTable {
  let sum = 0;
  for (const weight of weights) {
    if (weight > MAX_HUFFMAN_BITS) throw new ZstdError("a Huffman table has too long codes");
    if (weight > 0) sum += 1 << (weight - 1);
  }
  const log = sum === 0 ? 0 : log2(sum) + 1, left = (1 << log) - sum;
  if (sum === 0 || log > MAX_HUFFMAN_BITS || (left & (left - 1)) !== 0) {
    throw new ZstdError("a Huffman table does not add up");
  }
  const all = [...weights, log2(left) + 1];
  const cells = new Uint16Array(1 << log);
  let at = 0;
  for (let weight = 1; weight <= log; weight++) {
    all.forEach((each, symbol) => {
      if (each !== weight) return;
      const end = at + (1 << (weight - 1));
      cells.fill(symbol | (log + 1 - weight) << 8, at, end);
      at = end;
    });
  }
  return { log, cells };
}

/** Decodes a stream of literals until `into` is full. Throws ZstdError unless the stream ends just there. */
export function readLiterals(
  stream: Uint8Array,
  { log, cells }: HuffmanTable,
  into: Uint8Array,
): void {
  let { left } = new BackwardBits(stream);
  const count = into.length, mask = (1 << log) - 1;
  let i = 0;
  // any MAX_BITS bits contain two codes
  for (; i + 1 < count && left >= MAX_BITS; i += 2) {
    const word = bitsBefore(stream, left, MAX_BITS);
    const first = cells[(word >>> (MAX_BITS - log)) & mask], used = first >> 8;
    const second = cells[(word >>> (MAX_BITS - log - used)) & mask];
    into[i] = first;
    into[i + 1] = second;
    left -= used + (second >> 8);
  }
  for (; i < count && left >= 0; i++) {
    const cell = cells[bitsBefore(stream, left, log)];
    into[i] = cell;
    left -= cell >> 8;
  }
  if (left !== 0) throw new ZstdError("literals are damaged");
}
