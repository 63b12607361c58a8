/** Something that code is mapped from, as walks see it. */

import { BadInputError } from "../base/system/errors.ts";
import type { ElfFile, ElfSection } from "../symbols/elf/elf.ts";
import { PF_X, PT, type Segment } from "../symbols/elf/elf_header.ts";
import { FOUND, type Found, ObjectCfi } from "./cfi/object_cfi.ts";
import { PagedBytes } from "../symbols/object/windows.ts";
import type { Row } from "./cfi/row.ts";

/** Units of work that a few bytes of code take. */
const READ_WORK = 200;
/** Bytes of code that are held. */
const HELD_CODE = 256 << 10;
/** Bytes behind the entry point that are taken for the start of the program. */
const ENTRY_SIZE = 64;

/** Frames at the frame pointer from which on it is trusted that all are. */
const MIN_LEARNED = 200;

/** Kinds of code. */
export const CODE = {
  /** Code of a file that was read. */
  FILE: 0,
  /** Made while the program runs: it keeps frame pointers, or its frames are lost. */
  GENERATED: 1,
  /** Code of a file that could not be read. */
  UNREADABLE: 2,
  /** Code of a file that has yet to be read. */
  NOT_READ: 3,
} as const;

/** Reads code from an address on: as many bytes as there are, up to `length`. */
export type CodeReader = (address: number, length: number) => Uint8Array;

/** Code that is mapped in the process whose stack is walked. */
export interface CodeSpace {
  /**
   * Returns the object whose code is mapped at an address, undefined where none is; sets `bias` to subtract
   * from it.
   */
  find(address: number): UnwindObject | undefined;
  bias: number;
  /**
   * Number that differs whenever an address may be found to be other code than before: what was learnt of a thread counts
   * no longer then. Left out where code never changes.
   */
  readonly version?: number;
}

let lastId = 0;

/** An object, shared by all processes that map it. Addresses are those that it was linked for. */
export class UnwindObject {
  /**
   * Number by which what walks have learnt of its code is remembered; it differs from those of all other objects that the
   * same walks meet.
   */
  id: number = ++lastId;
  readonly file: ElfFile | undefined;
  code: number;
  /** Why it cannot be read, in words, once that is known. */
  failure: string | undefined;
  /** Error that came up while tables were asked, which made it unreadable. */
  error: BadInputError | undefined;
  readonly cfi: ObjectCfi | undefined;
  /** Address that the program starts at; NaN in a library. */
  readonly entry: number;
  /** Whether it is a Go program: it keeps frame pointers, and its tables say nothing of changes from stack to stack. */
  readonly isGo: boolean;
  readonly #plts: readonly ElfSection[];
  readonly #segments: readonly Segment[];
  /** The file, of which the parts with code that was read last are held. */
  #bytes: PagedBytes | undefined;

  /** The first of them, which mostly is the only one. */
  readonly #firstOffset: number;
  readonly #firstSize: number;
  readonly #firstAddress: number;

  /** Reads code that is in memory alone. */
  #memory: CodeReader | undefined;
  #framesAtPointer = 0;

  private constructor(code: number, file?: ElfFile, cfi?: ObjectCfi, failure?: string) {
    this.code = code;
    this.file = file;
    this.cfi = cfi;
    this.failure = failure;
    this.entry = file ? entryOf(file) : NaN;
    this.isGo = (file?.sections ?? []).some(({ name }) =>
      name === ".gopclntab" || name === ".note.go.buildid"
    );
    this.#plts = (file?.sections ?? []).filter(({ name }) => /^\.i?plt(\.|$)/.test(name));
    this.#segments = (file?.segments ?? []).filter(isCode);
    const first = this.#segments.at(0);
    this.#firstOffset = first?.offset ?? NaN;
    this.#firstSize = first?.filesz ?? NaN;
    this.#firstAddress = first?.vaddr ?? NaN;
  }

  /**
   * Opens an object file: reads its headers and, where they are small, its tables. The files stay open as
   * long as the object is used.
   * @param debug the separate file with its debug information, which may have the only call frame
   * information.
   */
  static open(file: ElfFile, debug?: ElfFile): UnwindObject {
    try {
      return new UnwindObject(CODE.FILE, file, ObjectCfi.open(file, debug));
    } catch (error) {
      if (!(error instanceof BadInputError)) throw error;
      return UnwindObject.unreadable(error.message);
    }
  }

  /**
   * Makes an object for code that a program generated, such as a JIT's.
   * @param memory reads it where the program still runs.
   */
  static generated(memory?: CodeReader): UnwindObject {
    const object = new UnwindObject(CODE.GENERATED);
    object.#memory = memory;
    return object;
  }

  /** Makes an object that stands for any whose file has yet to be read. */
  static notRead(): UnwindObject {
    return new UnwindObject(CODE.NOT_READ);
  }

  /** Makes an object for a file that is missing, damaged, or no longer the one that was mapped. */
  static unreadable(failure: string): UnwindObject {
    return new UnwindObject(CODE.UNREADABLE, undefined, undefined, failure);
  }

