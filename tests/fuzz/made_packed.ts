/** Compressed data made without a compressor: xz and zstd of pieces that are stored as they are, and of runs. */

import { ByteWriter, concat } from "../../lib/base/bytes.ts";

const { crc32 } = process.getBuiltinModule("node:zlib");

/** A zstd frame (RFC 8878). `runs` are put behind `bytes`: blocks of that many zeros, at 4 bytes each. */
export function zstdStored(bytes: Uint8Array, runs: readonly number[] = []): Uint8Array<ArrayBuffer> {
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
  runs.forEach((size, i) => header(1, size, i + 1 === runs.length).u8(0));
  return w.bytes();
}

/** An xz file (the .xz file format, 1.2) of one block of LZMA2 chunks that are stored, with a CRC-32. */
export function xzStored(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const flags = Uint8Array.of(0, 1);
  const w = new ByteWriter(bytes.length + 128);
  w.raw(Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0)).raw(flags).u32(crc32(flags));
  const block = Uint8Array.of(2, 0, 0x21, 1, 8, 0, 0, 0); // 12 bytes; one filter: LZMA2, dictionary of 64 KiB
  w.raw(block).u32(crc32(block));
  const start = w.length - 12;
  const step = 1 << 16;
  for (let at = 0; at < bytes.length; at += step) {
    const part = bytes.subarray(at, at + step);
    w.u8(at === 0 ? 1 : 2).u8((part.length - 1) >> 8).u8((part.length - 1) & 255).raw(part);
  }
  w.u8(0);
  const unpadded = w.length - start + 4;
  w.zeros((4 - w.length % 4) % 4).u32(crc32(bytes));
  const index = new ByteWriter(32).u8(0).u8(1);
  for (const number of [unpadded, bytes.length]) {
    let left = number;
    for (; left >= 0x80; left = Math.floor(left / 128)) index.u8(left % 128 | 0x80);
    index.u8(left);
  }
  index.zeros((4 - index.length % 4) % 4);
  w.raw(index.bytes()).u32(crc32(index.bytes()));
  const footer = concat([new ByteWriter(4).u32((index.length + 4) / 4 - 1).bytes(), flags]);
  return w.u32(crc32(footer)).raw(footer).raw(Uint8Array.of(0x59, 0x5a)).bytes();
}
