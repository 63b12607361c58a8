/**
 * Compression of the pages of data files: gzip, which every engine reads and every runtime has. zstd gives files of the
 * same size, and runtimes that a binary may be made with lack it; Spark lacks brotli.
 */

/** Codec of all columns, as Parquet names it. */
export const CODEC = "GZIP";

/** Level of compression: the highest takes a third more time and saves 2%. */
const LEVEL = 6;

const zlib = () => process.getBuiltinModule("node:zlib");

/** Compresses a page. */
export function compress(page: Uint8Array): Uint8Array {
  return zlib().gzipSync(page, { level: LEVEL });
}

/** Decompresses a page of so many bytes. Throws Error if it is damaged, or longer. */
export function decompress(page: Uint8Array, length: number): Uint8Array {
  return zlib().gunzipSync(page, { maxOutputLength: Math.max(1, length) });
}

/** Compressors and decompressors by codec, as hyparquet-writer and hyparquet take them. */
export const COMPRESSORS = { [CODEC]: compress }, DECOMPRESSORS = { [CODEC]: decompress };
