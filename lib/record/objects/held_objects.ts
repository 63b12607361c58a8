/**
 * Holds mapped files open while their processes live, so that they can be read when the recording is over: programs that
 * are deleted or replaced meanwhile, that exist in memory alone (memfd), or that only a container can see.
 */

import { holdableFiles } from "../../../ffi/descriptors.ts";
import { FileBytes, fileIdentity } from "../../base/files/file_bytes.ts";
import { fileBuildId } from "../../symbols/elf/build_id.ts";
import { DELETED, type FileMapping, MappedFiles } from "./mapped_files.ts";

/** Mapping whose file is looked for, and what tells the file from others of its name. */
export interface SeenMap extends FileMapping {
  /** Build id in hex, where the kernel records it. */
  buildId?: string;
  maj?: number;
  min?: number;
  ino?: bigint;
}

/**
 * Files held at most, since each takes a descriptor, and as a share of those that are left. Others are looked for by their
 * path at the end.
 */
const MAX_HELD = 1024, HELD_SHARE = 1 / 4;

/** File that is held, and the path it was mapped by. */
interface HeldFile {
  filename: string;
  file: FileBytes;
  /** Build id, once it has been read; "" for a file without one. */
  buildId?: string;
}

/** Files that are held until `close()`. */
export class HeldObjects {
  /** Files by path and identity: `#most` of them at most. */
  readonly #held = new Map<string, FileBytes>();
  readonly #most = holdableFiles(MAX_HELD, HELD_SHARE);
  /** Files by the last part of the path: in a chroot, the rest differs from our view. */
  readonly #byName = new Map<string, HeldFile[]>();
  readonly #files = new MappedFiles();

  /** Remembers that `parent` started process `pid`: its root is tried when the child has ended. */
  parent(pid: number, parent: number): void {
    this.#files.parent(pid, parent);
  }

  /** Opens a mapped file, unless it is held; returns false when that failed, and another process may help. */
  see(map: SeenMap): boolean {
    const { filename, buildId, maj = 0, min = 0, ino = 0n } = map;
    if (!filename.startsWith("/") || filename.startsWith("//") || this.#held.size >= this.#most) return true;
    const key = `${filename}\0${buildId ?? `${maj}:${min}:${ino}`}`;
    if (this.#held.has(key)) return true;
    const file = this.#files.open(map);
    if (file === undefined) return false;
    this.#held.set(key, file);
    const name = nameOf(filename);
    const same = this.#byName.get(name);
    if (same) same.push({ filename, file });
    else this.#byName.set(name, [{ filename, file }]);
    return true;
  }

  /** Returns the file that was mapped by this name and has this build id; undefined when it is not held. */
  find(filename: string, buildId: string): FileBytes | undefined {
    return this.#byName.get(nameOf(filename))?.find((held) => idOf(held) === buildId)?.file;
  }

  /** Returns whether a file that was mapped by this name is found there by us as well. */
  isThere(filename: string): boolean {
    const there = identityAt(filename);
    const held = this.#byName.get(nameOf(filename));
    return there !== undefined && held !== undefined && held.some(({ file }) => file.identity === there);
  }

  /** Returns the build id of the files that were mapped by this name; undefined when they differ, or have none. */
  buildIdOf(filename: string): string | undefined {
    const files = this.#byName.get(nameOf(filename))?.filter((held) => held.filename === filename);
    const ids = new Set(files?.map(idOf));
    return ids.size === 1 ? [...ids][0] : undefined;
  }

  /** Closes all files. */
  close(): void {
    for (const file of this.#held.values()) file.close();
    this.#held.clear();
    this.#byName.clear();
  }
}

/** Returns the build id of a file, reading it once; undefined when it has none. */
function idOf(held: HeldFile): string | undefined {
  return (held.buildId ??= fileBuildId(held.file) ?? "") || undefined;
}

function identityAt(path: string): string | undefined {
  try {
    return fileIdentity(Deno.statSync(path));
  } catch {
    return undefined; // missing, or not ours to see
  }
}

function nameOf(filename: string): string {
  const name = filename.slice(filename.lastIndexOf("/") + 1);
  return name.endsWith(DELETED) ? name.slice(0, -DELETED.length) : name;
}
