/** Files of objects that this machine lacks, and that servers of debug files may have. */

import { append } from "../base/bytes/lists.ts";
import { elfSymbols } from "./elf/elf_symbols.ts";
import { hasSymtab } from "./elf/symbol_section.ts";
import { MINI_DEBUG_SECTION } from "./elf/mini_debug.ts";
import type { ServedKind } from "./files/debuginfod_cache.ts";
import { type FileFetcher, mayFetch, type SymbolFiles } from "./files/symbol_files.ts";
import { mayHavePclntab } from "./go/find_pclntab.ts";
import type { Cost } from "./object/limits.ts";
import { REASON, type SymbolFailure, symbolFailureOf } from "./object/missing_symbol_reasons.ts";
import type { ObjectInfo } from "./object/objects.ts";
import { infoHolder, type ObjectElf } from "./object_elf.ts";

/** Object without a file to read symbols from, and why. */
export interface Unopened {
  failure: SymbolFailure;
  cost: Cost;
}

/** File to fetch for an object. */
type MissingFile = Parameters<FileFetcher["fetch"]>[0][number];

/** Returns the addresses of an object that symbols are needed for. */
export type AddressesOf = (object: ObjectInfo) => Float64Array;

/** Options of MissingFiles. */
export interface MissingFilesOptions {
  files: SymbolFiles;
  /** Opens an object's files. Never throws. */
  open(object: ObjectInfo): ObjectElf | Unopened;
  /** Returns whether an object of the kernel, or a module, has symbols. */
  hasSymbols(object: ObjectInfo): boolean;
  /** Debug information is needed besides symbols. */
  needsInfo: boolean;
}

/** Finder of files that may be fetched. Finds none unless the user asked for that (SymbolFiles.fetcher). */
export class MissingFiles {
  readonly #options: MissingFilesOptions;
  /** Number of the fetcher's warnings that were returned. */
  #reported: number;

  constructor(options: MissingFilesOptions) {
    this.#options = options;
    this.#reported = options.files.fetcher?.warnings.length ?? 0;
  }

  /** Returns whether files of an object may be fetched that its symbols or debug information are missing without. */
  has(object: ObjectInfo, opened: ObjectElf | Unopened): boolean {
    const { files: { fetcher }, needsInfo } = this.#options;
    if (fetcher === undefined) return false;
    return this.#of(object, opened).length > 0 || (needsInfo && this.#shared(object, opened).length > 0);
  }

  /**
   * Fetches the missing files of objects. Returns what went wrong since the last time, a sentence each.
   * @param addressesOf without it, symbols of all addresses are needed.
   */
  async fetch(objects: readonly ObjectInfo[], addressesOf?: AddressesOf): Promise<string[]> {
    const { files: { fetcher }, needsInfo } = this.#options;
    if (fetcher === undefined) return [];
    await fetcher.fetch(
      this.#ofAll(objects, (object, opened) => this.#of(object, opened, addressesOf?.(object))),
    );
    // which files dwz moved a part to is known from the first ones
    if (needsInfo) {
      await fetcher.fetch(this.#ofAll(objects, (object, opened) => this.#shared(object, opened)));
    }
    const news = fetcher.warnings.slice(this.#reported);
    this.#reported += news.length;
    return news;
  }

  #of(object: ObjectInfo, opened: ObjectElf | Unopened, addresses?: Float64Array): MissingFile[] {
    const { files, needsInfo, hasSymbols } = this.#options, { fetcher } = files;
    const { kind, name, path, buildId } = object;
    if (fetcher === undefined || !mayFetch(files, object)) return [];
    const missing = (id: string, served: ServedKind) => {
      return fetcher.mayHave(id, served) ? [{ buildId: id, kind: served, object: name }] : [];
    };
    if (kind === "kernel" || kind === "module") {
      if (buildId === undefined || files.isNamed?.(object)) return [];
      // only files with debug information are opened
      const isNeeded = !hasSymbols(object) || (needsInfo && !("file" in opened));
      return isNeeded ? missing(buildId, "debuginfo") : [];
    }
    if (kind !== "file") return [];
    if (!("file" in opened)) {
      const { reason } = opened.failure;
      const isGone = reason === REASON.NO_FILE || reason === REASON.BUILD_ID_DIFFERS;
      if (!isGone || buildId === undefined || !path.startsWith("/")) return [];
      return [...missing(buildId, "executable"), ...missing(buildId, "debuginfo")];
    }
    const id = opened.file.buildId();
    if (id === undefined) return [];
    const lacksInfo = needsInfo && infoHolder(opened) === undefined && !mayHavePclntab(opened.file);
    return lacksInfo || lacksSymbols(opened, addresses) ? missing(id, "debuginfo") : [];
  }

  /** Returns the file that dwz moved a part of an object's debug information to, if it may be fetched. */
  #shared({ name }: ObjectInfo, opened: ObjectElf | Unopened): MissingFile[] {
    const { fetcher, referredFiles } = this.#options.files;
    const holder = "file" in opened ? infoHolder(opened) : undefined, link = holder?.supplementaryLink();
    if (holder === undefined || link === undefined || !fetcher?.mayHave(link.buildId, "debuginfo")) return [];
    for (const file of referredFiles?.(holder.source, link) ?? []) {
      file.close?.();
      return [];
    }
    return [{ buildId: link.buildId, kind: "debuginfo", object: name }];
  }

  #ofAll(
    objects: readonly ObjectInfo[],
    find: (object: ObjectInfo, opened: ObjectElf | Unopened) => MissingFile[],
  ): MissingFile[] {
    const all: MissingFile[] = [];
    for (const object of objects) {
      const opened = this.#options.open(object);
      try {
        append(all, find(object, opened));
      } catch (error) {
        symbolFailureOf(error); // it is met again, and told, when the object is loaded
      } finally {
        closeUnread(opened);
      }
    }
    return all;
  }
}

/** Returns whether symbols are in a section that has to be unpacked first. */
export function isPacked({ file, debug }: ObjectElf): boolean {
  return !hasSymtab(file) && !(debug && hasSymtab(debug)) && file.section(MINI_DEBUG_SECTION) !== undefined;
}

/** Closes files that were opened only to look at. */
export function closeUnread(opened: ObjectElf | Unopened): void {
  if (!("file" in opened)) return;
  opened.file.source.close?.();
  opened.debug?.source.close?.();
  opened.file.cost.abandon();
}

/** Returns whether some of the addresses (without them, any) may have symbols in a debug file that is not there. */
function lacksSymbols(opened: ObjectElf, addresses?: Float64Array): boolean {
  const { file, debug } = opened;
  if (hasSymtab(file) || (debug && hasSymtab(debug)) || isPacked(opened) || mayHavePclntab(file)) {
    return false;
  }
  const table = addresses && elfSymbols(file);
  return table === undefined || addresses!.some((address) => table.find(address) < 0);
}
