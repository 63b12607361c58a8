/**
 * Contents of .debug_* sections, decompressed if the linker or objcopy compressed them: SHF_COMPRESSED with zlib or
 * zstd (the ELF gABI, "Section Compression"), and the older GNU .zdebug_* sections.
 */

import { BadInputError } from "../../base/system/errors.ts";
import { unzstd } from "../../base/bytes/zstd.ts";
import { type ElfFile, type ElfSection, SHT } from "./elf.ts";
import { relocated } from "./relocations.ts";
import { type Cost, LimitError, WORK } from "../object/limits.ts";
import { type ByteWindows, byteWindows, HeldBytes } from "../object/windows.ts";

const SHF_COMPRESSED = 0x800;
const ELFCOMPRESS = { ZLIB: 1, ZSTD: 2 } as const;

/**
 * Most bytes that a compressed byte can stand for: zlib encodes 258 in two bits, zstd 128 KiB in a block of four bytes.
 * A section that claims more is damaged, and costs nothing.
 */
const MAX_RATIO = { zlib: 1032, zstd: 32768 } as const;

/** Source of debug sections. */
export interface DebugInfo {
  readonly littleEndian: boolean;
  /** Account that reading is charged to. */
  readonly cost: Cost;
  /**
   * Returns the contents of section `name` (`.debug_line`), or undefined if there is none. Throws BadInputError if it
   * is cut off or cannot be decompressed, and LimitError.
   */
  get(name: string): ByteWindows | undefined;
}

/** Debug sections of a file. Their memory is charged when they are asked for. */
export class DebugSections implements DebugInfo {
  readonly file: ElfFile;
  readonly #mostHeld: number | undefined;
  readonly #sections = new Map<string, ByteWindows | undefined>();

  /**
   * @param mostHeld bytes of a section that is read at once; of a larger one only the parts that are asked for. For
   *   readers that need little of it.
   */
  constructor(file: ElfFile, mostHeld?: number) {
    this.file = file;
    this.#mostHeld = mostHeld;
  }

  get littleEndian(): boolean {
    return this.file.littleEndian;
  }

  get cost(): Cost {
    return this.file.cost;
  }

  get(name: string): ByteWindows | undefined {
    if (!this.#sections.has(name)) this.#sections.set(name, this.#read(name));
    return this.#sections.get(name);
  }

  #read(name: string): ByteWindows | undefined {
    const { file } = this;
    const section = file.section(name);
    if (section !== undefined && file.isRelocatable) {
      const plain = isCompressed(section) ? this.#unpack(section) : new HeldBytes(file.contents(section));
      return new HeldBytes(relocated(file, section, plain.window(0, plain.size)));
    }
    if (section !== undefined && isCompressed(section)) return this.#unpack(section);
    if (section !== undefined) {
      const size = section.type === SHT.NOBITS ? 0 : section.size;
      file.checkRange(section.offset, size, `section ${name}`);
      return byteWindows({ source: file.source, offset: section.offset, size }, file.cost, this.#mostHeld);
    }
    const older = file.section(name.replace(/^\.debug/, ".zdebug"));
    return older && this.#unpackOlder(older);
  }

  /**
   * Decompresses a section with SHF_COMPRESSED.
   *
   *     Elf64_Chdr: u32 ch_type, ch_reserved; u64 ch_size, ch_addralign
   *     Elf32_Chdr: u32 ch_type, ch_size, ch_addralign
   */
  #unpack(section: ElfSection): ByteWindows {
    const { file } = this;
    const bytes = file.contents(section);
    const r = file.reader(bytes, section.offset, section.name);
    const type = r.u32();
    if (file.is64) r.u32();
    const size = file.is64 ? r.size() : r.u32();
    r.take(file.is64 ? 8 : 4);
    const packed = bytes.subarray(r.pos);
    if (type === ELFCOMPRESS.ZLIB) return this.#inflate(section, packed, size);
    if (type !== ELFCOMPRESS.ZSTD) {
      throw this.#refusal(section, `it is compressed in a way unknown here (${type})`);
    }
    this.#checkClaim(section, packed, size, MAX_RATIO.zstd);
    file.cost.work(size * WORK.zstd);
    file.cost.hold(2 * size); // while decompressing: the window that it refers back to is another copy
    try {
      const whole = new Uint8Array(size);
      unzstd(packed, whole, () => file.cost.work(WORK.zstdBlock));
      file.cost.release(size);
      return new HeldBytes(whole);
    } catch (error) {
      if (error instanceof LimitError) throw error;
      throw this.#refusal(section, `its compressed data is damaged: ${(error as Error).message}`);
    }
  }

  /**
   * Decompresses a .zdebug_* section: `ZLIB`, the size as a big-endian u64 whatever the file's order, then the data.
   */
  #unpackOlder(section: ElfSection): ByteWindows {
    const bytes = this.file.contents(section);
    if (bytes.length < 12 || String.fromCharCode(...bytes.subarray(0, 4)) !== "ZLIB") {
      return new HeldBytes(bytes);
    }
    const size = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(4, false));
    return this.#inflate(section, bytes.subarray(12), size);
  }

  #inflate(section: ElfSection, packed: Uint8Array, size: number): ByteWindows {
    const { cost } = this.file;
    this.#checkClaim(section, packed, size, MAX_RATIO.zlib);
    cost.work(size * WORK.zlib);
    cost.hold(size);
    const { inflateSync } = process.getBuiltinModule("node:zlib");
    try {
      // one chunk: zlib would join several at the end, and hold both
      const chunkSize = Math.max(64, size);
      const { buffer, byteOffset, length } = inflateSync(packed, { maxOutputLength: chunkSize, chunkSize });
      return new HeldBytes(new Uint8Array(buffer, byteOffset, length));
    } catch {
      throw this.#refusal(section, "its compressed data is damaged");
    }
  }

  #checkClaim(section: ElfSection, packed: Uint8Array, size: number, ratio: number): void {
    if (!(size <= packed.length * ratio)) throw this.#refusal(section, "it cannot be as large as it says");
  }

  #refusal({ name, offset }: ElfSection, cause: string): BadInputError {
    return new BadInputError(`cannot read section ${name} of ${this.file.source.name}: ${cause}`, offset);
  }
}

function isCompressed({ name, flags, type }: ElfSection): boolean {
  return type !== SHT.NOBITS && name.startsWith(".debug") && Math.floor(flags / SHF_COMPRESSED) % 2 === 1;
}
