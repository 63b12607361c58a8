/** Bombs: inputs that are small, or sparse, and would cost without end if what they say were believed. */

import { type ByteSource, MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { loadProfile } from "../../../lib/profile/load/load.ts";
import { formatNamed, type OutputOptions } from "../../../lib/report/formats.ts";
import { DEFAULT_REPORT } from "../../../lib/report/shared/options.ts";
import type { SymbolFiles } from "../../../lib/symbols/files/symbol_files.ts";
import { memoryFiles } from "../made/memory_files.ts";

/** An input that is made by its size, and what reads it. */
export interface Bomb {
  name: string;
  sizes: readonly number[];
  go(size: number): void | Promise<void>;
}

/** A report of `recording` in a format; code made at run time has its names from `jit`. */
export async function report(recording: Uint8Array, format: string, jit?: ByteSource): Promise<void> {
  const { times, keys, callers, renderer } = formatNamed(format);
  const files: SymbolFiles = jit ? { open: () => jit, kallsyms: () => undefined } : memoryFiles();
  const options: OutputOptions = {
    ...DEFAULT_REPORT,
    tprof: { file: "x", mergeCpus: false, mergeThreads: false, mergeProcesses: false, perSymbol: false },
    weight: "period",
    marks: false,
    flamegraph: { inverted: false },
  };
  const profile = await loadProfile(new MemoryBytes(recording, "input"), files, {
    times,
    leafOnly: !callers(options),
    mergeCpus: !keys(options).includes("cpu"),
    mergeThreads: !keys(options).includes("tid"),
    mergeAddresses: true,
  });
  for (const _ of (await renderer())(profile, options)) { /* each piece is printed, and forgotten */ }
}
