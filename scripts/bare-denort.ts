/**
 * Cuts a program made by `deno compile` back to the runtime that it was made from:
 * `bare-denort.ts PROGRAM OUTPUT`.
 *
 * Such a program is an ELF file with a payload behind it, and behind that a trailer of libsui, which joined
 * them (little endian):
 *
 *     u32 magic = 0x501e; u32 hash of the payload's name; u64 length of payload and trailer
 *
 * The payload in turn ends with Deno's own mark "d3n0l4nd". The cut is checked against the ELF file's section
 * headers, which are the last thing in it.
 */

import { elfEnd } from "./elf-end.ts";

const TRAILER_SIZE = 16;
const MAGIC = 0x501e;

/** Reads `length` bytes at `offset`. */
function readAt(file: Deno.FsFile, offset: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  file.seekSync(offset, Deno.SeekMode.Start);
  for (let have = 0; have < length;) {
    const count = file.readSync(bytes.subarray(have));
    if (count === null) throw new Error(`ends at ${offset + have}`);
    have += count;
  }
  return bytes;
}

/** Copies the runtime at the front of the compiled program `source` to `target`; throws when it is not one. */
function cut(source: string, target: string): void {
  using file = Deno.openSync(source);
  const size = file.statSync().size;
  const trailer = new DataView(readAt(file, size - TRAILER_SIZE, TRAILER_SIZE).buffer);
  if (trailer.getUint32(0, true) !== MAGIC) throw new Error("no payload at its end");
  const end = size - Number(trailer.getBigUint64(8, true));
  const expected = elfEnd(new DataView(readAt(file, 0, 64).buffer));
  if (end !== expected) throw new Error(`its payload begins at ${end}, but its ELF file ends at ${expected}`);
  Deno.writeFileSync(target, readAt(file, 0, end), { mode: 0o755 });
}

const [source, target] = Deno.args;
try {
  cut(source, target);
} catch (error) {
  console.error(`pmuctl: cannot take the Deno runtime out of ${source}: ${(error as Error).message}`);
  Deno.exit(4);
}
