/**
 * Finds the code in which processes and threads begin in files without symbols: a program's entry, its main, and in the C
 * library what calls main and what a thread starts in.
 */

import { FileBytes } from "../../lib/base/files/file_bytes.ts";
import { ElfFile } from "../../lib/symbols/elf/elf.ts";
import { UnwindObject } from "../../lib/unwind/object.ts";
import type { RootCode } from "./judge.ts";

/** Addresses [start, end], as the object was linked. The end counts: a call that never returns may be the last instruction. */
export type Range = readonly [start: number, end: number];

/** Bytes of a program's entry code. */
const ENTRY_SIZE = 64;

/** Code that roots are in, by object. Reads each object once. */
export class FoundRootCode implements RootCode {
  readonly #objects = new Map<string, { object: UnwindObject; ranges: Range[] } | undefined>();
  readonly #library: readonly LibraryRoots[];
  readonly #musl = new Map<string, boolean>();

  /** @param library roots in the C library, from libraryRoots(). */
  constructor(library: readonly LibraryRoots[]) {
    this.#library = library;
  }

  has(path: string, offset: number): boolean {
    if (Number.isNaN(offset)) return false;
    if (!this.#objects.has(path)) this.#objects.set(path, this.#open(path));
    const known = this.#objects.get(path);
    if (known === undefined) return false;
    const address = known.object.addressAt(offset);
    return known.ranges.some(([start, end]) => address >= start && address <= end);
  }

  hasMusl(path: string): boolean {
    let hasMusl = this.#musl.get(path);
    if (hasMusl === undefined) {
      const { stdout } = new Deno.Command("nm", { args: [path], stderr: "null" }).outputSync();
      const names = new TextDecoder().decode(stdout);
      hasMusl = / t libc_start_main_stage2$/m.test(names) && / T __clone$/m.test(names);
      this.#musl.set(path, hasMusl);
    }
    return hasMusl;
  }

  #open(path: string) {
    const real = realPath(path);
    const source = real === undefined ? undefined : FileBytes.tryOpen(real);
    if (source === undefined) return undefined;
    try {
      const object = UnwindObject.open(new ElfFile(source));
      const ranges = this.#library.filter((each) => each.path === real).flatMap((each) => each.ranges);
      return { object, ranges: [...ranges, ...entryRanges(object)] };
    } catch {
      return undefined; // no object file
    }
  }
}

function realPath(path: string): string | undefined {
  try {
    return Deno.realPathSync(path);
  } catch {
    return undefined;
  }
}

/** Returns the entry of a program, with the functions that its code names: main, and what it calls. */
function entryRanges(object: UnwindObject): Range[] {
  const { entry } = object;
  if (Number.isNaN(entry)) return [];
  const named = namedByEntry(object.codeAt(entry, ENTRY_SIZE), entry);
  const functions = named.flatMap((address): Range[] =>
    object.findFunction(address) && object.cfi!.functionStart === address
      ? [[address, object.cfi!.functionEnd]]
      : []
  );
  return [[entry, entry + ENTRY_SIZE], ...functions];
}

/**
 * Returns the addresses of functions in the code at an entry, on x86-64: main as an argument, and calls.
 *
 *     48 8d 3d rel32   lea main(%rip), %rdi        48 c7 c7 imm32   mov $main, %rdi        e8 rel32   call
 */
export function namedByEntry(code: Uint8Array, entry: number): number[] {
  const view = new DataView(code.buffer, code.byteOffset, code.length), found: number[] = [];
  for (let at = 0; at + 7 <= code.length; at++) {
    const opcode = view.getUint32(at) >>> 8;
    if (opcode === 0x488d3d) found.push(entry + at + 7 + view.getInt32(at + 3, true));
    if (opcode === 0x48c7c7) found.push(view.getInt32(at + 3, true));
    if (code[at] === 0xe8) found.push(entry + at + 5 + view.getInt32(at + 1, true));
  }
  return found;
}

/** Roots in a C library. */
export interface LibraryRoots {
  path: string;
  ranges: Range[];
}

/**
 * Finds the roots in the C library of this machine: the functions that main and a thread's function return to, as a program
 * tells that runs, and those that call frame information says have no caller.
 * @param probe path of programs/roots.c, built.
 */
export async function libraryRoots(probe: string): Promise<LibraryRoots[]> {
  const found: LibraryRoots[] = [];
  for (const line of (await outputOf(probe)).trim().split("\n")) {
    const [path, offset] = line.split(" "), real = Deno.realPathSync(path);
    let roots = found.find((each) => each.path === real);
    if (!roots) {
      found.push(roots = { path: real, ranges: rootsInFrames(await outputOf("readelf", "-wf", real)) });
    }
    roots.ranges.push(functionAt(real, parseInt(offset, 16)));
  }
  return found;
}

/** Returns the function that a call returns to at an address. */
function functionAt(path: string, address: number): Range {
  const object = UnwindObject.open(new ElfFile(FileBytes.tryOpen(path)!));
  if (!object.findFunction(address - 1)) {
    throw new Error(`${path} has no function at ${address.toString(16)}`);
  }
  return [object.cfi!.functionStart, object.cfi!.functionEnd];
}

/** Bytes between two entries that belong to the second: an instruction or two of a function without a caller. */
const MAX_GAP = 16;

/**
 * Reads `readelf -wf`: returns the functions somewhere in which the return address is undefined, which is how assembly
 * says that it has no caller.
 */
export function rootsInFrames(text: string): Range[] {
  const ranges: Range[] = [];
  let current: Range | undefined, lastEnd = 0;
  for (const line of text.split("\n")) {
    const entry = /^[0-9a-f]+ .* (?:FDE .*pc=([0-9a-f]+)\.\.([0-9a-f]+)|CIE)/.exec(line);
    if (entry) {
      lastEnd = current?.[1] ?? lastEnd;
      current = entry[1] ? [parseInt(entry[1], 16), parseInt(entry[2], 16)] : undefined;
    } else if (current && /DW_CFA_undefined: r(16 \(rip\)|30 \(x30\))/.test(line)) {
      const gap = current[0] - lastEnd;
      ranges.push(gap >= 0 && gap <= MAX_GAP ? [lastEnd, current[1]] : current);
    }
  }
  return ranges;
}

async function outputOf(program: string, ...args: string[]): Promise<string> {
  // readelf's status tells of anything in the file that it would have other than it is
  const { stdout } = await new Deno.Command(program, { args, stderr: "inherit" }).output();
  if (stdout.length === 0) throw new Error(`${program} ${args.join(" ")} printed nothing`);
  return new TextDecoder().decode(stdout);
}
