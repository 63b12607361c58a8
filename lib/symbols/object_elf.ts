/**
 * ELF files of an object: the mapped file, if it is still the same, and the separate file with its debug symbols and
 * lines, if one belongs to it.
 */

import type { ByteSource } from "../base/bytes/byte_source.ts";
import { BadInputError } from "../base/system/errors.ts";
import { sameBuildId } from "./elf/build_id.ts";
import { type DebugLink, ElfFile } from "./elf/elf.ts";
import { linkedAddress } from "./elf/load_offsets.ts";
import { openKernelElf } from "./kernel_elf.ts";
import { hasSymtab } from "./elf/symbol_section.ts";
import { type Cost, LimitError, WORK } from "./object/limits.ts";
import type { ObjectInfo } from "./object/objects.ts";
import type { SymbolFiles } from "./files/symbol_files.ts";
import { REASON, type SymbolFailure } from "./object/missing_symbol_reasons.ts";

const CHUNK = 1 << 20;

/** Object's own file, and the one with its debug information. */
export interface ObjectElf {
  file: ElfFile;
  debug: ElfFile | undefined;
  /** Number to add to an address for its link-time address, for the kernel and its modules; others go by file offsets. */
  shift?: number;
  /** File inside its .gnu_debugdata, once unpacked. */
  mini?: ElfFile;
  /** Reason why further symbols could not be read. */
  incomplete?: SymbolFailure;
}

/**
 * Opens the files of `object`, or returns why there are none. Of the kernel and its modules, those with debug
 * information. Throws BadInputError if they are damaged, LimitError, and
 * what the hooks throw.
 */
export function openObjectElf(files: SymbolFiles, object: ObjectInfo, cost: Cost): ObjectElf | SymbolFailure {
  if (object.kind === "kernel" || object.kind === "module") {
    const elf = openKernelElf(files, object, cost, hasDebugInfo);
    return elf ? { ...elf, debug: undefined } : { reason: REASON.NO_FILE };
  }
  const file = openMappedFile(files, object, cost);
  if (!(file instanceof ElfFile)) return file;
  try {
    return { file, ...debugFile(files, object, file, file.buildId()) };
  } catch (error) {
    file.source.close?.();
    throw error;
  }
}

/** Opens the file that was mapped as `object`, or returns why it cannot. Throws as openObjectElf() does. */
export function openMappedFile(files: SymbolFiles, object: ObjectInfo, cost: Cost): ElfFile | SymbolFailure {
  if (object.kind === "vdso" && object.buildId === undefined && files.isOtherKernel?.()) {
    return { reason: REASON.OTHER_KERNEL };
  }
  const source = files.open(object);
  // kernel mappings like [vsyscall] have no file
  if (source === undefined) {
    if (object.path.startsWith("[")) return { reason: REASON.NO_SYMBOLS };
    return files.refusal?.(object) ?? { reason: REASON.NO_FILE };
  }
  try {
    const file = new ElfFile(source, cost);
    const buildId = file.buildId();
    if (object.buildId !== undefined && !(buildId !== undefined && sameBuildId(object.buildId, buildId))) {
      source.close?.();
      return { reason: REASON.BUILD_ID_DIFFERS };
    }
    return file;
  } catch (error) {
    source.close?.();
    throw error;
  }
}

/** Returns the file of an object that has its debug information. */
export function infoHolder({ file, debug }: ObjectElf): ElfFile | undefined {
  return [file, debug].find((each) => each && hasDebugInfo(each));
}

function hasDebugInfo(file: ElfFile): boolean {
  return (file.section(".debug_info") ?? file.section(".zdebug_info")) !== undefined;
}

/** Returns the link-time address of an address of the object (see `AddressSpaces.at`); NaN where nothing is loaded. */
export function linkedIn({ file, shift }: ObjectElf, at: number): number {
  return shift === undefined ? linkedAddress(file, at) : at + shift;
}

/** Closes the files, unless names are read from them later. */
export function closeObjectElf({ file, debug }: ObjectElf): void {
  file.close();
  debug?.close();
}

/**
 * Finds the first debug file that belongs to `file`: with the same build id, or with the right CRC if there is none.
 */
function debugFile(
  files: SymbolFiles,
  object: ObjectInfo,
  file: ElfFile,
  buildId: string | undefined,
): Pick<ObjectElf, "debug" | "incomplete"> {
  const debugLink = file.debugLink();
  let incomplete: SymbolFailure | undefined;
  for (const source of files.debugFiles?.(object, { buildId, debugLink: debugLink?.name }) ?? []) {
    try {
      const debug = new ElfFile(source, file.cost);
      const useful = hasSymtab(debug) || debug.section(".debug_line") || debug.section(".zdebug_line");
      if (useful && belongs(debug, buildId, debugLink)) return { debug };
    } catch (error) {
      // another one may do, and the object's own symbols remain
      if (error instanceof LimitError) {
        incomplete ??= { reason: REASON.OVER_LIMIT, detail: `${error.limit} in its debug file` };
      } else if (!(error instanceof BadInputError)) throw error;
    }
    source.close?.();
  }
  return { debug: undefined, incomplete };
}

function belongs(debug: ElfFile, buildId: string | undefined, debugLink: DebugLink | undefined): boolean {
  const id = debug.buildId();
  if (buildId !== undefined || id !== undefined) {
    return buildId !== undefined && id !== undefined && sameBuildId(buildId, id);
  }
  return debugLink !== undefined && checksum(debug.source, debug.cost) === debugLink.crc;
}

/**
 * Returns the CRC-32 of a source. Uses node:zlib only here: few programs need it, and loading it takes longer than a
 * short report.
 */
function checksum(source: ByteSource, cost: Cost): number {
  cost.work(source.size * WORK.checksum);
  const { crc32 } = process.getBuiltinModule("node:zlib");
  let crc = 0;
  for (let at = 0; at < source.size; at += CHUNK) crc = crc32(source.read(at, CHUNK), crc);
  return crc;
}
