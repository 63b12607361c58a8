/** Lists BPF programs that are loaded before a recording starts; the kernel records those that are loaded later. */

import { type BpfCode, bpfCode, PmuError } from "../../../ffi/pmu.ts";
import { addressFromBigint } from "../../base/bytes/address.ts";
import type { Ksymbol } from "../../perfdata/format/records.ts";
import { kallsymsChunks } from "./procfs.ts";

/** PERF_RECORD_KSYMBOL_TYPE_BPF. */
const TYPE_BPF = 1;
const PAGE = 4096;

/** Returns the code of all loaded programs, under the kernel's names; none where this user may not ask for it. */
export function liveBpfSymbols(): Ksymbol[] {
  let code: BpfCode[];
  try {
    code = bpfCode();
  } catch (error) {
    if (error instanceof PmuError) return [];
    throw error;
  }
  // kallsyms is megabytes, and most machines have no BPF programs
  return code.length > 0 ? bpfSymbols(code, kallsymsChunks()) : [];
}

/**
 * Finds the names of `code` in the chunks of /proc/kallsyms, which alone has the names of a program's functions. The
 * other BPF symbols there are trampolines and dispatchers: each reaches to the next symbol, and no further than the
 * page that the kernel makes it in.
 */
export function bpfSymbols(code: readonly BpfCode[], chunks: Iterable<Uint8Array>): Ksymbol[] {
  const lengths = new Map(code.map(({ start, length }) => [start, length]));
  const named = [...bpfLines(chunks)].sort((a, b) => a.address - b.address);
  return named.map(({ address, name }, i) => {
    const next = named.at(i + 1)?.address ?? Infinity;
    const length = lengths.get(address) ?? Math.min(PAGE, next - address);
    return { address, length, ksymType: TYPE_BPF, flags: 0, name };
  });
}

/** Yields address and name of lines `ffffffffc0022108 t bpf_prog_72fb4424c5a40051_spin<tab>[bpf]`; those with hidden addresses are left out. */
function* bpfLines(chunks: Iterable<Uint8Array>): Generator<{ address: number; name: string }> {
  const decoder = new TextDecoder("latin1");
  let tail = "";
  for (const chunk of chunks) {
    const text = tail + decoder.decode(chunk);
    tail = text.slice(text.lastIndexOf("\n") + 1);
    if (!text.includes("\t[bpf]\n")) continue;
    for (const [, address, name] of text.matchAll(/^([0-9a-f]+) . (\S+)\t\[bpf\]\n/gm)) {
      if (!/^0+$/.test(address)) yield { address: addressFromBigint(BigInt(`0x${address}`)), name };
    }
  }
}
