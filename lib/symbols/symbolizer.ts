/**
 * From an address in an object to the symbol it belongs to. Tables are loaded when the first address
 * of their object is asked for. Opens nothing itself: it asks for bytes through SymbolFiles.
 */

import type { ByteSource } from "../base/byte_source.ts";
import { BadInputError } from "../base/errors.ts";
import { sameBuildId } from "./build_id.ts";
import { ElfFile } from "./elf.ts";
import { elfSymbols, hasSymtab, symbolAddress, vmlinuxSymbols } from "./elf_symbols.ts";
import { isJitDump, readJitDump } from "./jitdump.ts";
import { type KernelSymbols, parseKallsyms } from "./kallsyms.ts";
import { MINI_DEBUG_SECTION, miniDebug } from "./mini_debug.ts";
import { type ObjectElf, openObjectElf } from "./object_elf.ts";
import type { ObjectInfo } from "./objects.ts";
import type { RecordedMachine } from "./recorded_machine.ts";
import { parsePerfMap } from "./perf_map.ts";
import type { SymbolTable } from "./symbol_table.ts";
import { REASON, type Reason, REASONS } from "./unresolved.ts";

/** Where the bytes come from that hold symbols. A hook that finds nothing returns undefined; none throws. */
export interface SymbolFiles {
  /** The object's own file; for kind `vdso` its bytes, for kind `jit` the perf map or jitdump at the object's path. */
  open(object: ObjectInfo): ByteSource | undefined;
  /** Why `open` gave nothing for an object whose file is there; asked after it. */
  refusal?(object: ObjectInfo): Reason | undefined;
  /** Told, before `open`, where and when the recording was made. */
  tellMachine?(machine: RecordedMachine): void;
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
  expectKernel?(): Promise<void>;
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

/** A symbol that some address belongs to. */
export interface SymbolInfo {
  object: ObjectInfo;
  /** As the object has it: mangled. demangle.ts makes it readable. */
  name: string;
  /**
   * Its first address and the one behind its last, of the same kind as those given to `symbolize`. Both 0 for
   * kind `bpf`, where the object is the symbol.
   */
  start: number;
  end: number;
}

/** Addresses of one object that got no symbol, for one reason. */
export interface Unresolved {
  object: ObjectInfo;
  reason: Reason;
  /** The weights given to `addUnresolved`, added up. */
  weight: number;
}

/** An object's table, or the reason why there is none; and the numbers its symbols have got so far. */
interface Loaded {
  object: ObjectInfo;
  table: SymbolTable | undefined;
  /** REASON.NOT_COVERED when there is a table. */
  reason: Reason;
  /** Added to an address before it is looked up: how far the kernel was moved. */
  shift: number;
  /** Number of each of the table's symbols plus one; 0 has none yet. */
  ids: Int32Array;
  /** Weight of what got no symbol, by -reason. */
  unresolved: Float64Array;
}

/** What loading gives: a table (and a shift), or a reason. */
type Outcome = { table: SymbolTable; shift?: number } | Reason;

/** The kernel's symbols from its own file, and how far it was moved (KASLR) from where that was linked for. */
function vmlinuxTable(source: ByteSource, object: ObjectInfo): Outcome {
  try {
    const file = new ElfFile(source);
    const buildId = file.buildId();
    if (object.buildId && buildId && !sameBuildId(object.buildId, buildId)) return REASON.BUILD_ID_DIFFERS;
    const table = vmlinuxSymbols(file);
    if (table === undefined) return REASON.NO_SYMBOLS;
    const linked = object.reference && symbolAddress(file, object.reference.symbol);
    return { table, shift: object.reference && linked !== undefined ? linked - object.reference.address : 0 };
  } catch (error) {
    if (error instanceof BadInputError) return REASON.DAMAGED;
    throw error;
  }
}

/** Symbols of run-time code, by addresses from a perf map, or as a jitdump numbers them. */
function jitTable(source: ByteSource, { path }: ObjectInfo): SymbolTable | undefined {
  return isJitDump(path) ? readJitDump(source).symbols : parsePerfMap(source.read(0, source.size));
}

/** Whether the symbols may be in a section that only `prepare` can unpack. */
function isPacked(opened: ObjectElf | Reason): opened is ObjectElf {
  if (typeof opened !== "object" || opened.mini) return false;
  const { file, debug } = opened;
  return !hasSymtab(file) && !(debug && hasSymtab(debug)) && file.section(MINI_DEBUG_SECTION) !== undefined;
}

/** The symbols of a recording's objects, numbered as they turn up. */
export class Symbolizer {
  readonly #files: SymbolFiles;
  /** By object id. */
  readonly #loaded: (Loaded | undefined)[] = [];
  readonly #symbols: SymbolInfo[] = [];
  /** What `prepare` could not do, a sentence each. */
  readonly warnings: string[] = [];
  /** What has been opened, until it is loaded; by object id. */
  readonly #opened = new Map<number, ObjectElf | Reason>();
  #kernelSymbols: KernelSymbols | undefined;
  #kernelAsked = false;

  constructor(files: SymbolFiles) {
    this.#files = files;
  }

  /** Whether `symbolize` finds all there is for `object` without `prepare`. */
  isReady(object: ObjectInfo): boolean {
    return object.kind !== "file" || this.#loaded[object.id] !== undefined || !isPacked(this.#open(object));
  }

