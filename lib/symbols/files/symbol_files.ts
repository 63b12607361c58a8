/** Hooks that provide the symbolizer with bytes, so that it opens nothing itself. */

import type { ByteSource } from "../../base/bytes/byte_source.ts";
import type { KernelSymbols } from "../kernel/kallsyms.ts";
import type { ObjectInfo } from "../object/objects.ts";
import type { ServedKind } from "./debuginfod_cache.ts";
import type { RecordedMachine } from "./recorded_machine.ts";
import type { SymbolFailure } from "../object/missing_symbol_reasons.ts";

/** Source of files that have to be fetched first, from servers that the user named. */
export interface FileFetcher {
  /** Returns whether asking for a file may bring one, as far as is known without asking. */
  mayHave(buildId: string, kind: ServedKind): boolean;
  /** Fetches files, each for an object with that name. Afterwards the other hooks find those that came. */
  fetch(files: readonly { buildId: string; kind: ServedKind; object: string }[]): Promise<void>;
  /** Problems that `fetch` had, a sentence each. */
  readonly warnings: string[];
  /** Whether the kernel's debug file may be fetched, which is larger than all others together. */
  readonly fetchesKernel: boolean;
}

/** Returns whether files of an object may be fetched. */
export function mayFetch({ fetcher }: SymbolFiles, { kind }: ObjectInfo): boolean {
  return fetcher !== undefined && (kind !== "kernel" || fetcher.fetchesKernel);
}

/** Tables of what is known of objects' code, by name, from earlier reports. */
export interface KeptTables {
  /** Reads a table; undefined if there is none. */
  read(name: string): Uint8Array<ArrayBuffer> | undefined;
  /** Keeps a table for later reports, if that is possible. */
  write(name: string, bytes: Uint8Array<ArrayBuffer>): void;
}

/** Source of files with symbols. A hook that finds nothing returns undefined. */
export interface SymbolFiles {
  /**
   * Opens the object's own file; for kind `vdso` its bytes, for kind `jit` the perf map or jitdump at the object's
   * path.
   */
  open(object: ObjectInfo): ByteSource | undefined;
  /** Returns why `open` did not open an object's file although it exists. Called after `open`. */
  refusal?(object: ObjectInfo): SymbolFailure | undefined;
  /** Returns whether an object's files were named by the user, and count more than what a recording carries. */
  isNamed?(object: ObjectInfo): boolean;
  /** Sets where and when the recording was made. Called before `open`. */
  setMachine?(machine: RecordedMachine): void;
  /**
   * Returns whether the kernel and vdso of this machine are not the recorded ones, as far as that is known without
   * build ids.
   */
  isOtherKernel?(): boolean;
  /** Returns the text of /proc/kallsyms of the recorded kernel. */
  kallsyms(): Uint8Array | undefined;
  /** Returns parsed kernel symbols, if `kallsyms` need not be parsed again. Called before `kallsyms`. */
  kernelSymbols?(): KernelSymbols | undefined;
  /**
   * Starts reading what `kallsyms` returns, because kernel addresses may follow. Called before the records are read;
   * `kallsyms` is not called until the promise has resolved.
   */
  preloadKernel?(): Promise<void>;
  /** Returns the text of /proc/kallsyms that was saved while the kernel with this build id ran. */
  savedKallsyms?(buildId: string): Uint8Array | undefined;
  /** Opens the kernel's vmlinux file, if it is to be used instead of `kallsyms`. */
  vmlinux?(): ByteSource | undefined;
  /**
   * Opens vmlinux files or those of a module, with debug information first. The caller checks their build id; without a
   * recorded one only files are opened that may be the recorded ones.
   */
  kernelFiles?(object: ObjectInfo): Iterable<ByteSource>;
  /** Opens compressed files of a module, likewise. */
  packedModules?(object: ObjectInfo): Iterable<ByteSource>;
  /**
   * Returns the build id, in hex, of the kernel that `kallsyms` belongs to; if unknown, the list is trusted for any
   * kernel.
   */
  kernelBuildId?(): string | undefined;
  /**
   * Opens separate files with an object's debug symbols, best first, by its build id or .gnu_debuglink. The caller
   * checks that they belong to it. Called for every file, stripped or not, since perf prefers them.
   */
  debugFiles?(object: ObjectInfo, by: { buildId?: string; debugLink?: string }): Iterable<ByteSource>;
  /**
   * Opens files that the debug information in `of` refers to, best first, by build id or by path: relative to the folder
   * of `of`, or absolute. The caller checks that they are what it refers to.
   */
  referredFiles?(of: ByteSource, by: { buildId?: string; path: string }): Iterable<ByteSource>;
  /** Fetches what is not on this machine. Present only where the user asked for that. */
  fetcher?: FileFetcher;
  /** Tables that spare reading debug information again. */
  readonly kept?: KeptTables;
}
