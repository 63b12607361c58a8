/** The hooks that give the symbolizer its bytes, so that it opens nothing itself. */

import type { ByteSource } from "../../base/bytes/byte_source.ts";
import type { KernelSymbols } from "../kernel/kallsyms.ts";
import type { ObjectInfo } from "../object/objects.ts";
import type { RecordedMachine } from "./recorded_machine.ts";
import type { SymbolFailure } from "../object/missing_symbol_reasons.ts";

/** Where the bytes come from that hold symbols. A hook that finds nothing returns undefined. */
export interface SymbolFiles {
  /** The object's own file; for kind `vdso` its bytes, for kind `jit` the perf map or jitdump at the object's path. */
  open(object: ObjectInfo): ByteSource | undefined;
  /** Why `open` gave nothing for an object whose file is there; asked after it. */
  refusal?(object: ObjectInfo): SymbolFailure | undefined;
  /** Told, before `open`, where and when the recording was made. */
  setMachine?(machine: RecordedMachine): void;
  /** Whether kernel and vdso of this machine are others than were recorded, as far as can be told without build ids. */
  isOtherKernel?(): boolean;
  /** The text of /proc/kallsyms, of the kernel that was recorded. */
  kallsyms(): Uint8Array | undefined;
  /** What that text comes to, where it need not be parsed again; asked before `kallsyms`. */
  kernelSymbols?(): KernelSymbols | undefined;
  /**
   * Told, before the records are read, that kernel addresses may be asked for: a chance to read what kallsyms()
   * gives meanwhile. kallsyms() is not called before the promise is kept.
   */
  preloadKernel?(): Promise<void>;
  /** The text of /proc/kallsyms of the kernel with this build id, saved while it ran. */
  savedKallsyms?(buildId: string): Uint8Array | undefined;
  /** The kernel's own file, when one is to be taken rather than `kallsyms`. */
  vmlinux?(): ByteSource | undefined;
  /** Build id of the kernel that `kallsyms` belongs to, in hex; without it any kernel's list is believed. */
  kernelBuildId?(): string | undefined;
  /**
   * Separate files with an object's debug symbols, best first, found by its build id or its .gnu_debuglink; whether
   * they belong to it is checked here. Asked for every file, stripped or not, since perf prefers them.
   */
  debugFiles?(object: ObjectInfo, by: { buildId?: string; debugLink?: string }): Iterable<ByteSource>;
}
