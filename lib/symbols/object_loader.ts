/**
 * Loads the symbol tables of a recording's objects, each once: from what the recording carries, from files, from the
 * kernel, or from what programs wrote of their run-time code. It opens nothing itself, but asks SymbolFiles for bytes.
 */

import { append } from "../base/bytes/lists.ts";
import type { ByteSource } from "../base/bytes/byte_source.ts";
import type { BundledObject } from "./bundle/bundled_object.ts";
import type { BundledSources } from "./bundle/bundled_sources.ts";
import { type FunctionRanges, functionRanges } from "./dwarf/function_ranges.ts";
import { ElfFile } from "./elf/elf.ts";
import { elfSymbols } from "./elf/elf_symbols.ts";
import { miniDebug } from "./elf/mini_debug.ts";
import { unpackedFile } from "./elf/packed_file.ts";
import { hasSymtab } from "./elf/symbol_section.ts";
import type { SymbolFiles } from "./files/symbol_files.ts";
import { mayHavePclntab } from "./go/find_pclntab.ts";
import { goFunctions } from "./go/go_code.ts";
import { KernelTables } from "./kernel_tables.ts";
import { type AddressesOf, closeUnread, isPacked, MissingFiles, type Unopened } from "./missing_files.ts";
import { Budget, type Cost } from "./object/limits.ts";
import {
  missingSymbolCause,
  REASON,
  REASON_COUNT,
  type SymbolFailure,
  symbolFailureOf,
} from "./object/missing_symbol_reasons.ts";
import type { ObjectInfo } from "./object/objects.ts";
import { closeObjectElf, infoHolder, type ObjectElf, openMappedFile, openObjectElf } from "./object_elf.ts";
import { type ObjectNames, runTimeTable } from "./run_time_names.ts";
import type { SymbolTable, TableOutcome } from "./table/symbol_table.ts";

/** Loaded object: its table, or the reason why there is none, and the numbers of its symbols. */
export interface LoadedObject {
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

/** Options of an ObjectLoader. */
export interface LoaderOptions {
  /** Limits on what all objects together may cost. */
  budget?: Budget;
  /** Names of the recording's own; files are asked only for objects whose names it does not have. */
  carried?: ObjectNames;
  /** Debug information is needed too, for lines or inlined functions, and fetched if that is missing. */
  needsInfo?: boolean;
}

/** Consequence of a stripped program whose inner symbols cannot be read. */
const EXPORTED_ONLY = "only what it exports has names";
/** Bytes of memory of an entry of `ids`. */
const ID_BYTES = 4;
/** Bytes of memory of a function's range. */
const FUNCTION_BYTES = 16;

function isOfKernel({ kind }: ObjectInfo): boolean {
  return kind === "kernel" || kind === "module";
}

/** Loader of objects. A failure affects only the object that it is of. */
export class ObjectLoader {
  readonly #files: SymbolFiles;
  /** Loaded objects, by id. */
  readonly #loaded: (LoadedObject | undefined)[] = [];
  readonly #warnings: { object: ObjectInfo; text: string }[] = [];
  readonly #budget: Budget;
  readonly #carried: ObjectNames | undefined;
  readonly #needsInfo: boolean;
  readonly #missing: MissingFiles;
  readonly #fetchWarnings: string[] = [];
  /** Ids of objects whose symbols have to be unpacked or fetched. */
  readonly #packed = new Set<number>();
  readonly #kernel: KernelTables;

  constructor(files: SymbolFiles, options: LoaderOptions = {}) {
    this.#files = files;
    this.#budget = options.budget ?? new Budget();
    this.#carried = options.carried;
    const { needsInfo = false } = options;
    this.#needsInfo = needsInfo;
    this.#missing = this.#missingFiles(needsInfo);
    this.#kernel = new KernelTables(files);
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

  /** Returns whether all symbols of an object are found without `prepare`. */
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
   * symbols inside stripped programs; without that, only the exported ones of these are found. Works on one object
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

  /** Loaded objects, by id; undefined where one is not loaded. */
  get all(): readonly (LoadedObject | undefined)[] {
    return this.#loaded;
  }

  /** Texts of source lines that the recording carries. */
  get sources(): BundledSources | undefined {
    return this.#carried?.sources;
  }

  /** Loads an object, if it is not loaded yet, with what is known without `prepare`. */
  load(object: ObjectInfo): LoadedObject {
    return this.#loaded[object.id] ?? this.#load(object);
  }

  /** Reads the address ranges of an object's functions, if its file is the recorded one. */
  readFunctions({ object, failure: { reason } }: LoadedObject): FunctionRanges | undefined {
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

  #warn(object: ObjectInfo, text: string): void {
    this.#warnings.push({ object, text });
  }

  /** Loads the symbols that the recording carries; undefined if it has none of this object. */
  #loadCarried(object: ObjectInfo): LoadedObject | undefined {
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

  #load(object: ObjectInfo): LoadedObject {
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
  #loadFrom(
    object: ObjectInfo,
    cost: Cost,
    read: (cost: Cost) => TableOutcome,
    bundled?: BundledObject,
  ): LoadedObject {
    const loaded: LoadedObject = {
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
    this.#loaded[object.id] = loaded;
    return loaded;
  }

  #takeCarried(loaded: LoadedObject, symbolsFrom: BundledObject | undefined): void {
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

  #outcome(object: ObjectInfo, cost: Cost): TableOutcome {
    switch (object.kind) {
      case "anon":
        return { reason: REASON.NOT_CODE };
      case "guest":
        return { reason: REASON.GUEST };
      case "jit":
        return runTimeTable(object, {
          files: this.#files,
          carried: this.#carried,
          cost,
          warn: (text) => this.#warn(object, text),
        });
      default:
        return { reason: REASON.NOT_COVERED }; // never counted: the object is the symbol
    }
  }

  /** Loads the kernel or a module: from the kernel's list, else from its file. */
  #loadKernel(object: ObjectInfo, unpacked?: ByteSource): LoadedObject {
    const cost = this.#budget.cost(object.path);
    const loaded = this.#loadFrom(object, cost, (cost) => this.#kernel.table(object, cost, unpacked));
    if (this.#needsInfo) loaded.tellsInlined ??= this.#hasKernelInfo(object);
    return loaded;
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
      const isListed = this.#kernel.listed(object, cost).table !== undefined;
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

  #loadOpened(object: ObjectInfo, opened: ObjectElf | Unopened): LoadedObject {
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
