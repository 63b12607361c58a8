/**
 * ELF files of the kernel (vmlinux) and of its modules (.ko), if they are the recorded ones. Addresses in them are found
 * by how far the kernel was moved, and by where a module was loaded.
 */

import type { ByteSource } from "../base/bytes/byte_source.ts";
import { BadInputError } from "../base/system/errors.ts";
import { sameBuildId } from "./elf/build_id.ts";
import { ElfFile, EM, MODULE_BASE } from "./elf/elf.ts";
import { hasSymtab, symbolAddress } from "./elf/symbol_section.ts";
import type { SymbolFiles } from "./files/symbol_files.ts";
import { type Cost, LimitError } from "./object/limits.ts";
import type { ObjectInfo } from "./object/objects.ts";

/** File of the kernel or of a module, and the number to add to an address for its link-time address. */
export interface KernelElf {
  file: ElfFile;
  shift: number;
}

/**
 * Opens the first file of an object of kind `kernel` or `module` that is the recorded one; undefined if there is none.
 * Damaged ones are passed over. Throws LimitError.
 * @param accepts returns whether a file has what is needed.
 */
export function openKernelElf(
  files: SymbolFiles,
  object: ObjectInfo,
  cost: Cost,
  accepts: (file: ElfFile) => boolean = hasSymtab,
): KernelElf | undefined {
  for (const source of files.kernelFiles?.(object) ?? []) {
    const elf = kernelElf(source, object, cost);
    if (elf && accepts(elf.file)) return elf;
    source.close?.();
  }
  return undefined;
}

/** Reads a file; undefined if it is damaged or of another build, or if nothing tells where it was loaded. Throws LimitError. */
export function kernelElf(source: ByteSource, object: ObjectInfo, cost: Cost): KernelElf | undefined {
  try {
    const file = new ElfFile(source, cost), buildId = file.buildId();
    if (object.buildId !== undefined && (buildId === undefined || !sameBuildId(object.buildId, buildId))) {
      return undefined;
    }
    const shift = object.kind === "module" ? moduleShift(file, object) : kernelShift(file, object);
    file.pinned = false; // no name is read later for that
    return shift === undefined ? undefined : { file, shift };
  } catch (error) {
    if (!(error instanceof LimitError) && error instanceof BadInputError) return undefined;
    source.close?.();
    throw error;
  }
}

/** Returns the number to add to an address of the kernel; undefined if it is not known where it was loaded (KASLR). */
export function kernelShift(file: ElfFile, { reference }: ObjectInfo): number | undefined {
  const linked = reference && symbolAddress(file, reference.symbol);
  return linked === undefined ? undefined : linked - reference!.address;
}

/**
 * Returns the number to add to an address of a module. Undefined on aarch64 if the loader decides how large the sections
 * before the code are.
 */
function moduleShift(file: ElfFile, { start }: ObjectInfo): number | undefined {
  if (start === undefined || !file.isRelocatable) return undefined;
  if (file.machine === EM.AARCH64 && file.section(".text")?.addr !== MODULE_BASE) return undefined;
  return MODULE_BASE - start;
}