  /**
   * Unpacks what has to be before `symbolize` can do its work: the symbols inside stripped programs. Without it those
   * have only their exported ones.
   */
  async prepare(objects: Iterable<ObjectInfo>): Promise<void> {
    for (const object of objects) {
      if (object.kind !== "file" || this.#loaded[object.id] !== undefined) continue;
      const opened = this.#open(object);
      if (!isPacked(opened)) continue;
      try {
        opened.mini = await miniDebug(opened.file);
      } catch (error) {
        if (!(error instanceof BadInputError)) throw error;
        this.warnings.push(`${error.message}: only what it exports has names`);
      }
    }
  }

  /** How many symbols have been numbered. */
  get count(): number {
    return this.#symbols.length;
  }

  /**
   * The number of the symbol at `address` of `object` (`AddressSpaces.at` gives it), or a REASON, which
   * is negative.
   */
  symbolize(object: ObjectInfo, address: number): number {
    const loaded = this.#loaded[object.id] ?? this.#load(object);
    if (object.kind === "bpf") return loaded.ids[0] - 1;
    const { table } = loaded;
    const at = table === undefined ? -1 : table.find(address + loaded.shift);
    if (table === undefined || at < 0) return loaded.reason;
    if (loaded.ids[at] === 0) loaded.ids[at] = this.#number(loaded, table, at);
    return loaded.ids[at] - 1;
  }

  /** What is known of a symbol `symbolize` has numbered. */
  symbol(id: number): SymbolInfo {
    return this.#symbols[id];
  }

  /** Counts what `symbolize` had a REASON for in `object`: `weight` samples, say. */
  addUnresolved(object: ObjectInfo, reason: Reason, weight: number): void {
    this.#loaded[object.id]!.unresolved[-reason] += weight;
  }

  /** Everything that was counted as having no symbol, heaviest first. causeOf and remedyOf put it into words. */
  unresolved(): Unresolved[] {
    const all: Unresolved[] = [];
    for (const loaded of this.#loaded) {
      loaded?.unresolved.forEach((weight, i) => {
        if (weight > 0) all.push({ object: loaded.object, reason: -i as Reason, weight });
      });
    }
    return all.sort((a, b) => b.weight - a.weight);
  }

  #number(loaded: Loaded, table: SymbolTable, at: number): number {
    const { object, shift } = loaded;
    const start = table.starts[at] - shift;
    return this.#symbols.push({ object, name: table.name(at), start, end: table.ends[at] - shift });
  }

  #load(object: ObjectInfo): Loaded {
    const outcome = this.#outcome(object);
    const found = typeof outcome === "object" ? outcome : undefined;
    const loaded: Loaded = {
      object,
      table: found?.table,
      reason: typeof outcome === "object" ? REASON.NOT_COVERED : outcome,
      shift: found?.shift ?? 0,
      ids: new Int32Array(found?.table.length ?? 1),
      unresolved: new Float64Array(REASONS + 1),
    };
    if (object.kind === "bpf") {
      loaded.ids[0] = this.#symbols.push({ object, name: object.path, start: 0, end: 0 });
    }
    this.#loaded[object.id] = loaded;
    return loaded;
  }

  #outcome(object: ObjectInfo): Outcome {
    switch (object.kind) {
      case "kernel":
      case "module":
        return this.#kernelTable(object);
      case "bpf":
        return REASON.NOT_COVERED; // never counted: the object is the symbol
      case "anon":
        return REASON.NOT_CODE;
      case "jit": {
        const source = this.#files.open(object);
        const table = source && jitTable(source, object);
        if (table !== undefined) return { table };
        return this.#files.refusal?.(object) ?? REASON.NO_PERF_MAP;
      }
      case "vdso":
      case "file":
        return this.#fileTable(object);
    }
  }

  #kernelTable(object: ObjectInfo): Outcome {
    const named = object.kind === "kernel" ? this.#files.vmlinux?.() : undefined;
    if (named) return vmlinuxTable(named, object);
    const expected = object.kind === "kernel" ? object.buildId : undefined;
    const running = expected && this.#files.kernelBuildId?.();
    const other = expected && running
      ? !sameBuildId(expected, running)
      : this.#files.isOtherKernel?.() ?? false;
    if (!this.#kernelAsked && !other) {
      this.#kernelAsked = true;
      this.#kernelSymbols = this.#files.kernelSymbols?.();
      if (this.#kernelSymbols === undefined) {
        const text = this.#files.kallsyms();
        this.#kernelSymbols = text && parseKallsyms(text);
      }
    }
    let kernel = other ? undefined : this.#kernelSymbols;
    if (expected && (kernel === undefined || kernel.hidden)) {
      const saved = this.#files.savedKallsyms?.(expected);
      if (saved) kernel = parseKallsyms(saved);
    }
    if (kernel === undefined) return other ? REASON.OTHER_KERNEL : REASON.NO_FILE;
    if (kernel.hidden) return REASON.KERNEL_HIDDEN;
    const now = object.reference && kernel.reference(object.reference.symbol);
    const shift = object.reference && now !== undefined ? now - object.reference.address : 0;
    // modules are placed anew at every boot, each for itself
    if (object.kind === "module" && shift !== 0) return REASON.OTHER_KERNEL;
    const table = kernel.tables.get(object.kind === "kernel" ? "" : object.name);
    return table === undefined ? REASON.NO_SYMBOLS : { table, shift };
  }

  #open(object: ObjectInfo): ObjectElf | Reason {
    const opened = this.#opened.get(object.id) ?? openObjectElf(this.#files, object);
    this.#opened.set(object.id, opened);
    return opened;
  }

  #fileTable(object: ObjectInfo): Outcome {
    const opened = this.#open(object);
    this.#opened.delete(object.id);
    if (typeof opened !== "object") return opened;
    const { file, debug, mini } = opened;
    try {
      const table = mini
        ? elfSymbols(file, mini, file)
        : elfSymbols(file, debug && hasSymtab(debug) ? debug : file);
      return table === undefined ? REASON.NO_SYMBOLS : { table };
    } catch (error) {
      if (error instanceof BadInputError) return REASON.DAMAGED;
      throw error;
    }
  }
}
