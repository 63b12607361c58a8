/** Resolves PCs of running processes, one at a time, as the report does for the samples of a file. */

import { PERF_RECORD_MISC } from "../../base/system/abi.ts";
import { hexAddress } from "../../base/bytes/address.ts";
import { AddressSpaces, type MapEvent } from "../../symbols/space/address_space.ts";
import type { SymbolFiles } from "../../symbols/files/symbol_files.ts";
import { Symbolizer } from "../../symbols/symbolizer.ts";

/** Reads the current mappings. */
export interface LiveMaps {
  /** Returns the executable mappings of a process; none when it has ended or is another user's. */
  process(pid: number): MapEvent[];
  /** Returns the mappings of the kernel and its modules, with pid -1; none when they are hidden. */
  kernel(): MapEvent[];
}

/** Resolved PC. */
export interface PcName {
  /** Text: `hot+0x1c`, or the address in hex when there is no symbol. */
  text: string;
  /** Name of the symbol, if there is one. */
  symbol?: string;
  /** Program, library or `[kernel.kallsyms]`, if known. */
  object?: string;
}

/** Resolver of PCs. */
export class PcNames {
  readonly #spaces = new AddressSpaces();
  readonly #symbolizer: Symbolizer;
  readonly #maps: LiveMaps;
  /** Mappings of each process as last loaded into #spaces, to detect changes. */
  readonly #loadedMaps = new Map<number, string>();

  constructor(files: SymbolFiles, maps: LiveMaps) {
    this.#symbolizer = new Symbolizer(files);
    this.#maps = maps;
  }

  /**
   * Resolves a PC of process `pid` (signed, base/address.ts) by its current mappings. For a process that has ended,
   * uses the mappings of the previous call.
   */
  name(pid: number, address: number, kernel: boolean): PcName {
    if (kernel) this.#tell(-1, () => this.#maps.kernel());
    else this.#tell(pid, () => this.#maps.process(pid));
    const mode = kernel ? PERF_RECORD_MISC.KERNEL : PERF_RECORD_MISC.USER;
    const row = this.#spaces.find(pid, address, mode);
    const unnamed = `0x${hexAddress(address)}`;
    if (row < 0) return { text: unnamed };
    const object = this.#spaces.objects.rows[row], { at } = this.#spaces;
    const id = this.#symbolizer.symbolize(object, at);
    if (id < 0) return { text: unnamed, object: object.name };
    const { name, start } = this.#symbolizer.symbol(id);
    return { text: `${name}+0x${(at - start).toString(16)}`, symbol: name, object: object.name };
  }

  #tell(pid: number, read: () => MapEvent[]): void {
    if (pid === -1 && this.#loadedMaps.has(pid)) return; // the kernel does not move
    const maps = read();
    if (maps.length === 0) return;
    const print = maps.map((map) => `${map.start}:${map.length}:${map.pgoff}:${map.filename}`).join("\n");
    if (this.#loadedMaps.get(pid) === print) return;
    this.#loadedMaps.set(pid, print);
    for (const map of maps) this.#spaces.mmap(map);
  }
}
