/** Makes files that nobody else sees, and that go with their descriptor, however this process ends. */

import { createFile, createUnnamed, PmuError } from "../../../ffi/pmu.ts";

/** Makes a nameless file in the folder of `beside`, so on its file system. Throws PmuError, or an error of Deno's. */
export function namelessFile(beside: string): number {
  const folder = folderOf(beside);
  try {
    return createUnnamed(folder);
  } catch (error) {
    if (!(error instanceof PmuError)) throw error;
  }
  // some network file systems have no nameless files
  const path = Deno.makeTempFileSync({ dir: folder, prefix: ".pmuctl-" });
  try {
    return createFile(path);
  } finally {
    Deno.removeSync(path);
  }
}

/** Returns the folder that a path's last name is in. */
export function folderOf(path: string): string {
  return path.includes("/") ? path.slice(0, path.lastIndexOf("/") + 1) : ".";
}
