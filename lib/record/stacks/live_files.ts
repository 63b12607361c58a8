/** Files that stacks are unwound through while they are recorded: held from when they are mapped until they are read. */

import type { FileBytes } from "../../base/files/file_bytes.ts";
import { hostSymbolFiles } from "../../symbols/files/host_files.ts";
import type { SymbolFiles } from "../../symbols/files/symbol_files.ts";
import type { ObjectInfo } from "../../symbols/object/objects.ts";
import { type FileMapping, MappedFiles } from "../objects/mapped_files.ts";

/** Files held at most, since each takes a descriptor. Others are looked for by their path when they are needed. */
const MAX_HELD = 256;

/** Opener of the files, for UnwindObjects. */
export class LiveFiles implements SymbolFiles {
  readonly debugFiles: SymbolFiles["debugFiles"];
  readonly #mapped = new MappedFiles();
  readonly #host = hostSymbolFiles();
  /** Files by object id. */
  readonly #held = new Map<number, FileBytes>();

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

  /** Holds the file of an object that has just been mapped for the first time. */
  hold(map: FileMapping, { id, kind }: ObjectInfo): void {
    if (kind !== "file" || this.#held.size >= MAX_HELD) return;
    const file = this.#mapped.open(map);
    if (file) this.#held.set(id, file);
  }

  open(object: ObjectInfo): FileBytes | ReturnType<SymbolFiles["open"]> {
    const held = this.#held.get(object.id);
    this.#held.delete(object.id);
    return held ?? this.#host.open(object);
  }

  refusal(object: ObjectInfo): ReturnType<NonNullable<SymbolFiles["refusal"]>> {
    return this.#host.refusal?.(object);
  }

  /** The kernel's part of a chain needs no symbols here. */
  kallsyms(): undefined {
    return undefined;
  }

  /** Closes what was not read. */
  close(): void {
    for (const file of this.#held.values()) file.close();
    this.#held.clear();
  }
}
