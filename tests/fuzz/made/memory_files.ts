/** Symbols from memory: what a fuzzed recording names is never looked for on this machine. */

import { MemoryBytes } from "../../../lib/base/bytes/byte_source.ts";
import type { SymbolFiles } from "../../../lib/symbols/files/symbol_files.ts";
import { buildElf } from "../../symbols/build_elf.ts";
import { WORKER, WORKER_PATH } from "./copies.ts";

const ELF = buildElf({
  symbols: [{ name: "main", value: 0x11000, size: 0x80 }, {
    name: "_ZN3foo3barEv",
    value: 0x11080,
    size: 0x700,
  }],
});
const KALLSYMS = new TextEncoder().encode(
  "ffffffff81000000 T _text\nffffffff81000100 t do_work\nffffffffc0000000 t mod_fn\t[mod]\n",
);
const PERF_MAP = new TextEncoder().encode("400000 1000 JS:fib\n");

/** Returns files with one small program, one kernel and one perf map for every object, and a program with frames. */
export function memoryFiles(): SymbolFiles {
  return {
    open: ({ kind, path, name }) =>
      new MemoryBytes(kind === "jit" ? PERF_MAP : path === WORKER_PATH ? WORKER : ELF, name),
    kallsyms: () => KALLSYMS,
  };
}
