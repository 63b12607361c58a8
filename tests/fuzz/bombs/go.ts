/** Go programs whose table of functions takes time or memory out of proportion to its size. */

import { MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import { GO } from "../../../lib/symbols/go/pclntab_header.ts";
import { buildGo, CODE, type GoFunction, type GoProgram, TEXT } from "../../symbols/go/build_go.ts";
import { SparseBytes } from "../../symbols/sparse_bytes.ts";
import { ElfParts } from "../mutate/mutate_elf.ts";
import { readObject } from "../targets/objects.ts";
import type { Bomb } from "./bomb.ts";

const FIRST = 0x1000 + CODE - TEXT;

const one = (more: Partial<GoFunction>): GoFunction => ({
  name: "main.main",
  size: 4096,
  files: [[0, 4096]],
  lines: [[1, 4096]],
  ...more,
});

const readGo = (program: Partial<GoProgram>) => {
  const bytes = buildGo({ layout: GO.V20, paths: ["main.go"], functions: [one({})], ...program });
  return readObject(() => new MemoryBytes(bytes, "object"), FIRST);
};

export const goBombs: readonly Bomb[] = [
  {
    name: "go-functions", // that are not there
    sizes: [1e5, 1e7, 1e9],
    async go(n) {
      const bytes = buildGo({ layout: GO.V2, paths: ["main.go"], functions: [one({})] });
      const elf = new ElfParts(bytes), { headerAt, offset } = elf.section(".data.rel.ro.gopclntab");
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      view.setBigUint64(offset + 8, BigInt(n), true);
      view.setBigUint64(headerAt + 32, BigInt(16 * n + 1000), true);
      await readObject(() => new SparseBytes(offset + 16 * n + 1000, [[0, bytes]], "object"), FIRST);
    },
  },
  {
    name: "go-depth", // each call in the one before
    sizes: [1e4, 3e5, 1e6],
    async go(n) {
      const calls = Array.from({ length: n }, (_, i) => ({ name: "a", parent: i - 1, at: 0 }));
      await readGo({ layout: GO.V18, functions: [one({ calls, inlined: [[n - 1, 4096]] })] });
    },
  },
  {
    name: "go-lines", // of one function, one a byte
    sizes: [1e4, 1e6, 2e6],
    async go(n) {
      await readGo({ functions: [one({ lines: Array.from({ length: n }, (_, i) => [i, 1] as const) })] });
    },
  },
];
