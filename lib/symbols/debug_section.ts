/**
 * The contents of .debug_* sections, unpacked where the linker or objcopy compressed them: SHF_COMPRESSED with
 * zlib or zstd (the ELF gABI, "Section Compression"), and the older GNU .zdebug_* sections.
 */

import { inflateSync } from "node:zlib";
import { BadInputError } from "../base/errors.ts";
import type { ElfFile, Section } from "./elf.ts";

const SHF_COMPRESSED = 0x800;
const ELFCOMPRESS = { ZLIB: 1, ZSTD: 2 } as const;
/** More than any line table needs: what says it unpacks to more is damaged. */
const MOST = 1 << 30;

/**
 * The contents of the section `name` (`.debug_line`), or undefined when there is none. Throws BadInputError when it is cut off,
 * or compressed in a way that cannot be undone.
 */
export async function debugSection(file: ElfFile, name: string): Promise<Uint8Array | undefined> {
  const section = file.section(name);
  if (section !== undefined) {
    const bytes = file.contents(section);
    return isCompressed(section) ? await unpack(file, section, bytes) : bytes;
  }
  const older = file.section(name.replace(/^\.debug/, ".zdebug"));
  return older && unpackOlder(file, older, file.contents(older));
}

function isCompressed(section: Section): boolean {
  return Math.floor(section.flags / SHF_COMPRESSED) % 2 === 1;
}

/**
 *     Elf64_Chdr: u32 ch_type, ch_reserved; u64 ch_size, ch_addralign
 *     Elf32_Chdr: u32 ch_type, ch_size, ch_addralign
 */
async function unpack(file: ElfFile, section: Section, bytes: Uint8Array): Promise<Uint8Array> {
  const r = file.reader(bytes, section.offset, section.name);
  const type = r.u32();
  if (file.is64) r.u32();
  const size = file.is64 ? r.size() : r.u32();
  r.take(file.is64 ? 8 : 4);
  const packed = bytes.subarray(r.pos);
  if (type === ELFCOMPRESS.ZLIB) return inflate(file, section, packed, size);
  if (type !== ELFCOMPRESS.ZSTD) {
    throw refusal(file, section, `it is compressed in a way unknown here (${type})`);
  }
  if (size > MOST) throw refusal(file, section, `it says that it unpacks to ${size} bytes`);
  const { decompress } = await import("fzstd");
  try {
    return decompress(packed, new Uint8Array(size));
  } catch {
    throw refusal(file, section, "its compressed data is damaged");
  }
}

/** `ZLIB`, then the size as a u64 in big endian, whatever the file's order, then the data. */
function unpackOlder(file: ElfFile, section: Section, bytes: Uint8Array): Uint8Array {
  if (bytes.length < 12 || String.fromCharCode(...bytes.subarray(0, 4)) !== "ZLIB") return bytes;
  const size = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(4, false));
  return inflate(file, section, bytes.subarray(12), size);
}

function inflate(file: ElfFile, section: Section, packed: Uint8Array, size: number): Uint8Array {
  if (size > MOST) throw refusal(file, section, `it says that it unpacks to ${size} bytes`);
  try {
    return new Uint8Array(inflateSync(packed, { maxOutputLength: Math.max(1, size) }));
  } catch {
    throw refusal(file, section, "its compressed data is damaged");
  }
}

function refusal({ source }: ElfFile, { name, offset }: Section, cause: string): BadInputError {
  return new BadInputError(`cannot read section ${name} of ${source.name}: ${cause}`, offset);
}
