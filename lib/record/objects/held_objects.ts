/**
 * What processes have mapped, held open while they live: a program that is deleted or replaced while it is
 * recorded, one in memory alone (memfd), one that only its own container can see, can still be read when
 * the recording is over.
 */

import { FileBytes, identityOf } from "../../base/files/file_bytes.ts";
import { processFolder } from "../../base/files/pid_namespace.ts";
import { KERNEL_LINK, mapFile } from "../host/procfs.ts";
import { fileBuildId } from "../../symbols/elf/build_id.ts";

/** A mapping, as far as its file is looked for. */
export interface SeenMap {
  pid: number;
  start: number;
  length: number;
  /** As the kernel tells it, ` (deleted)` included. */
  filename: string;
  /** In hex, where the kernel tells it. */
  buildId?: string;
  maj?: number;
  min?: number;
  ino?: bigint;
}

/** Objects held at most: each takes a file descriptor. What comes beyond is looked for by its path at the end. */
const MAX_HELD = 1024;
/** How far up a process's parents are asked for what it ran. */
const MAX_PARENTS = 4;
const DELETED = " (deleted)";

interface Held {
  filename: string;
  file: FileBytes;
  /** Read when it is asked for first; "" for a file without one. */
  buildId?: string;
}

export class HeldObjects {
  /** By path and identity. */
  readonly #held = new Map<string, FileBytes>();
  /** By the last part of the path: a chroot has another view of the rest than we have. */
  readonly #byName = new Map<string, Held[]>();
  readonly #parents = new Map<number, number>();

  /** The process `pid` was started by `parent`, which is asked when the child has ended already. */
  parent(pid: number, parent: number): void {
    this.#parents.set(pid, parent);
  }

  /** Takes hold of a mapped file, unless it is held; false when it could not, and another process may help. */
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

  /** The file that was mapped under this name and has this build id; undefined when it is not held. */
  find(filename: string, buildId: string): FileBytes | undefined {
    return this.#byName.get(nameOf(filename))?.find((held) => idOf(held) === buildId)?.file;
  }

  /** Whether a file that was mapped under this name is where the name says, for us as well. */
  isThere(filename: string): boolean {
    const there = identityAt(filename);
    const held = this.#byName.get(nameOf(filename));
    return there !== undefined && held !== undefined && held.some(({ file }) => file.identity === there);
  }

  /** The build id of what was mapped under this name, when all of that has the same. */
  buildIdOf(filename: string): string | undefined {
    const files = this.#byName.get(nameOf(filename))?.filter((held) => held.filename === filename);
    const ids = new Set(files?.map(idOf));
    return ids.size === 1 ? [...ids][0] : undefined;
  }

  /** Lets go of all. */
  close(): void {
    for (const file of this.#held.values()) file.close();
    this.#held.clear();
    this.#byName.clear();
  }

  /** Whether what is opened is what was mapped is for the build id to tell, at the end. */
  #open({ pid, start, length, filename }: SeenMap): FileBytes | undefined {
    const mapped = FileBytes.tryOpen(mapFile(pid, start, length), KERNEL_LINK);
    if (mapped) return mapped;
    const file = filename.endsWith(DELETED) ? undefined : this.#openByName(pid, filename);
    return file ?? openProgram(pid, filename);
  }

  /** Through the root of the process, which may be another than ours; of those that started it when it has ended. */
  #openByName(pid: number, filename: string): FileBytes | undefined {
    for (let near: number | undefined = pid, tries = 0; near && tries < MAX_PARENTS; tries++) {
      const file = FileBytes.tryOpen(filename, { root: `${processFolder(near)}/root` });
      if (file) return file;
      near = this.#parents.get(near);
    }
    return undefined;
  }
}

/** The build id of a file, which is read once; undefined when it has none. */
function idOf(held: Held): string | undefined {
  return (held.buildId ??= fileBuildId(held.file) ?? "") || undefined;
}

function identityAt(path: string): string | undefined {
  try {
    return identityOf(Deno.statSync(path));
  } catch {
    return undefined; // there is none, or it is not ours to see
  }
}

function nameOf(filename: string): string {
  const name = filename.slice(filename.lastIndexOf("/") + 1);
  return name.endsWith(DELETED) ? name.slice(0, -DELETED.length) : name;
}

/** The program that the process runs, when that is the one of this name. */
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
