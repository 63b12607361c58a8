/** Compressed data made without a compressor: xz and zstd of pieces that are stored as they are, and of runs. */

import { ByteWriter, concat } from "../../../lib/base/bytes/bytes.ts";

const { crc32 } = process.getBuiltinModule("node:zlib");

/** A zstd frame (RFC 8878). `runs` are put behind `bytes`: blocks of that many times `byte`, at 4 bytes each. */
export function zstdStored(
  bytes: Uint8Array,
  runs: readonly number[] = [],
  byte = 0,
): Uint8Array<ArrayBuffer> {
  const w = new ByteWriter(bytes.length + 64);
  w.u32(0xfd2fb528).u8(0).u8(0x38); // no size, no checksum; a window of 128 KiB
  const header = (type: number, size: number, isLast: boolean) => {
    const word = (size << 3) | (type << 1) | (isLast ? 1 : 0);
    return w.u8(word & 255).u8((word >> 8) & 255).u8((word >> 16) & 255);
  };
  const step = 1 << 17;
  const stored = Math.max(1, Math.ceil(bytes.length / step));
  for (let i = 0; i < stored; i++) {
    const part = bytes.subarray(i * step, (i + 1) * step);
    header(0, part.length, runs.length === 0 && i + 1 === stored).raw(part);
  }
  runs.forEach((size, i) => header(1, size, i + 1 === runs.length).u8(byte));
  return w.bytes();
}

/** An xz file of one block of LZMA2 chunks that are stored. */
export function xzStored(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const w = new ByteWriter(bytes.length + 128);
  const step = 1 << 16;
  for (let at = 0; at < bytes.length; at += step) {
    const part = bytes.subarray(at, at + step);
    w.u8(at === 0 ? 1 : 2).u8((part.length - 1) >> 8).u8((part.length - 1) & 255).raw(part);
  }
  return xzOf(w.bytes(), bytes.length, crc32(bytes));
}

/** An xz file that unpacks to `times` 2 MiB of zeros, at 371 bytes each. `file` is testdata's zeros.xz. */
export function xzZeros(file: Uint8Array, times: number): Uint8Array<ArrayBuffer> {
  // its first chunk: control 0xff starts anew; then the sizes, less one; the properties; the data
  const view = new DataView(file.buffer, file.byteOffset);
  const size = ((file[24] & 0x1f) << 16 | view.getUint16(25)) + 1, packed = view.getUint16(27) + 1;
  const chunk = file.subarray(24, 24 + 6 + packed);
  return xzOf(concat(Array(times).fill(chunk)), times * size);
}

/** An xz file (the .xz file format, 1.2) of these LZMA2 chunks, which unpack to `size` bytes; `crc` is theirs, if it has one. */
function xzOf(chunks: Uint8Array, size: number, crc?: number): Uint8Array<ArrayBuffer> {
  const flags = Uint8Array.of(0, crc === undefined ? 0 : 1);
  const w = new ByteWriter(chunks.length + 128);
  w.raw(Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0)).raw(flags).u32(crc32(flags));
  const block = Uint8Array.of(2, 0, 0x21, 1, 16, 0, 0, 0); // 12 bytes; one filter: LZMA2, dictionary of 1 MiB
  w.raw(block).u32(crc32(block)).raw(chunks).u8(0);
  const unpadded = 12 + chunks.length + 1 + (crc === undefined ? 0 : 4);
  w.zeros((4 - w.length % 4) % 4);
  if (crc !== undefined) w.u32(crc);
  const index = new ByteWriter(32).u8(0).u8(1);
  for (const number of [unpadded, size]) {
    let left = number;
    for (; left >= 0x80; left = Math.floor(left / 128)) index.u8(left % 128 | 0x80);
    index.u8(left);
  }
  index.zeros((4 - index.length % 4) % 4);
  w.raw(index.bytes()).u32(crc32(index.bytes()));
  const footer = concat([new ByteWriter(4).u32((index.length + 4) / 4 - 1).bytes(), flags]);
  return w.u32(crc32(footer)).raw(footer).raw(Uint8Array.of(0x59, 0x5a)).bytes();
}

/** Zeros as zlib packs them, 16 MiB at a time, `times` times; the checksum at the end is wrong. */
export function zlibZeros(times: number): Uint8Array<ArrayBuffer> {
  const { deflateSync, constants } = process.getBuiltinModule("node:zlib");
  const once = deflateSync(new Uint8Array(16 << 20), { level: 9, finishFlush: constants.Z_FULL_FLUSH });
  const head = once.subarray(0, 2), body = once.subarray(2);
  return concat([head, ...Array<Uint8Array>(times).fill(body), Uint8Array.of(3, 0, 0, 0, 0, 0)]);
}

/** A zstd frame of `n` blocks, each of which brings a Huffman table of 2048 cells for a single literal. */
export function zstdTables(n: number): Uint8Array {
  const weights = [0xba, 0x98, 0x76, 0x54, 0x32, 0x10]; // two each: 11 ... 1, and one that follows from them
  const literals = [127 + 11, ...weights, 3];
  const header = 2 | 1 << 4 | literals.length << 14; // one stream of one literal
  const body = [header & 255, header >> 8 & 255, header >> 16, ...literals, 0];
  const block = Uint8Array.of(2 << 1 | body.length << 3, 0, 0, ...body);
  const bytes = new Uint8Array(6 + n * block.length);
  bytes.set([0x28, 0xb5, 0x2f, 0xfd]);
  for (let i = 0; i < n; i++) bytes.set(block, 6 + i * block.length);
  bytes[6 + (n - 1) * block.length] |= 1;
  return bytes;
}
