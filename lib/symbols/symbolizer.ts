/**
 * From an address in an object to the symbol it belongs to. Tables are loaded when the first address
 * of their object is asked for. Opens nothing itself: it asks for bytes through SymbolFiles.
 */

import type { ByteSource } from "../base/bytes/byte_source.ts";
import { sameBuildId } from "./elf/build_id.ts";
import { ElfFile } from "./elf/elf.ts";
import { elfSymbols, hasSymtab, symbolAddress, vmlinuxSymbols } from "./elf/elf_symbols.ts";
import { isJitDump, readJitDump } from "./jit/jitdump.ts";
import { type KernelSymbols, parseKallsyms } from "./kernel/kallsyms.ts";
import { Budget, Cost } from "./object/limits.ts";
import { MINI_DEBUG_SECTION, miniDebug } from "./elf/mini_debug.ts";
import { type FunctionRanges, functionRanges } from "./elf/function_ranges.ts";
import { closeObjectElf, type ObjectElf, openMappedFile, openObjectElf } from "./object_elf.ts";
import type { ObjectInfo } from "./object/objects.ts";
import { parsePerfMap, unreadLines } from "./jit/perf_map.ts";
import type { SymbolTable } from "./table/symbol_table.ts";
import { isHeld } from "./object/windows.ts";
import type { SymbolFiles } from "./files/symbol_files.ts";
import {
  REASON,
  type Reason,
  REASON_COUNT,
  type SymbolFailure,
  symbolFailureOf,
} from "./object/missing_symbol_reasons.ts";

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
export interface UnresolvedWeight {
  object: ObjectInfo;
  reason: Reason;
  /** What more there is to say of it, for missingSymbolCause. */
  detail?: string;
  /** The weights given to `addUnresolved`, added up. */
  weight: number;
}

/** An object's table, or the reason why there is none; and the numbers its symbols have got so far. */
interface Loaded {
  object: ObjectInfo;
  table: SymbolTable | undefined;
  /** Why an address has no symbol: REASON.NOT_COVERED when there is a table, unless that lacks what could not be read. */
  failure: SymbolFailure;
  /** What the object has cost. */
  cost: Cost;
  /** Added to an address before it is looked up: how far the kernel was moved. */
  shift: number;
  /** Number of each of the table's symbols plus one; 0 has none yet. */
  ids: Int32Array;
  /** Weight of what got no symbol, by -reason. */
  unresolved: Float64Array;
  /** Where its functions are; null when that is not known, undefined when nobody has asked. */
  functions?: FunctionRanges | null;
}

/** What loading gives: a table (and a shift), or a reason. */
type Outcome =
  | { table: SymbolTable; shift?: number; incomplete?: SymbolFailure }
  | SymbolFailure & { table?: undefined };

/** An object that has no file to read symbols from, and why. */
interface Unopened {
  failure: SymbolFailure;
  cost: Cost;
}

/** What is left of a stripped program whose symbols inside are of no use. */
const EXPORTED_ONLY = "only what it exports has names";
/** Bytes of memory of a table's number for a symbol, and of a symbol that has one, besides its name. */
const ID_BYTES = 4, SYMBOL_INFO_BYTES = 100;
/** Bytes of memory of a function's range. */
const FUNCTION_BYTES = 16;

/** The kernel's symbols from its own file, and how far it was moved (KASLR) from where that was linked for. */
function vmlinuxTable(source: ByteSource, object: ObjectInfo, cost: Cost): Outcome {
  const file = new ElfFile(source, cost);
  const buildId = file.buildId();
  if (object.buildId && buildId && !sameBuildId(object.buildId, buildId)) {
    return { reason: REASON.BUILD_ID_DIFFERS };
  }
  const table = vmlinuxSymbols(file);
  if (table === undefined) return { reason: REASON.NO_SYMBOLS };
  const linked = object.reference && symbolAddress(file, object.reference.symbol);
  return { table, shift: object.reference && linked !== undefined ? linked - object.reference.address : 0 };
}

