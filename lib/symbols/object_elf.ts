/**
 * The ELF files of an object: the file that was mapped, if it is still the same, and the separate file with its debug
 * symbols and lines, if there is one that belongs to it.
 */

import type { ByteSource } from "../base/bytes/byte_source.ts";
import { BadInputError } from "../base/system/errors.ts";
import { sameBuildId } from "./elf/build_id.ts";
import { type DebugLink, ElfFile } from "./elf/elf.ts";
import { hasSymtab } from "./elf/elf_symbols.ts";
import { type Cost, LimitError, WORK } from "./object/limits.ts";
import type { ObjectInfo } from "./object/objects.ts";
import type { SymbolFiles } from "./files/symbol_files.ts";
import { REASON, type SymbolFailure } from "./object/missing_symbol_reasons.ts";

const CHUNK = 1 << 20;

/** An object's own file and, where there is one, that with its debug information. */
export interface ObjectElf {
  file: ElfFile;
  debug: ElfFile | undefined;
  /** What its .gnu_debugdata holds, once unpacked. */
  mini?: ElfFile;
  /** Why more symbols that there are, or may be, could not be read. */
  incomplete?: SymbolFailure;
}

/**
 * Opens what there is of `object`, or says why there is nothing. Throws BadInputError where it is damaged, LimitError, and
 * what the files' hooks throw.
 */
export function openObjectElf(files: SymbolFiles, object: ObjectInfo, cost: Cost): ObjectElf | SymbolFailure {
  const file = openMappedFile(files, object, cost);
  if (!(file instanceof ElfFile)) return file;
  try {
    return { file, ...debugFile(files, object, file, file.buildId()) };
  } catch (error) {
    file.source.close?.();
    throw error;
  }
}

/** Opens the file that was mapped as `object`, or says why it cannot be had. Throws as `openObjectElf`. */
export function openMappedFile(files: SymbolFiles, object: ObjectInfo, cost: Cost): ElfFile | SymbolFailure {
  if (object.kind === "vdso" && object.buildId === undefined && files.isOtherKernel?.()) {
    return { reason: REASON.OTHER_KERNEL };
  }
  const source = files.open(object);
  // what the kernel maps by itself, like [vsyscall], has no file to look for
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

/** Closes the files, unless they are still to be read from. */
export function closeObjectElf({ file, debug }: ObjectElf): void {
  file.close();
  debug?.close();
}

/** The first file with debug information of `file` that belongs to it: by the build id, or by the CRC where there is none. */
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
      // another may do, and the object's own symbols are still there
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

/** CRC-32 of all of a source. Few programs need it, and node:zlib takes longer to load than a short report. */
function checksum(source: ByteSource, cost: Cost): number {
  cost.work(source.size * WORK.checksum);
  const { crc32 } = process.getBuiltinModule("node:zlib");
  let crc = 0;
  for (let at = 0; at < source.size; at += CHUNK) crc = crc32(source.read(at, CHUNK), crc);
  return crc;
}
