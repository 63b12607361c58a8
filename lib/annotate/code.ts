/** Bytes of a function's code, from the file that was recorded, or of the running kernel. */

import type { ByteSource } from "../base/bytes/byte_source.ts";
import { viewOf } from "../base/bytes/bytes.ts";
import { FileBytes } from "../base/files/file_bytes.ts";
import { BadInputError } from "../base/system/errors.ts";
import { functionRanges } from "../symbols/dwarf/function_ranges.ts";
import { EM } from "../symbols/elf/elf.ts";
import { memoryAt } from "../symbols/elf/load_offsets.ts";
import type { SymbolFiles } from "../symbols/files/symbol_files.ts";
import { openKernelElf } from "../symbols/kernel_elf.ts";
import { Budget, Cost, LimitError } from "../symbols/object/limits.ts";
import type { ObjectInfo } from "../symbols/object/objects.ts";
import { missingSymbolCause } from "../symbols/object/missing_symbol_reasons.ts";
import { closeObjectElf, linkedIn, openObjectElf } from "../symbols/object_elf.ts";

/** Code of a function. */
export interface FunctionCode {
  bytes: Uint8Array;
  /** Address of its first byte: the one that it was linked for; of the kernel, the one in memory. */
  address: number;
  /** ELF's number of the machine (e_machine). */
  machine: number;
}

/** Largest function that is disassembled, unless PMUCTL_LIMIT_FACTOR raises that; generated ones have some 100 KB. */
const MAX_CODE = 1 << 20;

/**
 * Returns the code from `start` to `end`, of the kind of AddressSpaces.at, or the reason why it cannot be read. Where the end
 * is not known, the tables for unwinding tell.
 */
export function functionCode(
  files: SymbolFiles,
  object: ObjectInfo,
  start: number,
  end: number | undefined,
): FunctionCode | { cause: string } {
  try {
    return object.kind === "kernel" || object.kind === "module"
      ? kernelCode(files, object, start, lengthOf(start, end))
      : fileCode(files, object, start, end);
  } catch (error) {
    if (error instanceof BadInputError || error instanceof LimitError) return { cause: error.message };
    throw error;
  }
}

/** Returns the bytes between two addresses. Throws BadInputError if these are none, or too many. */
function lengthOf(start: number, end = NaN): number {
  const length = end - start;
  if (!(length > 0)) throw new BadInputError("its size is not known");
  const most = MAX_CODE * new Budget().factor;
  if (length > most) {
    throw new BadInputError(
      `it is larger than ${
        most / MAX_CODE
      } MiB: if you trust it, raise the limits with PMUCTL_LIMIT_FACTOR=4`,
    );
  }
  return length;
}

function fileCode(
  files: SymbolFiles,
  object: ObjectInfo,
  start: number,
  end: number | undefined,
): FunctionCode | { cause: string } {
  if (object.kind !== "file" && object.kind !== "vdso") return { cause: "it is in no file" };
  const cost = new Cost(undefined, object.path), elf = openObjectElf(files, object, cost);
  if (!("file" in elf)) return { cause: missingSymbolCause(elf.reason, elf.detail) };
  try {
    const length = lengthOf(start, end ?? functionRanges(elf.file).endAt(start));
    const address = linkedIn(elf, start), bytes = memoryAt(elf.file, address, length);
    return bytes.length < length
      ? { cause: "its file ends before it does" }
      : { bytes: bytes.slice(), address, machine: elf.file.machine };
  } finally {
    closeObjectElf(elf);
  }
}

function kernelCode(
  files: SymbolFiles,
  object: ObjectInfo,
  start: number,
  length: number,
): FunctionCode | { cause: string } {
  const elf = openKernelElf(files, object, new Cost(undefined, object.path), () => true);
  if (elf) {
    const bytes = memoryAt(elf.file, start + elf.shift, length).slice(), { machine } = elf.file;
    elf.file.close();
    if (bytes.length === length) return { bytes, address: start, machine };
  }
  if (files.isOtherKernel?.()) return { cause: "there is no vmlinux file of the recorded kernel" };
  const core = FileBytes.open("/proc/kcore");
  if (!(core instanceof FileBytes)) {
    return { cause: `there is no vmlinux file, and /proc/kcore cannot be read: ${core.cause}` };
  }
  try {
    const bytes = coreMemory(core, start, length);
    return bytes ? { bytes, address: start, machine: hostMachine() } : { cause: "it is not in /proc/kcore" };
  } finally {
    core.close?.();
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