/** Whether the symbols may be in a section that only `prepare` can unpack. */
function isPacked({ file, debug }: ObjectElf): boolean {
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
  readonly #budget: Budget;
  /** Ids of objects whose symbols have to be unpacked. */
  readonly #packed = new Set<number>();
  #kernelSymbols: KernelSymbols | undefined;
  #kernelAsked = false;

  /** @param budget of what all objects may cost. */
  constructor(files: SymbolFiles, budget = new Budget()) {
    this.#files = files;
    this.#budget = budget;
  }

  /** Whether `symbolize` finds all there is for `object` without `prepare`. */
  isReady(object: ObjectInfo): boolean {
    if (object.kind !== "file" || this.#loaded[object.id] !== undefined) return true;
    if (this.#packed.has(object.id)) return false;
    const opened = this.#open(object);
    if (!("file" in opened) || !isPacked(opened)) {
      this.#loadOpened(object, opened);
      return true;
    }
    closeObjectElf(opened);
    opened.file.cost.done();
    this.#packed.add(object.id);
    return false;
  }

  /**
   * Loads objects, and unpacks what has to be before `symbolize` can do its work: the symbols inside stripped programs.
   * Without it those have only their exported ones. One after the other: what is unpacked is large.
   */
  async prepare(objects: Iterable<ObjectInfo>): Promise<void> {
    for (const object of objects) {
      if (object.kind !== "file" || this.#loaded[object.id] !== undefined) continue;
      const opened = this.#open(object);
      if ("file" in opened && isPacked(opened)) {
        try {
          opened.mini = await miniDebug(opened.file);
        } catch (error) {
          const { reason, detail } = symbolFailureOf(error);
          if (reason === REASON.DAMAGED) this.warnings.push(`${(error as Error).message}: ${EXPORTED_ONLY}`);
          else opened.incomplete = { reason, detail: `${detail} in its .gnu_debugdata` };
        }
      }
      this.#loadOpened(object, opened);
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
    if (loaded.table === undefined) return loaded.failure.reason;
    try {
      return this.#find(loaded, loaded.table, address);
    } catch (error) {
      // what has been found before stays; of what comes the object has nothing to say
      loaded.table = undefined;
      loaded.failure = symbolFailureOf(error);
      return loaded.failure.reason;
    }
  }

  /**
   * The first address of the function at an `address` of `object` that `symbolize` has no symbol for; -1 where that is
   * not known.
   */
  functionStart(object: ObjectInfo, address: number): number {
    if (object.kind !== "file" && object.kind !== "vdso") return -1;
    const loaded = this.#loaded[object.id];
    if (loaded === undefined) return -1;
    if (loaded.functions === undefined) loaded.functions = this.#functions(loaded) ?? null;
    return loaded.functions?.startAt(address) ?? -1;
  }

  /** What is known of a symbol `symbolize` has numbered. */
  symbol(id: number): SymbolInfo {
    return this.#symbols[id];
  }

  /** Counts what `symbolize` had a REASON for in `object`: `weight` samples, say. */
  addUnresolved(object: ObjectInfo, reason: Reason, weight: number): void {
    this.#loaded[object.id]!.unresolved[-reason] += weight;
  }

  /** Everything that was counted as having no symbol, heaviest first. missingSymbolCause and missingSymbolRemedy put it into words. */
  unresolved(): UnresolvedWeight[] {
    const all: UnresolvedWeight[] = [];
    for (const loaded of this.#loaded) {
      loaded?.unresolved.forEach((weight, i) => {
        if (weight === 0) return;
        const { object, failure } = loaded, reason = -i as Reason;
        const detail = reason === failure.reason ? failure.detail : undefined;
        all.push(detail === undefined ? { object, reason, weight } : { object, reason, detail, weight });
      });
    }
    return all.sort((a, b) => b.weight - a.weight);
  }

  /** Where the functions of an object are whose file is the one that was recorded. */
  #functions({ object, failure: { reason } }: Loaded): FunctionRanges | undefined {
    if (reason !== REASON.NOT_COVERED && reason !== REASON.NO_SYMBOLS) return undefined;
    const cost = this.#budget.cost(object.path);
    try {
      const file = openMappedFile(this.#files, object, cost);
      if (!(file instanceof ElfFile)) return undefined;
      try {
        const functions = functionRanges(file);
        cost.keep(FUNCTION_BYTES * functions.length);
        return functions;
      } finally {
        file.close();
      }
    } catch (error) {
      symbolFailureOf(error); // its symbols were read all the same: without this its code is one row
      cost.abandon();
      return undefined;
    } finally {
      cost.done();
    }
  }

  #find(loaded: Loaded, table: SymbolTable, address: number): number {
    const { ids } = loaded;
    const at = table.find(address + loaded.shift);
    if (at < 0) return loaded.failure.reason;
    if (ids[at] === 0) ids[at] = this.#number(loaded, table, at);
    return ids[at] - 1;
  }

  #number({ object, shift, cost }: Loaded, table: SymbolTable, at: number): number {
    const start = table.starts[at] - shift, name = table.name(at);
    cost.keep(SYMBOL_INFO_BYTES + name.length);
    return this.#symbols.push({ object, name, start, end: table.ends[at] - shift });
  }

  #load(object: ObjectInfo): Loaded {
    if (object.kind === "file" || object.kind === "vdso") return this.#loadOpened(object, this.#open(object));
    return this.#loadFrom(object, this.#budget.cost(object.path), (cost) => this.#outcome(object, cost));
  }

  /** Loads an object through `read`. Whatever goes wrong is the object's, and no other's. */
  #loadFrom(object: ObjectInfo, cost: Cost, read: (cost: Cost) => Outcome): Loaded {
    const loaded: Loaded = {
      object,
      table: undefined,
      failure: { reason: REASON.NOT_COVERED },
      cost,
      shift: 0,
      ids: new Int32Array(1),
      unresolved: new Float64Array(REASON_COUNT + 1),
    };
    try {
      const outcome = read(cost);
      if (outcome.table === undefined) loaded.failure = outcome;
      else {
        cost.keep(ID_BYTES * outcome.table.length);
        loaded.ids = new Int32Array(outcome.table.length);
        loaded.table = outcome.table;
        loaded.shift = outcome.shift ?? 0;
        loaded.failure = outcome.incomplete ?? loaded.failure;
      }
    } catch (error) {
      cost.abandon();
      loaded.failure = symbolFailureOf(error);
    }
    cost.done();
    if (object.kind === "bpf") {
      loaded.ids[0] = this.#symbols.push({ object, name: object.path, start: 0, end: 0 });
    }
    this.#loaded[object.id] = loaded;
    return loaded;
  }

  #outcome(object: ObjectInfo, cost: Cost): Outcome {
    switch (object.kind) {
      case "kernel":
      case "module":
        return this.#kernelTable(object, cost);
      case "anon":
        return { reason: REASON.NOT_CODE };
      case "guest":
        return { reason: REASON.GUEST };
      case "jit":
        return this.#jitTable(object, cost);
      default:
        return { reason: REASON.NOT_COVERED }; // never counted: the object is the symbol
    }
  }

  /** Symbols of run-time code, by addresses from a perf map, or as a jitdump numbers them. */
  #jitTable(object: ObjectInfo, cost: Cost): Outcome {
    const source = this.#files.open(object);
    if (source === undefined) return this.#files.refusal?.(object) ?? { reason: REASON.NO_PERF_MAP };
    const isDump = isJitDump(object.path);
    try {
      if (!isDump) return this.#perfMapTable(object, source, cost);
      const table = readJitDump(source, cost).symbols;
      return table === undefined ? { reason: REASON.NO_PERF_MAP } : { table };
    } finally {
      if (isDump || isHeld(source, source.size)) source.close?.(); // else names are still to be read from it
    }
  }

  #perfMapTable({ path }: ObjectInfo, source: ByteSource, cost: Cost): Outcome {
    const map = parsePerfMap(source, cost);
    const unread = unreadLines(map, path);
    if (unread) this.warnings.push(unread);
    if (map.symbols) return { table: map.symbols };
    return { reason: map.lines === 0 ? REASON.NO_PERF_MAP : REASON.BAD_PERF_MAP };
  }

  #kernelTable(object: ObjectInfo, cost: Cost): Outcome {
    const named = object.kind === "kernel" ? this.#files.vmlinux?.() : undefined;
    if (named) return vmlinuxTable(named, object, cost);
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
    if (kernel === undefined) return { reason: other ? REASON.OTHER_KERNEL : REASON.NO_FILE };
    if (kernel.hidden) return { reason: REASON.KERNEL_HIDDEN };
    const now = object.reference && kernel.reference(object.reference.symbol);
    const shift = object.reference && now !== undefined ? now - object.reference.address : 0;
    // modules are placed anew at every boot, each for itself
    if (object.kind === "module" && shift !== 0) return { reason: REASON.OTHER_KERNEL };
    const table = kernel.tables.get(object.kind === "kernel" ? "" : object.name);
    return table === undefined ? { reason: REASON.NO_SYMBOLS } : { table, shift };
  }

  #open(object: ObjectInfo): ObjectElf | Unopened {
    const cost = this.#budget.cost(object.path);
    try {
      const opened = openObjectElf(this.#files, object, cost);
      if (!("file" in opened)) return { failure: opened, cost };
      return opened;
    } catch (error) {
      return { failure: symbolFailureOf(error), cost };
    }
  }

  #loadOpened(object: ObjectInfo, opened: ObjectElf | Unopened): Loaded {
    if (!("file" in opened)) return this.#loadFrom(object, opened.cost, () => opened.failure);
    const { file, debug, mini, incomplete } = opened;
    const loaded = this.#loadFrom(object, file.cost, () => {
      const table = mini
        ? elfSymbols(file, mini, file)
        : elfSymbols(file, debug && hasSymtab(debug) ? debug : file);
      return table === undefined ? incomplete ?? { reason: REASON.NO_SYMBOLS } : { table, incomplete };
    });
    closeObjectElf(opened);
    return loaded;
  }
}
