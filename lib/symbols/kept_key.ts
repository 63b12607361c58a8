/**
 * Keys of kept tables. A table is named after the build id, so that there is one for each; its stamp says which files it
 * was made of, since whoever links a program chooses its build id.
 */

import { fnv1a } from "../base/bytes/hash.ts";
import type { ElfFile } from "./elf/elf.ts";

/** Bytes of memory of a kept table for each byte of its file. */
export const TABLE_FACTOR = 2;

/** Name and stamp of the tables of an object. */
export interface KeptKey {
  /** Letters, digits and hyphens. */
  name: string;
  stamp: string;
}

/**
 * Returns the key of what is known of the code of `file` by the debug information in `holder`, the same file or another;
 * undefined if they are not files, and so may be others next time.
 */
export function keptKey(file: ElfFile, holder: ElfFile): KeptKey | undefined {
  const own = file.source.stamp, { stamp } = holder.source;
  if (own === undefined || stamp === undefined) return undefined;
  const path = () => fnv1a(new TextEncoder().encode(file.source.name)).toString(16);
  return { name: file.buildId() ?? `path-${path()}`, stamp: own === stamp ? own : `${own} ${stamp}` };
}
