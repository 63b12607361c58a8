/**
 * The running kernel's symbols as they were sorted out once, kept in $XDG_CACHE_HOME/pmuctl (~/.cache/pmuctl) for as
 * long as they hold: the kernel takes longer to write /proc/kallsyms than a report does to read 100,000 samples.
 *
 *     8 bytes    MAGIC
 *     u32        bytes of the head that follows
 *     head       JSON: Head; padded with spaces, so that what follows is at a multiple of 8
 *     columns    of KernelColumns: starts, ends, nameStarts, names
 *
 * All in this machine's byte order. Kernel addresses are a secret, so the folder and the file have to be this user's
 * alone; what is not is neither read nor written. A file that is damaged or of another boot is as good as none.
 */

import { FileBytes } from "../../base/files/file_bytes.ts";
import { makePrivateFolder } from "../../base/files/private_folder.ts";
import { type KernelColumns, kernelColumns, type KernelSymbols, kernelSymbols } from "./kallsyms.ts";

const MAGIC = "pmuctlk2";
const FILE = "kernel-symbols";
const MODULES = "/proc/modules";
const NOT_MINE = 0o077;
/** The largest kernels have some 300,000 symbols, of 50 bytes each. */
const MAX_BYTES = 1 << 28;

interface Head {
  /** What the symbols depend on: see `loadedKernel`. */
  key: string;
  tables: KernelColumns["tables"];
  references: KernelColumns["references"];
  /** How many symbols. */
  symbols: number;
  /** Bytes of all names. */
  names: number;
}

/**
 * What the symbols of the running kernel and its modules depend on, in words: the boot, and which modules are loaded
 * where, each by its build id, as one may have been built anew and loaded to the same place. Undefined when that
 * cannot be read. Not BPF programs, which come and go: they are no part of what is kept.
 */
export function loadedKernel(): string | undefined {
  try {
    const boot = Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").trim();
    return `${boot}\n${loadedModules().join("\n")}`;
  } catch {
    return undefined;
  }
}

/** `NAME SIZE ADDRESS BUILD-ID-NOTE` of every module; none where the kernel has none. */
function loadedModules(): string[] {
  let list: string;
  try {
    list = Deno.readTextFileSync(MODULES);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error; // without them nothing is known of the symbols
  }
  // name, size, users, by whom, state, address: those in the middle change and change no symbol
  return list.split("\n").filter(Boolean).map((line) => {
    const [name, size, , , , address] = line.split(" ");
    let note = "";
    try {
      note = Deno.readFileSync(`/sys/module/${name}/notes/.note.gnu.build-id`).toHex();
    } catch {
      // it has none
    }
    return `${name} ${size} ${address} ${note}`;
  });
}

/** Where kept symbols are, for one state of the kernel. */
export class KernelCache {
  readonly #folder: string;
  readonly #loaded: () => string | undefined;
  readonly #key: string | undefined;

  /** @param loaded says what the symbols depend on, as `loadedKernel` does. */
  constructor(folder: string, loaded: () => string | undefined = loadedKernel) {
    this.#folder = folder;
    this.#loaded = loaded;
    this.#key = loaded();
  }

  /** The symbols kept for this kernel; undefined when there are none. */
  read(): KernelSymbols | undefined {
    if (this.#key === undefined || !this.#isPrivate()) return undefined;
    const file = FileBytes.tryOpen(`${this.#folder}/${FILE}`, { owners: [Deno.uid()!], maxBytes: MAX_BYTES });
    if (file === undefined) return undefined;
    try {
      return (file.mode & NOT_MINE) === 0 ? this.#symbolsIn(file.read(0, file.size)) : undefined;
    } finally {
      file.close();
    }
  }

  #isPrivate(): boolean {
    try {
      return isMine(Deno.lstatSync(this.#folder));
    } catch {
      return false; // not there
    }
  }

  #symbolsIn(bytes: Uint8Array<ArrayBuffer>): KernelSymbols | undefined {
    try {
      const columns = decode(bytes, this.#key!);
      return columns && kernelSymbols(columns);
    } catch {
      return undefined; // no JSON
    }
  }

  /**
   * Parses the text of /proc/kallsyms, read after this was made, and keeps the outcome in the folder, which is made if
   * need be. Keeps nothing where addresses are hidden, where a module has come or gone meanwhile, or when that cannot
   * be done: no room, a folder that others can look into.
   */
  parse(text: Uint8Array): KernelSymbols {
    const columns = kernelColumns(text);
    if (columns === undefined) return kernelSymbols("hidden");
    if (this.#key !== undefined && this.#loaded() === this.#key) this.#keep(encode(columns, this.#key));
    return kernelSymbols(columns);
  }

  #keep(parts: Uint8Array[]): void {
    const partial = `${this.#folder}/${FILE}.${Deno.pid}`;
    try {
      if (makePrivateFolder(this.#folder) || !this.#isPrivate()) return;
      try {
        writeParts(partial, parts);
        Deno.renameSync(partial, `${this.#folder}/${FILE}`);
      } catch {
        Deno.removeSync(partial);
      }
    } catch {
      // the next report parses it again
    }
  }
}

/** Whether it is this user's, and nobody else's to look into. */
function isMine({ uid, mode }: Deno.FileInfo): boolean {
  return uid === Deno.uid() && mode !== null && (mode & NOT_MINE) === 0;
}

function writeParts(path: string, parts: Uint8Array[]): void {
  using file = Deno.openSync(path, { write: true, createNew: true, mode: 0o600 });
  for (const part of parts) {
    for (let at = 0; at < part.length;) at += file.writeSync(part.subarray(at));
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

/** What `bytes` hold; undefined when that is something else, or too little. */
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
