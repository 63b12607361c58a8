/** Bytes of a function's code: those that the recording carries, of the file that was recorded, or of the running kernel. */

import type { ByteSource } from "../base/bytes/byte_source.ts";
import { viewOf } from "../base/bytes/bytes.ts";
import { FileBytes } from "../base/files/file_bytes.ts";
import type { OpenRefusal } from "../base/files/guarded_open.ts";
import { BadInputError } from "../base/system/errors.ts";
import { errnoOf, errorCause } from "../base/system/system_error.ts";
import type { BundledCode, FunctionOutcome } from "./bundle/bundled_code.ts";
import { type FunctionRanges, functionRanges } from "./dwarf/function_ranges.ts";
import { EM } from "./elf/elf.ts";
import { memoryAt } from "./elf/load_offsets.ts";
import type { SymbolFiles } from "./files/symbol_files.ts";
import { type KernelElf, openKernelElf } from "./kernel_elf.ts";
import { type Cost, LimitError } from "./object/limits.ts";
import type { ObjectInfo } from "./object/objects.ts";
import { missingSymbolCause, type SymbolFailure } from "./object/missing_symbol_reasons.ts";
import { closeObjectElf, linkedIn, type ObjectElf, openObjectElf } from "./object_elf.ts";

/** Largest function that is disassembled by default, in bytes; generated ones have some 100 KB. */
const MAX_CODE = 1 << 20;

/** Options of an ObjectCode. */
export interface CodeOptions {
  files: SymbolFiles;
  object: ObjectInfo;
  cost: Cost;
  /** Largest function, in bytes; 1 MiB by default. */
  maxCode?: number;
  /** Code that the recording carries: files are read only for functions that it lacks. */
  carried?: BundledCode;
}

/** Code of an object's functions. Its files are opened once, at the first function. Needs `close()`. */
export class ObjectCode {
  readonly #files: SymbolFiles;
  readonly #object: ObjectInfo;
  readonly #cost: Cost;
  readonly #maxCode: number;
  readonly #carried: BundledCode | undefined;
  #elf: ObjectElf | SymbolFailure | undefined;
  #ranges: FunctionRanges | undefined;
  #kernelElf: KernelElf | undefined | null = null;
  #core: FileBytes | OpenRefusal | undefined;

  constructor({ files, object, cost, maxCode = MAX_CODE, carried }: CodeOptions) {
    this.#files = files;
    this.#object = object;
    this.#cost = cost;
    this.#maxCode = maxCode;
    this.#carried = carried;
  }

  /** Time of the last write to the object's file, in seconds since 1970; undefined if unknown. Call it after `of`. */
  get modified(): number | undefined {
    return this.#elf && "file" in this.#elf ? this.#elf.file.source.modified : undefined;
  }

  /**
   * Returns the code from `start` to `end`, of the kind of AddressSpaces.at, or the reason why it cannot be read. Where the
   * end is not known, the tables for unwinding tell.
   */
  of(start: number, end: number | undefined): FunctionOutcome {
    const carried = this.#carried?.of(start);
    if (carried && "bytes" in carried) return this.#tooLong(carried.bytes.length) ?? carried;
    const read = this.#read(start, end);
    return "cause" in read ? carried ?? read : read;
  }

  #read(start: number, end: number | undefined): FunctionOutcome {
    try {
      const { kind } = this.#object;
      return kind === "kernel" || kind === "module" ? this.#inKernel(start, end) : this.#inFile(start, end);
    } catch (error) {
      if (error instanceof BadInputError || error instanceof LimitError) return { cause: error.message };
      if (errnoOf(error) !== undefined) return { cause: errorCause(error) };
      throw error;
    }
  }

  close(): void {
    if (this.#elf && "file" in this.#elf) closeObjectElf(this.#elf);
    this.#kernelElf?.file.close();
    this.#cost.done();
    if (this.#core instanceof FileBytes) this.#core.close();
  }

  #inFile(start: number, end: number | undefined): FunctionOutcome {
    const { kind } = this.#object;
    if (kind !== "file" && kind !== "vdso") return { cause: "it is in no file" };
    const elf = this.#elf ??= openObjectElf(this.#files, this.#object, this.#cost);
    if (!("file" in elf)) return { cause: missingSymbolCause(elf.reason, elf.detail) };
    const length = this.#length(start, end ?? (this.#ranges ??= functionRanges(elf.file)).endAt(start));
    const address = linkedIn(elf, start), bytes = memoryAt(elf.file, address, length);
    return bytes.length < length
      ? { cause: "its file ends before it does" }
      : { bytes: bytes.slice(), address, machine: elf.file.machine };
  }

  #inKernel(start: number, end: number | undefined): FunctionOutcome {
    const length = this.#length(start, end);
    if (this.#kernelElf === null) {
      this.#kernelElf = openKernelElf(this.#files, this.#object, this.#cost, () => true);
    }
    if (this.#kernelElf) {
      const { file, shift } = this.#kernelElf, bytes = memoryAt(file, start + shift, length).slice();
      if (bytes.length === length) return { bytes, address: start, machine: file.machine };
    }
    if (this.#files.isOtherKernel?.()) return { cause: "there is no vmlinux file of the recorded kernel" };
    const core = this.#core ??= FileBytes.open("/proc/kcore");
    if (!(core instanceof FileBytes)) {
      return { cause: `there is no vmlinux file, and /proc/kcore cannot be read: ${core.cause}` };
    }
    const bytes = coreMemory(core, start, length);
    return bytes ? { bytes, address: start, machine: hostMachine() } : { cause: "it is not in /proc/kcore" };
  }

  /** Returns the bytes between two addresses. Throws BadInputError if these are none, or too many. */
  #length(start: number, end = NaN): number {
    const length = end - start;
    if (!(length > 0)) throw new BadInputError("its size is not known");
    const tooLong = this.#tooLong(length);
    if (tooLong) throw new BadInputError(tooLong.cause);
    return length;
  }

  #tooLong(length: number): { cause: string } | undefined {
    const most = this.#maxCode;
    return length <= most ? undefined : {
      cause: `it has ${Math.round(length / 1024)} KiB of code; at most ${most >> 10} KiB are shown`,
    };
  }
}

function hostMachine(): number {
  return Deno.build.arch === "aarch64" ? EM.AARCH64 : EM.X86_64;
}

/** Offsets in the header of a 64-bit ELF file, and in a program header: see elf(5). */
const E_PHOFF = 32, E_PHENTSIZE = 54, E_PHNUM = 56, PH_SIZE = 56, PT_LOAD = 1;

/** Returns the kernel's memory at an address (signed, see base/address.ts), as /proc/kcore has it. */
export function coreMemory(core: ByteSource, address: number, length: number): Uint8Array | undefined {
  const header = viewOf(core.read(0, 64));
  const at = Number(header.getBigUint64(E_PHOFF, true)), count = header.getUint16(E_PHNUM, true);
  if (header.getUint16(E_PHENTSIZE, true) !== PH_SIZE) return undefined;
  const headers = viewOf(core.read(at, PH_SIZE * count)), from = BigInt.asUintN(64, BigInt(address));
  for (let row = 0; row < headers.byteLength; row += PH_SIZE) {
    if (headers.getUint32(row, true) !== PT_LOAD) continue;
    const offset = headers.getBigUint64(row + 8, true), start = headers.getBigUint64(row + 16, true);
    const size = headers.getBigUint64(row + 32, true);
    if (from < start || from + BigInt(length) > start + size) continue;
    const bytes = core.read(Number(offset + from - start), length);
    return bytes.length === length ? bytes : undefined;
  }
  return undefined;
}
