/** Names of code that programs make at run time: from perf maps and jitdumps. */

import { type ByteSource, MemoryBytes } from "../base/bytes/byte_source.ts";
import type { BundledObject } from "./bundle/bundled_object.ts";
import type { BundledSources } from "./bundle/bundled_sources.ts";
import type { SymbolFiles } from "./files/symbol_files.ts";
import { isJitDump, readJitDump } from "./jit/jitdump.ts";
import { parsePerfMap, unreadLines } from "./jit/perf_map.ts";
import type { Cost } from "./object/limits.ts";
import { REASON } from "./object/missing_symbol_reasons.ts";
import type { ObjectInfo } from "./object/objects.ts";
import { isHeld } from "./object/windows.ts";
import type { TableOutcome } from "./table/symbol_table.ts";

/** Names that a recording carries with it. */
export interface ObjectNames {
  /** Returns what is known about an object; undefined if nothing is. */
  of(object: ObjectInfo): BundledObject | undefined;
  /** Texts of source lines, if there are any. */
  readonly sources?: BundledSources;
}

/** Opens the perf map or jitdump of an object of kind `jit`: the jitdump that the recording carries, or the file. */
export function openRunTimeNames(
  files: SymbolFiles,
  object: ObjectInfo,
  carried: ObjectNames | undefined,
): ByteSource | undefined {
  const dump = carried?.of(object)?.jitDump;
  return dump ? new MemoryBytes(dump, object.path) : files.open(object);
}

/**
 * Reads the symbols of an object of kind `jit`: by address from a perf map, or by the numbers of a jitdump. Throws
 * BadInputError and LimitError.
 */
export function runTimeTable(
  object: ObjectInfo,
  { files, carried, cost, warn }: {
    files: SymbolFiles;
    carried: ObjectNames | undefined;
    cost: Cost;
    /** Receives a problem with a part of it. */
    warn: (text: string) => void;
  },
): TableOutcome {
  const source = openRunTimeNames(files, object, carried);
  if (source === undefined) return files.refusal?.(object) ?? { reason: REASON.NO_PERF_MAP };
  const isDump = isJitDump(object.path);
  try {
    if (!isDump) return perfMapTable(object, source, { cost, warn });
    const table = readJitDump(source, cost).symbols;
    return table === undefined ? { reason: REASON.NO_PERF_MAP } : { table };
  } finally {
    if (isDump || isHeld(source, source.size)) source.close?.(); // else names are read from it later
  }
}

function perfMapTable(
  object: ObjectInfo,
  source: ByteSource,
  { cost, warn }: { cost: Cost; warn: (text: string) => void },
): TableOutcome {
  const map = parsePerfMap(source, cost);
  const unread = unreadLines(map, object.path);
  if (unread) warn(unread);
  if (map.symbols) return { table: map.symbols };
  return { reason: map.lines === 0 ? REASON.NO_PERF_MAP : REASON.BAD_PERF_MAP };
}
