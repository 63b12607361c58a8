/**
 * The vdso: an ELF file that exists only in the memory of processes. All processes of one kernel have
 * the same, so our own serves to name the addresses of others, as long as the recording was made under
 * this kernel (the build id tells, where the recording has it).
 */

import { type ByteSource, MemoryBytes } from "../../base/bytes/byte_source.ts";

/** The vdso is a few pages; a range beyond this is not one. */
const MAX_BYTES = 1 << 20;

/** Where the vdso is, from the text of /proc/PID/maps; undefined when the process has none. */
export function findVdso(maps: string): { start: number; length: number } | undefined {
  // one by one: a pattern for all would be tried at every letter of them
  const line = maps.split("\n").find((line) => line.endsWith(" [vdso]"));
  const range = line === undefined ? null : /^([0-9a-f]+)-([0-9a-f]+) /.exec(line);
  if (range === null) return undefined;
  const start = parseInt(range[1], 16);
  const length = parseInt(range[2], 16) - start;
  return length > 0 && length <= MAX_BYTES ? { start, length } : undefined;
}

/**
 * The bytes of this process's vdso, or undefined when it has none or they cannot be read.
 * @param maps the text of /proc/self/maps.
 * @param readMemory reads our memory, from /proc/self/mem: `length` bytes at `address`, fewer when refused.
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
