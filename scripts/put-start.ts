/**
 * Puts the program of ffi/shim/start/start.c before a compiled program: `put-start.ts BINARY START`. BINARY, made by `deno
 * compile`, is an ELF file with a payload behind it, which the runtime finds from the end of the file:
 *
 *     before:  ELF file | payload           entry -> runtime
 *     after:   ELF file | START | payload   entry -> START -> runtime
 *
 * START's one segment is mapped in place of the program's notes (PT_NOTE), which nothing reads at run time. The word
 * before its entry gets the distance from there to the runtime's entry.
 */

import { elfEnd } from "./elf-end.ts";

const PT_LOAD = 1, PT_NOTE = 4;
/** Read and execute. */
const FLAGS = 5;
/** The largest page of the machines there are: what is mapped begins at a multiple, in the file and in memory. */
const PAGE = 0x10000;
/** Offsets in the ELF header, and in a program header: see elf(5). */
const EHDR = { MACHINE: 0x12, ENTRY: 0x18, PHOFF: 0x20, PHENTSIZE: 0x36, PHNUM: 0x38 } as const;
const PHDR = {
  TYPE: 0,
  FLAGS: 4,
  OFFSET: 8,
  VADDR: 16,
  PADDR: 24,
  FILESZ: 32,
  MEMSZ: 40,
  ALIGN: 48,
} as const;

const roundUp = (n: number) => Math.ceil(n / PAGE) * PAGE;

/** An ELF file in memory; numbers are read and written in place. */
class Elf {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView;
  /** Where the ELF file ends. */
  readonly end: number;
  /** Where its program headers are. */
  readonly headers: readonly number[];

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
    this.end = elfEnd(this.view);
    const size = this.view.getUint16(EHDR.PHENTSIZE, true);
    this.headers = Array.from(
      { length: this.view.getUint16(EHDR.PHNUM, true) },
      (_, i) => this.get(EHDR.PHOFF) + i * size,
    );
  }

  get machine(): number {
    return this.view.getUint16(EHDR.MACHINE, true);
  }

  get(at: number): number {
    return Number(this.view.getBigUint64(at, true));
  }

  set(at: number, value: number): void {
    this.view.setBigInt64(at, BigInt(value), true);
  }

  /** The program headers of this type. */
  ofType(type: number): number[] {
    return this.headers.filter((at) => this.view.getUint32(at + PHDR.TYPE, true) === type);
  }
}

/** The bytes of START's segment, and how far into it its entry is. */
function segmentOf(start: Elf): { bytes: Uint8Array<ArrayBuffer>; entry: number } {
  const loads = start.ofType(PT_LOAD);
  if (loads.length !== 1) throw new Error("the start has more segments than one");
  const [at] = loads;
  const offset = start.get(at + PHDR.OFFSET), size = start.get(at + PHDR.FILESZ);
  return {
    bytes: start.bytes.slice(offset, offset + size),
    entry: start.get(EHDR.ENTRY) - start.get(at + PHDR.VADDR),
  };
}

/** BINARY with START in it. */
function joined(binary: Elf, start: Elf): Uint8Array<ArrayBuffer>[] {
  if (binary.machine !== start.machine) throw new Error("the start is one for another machine");
  const note = binary.ofType(PT_NOTE).at(-1);
  if (note === undefined) {
    throw new Error("the program has no notes, in whose place the start could be mapped");
  }
  const { bytes, entry } = segmentOf(start);
  const loads = binary.ofType(PT_LOAD);
  const address = roundUp(
    Math.max(...loads.map((at) => binary.get(at + PHDR.VADDR) + binary.get(at + PHDR.MEMSZ))),
  );
  const offset = roundUp(binary.end);

  new DataView(bytes.buffer).setBigInt64(
    entry - 8,
    BigInt(binary.get(EHDR.ENTRY) - (address + entry)),
    true,
  );
  binary.set(EHDR.ENTRY, address + entry);
  binary.view.setUint32(note + PHDR.TYPE, PT_LOAD, true);
  binary.view.setUint32(note + PHDR.FLAGS, FLAGS, true);
  for (const field of [PHDR.VADDR, PHDR.PADDR]) binary.set(note + field, address);
  for (const field of [PHDR.FILESZ, PHDR.MEMSZ]) binary.set(note + field, bytes.length);
  binary.set(note + PHDR.OFFSET, offset);
  binary.set(note + PHDR.ALIGN, PAGE);
  return [
    binary.bytes.subarray(0, binary.end),
    new Uint8Array(offset - binary.end),
    bytes,
    binary.bytes.subarray(binary.end),
  ];
}

const [path, startPath] = Deno.args;
try {
  const parts = joined(new Elf(Deno.readFileSync(path)), new Elf(Deno.readFileSync(startPath)));
  const partial = `${path}.${Deno.pid}`;
  using file = Deno.openSync(partial, { write: true, createNew: true, mode: 0o755 });
  for (const part of parts) {
    for (let at = 0; at < part.length;) at += file.writeSync(part.subarray(at));
  }
  Deno.renameSync(partial, path);
} catch (error) {
  console.error(`pmuctl: cannot put ${startPath} before ${path}: ${(error as Error).message}`);
  Deno.exit(4);
}
