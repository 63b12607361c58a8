/**
 * Symbolizer: finds the symbol at an address of an object, and numbers what it finds. ObjectLoader loads an object's table
 * at its first address.
 */

import type { BundledObject } from "./bundle/bundled_object.ts";
import type { BundledSources } from "./bundle/bundled_sources.ts";
import type { SymbolFiles } from "./files/symbol_files.ts";
import type { AddressesOf } from "./missing_files.ts";
import { type Reason, type SymbolFailure, symbolFailureOf } from "./object/missing_symbol_reasons.ts";
import type { ObjectInfo } from "./object/objects.ts";
import { type LoadedObject, type LoaderOptions, ObjectLoader } from "./object_loader.ts";
import type { SymbolTable } from "./table/symbol_table.ts";

/** Symbol that some address belongs to. */
export interface SymbolInfo {
  /** Object that it is in. */
  object: ObjectInfo;
  /** Name as the object has it (mangled); demangle.ts makes it readable. */
  name: string;
  /** First address, of the same kind as given to `symbolize`; 0 for kind `bpf`, where the object is the symbol. */
  start: number;
  /** Address behind the last one; 0 for kind `bpf`. */
  end: number;
}

/** Addresses of one object that have no symbol, for one reason. */
export interface UnresolvedWeight {
  /** Object that they are in. */
  object: ObjectInfo;
  /** Reason that they have in common. */
  reason: Reason;
  /** Detail of the reason, for missingSymbolCause(). */
  detail?: string;
  /** Sum of the weights given to `addUnresolved`. */
  weight: number;
}

/** Bytes of memory of a numbered symbol without its name. */
const SYMBOL_INFO_BYTES = 100;

/** Returns whether the object itself is the only symbol, with the same name. */
function isItsSymbol({ kind }: ObjectInfo): boolean {
  return kind === "bpf" || kind === "missing";
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
  readonly #loader: ObjectLoader;
  readonly #symbols: SymbolInfo[] = [];

  /** Starts with nothing loaded; `files` gives the bytes that tables are read from. */
  constructor(files: SymbolFiles, options: LoaderOptions = {}) {
    this.#loader = new ObjectLoader(files, options);
  }

  /** Problems found while loading, a sentence each. */
  get warnings(): string[] {
    return this.#loader.warnings;
  }

  /** Problems found while fetching files, a sentence each. */
  get fetchWarnings(): readonly string[] {
    return this.#loader.fetchWarnings;
  }

  /** Returns the problems found while loading an object. */
  warningsOf(object: ObjectInfo): string[] {
    return this.#loader.warningsOf(object);
  }

  /** Returns why addresses of an object have no symbol. Call it after `symbolize`. */
  failureOf({ id }: ObjectInfo): SymbolFailure {
    return this.#loader.all[id]!.failure;
  }

  /** Returns what the recording carries of an object, if its symbols come from there. Call it after `symbolize`. */
  bundledOf({ id }: ObjectInfo): BundledObject | undefined {
    return this.#loader.all[id]?.bundled;
  }

  /** Texts of source lines that the recording carries. */
  get sources(): BundledSources | undefined {
    return this.#loader.sources;
  }

  /** Returns whether `symbolize` finds all symbols of `object` without `prepare`. */
  isReady(object: ObjectInfo): boolean {
    return this.#loader.isReady(object);
  }

  /** Loads objects, and fetches and unpacks what their symbols need: see ObjectLoader.prepare(). */
  async prepare(objects: Iterable<ObjectInfo>, addressesOf?: AddressesOf): Promise<void> {
    await this.#loader.prepare(objects, addressesOf);
  }

  /** Fetches debug information that objects lack: see ObjectLoader.fetchInfo(). */
  async fetchInfo(objects: readonly ObjectInfo[]): Promise<string[]> {
    return await this.#loader.fetchInfo(objects);
  }

  /** Number of symbols that have been numbered. */
  get count(): number {
    return this.#symbols.length;
  }

  /**
   * Returns the number of the symbol at `address` of `object` (see `AddressSpaces.at`), or a REASON, which is negative.
   */
  symbolize(object: ObjectInfo, address: number): number {
    const loaded = this.#loader.load(object);
    if (isItsSymbol(object)) return this.#numberOf(object, loaded);
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
    const loaded = this.#loader.all[object.id];
    if (loaded === undefined) return -1;
    if (loaded.bundled !== undefined) return loaded.bundled.functions?.startAt(address) ?? -1;
    if (loaded.functions === undefined) loaded.functions = this.#loader.readFunctions(loaded) ?? null;
    return loaded.functions?.startAt(address) ?? -1;
  }

  /** Returns whether the files of an object tell which functions were inlined. False before it is loaded. */
  tellsInlined({ id }: ObjectInfo): boolean {
    return this.#loader.all[id]?.tellsInlined ?? false;
  }

  /** Returns the symbol with a number that `symbolize` returned. */
  symbol(id: number): SymbolInfo {
    return this.#symbols[id];
  }

  /** Adds to the weight (samples, for example) of the addresses of `object` without a symbol for `reason`. */
  addUnresolved(object: ObjectInfo, reason: Reason, weight: number): void {
    this.#loader.all[object.id]!.unresolved[-reason] += weight;
  }

  /**
   * Returns the weights of everything without a symbol, heaviest first; missingSymbolCause() and missingSymbolRemedy()
   * put them into words.
   */
  unresolved(): UnresolvedWeight[] {
    const all: UnresolvedWeight[] = [];
    for (const loaded of this.#loader.all) {
      loaded?.unresolved.forEach((weight, i) => {
        if (weight === 0) return;
        const { object, failure } = loaded, reason = -i as Reason;
        const detail = reason === failure.reason ? failure.detail : undefined;
        all.push(detail === undefined ? { object, reason, weight } : { object, reason, detail, weight });
      });
    }
    return all.sort((a, b) => b.weight - a.weight);
  }

  #find(loaded: LoadedObject, table: SymbolTable, address: number): number {
    const { ids } = loaded;
    const at = table.find(address + loaded.shift);
    if (at < 0) return loaded.failure.reason;
    if (ids[at] === 0) ids[at] = this.#number(loaded, table, at);
    return ids[at] - 1;
  }

  #number({ object, shift, cost }: LoadedObject, table: SymbolTable, at: number): number {
    const start = table.starts[at] - shift, name = table.name(at);
    cost.keep(SYMBOL_INFO_BYTES + name.length);
    return this.#symbols.push({ object, name, start, end: table.ends[at] - shift });
  }

  /** Numbers an object that is the only symbol of its code. */
  #numberOf(object: ObjectInfo, { ids }: LoadedObject): number {
    if (ids[0] === 0) ids[0] = this.#symbols.push({ object, name: object.path, start: 0, end: 0 });
    return ids[0] - 1;
  }
}