  /**
   * Sets `row` for an address. An object whose tables turn out to be damaged, or too expensive, is unreadable
   * from then on.
   */
  findRow(address: number, row: Row): Found {
    if (this.cfi === undefined || this.code !== CODE.FILE) return FOUND.NONE;
    try {
      return this.cfi.findRow(address, row);
    } catch (error) {
      this.#fail(error);
      return FOUND.NONE;
    }
  }

  /**
   * Sets `functionStart` and `functionEnd` of `cfi` for the function at an address; false where no table has
   * one.
   */
  findFunction(address: number): boolean {
    if (this.cfi === undefined || this.code !== CODE.FILE) return false;
    try {
      return this.cfi.findFunction(address);
    } catch (error) {
      this.#fail(error);
      return false;
    }
  }

  /**
   * Returns the address as linked of an offset in the file; NaN where that has no code. Where several
   * segments lie in one page of the file, as lld lays them out, that of the segment with code counts, as
   * nothing else is run.
   */
  addressAt(offset: number): number {
    if (this.file === undefined) return offset;
    const first = offset - this.#firstOffset;
    if (first >= 0 && first < this.#firstSize) return first + this.#firstAddress;
    for (const segment of this.#segments) {
      const from = offset - segment.offset;
      if (from >= 0 && from < segment.filesz) return from + segment.vaddr;
    }
    return NaN;
  }

  /** Closes its file: nothing can be looked up behind it. */
  close(): void {
    this.file?.close();
    this.code = CODE.UNREADABLE;
  }

  /**
   * Whether it is code of a program's own making all of whose frames so far lay at the frame pointer. Code that keeps none
   * leaves the register as a caller far out has set it, so that it would lead past all frames between.
   */
  get keepsFramePointers(): boolean {
    return this.code === CODE.GENERATED &&
      (this.#memory === undefined || this.#framesAtPointer >= MIN_LEARNED);
  }

  /** Takes note of a frame that its code tells of. */
  learnOfFrame(isAtPointer: boolean): void {
    this.#framesAtPointer = isAtPointer ? this.#framesAtPointer + 1 : -Infinity;
  }

  /** Returns how many bytes of code lie between two addresses. */
  codeSize(start: number, end: number): number {
    let size = 0;
    for (const { vaddr, filesz } of this.#segments) {
      size += Math.max(0, Math.min(end, vaddr + filesz) - Math.max(start, vaddr));
    }
    return size;
  }

  /** Whether its code can be read. */
  get hasCode(): boolean {
    return this.#memory !== undefined || this.code === CODE.FILE;
  }

  /** Returns whether `address` is known to be in another function than `pc`, which no table has. */
  isOtherFunction(pc: number, address: number): boolean {
    const { cfi } = this;
    if (cfi === undefined || this.code !== CODE.FILE) return false;
    if (!(pc >= cfi.gapStart && pc < cfi.gapEnd)) this.findFunction(pc);
    if (address >= cfi.gapStart && address < cfi.gapEnd) return false;
    return this.findFunction(address);
  }

  /** Reads code from `address` on: `length` bytes, or as many as there are. */
  codeAt(address: number, length: number): Uint8Array {
    return this.#read(address, length, READ_WORK);
  }

  /**
   * Reads code as codeAt() does, at no charge: for whoever reads a few bytes at most for each sample, since a recording may
   * have any number of them.
   */
  fewBytesAt(address: number, length: number): Uint8Array {
    return this.#read(address, length, 0);
  }

  #read(address: number, length: number, work: number): Uint8Array {
    const { file } = this;
    if (this.#memory !== undefined) return this.#memory(address, length);
    const segment = this.#segments.find(({ vaddr, filesz }) => address >= vaddr && address < vaddr + filesz);
    if (file === undefined || segment === undefined || this.code !== CODE.FILE) return new Uint8Array(0);
    try {
      file.cost.work(work);
      const from = address - segment.vaddr;
      if (this.#bytes === undefined) {
        file.cost.hold(HELD_CODE);
        this.#bytes = new PagedBytes({ source: file.source, offset: 0, size: file.source.size }, file.cost, {
          heldBytes: HELD_CODE,
        });
      }
      return this.#bytes.window(segment.offset + from, Math.min(length, segment.filesz - from));
    } catch (error) {
      this.#fail(error);
    }
    return new Uint8Array(0);
  }

  /** Returns whether the program starts at an address, or just before it. */
  isEntry(address: number): boolean {
    return address >= this.entry && address < this.entry + ENTRY_SIZE;
  }

  /** Returns whether an address is in a PLT, whose stubs lead to functions of other objects. */
  isPlt(address: number): boolean {
    return this.#plts.some(({ addr, size }) => address >= addr && address < addr + size);
  }

  #fail(error: unknown): void {
    if (!(error instanceof BadInputError)) throw error;
    this.code = CODE.UNREADABLE;
    this.failure = error.message;
    this.error = error;
  }
}

function isCode({ type, flags }: Segment): boolean {
  return type === PT.LOAD && flags % (2 * PF_X) === PF_X;
}

function entryOf(file: ElfFile): number {
  const bytes = file.source.read(24, 8);
  if (!file.is64 || bytes.length < 8) return NaN;
  const entry = Number(file.reader(bytes, 24, "the ELF header").u64());
  return entry > 0 ? entry : NaN;
}
