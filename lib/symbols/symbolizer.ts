/**
 * Symbolizer: finds the symbol at an address of an object. Loads an object's table at its first address. It opens
 * nothing itself, but asks SymbolFiles for bytes.
 */

import { append } from "../base/bytes/lists.ts";
import { type ByteSource, MemoryBytes } from "../base/bytes/byte_source.ts";
import type { BundledObject } from "./bundle/bundled_object.ts";
import type { BundledSources } from "./bundle/bundled_sources.ts";
import { sameBuildId } from "./elf/build_id.ts";
import { ElfFile } from "./elf/elf.ts";
import { elfSymbols, vmlinuxSymbols } from "./elf/elf_symbols.ts";
import { hasSymtab } from "./elf/symbol_section.ts";
import { isJitDump, readJitDump } from "./jit/jitdump.ts";
import { mayHavePclntab } from "./go/find_pclntab.ts";
import { goFunctions } from "./go/go_symbols.ts";
import { type KernelSymbols, parseKallsyms } from "./kernel/kallsyms.ts";
import { Budget, Cost } from "./object/limits.ts";
import { miniDebug } from "./elf/mini_debug.ts";
import { unpackedFile } from "./elf/packed_file.ts";
import { kernelElf, kernelShift, openKernelElf } from "./kernel_elf.ts";
import { type FunctionRanges, functionRanges } from "./dwarf/function_ranges.ts";
import { closeObjectElf, infoHolder, type ObjectElf, openMappedFile, openObjectElf } from "./object_elf.ts";
import type { ObjectInfo } from "./object/objects.ts";
import { parsePerfMap, unreadLines } from "./jit/perf_map.ts";
import type { SymbolTable } from "./table/symbol_table.ts";
import { isHeld } from "./object/windows.ts";
import type { SymbolFiles } from "./files/symbol_files.ts";
import { type AddressesOf, closeUnread, isPacked, MissingFiles, type Unopened } from "./missing_files.ts";
import {
  missingSymbolCause,
  REASON,
  type Reason,
  REASON_COUNT,
  type SymbolFailure,
  symbolFailureOf,
} from "./object/missing_symbol_reasons.ts";

/** Symbol that some address belongs to. */
export interface SymbolInfo {
  object: ObjectInfo;
  /** Name as the object has it (mangled); demangle.ts makes it readable. */
  name: string;
  /**
   * First address of the symbol, and the one behind its last, of the same kind as given to `symbolize`. Both are 0 for
   * kind `bpf`, where the object is the symbol.
   */
  start: number;
  end: number;
}

/** Addresses of one object that have no symbol, for one reason. */
export interface UnresolvedWeight {
  object: ObjectInfo;
  reason: Reason;
  /** Detail of the reason, for missingSymbolCause(). */
  detail?: string;
  /** Sum of the weights given to `addUnresolved`. */
  weight: number;
}

/** Loaded object: its table, or the reason why there is none, and the numbers of its symbols. */
interface Loaded {
  object: ObjectInfo;
  table: SymbolTable | undefined;
  /** Reason why an address has no symbol: REASON.NOT_COVERED if the table is complete. */
  failure: SymbolFailure;
  /** Account of what the object has cost. */
  cost: Cost;
  /** Number to add to an address before a lookup: how far the kernel was moved. */
  shift: number;
  /** Number of each of the table's symbols, plus one; 0 if it has none yet. */
  ids: Int32Array;
  /** Weight without a symbol, by -reason. */
  unresolved: Float64Array;
  /** Address ranges of functions; null if unknown, undefined if not read yet. */
  functions?: FunctionRanges | null;
  /** Whether its files tell which functions were inlined. */
  tellsInlined?: boolean;
  /** Object of the recording's own bundle that the answers come from, rather than from files. */
  bundled?: BundledObject;
}

/** Result of loading: a table (and a shift), or a reason. */
type Outcome =
  | { table: SymbolTable; shift?: number; incomplete?: SymbolFailure }
  | SymbolFailure & { table?: undefined };

/** Names that a recording carries with it. */
export interface ObjectNames {
  /** Returns what is known about an object; undefined if nothing is. */
  of(object: ObjectInfo): BundledObject | undefined;
  /** Texts of source lines, if there are any. */
  readonly sources?: BundledSources;
}

