/** Compressed files: modules of the kernel as distributions have them, and sections in xz. */

import { type ByteSource, MemoryBytes } from "../../base/bytes/byte_source.ts";
import { concat } from "../../base/bytes/bytes.ts";
import { BadInputError } from "../../base/system/errors.ts";
import { type Cost, LimitError, WORK } from "../object/limits.ts";

/** Decompresses bytes piece by piece; the pieces are valid until the next one. */
type Unpack = (packed: Uint8Array, cost: Cost) => AsyncIterable<Uint8Array>;

/** Ways of compression, by the bytes that a file starts with. */
const WAYS: readonly { start: readonly number[]; work: number; unpack: Unpack }[] = [
  { start: [0x1f, 0x8b], work: WORK.zlib, unpack: ungzip },
  { start: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], work: WORK.xz, unpack: unxz },
  { start: [0x28, 0xb5, 0x2f, 0xfd], work: WORK.zstd, unpack: unzst },
];

/**
 * Decompresses a file in the format of gzip, xz or zstd into memory, charged as held. Throws BadInputError if it is in
 * none of these, or damaged, and LimitError.
 */
export async function unpackedFile(source: ByteSource, cost: Cost): Promise<ByteSource> {
  cost.hold(source.size);
  cost.work(source.size * WORK.read);
  const packed = source.read(0, source.size);
  const way = WAYS.find(({ start }) => start.every((byte, i) => packed[i] === byte));
  if (way === undefined) throw damaged(source.name, "it is not compressed with gzip, xz or zstd");
  const whole = await unpacked(packed, way, source.name, cost);
  cost.release(source.size);
  return new MemoryBytes(whole, source.name);
}

/** Decompresses bytes in the format of xz, charged as held. Throws as unpackedFile() does. */
export function unpackedXz(packed: Uint8Array, name: string, cost: Cost): Promise<Uint8Array> {
  return unpacked(packed, WAYS[1], name, cost);
}

async function unpacked(
  packed: Uint8Array,
  { work, unpack }: typeof WAYS[number],
  name: string,
  cost: Cost,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of unpack(packed, cost)) {
      cost.work(chunk.length * work);
      cost.hold(2 * chunk.length); // once here, and once in one piece
      chunks.push(chunk.slice());
    }
  } catch (error) {
    if (error instanceof LimitError) throw error;
    throw damaged(name, error instanceof Error ? error.message : String(error));
  }
  const whole = concat(chunks);
  cost.release(whole.length);
  return whole;
}

function damaged(name: string, cause: string): BadInputError {
  return new BadInputError(`cannot read ${name}: ${cause}`, 0);
}

/** Decompresses xz by xz-embedded as WebAssembly, which is loaded only when needed. */
async function* unxz(packed: Uint8Array): AsyncGenerator<Uint8Array> {
  const { default: { XzReadableStream } } = await import("xz-decompress");
  yield* new XzReadableStream(new Blob([packed as BlobPart]).stream());
}

function ungzip(packed: Uint8Array): AsyncIterable<Uint8Array> {
  return new Blob([packed as BlobPart]).stream().pipeThrough(new DecompressionStream("gzip"));
}

async function* unzst(packed: Uint8Array, cost: Cost): AsyncGenerator<Uint8Array> {
  const { Unzstd } = await import("../../base/bytes/zstd.ts");
  const blocks: Uint8Array[] = [];
  const decoder = new Unzstd((block) => blocks.push(block.slice()), () => cost.work(WORK.zstdBlock));
  for (let at = 0; at < packed.length; at += 1 << 16) {
    decoder.push(packed.subarray(at, at + (1 << 16)));
    yield* blocks.splice(0);
  }
  if (!decoder.isComplete) throw new Error("it is cut off");
}
