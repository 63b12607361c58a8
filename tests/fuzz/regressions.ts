/** Inputs that once failed, made small, or made by what made them: each is taken again in every test. */

import { ByteWriter, concat } from "../../lib/base/bytes/bytes.ts";
import { PERF_RECORD } from "../../lib/base/system/abi.ts";
import { zstdStored } from "./made/packed.ts";
import { ElfParts } from "./mutate/mutate_elf.ts";

/** An input that failed. */
export interface Regression {
  target: string;
  /** What is wrong with it, in a few words. */
  what: string;
  bytes(): Uint8Array;
}

const text = (text: string) => () => new TextEncoder().encode(text);

/** A program with a compressed section of 100 bytes that says it is larger. `type` is 1 for zlib, 2 for zstd. */
const claiming = (type: number, size: number) => () => {
  const elf = new ElfParts(Deno.readFileSync(new URL("../testdata/fuzz/dwarf5.elf", import.meta.url)));
  const head = new ByteWriter(24).u32(type).u32(0).u64(size).u64(1).bytes();
  const contents = concat([head, zstdStored(new Uint8Array(100))]);
  return elf.with([{ name: ".debug_line", contents, flags: 0x800 }]);
};

/** A program with a section that says it goes far beyond the end of the file. */
const beyond = (file: string, name: string) => () => {
  const bytes = Deno.readFileSync(new URL(`../testdata/fuzz/${file}.elf`, import.meta.url));
  const { headerAt } = new ElfParts(bytes).section(name);
  new DataView(bytes.buffer).setBigUint64(headerAt + 32, 128n << 20n, true);
  return bytes;
};

export const REGRESSIONS: readonly Regression[] = [
  { target: "proc-text", what: "an address with letters in it", bytes: text("0xf//an81000000 T _text\n") },
  { target: "proc-text", what: "a set of capabilities that is no number", bytes: text("CapEff:\t00:\t01\n") },
  { target: "cpu-list", what: "a range of all numbers", bytes: text("0-18446744073709551615") },
  { target: "stored-profile", what: "a number that is none", bytes: text('{"bigint":"NaN"}') },
  { target: "packed-section", what: "zlib that says it unpacks to 400 MB", bytes: claiming(1, 400e6) },
  { target: "packed-section", what: "zstd that says it unpacks to 400 MB", bytes: claiming(2, 400e6) },
  { target: "object", what: "symbols that are not there", bytes: beyond("dwarf5", ".symtab") },
  { target: "object", what: "relocations that are not there", bytes: beyond("library", ".rela.plt") },
  {
    target: "live-stacks",
    what: "a mapping that is shorter than what ends every record",
    bytes: () => new Uint8Array(Uint32Array.of(0, 16, 0, 0, PERF_RECORD.MMAP2, 16 << 16 | 2, 9, 1).buffer),
  },
];
