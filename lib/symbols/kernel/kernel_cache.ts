/**
 * Cache of the running kernel's sorted symbols in $XDG_CACHE_HOME/pmuctl (~/.cache/pmuctl): the kernel takes longer to
 * write /proc/kallsyms than a report takes to read 100,000 samples.
 *
 *     8 bytes    MAGIC
 *     u32        bytes of the head that follows
 *     head       JSON: Head; padded with spaces, so that what follows is at a multiple of 8
 *     columns    of KernelColumns: starts, ends, nameStarts, names
 *
 * Numbers are in this machine's byte order. Kernel addresses are secret, so only a folder and a file of this user alone
 * are read or written. A file that is damaged, or of another boot, is ignored.
 */

import { isOwnFolder, readPrivateFile, writePrivateFile } from "../../base/files/private_file.ts";
import { makePrivateFolder } from "../../base/files/private_folder.ts";
import { type KernelColumns, kernelColumns, type KernelSymbols, kernelSymbols } from "./kallsyms.ts";

const MAGIC = "pmuctlk2";
const FILE = "kernel-symbols";
const MODULES = "/proc/modules";
/** Most bytes of the file. The largest kernels have about 300,000 symbols, of 50 bytes each. */
const MAX_BYTES = 1 << 28;

interface Head {
  /** State of the kernel that the symbols depend on; see `loadedKernel`. */
  key: string;
  tables: KernelColumns["tables"];
  references: KernelColumns["references"];
  /** Number of symbols. */
  symbols: number;
  /** Bytes of all names. */
  names: number;
}

/**
 * Returns the state of the running kernel that its symbols depend on, as text: the boot, and the modules with their
 * addresses and build ids, since one may be rebuilt and loaded to the same place. Returns undefined if it cannot be
 * read. BPF programs come and go, and are not cached.
 */
export function loadedKernel(): string | undefined {
  try {
    const boot = Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").trim();
    return `${boot}\n${loadedModules().join("\n")}`;
  } catch {
    return undefined;
  }
}

/** Returns `NAME SIZE ADDRESS BUILD-ID-NOTE` for every module; empty if the kernel has no modules. */
function loadedModules(): string[] {
  let list: string;
  try {
    list = Deno.readTextFileSync(MODULES);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error; // without the modules nothing is known of their symbols
  }
  // name, size, users, dependants, state, address: those in the middle do not affect symbols
  return list.split("\n").filter(Boolean).map((line) => {
    const [name, size, , , , address] = line.split(" ");
    let note = "";
    try {
      note = Deno.readFileSync(`/sys/module/${name}/notes/.note.gnu.build-id`).toHex();
    } catch {
      // no build id
    }
    return `${name} ${size} ${address} ${note}`;
  });
}

/** Cached symbols of one state of the kernel. */
export class KernelCache {
  readonly #folder: string;
  readonly #loaded: () => string | undefined;
  readonly #key: string | undefined;

  /** @param loaded returns what the symbols depend on, as loadedKernel() does. */
  constructor(folder: string, loaded: () => string | undefined = loadedKernel) {
    this.#folder = folder;
    this.#loaded = loaded;
    this.#key = loaded();
  }

  /** Reads the symbols of this kernel; undefined if they are not cached. */
  read(): KernelSymbols | undefined {
    if (this.#key === undefined || !isOwnFolder(this.#folder)) return undefined;
    const bytes = readPrivateFile(`${this.#folder}/${FILE}`, MAX_BYTES);
    return bytes && this.#symbolsIn(bytes);
  }

  #symbolsIn(bytes: Uint8Array<ArrayBuffer>): KernelSymbols | undefined {
    try {
      const columns = decode(bytes, this.#key!);
      return columns && kernelSymbols(columns);
    } catch {
      return undefined; // not JSON
    }
  }

  /**
   * Parses the text of /proc/kallsyms, read after this was constructed, and stores the result; creates the folder if
   * needed. Stores nothing if addresses are hidden, if a module was loaded or unloaded meanwhile, or if it cannot: no
   * room, or a folder that others can read.
   */
  parse(text: Uint8Array): KernelSymbols {
    const columns = kernelColumns(text);
    if (columns === undefined) return kernelSymbols("hidden");
    if (this.#key !== undefined && this.#loaded() === this.#key) this.#keep(encode(columns, this.#key));
    return kernelSymbols(columns);
  }

  #keep(parts: Uint8Array[]): void {
    try {
      if (makePrivateFolder(this.#folder) || !isOwnFolder(this.#folder)) return;
      writePrivateFile(`${this.#folder}/${FILE}`, parts);
    } catch {
      // the next report will parse it again
    }
  }
}

function encode(columns: KernelColumns, key: string): Uint8Array[] {
  const { names, tables, references, starts, ends, nameStarts } = columns;
  const head: Head = { key, tables, references, symbols: starts.length, names: names.length };
  const json = new TextEncoder().encode(JSON.stringify(head));
  const before = MAGIC.length + 4;
  const first = new Uint8Array(Math.ceil((before + json.length) / 8) * 8).fill(0x20);
  first.set(new TextEncoder().encode(MAGIC));
  new Uint32Array(first.buffer, MAGIC.length, 1)[0] = first.length - before;
  first.set(json, before);
  const bytes = (column: Float64Array | Uint32Array) =>
    new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
  return [first, bytes(starts), bytes(ends), bytes(nameStarts), names];
}

/** Decodes a cache file; undefined if it is another kind of file, of another kernel, or too short. */
function decode({ buffer, length }: Uint8Array<ArrayBuffer>, key: string): KernelColumns | undefined {
  const decoder = new TextDecoder();
  const before = MAGIC.length + 4;
  if (length < before || decoder.decode(new Uint8Array(buffer, 0, MAGIC.length)) !== MAGIC) return undefined;
  const headSize = new Uint32Array(buffer, MAGIC.length, 1)[0];
  const head: Head = JSON.parse(decoder.decode(new Uint8Array(buffer, before, headSize)));
  const { symbols, names, tables, references } = head;
  if (!tables.every(({ name, count }) => typeof name === "string" && Number.isInteger(count))) {
    return undefined;
  }
  if (!Object.values(references).every(Number.isFinite)) return undefined;
  if (head.key !== key || length !== before + headSize + 20 * symbols + 4 + names) return undefined;
  let at = before + headSize;
  const part = (size: number) => at += size;
  return {
    tables,
    references,
    starts: new Float64Array(buffer, at, symbols),
    ends: new Float64Array(buffer, part(8 * symbols), symbols),
    nameStarts: new Uint32Array(buffer, part(8 * symbols), symbols + 1),
    names: new Uint8Array(buffer, part(4 * symbols + 4), names),
  };
}
