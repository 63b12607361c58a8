/**
 * Holds mapped files open while their processes live, so that they can be read when the recording is over: programs that
 * are deleted or replaced meanwhile, that exist in memory alone (memfd), or that only a container can see.
 */

import { FileBytes, identityOf } from "../../base/files/file_bytes.ts";
import { processFolder } from "../../base/files/pid_namespace.ts";
import { KERNEL_LINK, mapFile } from "../host/procfs.ts";
import { fileBuildId } from "../../symbols/elf/build_id.ts";

/** Mapping whose file is looked for. */
export interface SeenMap {
  pid: number;
  start: number;
  length: number;
  /** Path from the kernel, with its suffix ` (deleted)`. */
  filename: string;
  /** Build id in hex, where the kernel records it. */
  buildId?: string;
  maj?: number;
  min?: number;
  ino?: bigint;
}

/** Files held at most, since each takes a descriptor. Others are looked for by their path at the end. */
const MAX_HELD = 1024;
/** Processes whose root is tried for a file: the one that mapped it, its parent, and so on. */
const MAX_PARENTS = 4;
const DELETED = " (deleted)";

/** File that is held, and the path it was mapped by. */
interface HeldFile {
  filename: string;
  file: FileBytes;
  /** Build id, once it has been read; "" for a file without one. */
  buildId?: string;
}

/** Files that are held until `close()`. */
export class HeldObjects {
  /** Files by path and identity. */
  readonly #held = new Map<string, FileBytes>();
  /** Files by the last part of the path: in a chroot, the rest differs from our view. */
  readonly #byName = new Map<string, HeldFile[]>();
  /** Parents by process. */
  readonly #parents = new Map<number, number>();

  /** Remembers that `parent` started process `pid`: its root is tried when the child has ended. */
  parent(pid: number, parent: number): void {
    this.#parents.set(pid, parent);
  }

  /** Opens a mapped file, unless it is held; returns false when that failed, and another process may help. */
  see(map: SeenMap): boolean {
    const { filename, buildId, maj = 0, min = 0, ino = 0n } = map;
    if (!filename.startsWith("/") || filename.startsWith("//") || this.#held.size >= MAX_HELD) return true;
    const key = `${filename}\0${buildId ?? `${maj}:${min}:${ino}`}`;
    if (this.#held.has(key)) return true;
    const file = this.#open(map);
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

  /** Opens the file of a mapping. Whether it is the one that was mapped, the build id decides at the end. */
  #open({ pid, start, length, filename }: SeenMap): FileBytes | undefined {
    const mapped = FileBytes.tryOpen(mapFile(pid, start, length), KERNEL_LINK);
    if (mapped) return mapped;
    const file = filename.endsWith(DELETED) ? undefined : this.#openByName(pid, filename);
    return file ?? openProgram(pid, filename);
  }

  /** Opens a path below the root of the process, or of those that started it when it has ended. */
  #openByName(pid: number, filename: string): FileBytes | undefined {
    for (let near: number | undefined = pid, tries = 0; near && tries < MAX_PARENTS; tries++) {
      const file = FileBytes.tryOpen(filename, { root: `${processFolder(near)}/root` });
      if (file) return file;
      near = this.#parents.get(near);
    }
    return undefined;
  }
}

/** Returns the build id of a file, reading it once; undefined when it has none. */
function idOf(held: HeldFile): string | undefined {
  return (held.buildId ??= fileBuildId(held.file) ?? "") || undefined;
}

function identityAt(path: string): string | undefined {
  try {
    return identityOf(Deno.statSync(path));
  } catch {
    return undefined; // missing, or not ours to see
  }
}

function nameOf(filename: string): string {
  const name = filename.slice(filename.lastIndexOf("/") + 1);
  return name.endsWith(DELETED) ? name.slice(0, -DELETED.length) : name;
}

/** Opens the program that the process runs, if it has this name. */
function openProgram(pid: number, filename: string): FileBytes | undefined {
  const link = `${processFolder(pid)}/exe`;
  try {
    const runs = Deno.readLinkSync(link);
    return runs === filename || runs === filename + DELETED
      ? FileBytes.tryOpen(link, KERNEL_LINK)
      : undefined;
  } catch {
    return undefined; // it has ended
  }
}
