/**
 * Symbols in .gnu_debugdata, which some distributions (Fedora and its kin) leave in stripped programs as an ELF file
 * compressed with xz (gdb's manual, "MiniDebugInfo"). Decompressed by xz-embedded as WebAssembly, which is loaded only
 * when needed.
 */

import { MemoryBytes } from "../../base/bytes/byte_source.ts";
import { BadInputError } from "../../base/system/errors.ts";
import { ElfFile } from "./elf.ts";
import { LimitError, WORK } from "../object/limits.ts";

/** Name of the section. */
export const MINI_DEBUG_SECTION = ".gnu_debugdata";

/**
 * Opens the ELF file in `file` that has its symbols, except those for the dynamic linker; undefined if there is none.
 * Throws BadInputError if it cannot be decompressed, LimitError if it is too large.
 */
export async function miniDebug(file: ElfFile): Promise<ElfFile | undefined> {
  const section = file.section(MINI_DEBUG_SECTION);
  if (section === undefined) return undefined;
  const packed = file.contents(section);
  const refuse = (cause: string) =>
    new BadInputError(`cannot read section .gnu_debugdata of ${file.source.name}: ${cause}`, section.offset);
  const { cost } = file;
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    const { default: { XzReadableStream } } = await import("xz-decompress");
    for await (const chunk of new XzReadableStream(new Blob([packed as BlobPart]).stream())) {
      cost.work(chunk.length * WORK.xz);
      cost.hold(2 * chunk.length); // once here, and once in one piece
      chunks.push(chunk.slice()); // the decoder reuses its buffer
      size += chunk.length;
    }
  } catch (error) {
    if (error instanceof LimitError) throw error;
    throw refuse(error instanceof Error ? error.message : String(error));
  }
  const whole = new Uint8Array(size);
  chunks.reduce((at, chunk) => {
    whole.set(chunk, at);
    return at + chunk.length;
  }, 0);
  cost.release(size);
  return new ElfFile(new MemoryBytes(whole, `${file.source.name} (.gnu_debugdata)`), cost);
}
