/** Jitdumps that tests make up. */

import { ByteWriter } from "../../../lib/base/bytes/bytes.ts";

/** Code that a dump loads. */
export interface Load {
  time: number;
  address: number;
  size: number;
  index: number;
  name: string;
}

/** A dump of code that was loaded, then moved, in either byte order. */
export function jitDump(
  loads: Load[],
  moves: { time: number; index: number; to: number; size: number }[] = [],
  { littleEndian = true, flags = 0 } = {},
): Uint8Array {
  const w = new ByteWriter(4096, littleEndian);
  w.u32(0x4a695444).u32(1).u32(40).u32(62).u32(0).u32(7).u64(0).u64(flags);
  for (const { time, address, size, index, name } of loads) {
    w.u32(0).u32(16 + 40 + name.length + 1 + size).u64(time);
    w.u32(7).u32(7).u64(address).u64(address).u64(size).u64(index);
    w.raw(new TextEncoder().encode(name + "\0")).zeros(size);
  }
  w.u32(2).u32(32).u64(1).u64(0x1000).u64(0); // debug info, of no lines
  for (const { time, index, to, size } of moves) {
    w.u32(1).u32(16 + 48).u64(time).u32(7).u32(7).u64(to).u64(0).u64(to).u64(size).u64(index);
  }
  return w.bytes();
}
