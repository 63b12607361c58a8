/** Perf maps, jitdumps and mangled names of code made at run time. */

import type { ByteSource } from "../../../lib/base/bytes/byte_source.ts";
import { ByteWriter } from "../../../lib/base/bytes/bytes.ts";
import { readJitDump } from "../../../lib/symbols/jit/jitdump.ts";
import { Demangler } from "../../../lib/symbols/table/demangle.ts";
import { SparseBytes } from "../../symbols/sparse_bytes.ts";
import { recordingOfCode } from "../made/code_recording.ts";
import { type Bomb, report } from "./bomb.ts";

/** Bytes that are a pattern, over and over, behind a head. */
class RepeatedBytes implements ByteSource {
  readonly name = "repeated";
  readonly size: number;
  readonly #head: Uint8Array;
  readonly #pattern: Uint8Array;

  constructor(size: number, pattern: Uint8Array, head: Uint8Array = new Uint8Array(0)) {
    this.size = size;
    this.#pattern = pattern;
    this.#head = head;
  }

  read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.size - offset)));
    const head = this.#head.subarray(Math.min(offset, this.#head.length), offset + bytes.length);
    bytes.set(head);
    const pattern = this.#pattern;
    for (let at = head.length; at < bytes.length;) {
      const part = pattern.subarray((offset + at - this.#head.length) % pattern.length);
      bytes.set(part.subarray(0, bytes.length - at), at);
      at += part.length;
    }
    return bytes;
  }
}

/** Returns a mangled name that doubles its length when read, `depth` times over. */
export const doubling = (depth: number) => {
  const digit = (n: number) => n === 0 ? "S_" : `S${"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[n - 1]}_`;
  const levels = Array.from({ length: depth }, (_, k) => `S_I${digit(k + 1)}${digit(k + 1)}E`);
  return `_Z1fSt4pairIiiE${levels.join("")}`;
};

export const codeBombs: readonly Bomb[] = [
  {
    name: "perf-map-size",
    sizes: [1e8, 1e12],
    go: (n) => report(recordingOfCode("//anon"), "text", new SparseBytes(n, [])),
  },
  ...["7f0000001000 40 name\n", "7f0000001000 40 n", "\n"].map((pattern, i): Bomb => ({
    name: `perf-map-lines-${i + 1}`,
    sizes: [1e6, 1e8, 1e11],
    go: (n) =>
      report(recordingOfCode("//anon"), "text", new RepeatedBytes(n, new TextEncoder().encode(pattern))),
  })),
  {
    name: "jitdump-records",
    sizes: [1e6, 1e8, 1e11],
    async go(n) {
      const head = new ByteWriter(40).u32(0x4a695444).u32(1).u32(40).u32(62).u32(0).u32(7).u64(0).u64(0)
        .bytes();
      const load = new ByteWriter(64).u32(0).u32(64).u64(1).u32(7).u32(7).u64(0x7f0000001000).u64(
        0x7f0000001000,
      ).u64(64).u64(1);
      const source = new RepeatedBytes(n, load.paddedString("name", 8).bytes(), head);
      readJitDump(source);
      await report(recordingOfCode("/tmp/jit-100.dump"), "text", source);
    },
  },
  {
    name: "demangled-names",
    sizes: [5, 15, 22, 30],
    async go(n) {
      const demangler = await Demangler.load();
      if (!(demangler instanceof Demangler)) throw new Error(demangler.failure);
      demangler.readable(doubling(n));
      demangler.readable(`_RI${"C1aI".repeat(n)}${"B2_".repeat(n)}E`);
    },
  },
];
