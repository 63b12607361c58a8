/**
 * Symbols in .gnu_debugdata, which some distributions (Fedora and its kin) leave in stripped programs as an ELF file
 * compressed with xz (gdb's manual, "MiniDebugInfo").
 */

import { MemoryBytes } from "../../base/bytes/byte_source.ts";
import { ElfFile } from "./elf.ts";
import { unpackedXz } from "./packed_file.ts";

/** Name of the section. */
export const MINI_DEBUG_SECTION = ".gnu_debugdata";

/**
 * Opens the ELF file in `file` that has its symbols, except those for the dynamic linker; undefined if there is none.
 * Throws BadInputError if it cannot be decompressed, LimitError if it is too large.
 */
export async function miniDebug(file: ElfFile): Promise<ElfFile | undefined> {
  const section = file.section(MINI_DEBUG_SECTION);
  if (section === undefined) return undefined;
  const whole = await unpackedXz(
    file.contents(section),
    `section .gnu_debugdata of ${file.source.name}`,
    file.cost,
  );
  return new ElfFile(new MemoryBytes(whole, `${file.source.name} (.gnu_debugdata)`), file.cost);
}
