/**
 * vdso: an ELF file that exists only in the memory of processes. All processes of a kernel have the same one, so our
 * own names the addresses of others if the recording was made under this kernel (its build id tells, if recorded).
 */

import { type ByteSource, MemoryBytes } from "../../base/bytes/byte_source.ts";

/** Most bytes of a vdso, which has a few pages. */
const MAX_BYTES = 1 << 20;

/** Finds the vdso in the text of /proc/PID/maps; undefined if the process has none. */
export function findVdso(maps: string): { start: number; length: number } | undefined {
  // line by line: a pattern for the whole text would be tried at every character
  const line = maps.split("\n").find((line) => line.endsWith(" [vdso]"));
  const range = line === undefined ? null : /^([0-9a-f]+)-([0-9a-f]+) /.exec(line);
  if (range === null) return undefined;
  const start = parseInt(range[1], 16);
  const length = parseInt(range[2], 16) - start;
  return length > 0 && length <= MAX_BYTES ? { start, length } : undefined;
}

/**
 * Reads this process's vdso; returns undefined if there is none or it cannot be read.
 * @param maps text of /proc/self/maps.
 * @param readMemory reads our memory from /proc/self/mem: `length` bytes at `address`, or fewer if refused.
 */
export function captureVdso(
  maps: string,
  readMemory: (address: number, length: number) => Uint8Array,
): ByteSource | undefined {
  const place = findVdso(maps);
  if (place === undefined) return undefined;
  const bytes = readMemory(place.start, place.length);
  return bytes.length === place.length ? new MemoryBytes(bytes, "[vdso]") : undefined;
}