/** Options of a Symbolizer. */
export interface SymbolizerOptions {
  /** Limits on what all objects together may cost. */
  budget?: Budget;
  /** Names of the recording's own; files are asked only for objects whose names it does not have. */
  carried?: ObjectNames;
  /** Debug information is needed too, for lines or inlined functions, and fetched if that is missing. */
  needsInfo?: boolean;
}

/** Consequence of a stripped program whose inner symbols cannot be read. */
const EXPORTED_ONLY = "only what it exports has names";
/** Bytes of memory of an entry of `ids`, and of a numbered symbol without its name. */
const ID_BYTES = 4, SYMBOL_INFO_BYTES = 100;
/** Bytes of memory of a function's range. */
const FUNCTION_BYTES = 16;

/**
 * Reads the kernel's symbols from its vmlinux file, with how far the kernel was moved from its link-time address
 * (KASLR).
 */
function vmlinuxTable(source: ByteSource, object: ObjectInfo, cost: Cost): Outcome {
  const file = new ElfFile(source, cost);
  const buildId = file.buildId();
  if (object.buildId && buildId && !sameBuildId(object.buildId, buildId)) {
    return { reason: REASON.BUILD_ID_DIFFERS };
  }
  const table = vmlinuxSymbols(file);
  if (table === undefined) return { reason: REASON.NO_SYMBOLS };
  return { table, shift: kernelShift(file, object) ?? 0 };
}

function isOfKernel({ kind }: ObjectInfo): boolean {
  return kind === "kernel" || kind === "module";
}

