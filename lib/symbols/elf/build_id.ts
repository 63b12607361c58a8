/**
 * The build id of an ELF file, from its program headers and the notes they point at. Recording asks it of everything
 * that runs, so it reads some kilobytes of a file, whatever the file says of itself, and never its sections.
 */

import type { ByteSource } from "../../base/bytes/byte_source.ts";
import { ByteReader, cString } from "../../base/bytes/bytes.ts";
import { FileBytes } from "../../base/files/file_bytes.ts";
import type { OpenPolicy } from "../../base/files/guarded_open.ts";
import { PT, readElfHeader, readSegments } from "./elf_header.ts";

const NT_GNU_BUILD_ID = 3;
/** Bytes of notes that are looked at, in one segment and in all of a file: real ones have some hundred. */
export const MAX_NOTE = 64 << 10;
const MAX_NOTES = 256 << 10;
/** Bytes of a build id: 20 as a rule, 32 with SHA-256. What is longer is none. */
const MAX_ID = 64;
/** Hex digits of a build id that recordings have room for. */
const RECORDED_DIGITS = 40;

/**
 * The build id in hex of an ELF file, given open or by its path; undefined when it has none or cannot be read.
 * Never throws. A file that was given open stays so; `policy` is for opening a path.
 */
export function fileBuildId(path: string | ByteSource, policy?: OpenPolicy): string | undefined {
  const file = typeof path === "string" ? FileBytes.tryOpen(path, policy) : path;
  if (!file) return undefined;
  try {
    return segmentBuildId(file);
  } catch {
    return undefined; // mapped, but no ELF file, or one that cannot be read to where it says its notes are
  } finally {
    if (typeof path === "string" && file instanceof FileBytes) file.close();
  }
}

function segmentBuildId(file: ByteSource): string | undefined {
  const header = readElfHeader(file);
  let left = MAX_NOTES;
  for (const { type, offset, filesz } of readSegments(file, header)) {
    if (type !== PT.NOTE || filesz > Math.min(MAX_NOTE, left)) continue;
    left -= filesz;
    const id = buildIdInNotes(new ByteReader(file.read(offset, filesz), header.littleEndian));
    if (id !== undefined) return id;
  }
  return undefined;
}

/**
 * The build id in hex among ELF notes, read from `r` on; undefined when there is none. Elf_Nhdr: u32 n_namesz,
 * n_descsz, n_type; then name and descriptor, each padded to 4 bytes.
 */
export function buildIdInNotes(r: ByteReader): string | undefined {
  while (r.left >= 12) {
    const namesz = r.u32();
    const descsz = r.u32();
    const type = r.u32();
    const nameLength = (namesz + 3) & ~3;
    const padded = (descsz + 3) & ~3;
    if (nameLength < 0 || padded < 0 || nameLength + descsz > r.left) return undefined;
    const name = r.slice(nameLength);
    const desc = r.slice(descsz);
    r.take(Math.min(padded - descsz, r.left));
    if (type === NT_GNU_BUILD_ID && namesz === 4 && cString(name) === "GNU") {
      return descsz > 0 && descsz <= MAX_ID ? toHex(desc) : undefined;
    }
  }
  return undefined;
}

/** Whether two build ids in hex are the same, as far as recordings tell: they hold 20 bytes, padded with zeros. */
export function sameBuildId(a: string, b: string): boolean {
  const recorded = (id: string) => id.slice(0, RECORDED_DIGITS).padEnd(RECORDED_DIGITS, "0");
  return recorded(a) === recorded(b);
}

/** Lower-case hex of some bytes, two digits each. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}
