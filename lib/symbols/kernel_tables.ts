/** Symbol tables of the kernel and of its modules: from the kernel's own list (kallsyms), else from their files. */

import type { ByteSource } from "../base/bytes/byte_source.ts";
import { sameBuildId } from "./elf/build_id.ts";
import { ElfFile } from "./elf/elf.ts";
import { vmlinuxSymbols } from "./elf/elf_symbols.ts";
import type { SymbolFiles } from "./files/symbol_files.ts";
import { type KernelSymbols, parseKallsyms } from "./kernel/kallsyms.ts";
import { kernelElf, kernelShift, openKernelElf } from "./kernel_elf.ts";
import type { Cost } from "./object/limits.ts";
import { REASON } from "./object/missing_symbol_reasons.ts";
import type { ObjectInfo } from "./object/objects.ts";
import type { TableOutcome } from "./table/symbol_table.ts";

/** Reader of the tables. It reads the list of the running kernel once. */
export class KernelTables {
  readonly #files: SymbolFiles;
  #symbols: KernelSymbols | undefined;
  #asked = false;

  constructor(files: SymbolFiles) {
    this.#files = files;
  }

  /**
   * Finds the symbols of the kernel or a module. Throws BadInputError and LimitError.
   * @param unpacked what was unpacked of its file; without it the file is opened.
   */
  table(object: ObjectInfo, cost: Cost, unpacked?: ByteSource): TableOutcome {
    const listed = this.listed(object, cost);
    return listed.table ? listed : this.#ofFile(object, cost, unpacked) ?? listed;
  }

  /** Finds the symbols in the kernel's list, or in the vmlinux that the user named. */
  listed(object: ObjectInfo, cost: Cost): TableOutcome {
    const named = object.kind === "kernel" ? this.#files.vmlinux?.() : undefined;
    if (named) return vmlinuxTable(named, object, cost);
    const expected = object.kind === "kernel" ? object.buildId : undefined;
    const running = expected && this.#files.kernelBuildId?.();
    const other = expected && running
      ? !sameBuildId(expected, running)
      : this.#files.isOtherKernel?.() ?? false;
    let kernel = other ? undefined : this.#running();
    if (expected && (kernel === undefined || kernel.hidden)) {
      const saved = this.#files.savedKallsyms?.(expected);
      if (saved) kernel = parseKallsyms(saved);
    }
    if (kernel === undefined) return { reason: other ? REASON.OTHER_KERNEL : REASON.NO_FILE };
    if (kernel.hidden) return { reason: REASON.KERNEL_HIDDEN };
    const now = object.reference && kernel.reference(object.reference.symbol);
    const shift = object.reference && now !== undefined ? now - object.reference.address : 0;
    // modules are loaded to new addresses at every boot, each on its own
    if (object.kind === "module" && shift !== 0) return { reason: REASON.OTHER_KERNEL };
    const table = kernel.tables.get(object.kind === "kernel" ? "" : object.name);
    return table === undefined ? { reason: REASON.NO_SYMBOLS } : { table, shift };
  }

  /** Reads the list of the running kernel, if it has not been read yet. */
  #running(): KernelSymbols | undefined {
    if (!this.#asked) {
      this.#asked = true;
      this.#symbols = this.#files.kernelSymbols?.();
      if (this.#symbols === undefined) {
        const text = this.#files.kallsyms();
        this.#symbols = text && parseKallsyms(text);
      }
    }
    return this.#symbols;
  }

  /** Reads the symbols in the file of the kernel or a module; undefined if there is none that is the recorded one. */
  #ofFile(object: ObjectInfo, cost: Cost, unpacked?: ByteSource): TableOutcome | undefined {
    const elf = unpacked ? kernelElf(unpacked, object, cost) : openKernelElf(this.#files, object, cost);
    if (elf === undefined) return undefined;
    const { file, shift } = elf, table = vmlinuxSymbols(file);
    file.close();
    return table && { table, shift };
  }
}

/**
 * Reads the kernel's symbols from its vmlinux file, with how far the kernel was moved from its link-time address
 * (KASLR).
 */
function vmlinuxTable(source: ByteSource, object: ObjectInfo, cost: Cost): TableOutcome {
  const file = new ElfFile(source, cost);
  const buildId = file.buildId();
  if (object.buildId && buildId && !sameBuildId(object.buildId, buildId)) {
    return { reason: REASON.BUILD_ID_DIFFERS };
  }
  const table = vmlinuxSymbols(file);
  if (table === undefined) return { reason: REASON.NO_SYMBOLS };
  return { table, shift: kernelShift(file, object) ?? 0 };
}
