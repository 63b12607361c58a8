/**
 * Build id of an ELF file, from the notes that its program headers point to; of files where these lead to none, from the
 * sections with notes, since Go's linker leaves the build id out of the segment. The recorder asks for that of everything
 * that runs, so it reads a few kilobytes of a file, whatever its headers claim.
 */

import type { ByteSource } from "../../base/bytes/byte_source.ts";
import { ByteReader, cString } from "../../base/bytes/bytes.ts";
import { FileBytes } from "../../base/files/file_bytes.ts";
import type { OpenPolicy } from "../../base/files/guarded_open.ts";
import { type ElfHeader, elfWord, PT, readElfHeader, readSegments } from "./elf_header.ts";

const NT_GNU_BUILD_ID = 3;
/** Bytes of notes that are read from one segment, and from all of a file. Real ones have some hundred. */
export const MAX_NOTE = 64 << 10;
const MAX_NOTES = 256 << 10;
/** Most section headers that are read. A program has 40. */
const MAX_SECTIONS = 128;
/** Value of sh_type of sections with notes. */
const SHT_NOTE = 7;
/** Longest build id in bytes; they have 20, or 32 with SHA-256. */
const MAX_ID = 64;
/** Hex digits of a build id in a perf.data file. */
const RECORDED_DIGITS = 40;

/**
 * Returns the build id in hex of an ELF file; undefined if it has none or cannot be read. Never throws. `path` may be
 * an open file, which stays open; `policy` is for opening a path.
 */
export function fileBuildId(path: string | ByteSource, policy?: OpenPolicy): string | undefined {
  const file = typeof path === "string" ? FileBytes.tryOpen(path, policy) : path;
  if (!file) return undefined;
  try {
    return notesBuildId(file);
  } catch {
    return undefined; // mapped, but not an ELF file, or not readable up to its notes
  } finally {
    if (typeof path === "string" && file instanceof FileBytes) file.close();
  }
}

function notesBuildId(file: ByteSource): string | undefined {
  const header = readElfHeader(file);
  let left = MAX_NOTES;
  const idAt = (offset: number, size: number) => {
    if (size > Math.min(MAX_NOTE, left)) return undefined;
    left -= size;
    return buildIdInNotes(new ByteReader(file.read(offset, size), header.littleEndian));
  };
  for (const { type, offset, filesz } of readSegments(file, header)) {
    const id = type === PT.NOTE ? idAt(offset, filesz) : undefined;
    if (id !== undefined) return id;
  }
  for (const { offset, size } of noteSections(file, header)) {
    const id = idAt(offset, size);
    if (id !== undefined) return id;
  }
  return undefined;
}

/** Yields the sections with notes of a file that has no more sections than a program. */
function* noteSections(
  file: ByteSource,
  { is64, littleEndian, shoff, shnum, shentsize }: ElfHeader,
): Generator<{ offset: number; size: number }> {
  if (shoff === 0 || shnum > MAX_SECTIONS || shentsize !== (is64 ? 64 : 40)) return;
  const bytes = file.read(shoff, shnum * shentsize);
  for (let at = 0; at + shentsize <= bytes.length; at += shentsize) {
    const r = new ByteReader(bytes.subarray(at, at + shentsize), littleEndian);
    r.u32(); // sh_name
    if (r.u32() !== SHT_NOTE) continue;
    elfWord(r, is64); // sh_flags
    elfWord(r, is64); // sh_addr
    yield { offset: elfWord(r, is64), size: elfWord(r, is64) };
  }
}

/**
 * Returns the build id in hex from ELF notes, read from the position of `r`; undefined if there is none. Elf_Nhdr: u32
 * n_namesz, n_descsz, n_type; then name and descriptor, each padded to 4 bytes.
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

/** Returns whether two build ids in hex are equal in the 20 bytes that recordings hold, padded with zeros. */
export function sameBuildId(a: string, b: string): boolean {
  const recorded = (id: string) => id.slice(0, RECORDED_DIGITS).padEnd(RECORDED_DIGITS, "0");
  return recorded(a) === recorded(b);
}

/** Formats bytes as lower-case hex, two digits each. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}
