/** Compression of the pages of data files. */

/** Codec of all columns, as Parquet names it. */
export const CODEC = "ZSTD";

/** Level of compression: higher ones take more than twice the time and save a few percent. */
const LEVEL = 3;

/** Returns the runtime's zlib, which also has zstd. */
const zlib = () => process.getBuiltinModule("node:zlib");

/** Compresses a page. */
export function compress(page: Uint8Array): Uint8Array {
  const { zstdCompressSync, constants } = zlib();
  return zstdCompressSync(page, { params: { [constants.ZSTD_c_compressionLevel]: LEVEL } });
}

/** Decompresses a page of so many bytes. Throws Error if it is damaged, or longer. */
export function decompress(page: Uint8Array, length: number): Uint8Array {
  return zlib().zstdDecompressSync(page, { maxOutputLength: Math.max(1, length) });
}

/** Compressors and decompressors by codec, as hyparquet-writer and hyparquet take them. */
export const COMPRESSORS = { [CODEC]: compress }, DECOMPRESSORS = { [CODEC]: decompress };
