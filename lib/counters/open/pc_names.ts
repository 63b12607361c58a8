/** Names for the PCs of running processes: what report does for a file's samples, for one at a time. */

import { PERF_RECORD_MISC } from "../../base/system/abi.ts";
import { hexAddress } from "../../base/bytes/address.ts";
import { AddressSpaces, type MapEvent } from "../../symbols/space/address_space.ts";
import type { SymbolFiles } from "../../symbols/files/symbol_files.ts";
import { Symbolizer } from "../../symbols/symbolizer.ts";

/** What is mapped where, now. */
export interface LiveMaps {
  /** The executable mappings of a process; none when it is gone or not ours to look at. */
  process(pid: number): MapEvent[];
  /** The kernel's and its modules', with a pid of -1; none when they are hidden. */
  kernel(): MapEvent[];
}

/** A PC in words. */
export interface PcName {
  /** `hot+0x1c`, or the address in hex where there is no symbol. */
  text: string;
  /** The symbol alone, or undefined. */
  symbol?: string;
  /** The program, library or `[kernel.kallsyms]` it is in, or undefined. */
  object?: string;
}

export class PcNames {
  readonly #spaces = new AddressSpaces();
  readonly #symbolizer: Symbolizer;
  readonly #maps: LiveMaps;
  /** The mappings of each process as they were last told to #spaces, to tell when they have changed. */
  readonly #loadedMaps = new Map<number, string>();

  constructor(files: SymbolFiles, maps: LiveMaps) {
    this.#symbolizer = new Symbolizer(files);
    this.#maps = maps;
  }

  /**
   * Names a PC of process `pid` (signed, base/address.ts) by what is mapped there now; of a process that has
   * ended, by what was when it was last asked for.
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
    if (pid === -1 && this.#loadedMaps.has(pid)) return; // the kernel stays where it is
    const maps = read();
    if (maps.length === 0) return;
    const print = maps.map((map) => `${map.start}:${map.length}:${map.pgoff}:${map.filename}`).join("\n");
    if (this.#loadedMaps.get(pid) === print) return;
    this.#loadedMaps.set(pid, print);
    for (const map of maps) this.#spaces.mmap(map);
  }
}
