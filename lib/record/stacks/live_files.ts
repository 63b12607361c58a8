/** Files that stacks are unwound through while they are recorded: held from when they are mapped until they are read. */

import { holdableFiles } from "../../../ffi/descriptors.ts";
import type { FileBytes } from "../../base/files/file_bytes.ts";
import { fileBuildId, sameBuildId } from "../../symbols/elf/build_id.ts";
import { hostSymbolFiles } from "../../symbols/files/host_files.ts";
import type { SymbolFiles } from "../../symbols/files/symbol_files.ts";
import type { ObjectInfo } from "../../symbols/object/objects.ts";
import { type FileMapping, MappedFiles } from "../objects/mapped_files.ts";

/**
 * Files held at most, since each takes a descriptor, and as a share of those that are left. Beyond that the oldest is
 * closed, and looked for when it is needed.
 */
const MAX_HELD = 256, HELD_SHARE = 1 / 8;

/** Files as LiveStacks needs them: those of this machine, or a test's. */
export type StackFiles = Pick<LiveFiles, keyof LiveFiles>;

/** Opener of the files, for UnwindObjects. */
export class LiveFiles implements SymbolFiles {
  readonly debugFiles: SymbolFiles["debugFiles"];
  readonly #mapped = new MappedFiles();
  readonly #host = hostSymbolFiles();
  /** Files by object id, oldest first: `#most` of them at most. */
  readonly #held = new Map<number, FileBytes>();
  readonly #most = holdableFiles(MAX_HELD, HELD_SHARE);
  /** Most recent mapping of each file, by object id: its process has the file longer than those before. */
  readonly #maps = new Map<number, FileMapping>();
  /** Objects, by id, whose file nobody had when it was looked for. */
  readonly #missing = new Set<number>();

  constructor() {
    this.debugFiles = this.#host.debugFiles;
  }

  /** Remembers that `parent` started process `pid`. */
  parent(pid: number, parent: number): void {
    this.#mapped.parent(pid, parent);
  }

  /** Forgets a process that has ended. */
  forget(pid: number): void {
    this.#mapped.forget(pid);
  }

  /**
   * Takes note of a mapping of an object, and holds its file when it is the first one, or nobody had the file before.
   * Returns whether a file that could not be opened can be now.
   * @param isNew whether the object has just been mapped for the first time.
   */
  see(map: FileMapping, object: ObjectInfo, isNew: boolean): boolean {
    const { id } = object, isMissing = this.#missing.has(id);
    if (object.kind !== "file") return false;
    this.#maps.set(id, map);
    if (!isNew && !isMissing) return false;
    const file = this.#openMapped(map, object);
    if (file === undefined) {
      this.#missing.add(id);
      return false;
    }
    this.#missing.delete(id);
    if (this.#held.size >= this.#most) this.#closeOldest();
    this.#held.set(id, file);
    return isMissing;
  }

  open(object: ObjectInfo): ReturnType<SymbolFiles["open"]> {
    const { id } = object, held = this.#held.get(id);
    if (held !== undefined) {
      this.#held.delete(id);
      return held;
    }
    const map = this.#maps.get(id);
    const file = map && this.#openMapped(map, object) || this.#host.open(object);
    if (file === undefined) this.#missing.add(id);
    else this.#missing.delete(id);
    return file;
  }

  refusal(object: ObjectInfo): ReturnType<NonNullable<SymbolFiles["refusal"]>> {
    return this.#host.refusal?.(object);
  }

  /** Returns nothing: the kernel's part of a chain needs no symbols here. */
  kallsyms(): undefined {
    return undefined;
  }

  /** Closes what was not read. */
  close(): void {
    for (const file of this.#held.values()) file.close();
    this.#held.clear();
  }

  /** Opens a file as a process has it mapped; undefined where that is another one by now. */
  #openMapped(map: FileMapping, { buildId }: ObjectInfo): FileBytes | undefined {
    const file = this.#mapped.open(map);
    if (file === undefined || buildId === undefined) return file;
    const id = fileBuildId(file);
    if (id !== undefined && sameBuildId(id, buildId)) return file;
    file.close();
    return undefined;
  }

  #closeOldest(): void {
    for (const [id, file] of this.#held) {
      file.close();
      this.#held.delete(id);
      return;
    }
  }
}
