/** Files in memory, for programs and libraries that read only files. Nothing of them is left behind, however this process ends. */

import { PmuError } from "../system/errno.ts";
import { closeDescriptor, createMemoryFile } from "./libc.ts";

/** File in memory. */
export interface MemoryFile {
  /** Path in this process, and if `inherited` also in programs that it starts. */
  path: string;
  close(): void;
}

/**
 * Creates a file in memory with these bytes. With `inherited`, programs that this process starts can open it too, until
 * it is closed. Throws PmuError, or what writing throws.
 */
export function memoryFile(name: string, bytes: Uint8Array, { inherited = false } = {}): MemoryFile {
  const fd = createMemoryFile(name, inherited);
  if (fd < 0) throw new PmuError("memfd_create", -fd);
  const path = `/proc/self/fd/${fd}`;
  try {
    Deno.writeFileSync(path, bytes, { create: false });
  } catch (error) {
    closeDescriptor(fd);
    throw error;
  }
  return { path, close: () => closeDescriptor(fd) };
}
