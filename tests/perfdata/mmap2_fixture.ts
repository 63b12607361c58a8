/** MMAP2 record with every field set: one with an inode, and one with a build id. */

import type { Mmap2 } from "../../lib/perfdata/format/records.ts";

export const MAP: Mmap2 = {
  pid: 7,
  tid: 8,
  start: 0x7f0000001000,
  length: 0x2000,
  pgoff: 0x3000,
  maj: 8,
  min: 1,
  ino: 0x123456789abcn,
  inoGeneration: 2n,
  buildId: undefined,
  prot: 5,
  flags: 2,
  filename: "/usr/lib/libé.so",
};

export const BUILD_ID = "0123456789abcdef0123456789abcdef01234567";

export const NAMED: Mmap2 = { ...MAP, maj: 0, min: 0, ino: 0n, inoGeneration: 0n, buildId: BUILD_ID };