/** Returns whether the object itself is the only symbol, with the same name. */
function isItsSymbol({ kind }: ObjectInfo): boolean {
  return kind === "bpf" || kind === "missing";
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
 * Symbols of a recording's objects, numbered in the order in which they are found.
 *
 *     const symbolizer = new Symbolizer(hostSymbolFiles());
 *     await symbolizer.prepare(spaces.objects.rows);
 *     const row = spaces.find(pid, address, PERF_RECORD_MISC.USER);
 *     const id = symbolizer.symbolize(spaces.objects.rows[row], spaces.at);
 *     const name = id >= 0 ? symbolizer.symbol(id).name : missingSymbolCause(id as Reason);
 */
export class Symbolizer {
  readonly #files: SymbolFiles;
  /** Loaded objects, by id. */
  readonly #loaded: (Loaded | undefined)[] = [];
  readonly #symbols: SymbolInfo[] = [];
  readonly #warnings: { object: ObjectInfo; text: string }[] = [];
  readonly #budget: Budget;
  readonly #carried: ObjectNames | undefined;
  readonly #needsInfo: boolean;
  readonly #missing: MissingFiles;
  readonly #fetchWarnings: string[] = [];
  /** Ids of objects whose symbols have to be unpacked or fetched. */
  readonly #packed = new Set<number>();
  #kernelSymbols: KernelSymbols | undefined;
  #kernelAsked = false;

  constructor(files: SymbolFiles, options: SymbolizerOptions = {}) {
    this.#files = files;
    this.#budget = options.budget ?? new Budget();
    this.#carried = options.carried;
    const { needsInfo = false } = options;
    this.#needsInfo = needsInfo;
    this.#missing = this.#missingFiles(needsInfo);
  }

  /** Problems found while loading, a sentence each. */
  get warnings(): string[] {
    return [...this.#fetchWarnings, ...this.#warnings.map(({ text }) => text)];
  }

  /** Problems found while fetching files, a sentence each. */
  get fetchWarnings(): readonly string[] {
    return this.#fetchWarnings;
  }

  /** Returns the problems found while loading an object. */
  warningsOf(object: ObjectInfo): string[] {
    return this.#warnings.filter((warning) => warning.object === object).map(({ text }) => text);
  }

  /** Returns why addresses of an object have no symbol. Call it after `symbolize`. */
  failureOf({ id }: ObjectInfo): SymbolFailure {
    return this.#loaded[id]!.failure;
  }

  /** Returns what the recording carries of an object, if its symbols come from there. Call it after `symbolize`. */
  bundledOf({ id }: ObjectInfo): BundledObject | undefined {
    return this.#loaded[id]?.bundled;
  }

  /** Texts of source lines that the recording carries. */
  get sources(): BundledSources | undefined {
    return this.#carried?.sources;
  }

  /** Returns whether `symbolize` finds all symbols of `object` without `prepare`. */
  isReady(object: ObjectInfo): boolean {
    if (this.#loaded[object.id] !== undefined) return true;
    if (this.#packed.has(object.id)) return false;
    if (isOfKernel(object)) return this.#isKernelReady(object);
    if (object.kind !== "file") return true;
    if (this.#loadCarried(object)) return true;
    const opened = this.#open(object);
    const isReady = !("file" in opened && isPacked(opened)) && !this.#missing.has(object, opened);
    if (isReady) this.#loadOpened(object, opened);
    else {
      closeUnread(opened);
      this.#packed.add(object.id);
    }
    return isReady;
  }

  /**
   * Loads objects. Fetches files with their symbols, where the user asked for that and they are missing, and unpacks
   * symbols inside stripped programs; otherwise `symbolize` finds only the exported ones of these. Works on one object
   * after the other, because unpacked symbols are large.
   * @param addressesOf returns the addresses that symbols are needed for; without it all of an object are.
   */
  async prepare(
    objects: Iterable<ObjectInfo>,
    addressesOf?: AddressesOf,
  ): Promise<void> {
    const sampled = Array.from(objects);
    const kernel = sampled.filter((object) => isOfKernel(object) && !this.#isCarried(object));
    for (const object of kernel) {
      if (!this.isReady(object)) await this.#loadUnpacked(object);
    }
    const files = sampled.filter((object) => {
      return object.kind === "file" && this.#loaded[object.id] === undefined && !this.#isCarried(object);
    });
    append(this.#fetchWarnings, await this.#missing.fetch([...files, ...kernel], addressesOf));
    for (const object of kernel) this.#loadFetched(object);
    for (const object of files) {
      const opened = this.#open(object);
      if ("file" in opened && isPacked(opened)) {
        try {
          opened.mini = await miniDebug(opened.file);
        } catch (error) {
          const { reason, detail } = symbolFailureOf(error);
          if (reason === REASON.DAMAGED) this.#warn(object, `${(error as Error).message}: ${EXPORTED_ONLY}`);
          else opened.incomplete = { reason, detail: `${detail} in its .gnu_debugdata` };
        }
      }
      this.#loadOpened(object, opened);
    }
  }

  /**
   * Fetches debug information that objects lack, where the user asked for that; for those whose symbols are known, but not
   * their lines. Returns what went wrong, a sentence each.
   */
  async fetchInfo(objects: readonly ObjectInfo[]): Promise<string[]> {
    if (this.#files.fetcher === undefined) return [];
    return await this.#missingFiles(true).fetch(objects, () => new Float64Array(0));
  }

  #missingFiles(needsInfo: boolean): MissingFiles {
    return new MissingFiles({
      files: this.#files,
      open: (object) => this.#open(object),
      hasSymbols: ({ id }) => this.#loaded[id]?.table !== undefined,
      needsInfo,
    });
  }

  /** Number of symbols that have been numbered. */
  get count(): number {
    return this.#symbols.length;
  }

  /**
   * Returns the number of the symbol at `address` of `object` (see `AddressSpaces.at`), or a REASON, which is negative.
   */
  symbolize(object: ObjectInfo, address: number): number {
    const loaded = this.#loaded[object.id] ?? this.#load(object);
    if (isItsSymbol(object)) return loaded.ids[0] - 1;
    if (loaded.table === undefined) return loaded.failure.reason;
    try {
      return this.#find(loaded, loaded.table, address);
    } catch (error) {
      // symbols found before stay, but the object has no further ones
      loaded.table = undefined;
      loaded.failure = symbolFailureOf(error);
      return loaded.failure.reason;
    }
  }

  /** Returns the first address of the function at an `address` of `object` without a symbol; -1 if unknown. */
  functionStart(object: ObjectInfo, address: number): number {
    if (object.kind !== "file" && object.kind !== "vdso") return -1;
    const loaded = this.#loaded[object.id];
    if (loaded === undefined) return -1;
    if (loaded.bundled !== undefined) return loaded.bundled.functions?.startAt(address) ?? -1;
    if (loaded.functions === undefined) loaded.functions = this.#functions(loaded) ?? null;
    return loaded.functions?.startAt(address) ?? -1;
  }

  /** Returns whether the files of an object tell which functions were inlined. False before it is loaded. */
  tellsInlined({ id }: ObjectInfo): boolean {
    return this.#loaded[id]?.tellsInlined ?? false;
  }

  /** Returns the symbol with a number that `symbolize` returned. */
  symbol(id: number): SymbolInfo {
    return this.#symbols[id];
  }

  /** Adds to the weight (samples, for example) of the addresses of `object` without a symbol for `reason`. */
  addUnresolved(object: ObjectInfo, reason: Reason, weight: number): void {
    this.#loaded[object.id]!.unresolved[-reason] += weight;
  }

  /**
   * Returns the weights of everything without a symbol, heaviest first; missingSymbolCause() and missingSymbolRemedy()
   * put them into words.
   */
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

  /** Reads the address ranges of an object's functions, if its file is the recorded one. */
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
      symbolFailureOf(error); // the symbols were read all the same: the object's other code is shown as one row
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

  #warn(object: ObjectInfo, text: string): void {
    this.#warnings.push({ object, text });
  }

  /** Loads the symbols that the recording carries; undefined if it has none of this object. */
  #loadCarried(object: ObjectInfo): Loaded | undefined {
    const bundled = this.#carried?.of(object), table = bundled?.symbols;
    if (table === undefined) return undefined;
    return this.#loadFrom(
      object,
      this.#budget.cost(object.path),
      () => ({ table, incomplete: bundled!.facts.failure }),
      bundled,
    );
  }

  /** Returns whether the symbols of an object are those that the recording carries. Loads them if so. */
  #isCarried(object: ObjectInfo): boolean {
    const loaded = this.#loaded[object.id] ?? this.#loadCarried(object);
    return loaded?.bundled?.symbols !== undefined;
  }

  #load(object: ObjectInfo): Loaded {
    const carried = this.#loadCarried(object);
    if (carried) return carried;
    if (object.kind === "file" || object.kind === "vdso") return this.#loadOpened(object, this.#open(object));
    if (object.kind === "kernel" || object.kind === "module") return this.#loadKernel(object);
    return this.#loadFrom(object, this.#budget.cost(object.path), (cost) => this.#outcome(object, cost));
  }

  /**
   * Loads an object through `read`. Any failure affects only this object.
   * @param bundled object that the symbols are read from. Without symbols, whatever the recording carries counts.
   */
  #loadFrom(object: ObjectInfo, cost: Cost, read: (cost: Cost) => Outcome, bundled?: BundledObject): Loaded {
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
    this.#takeCarried(loaded, bundled);
    if (isItsSymbol(object)) {
      loaded.ids[0] = this.#symbols.push({ object, name: object.path, start: 0, end: 0 });
    }
    this.#loaded[object.id] = loaded;
    return loaded;
  }

  #takeCarried(loaded: Loaded, symbolsFrom: BundledObject | undefined): void {
    const { object } = loaded;
    const bundled = symbolsFrom ?? (loaded.table === undefined ? this.#carried?.of(object) : undefined);
    if (bundled === undefined) return;
    loaded.bundled = bundled;
    loaded.failure = bundled.facts.failure;
    loaded.tellsInlined = bundled.facts.tellsInlined;
    const known = this.warningsOf(object);
    for (const warning of bundled.facts.warnings ?? []) {
      if (!known.includes(warning)) this.#warn(object, warning);
    }
  }

  #outcome(object: ObjectInfo, cost: Cost): Outcome {
    switch (object.kind) {
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

  /** Reads the symbols of run-time code, by address from a perf map, or by the numbers of a jitdump. */
  #jitTable(object: ObjectInfo, cost: Cost): Outcome {
    const source = openRunTimeNames(this.#files, object, this.#carried);
    if (source === undefined) return this.#files.refusal?.(object) ?? { reason: REASON.NO_PERF_MAP };
    const isDump = isJitDump(object.path);
    try {
      if (!isDump) return this.#perfMapTable(object, source, cost);
      const table = readJitDump(source, cost).symbols;
      return table === undefined ? { reason: REASON.NO_PERF_MAP } : { table };
    } finally {
      if (isDump || isHeld(source, source.size)) source.close?.(); // else names are read from it later
    }
  }

  #perfMapTable(object: ObjectInfo, source: ByteSource, cost: Cost): Outcome {
    const map = parsePerfMap(source, cost);
    const unread = unreadLines(map, object.path);
    if (unread) this.#warn(object, unread);
    if (map.symbols) return { table: map.symbols };
    return { reason: map.lines === 0 ? REASON.NO_PERF_MAP : REASON.BAD_PERF_MAP };
  }

  /** Loads the kernel or a module: from the kernel's list, else from its file. */
  #loadKernel(object: ObjectInfo, unpacked?: ByteSource): Loaded {
    const loaded = this.#loadFrom(object, this.#budget.cost(object.path), (cost) => {
      const listed = this.#kernelTable(object, cost);
      return listed.table ? listed : this.#kernelFileTable(object, cost, unpacked) ?? listed;
    });
    if (this.#needsInfo) loaded.tellsInlined ??= this.#hasKernelInfo(object);
    return loaded;
  }

  /** Reads the symbols in the file of the kernel or a module; undefined if there is none that is the recorded one. */
  #kernelFileTable(object: ObjectInfo, cost: Cost, unpacked?: ByteSource): Outcome | undefined {
    const elf = unpacked ? kernelElf(unpacked, object, cost) : openKernelElf(this.#files, object, cost);
    if (elf === undefined) return undefined;
    const { file, shift } = elf, table = vmlinuxSymbols(file);
    file.close();
    return table && { table, shift };
  }

  #hasKernelInfo(object: ObjectInfo): boolean {
    const opened = this.#open(object);
    if (!("file" in opened)) return false;
    closeUnread(opened);
    return true;
  }

  /** Loads the kernel or a module, unless names are only in a compressed file, or a file is to be fetched. */
  #isKernelReady(object: ObjectInfo): boolean {
    const { packedModules } = this.#files;
    if (this.#loadCarried(object)) return true;
    if (object.kind === "module" && packedModules !== undefined) {
      const cost = this.#budget.cost(object.path);
      const isListed = this.#kernelTable(object, cost).table !== undefined;
      cost.abandon();
      for (const file of isListed ? [] : packedModules(object)) {
        file.close?.();
        this.#packed.add(object.id);
        return false;
      }
    }
    this.#load(object);
    if (this.#files.fetcher === undefined) return true;
    const opened = this.#open(object), lacks = this.#missing.has(object, opened);
    closeUnread(opened);
    if (!lacks) return true;
    this.#loaded[object.id] = undefined;
    this.#packed.add(object.id);
    return false;
  }

  /** Loads the kernel or a module again if a file of it may have come. */
  #loadFetched(object: ObjectInfo): void {
    const loaded = this.#loaded[object.id];
    if (this.#files.fetcher === undefined || (loaded?.table && !this.#needsInfo)) return;
    if (loaded?.table) loaded.tellsInlined = this.#hasKernelInfo(object);
    else this.#loadKernel(object);
  }

  /** Loads the kernel or a module, from a compressed file if there is one and names are nowhere else. */
  async #loadUnpacked(object: ObjectInfo): Promise<void> {
    const cost = this.#budget.cost(object.path);
    let unpacked: ByteSource | undefined;
    try {
      for (const file of this.#files.packedModules?.(object) ?? []) {
        unpacked ??= await unpackedFile(file, cost);
        file.close?.();
      }
    } catch (error) {
      const { reason, detail } = symbolFailureOf(error);
      if (reason === REASON.DAMAGED) this.#warn(object, (error as Error).message);
      else this.#warn(object, `cannot read ${object.name}: ${missingSymbolCause(reason, detail)}`);
    }
    cost.abandon();
    this.#loadKernel(object, unpacked);
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
    // modules are loaded to new addresses at every boot, each on its own
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
        : debug && hasSymtab(debug)
        ? elfSymbols(file, debug)
        : elfSymbols(file, file, file, hasSymtab(file) ? undefined : goFunctions(file));
      const failure = table?.onlyStubs === false ? incomplete : incomplete ?? { reason: REASON.NO_SYMBOLS };
      return table === undefined ? failure! : { table, incomplete: failure };
    });
    loaded.tellsInlined ??= infoHolder(opened) !== undefined || mayHavePclntab(file);
    closeObjectElf(opened);
    return loaded;
  }
}
