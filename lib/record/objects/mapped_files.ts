/**
 * Opens files as the processes that mapped them see them: deleted or replaced ones, those in memory alone (memfd), and
 * those that only a container or a chroot has.
 */

import { FileBytes } from "../../base/files/file_bytes.ts";
import { processFolder } from "../../base/files/pid_namespace.ts";
import { KERNEL_LINK, mapFile } from "../host/procfs.ts";

/** Mapping whose file is looked for. */
export interface FileMapping {
  pid: number;
  start: number;
  length: number;
  /** Path from the kernel, with its suffix ` (deleted)`. */
  filename: string;
}

/** Suffix of the path of a file that has been deleted. */
export const DELETED = " (deleted)";
/** Processes whose root is tried for a file: the one that mapped it, its parent, and so on. */
const MAX_PARENTS = 4;

/** Opener of mapped files, which knows who started whom. */
export class MappedFiles {
  /** Parents by process. */
  readonly #parents = new Map<number, number>();

  /** Remembers that `parent` started process `pid`: its root is tried when the child has ended. */
  parent(pid: number, parent: number): void {
    this.#parents.set(pid, parent);
  }

  /** Forgets a process that has ended. */
  forget(pid: number): void {
    this.#parents.delete(pid);
  }

  /**
   * Opens the file of a mapping; undefined where nobody has it any more. Another file may have its name by now: whether
   * this is the one that was mapped, its build id tells.
   */
  open({ pid, start, length, filename }: FileMapping): FileBytes | undefined {
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
