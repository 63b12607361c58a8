/** Objects that stacks are unwound through, while a recording is read or made. */

import type { BadInputError } from "../../../base/system/errors.ts";
import type { SymbolFiles } from "../../../symbols/files/symbol_files.ts";
import { Budget, type Cost } from "../../../symbols/object/limits.ts";
import {
  missingSymbolCause,
  missingSymbolRemedy,
  REASON,
  type SymbolFailure,
  symbolFailureOf,
} from "../../../symbols/object/missing_symbol_reasons.ts";
import type { ObjectInfo } from "../../../symbols/object/objects.ts";
import { closeObjectElf, type ObjectElf, openObjectElf } from "../../../symbols/object_elf.ts";
import type { AddressSpaces } from "../../../symbols/space/address_space.ts";
import { MappedCode } from "../../../unwind/mapped_code.ts";
import { type CodeReader, UnwindObject } from "../../../unwind/object.ts";

/** Most open files by default, and most bytes of memory of their tables. Beyond that the oldest file is closed. */
const MAX_OPEN_FILES = 256, MAX_HELD_BYTES = 128 << 20;
/** Stacks between two checks of the files, besides those where it is known that there are too many. */
const TRIM_EVERY = 1024;

/** An object whose file is open. */
interface Open {
  object: ObjectInfo;
  unwinding: UnwindObject;
  elf: ObjectElf;
  cost: Cost;
}

/** Reason why an object's file cannot be read. */
export interface Unreadable {
  cause: string;
  remedy: string;
}

/** Objects that are opened when a stack first leads through them. */
export class UnwindObjects {
  readonly code: MappedCode;
  /** Most files that stay open. Each may come with another one, of debug information. */
  maxOpen = MAX_OPEN_FILES;
  readonly #files: SymbolFiles;
  /** Reads code that the process whose stack is walked has made. */
  readonly #generated: CodeReader | undefined;
  readonly #budget: Budget;
  readonly #infos = new WeakMap<UnwindObject, ObjectInfo>();
  /** Open files, in the order that they were opened. */
  #open: Open[] = [];
  /** Milliseconds that opening may still take. */
  #openingLeft = Infinity;
  /** Stacks since the last trim. */
  #sinceTrim = 0;
  /** Failures by object id. */
  readonly #failures = new Map<number, SymbolFailure>();

  /** @param memory reads memory of a process that still runs, for the code that it has made. */
  constructor(
    spaces: AddressSpaces,
    files: SymbolFiles,
    budget = new Budget(),
    memory?: (pid: number, address: number, length: number) => Uint8Array,
  ) {
    this.#files = files;
    this.#budget = budget;
    if (memory) this.#generated = (address, length) => memory(this.code.pid, address, length);
    this.code = new MappedCode(spaces, (object) => this.#openObject(object));
  }

  /** Returns the object that `unwinding` was opened for. */
  infoOf(unwinding: UnwindObject): ObjectInfo {
    return this.#infos.get(unwinding)!;
  }

  /**
   * Returns why an object could not be read, and what helps.
   * @param error what came up while its tables were asked.
   */
  unreadable(object: ObjectInfo, error?: BadInputError): Unreadable {
    const known = error && symbolFailureOf(error);
    const failure = known?.reason === REASON.OVER_LIMIT ? known : this.#failures.get(object.id);
    return failure === undefined ? { cause: "its call frame information is damaged", remedy: "" } : {
      cause: missingSymbolCause(failure.reason, failure.detail),
      remedy: missingSymbolRemedy(failure.reason, object),
    };
  }

  /**
   * Lets opening take so many milliseconds from now on; what is met after that, until the next call, counts as not read.
   */
  openFor(ms: number): void {
    this.#openingLeft = ms;
    this.code.mayOpen = true;
  }

  /** Closes files where they are too many, or take too much memory. Called before each stack: none may be in use. */
  trimIfDue(): void {
    const isFull = this.#budget.held > MAX_HELD_BYTES || this.#open.length > this.maxOpen;
    if (++this.#sinceTrim < TRIM_EVERY && !isFull) return;
    this.#sinceTrim = 0;
    this.#trim();
  }

  #trim(): void {
    let { held } = this.#budget, from = 0;
    // the latest stays, however large it is
    while (
      from < this.#open.length - 1 && (this.#open.length - from > this.maxOpen || held > MAX_HELD_BYTES)
    ) {
      const oldest = this.#open[from++];
      held -= oldest.cost.held;
      this.code.forget(oldest.object);
      close(oldest);
    }
    if (from > 0) this.#open = this.#open.slice(from);
  }

  /** Opens an object anew that could not be read, because its file has been found meanwhile. */
  retry(object: ObjectInfo): void {
    if (!this.#failures.delete(object.id)) return;
    this.code.forget(object);
  }

  /** Closes all files. */
  close(): void {
    for (const open of this.#open) close(open);
    this.#open = [];
  }

  #openObject(object: ObjectInfo): UnwindObject | undefined {
    if (object.kind === "anon") return undefined;
    const unwinding = object.kind === "jit"
      ? UnwindObject.generated(this.#generated)
      : this.#openTimed(object);
    this.#infos.set(unwinding, object);
    return unwinding;
  }

  #openTimed(object: ObjectInfo): UnwindObject {
    const began = performance.now();
    const unwinding = this.#openFile(object);
    this.#openingLeft -= performance.now() - began;
    this.code.mayOpen = this.#openingLeft > 0;
    return unwinding;
  }

  #openFile(object: ObjectInfo): UnwindObject {
    const cost = this.#budget.cost(object.path);
    let elf: ObjectElf | undefined;
    try {
      const opened = openObjectElf(this.#files, object, cost);
      if (!("file" in opened)) {
        cost.done();
        return this.#fail(object, opened);
      }
      elf = opened;
      const unwinding = UnwindObject.open(opened.file, opened.debug);
      this.#open.push({ object, unwinding, elf, cost });
      return unwinding;
    } catch (error) {
      cost.done();
      if (elf) closeObjectElf(elf);
      return this.#fail(object, symbolFailureOf(error));
    }
  }

  #fail(object: ObjectInfo, failure: SymbolFailure): UnwindObject {
    this.#failures.set(object.id, failure);
    return UnwindObject.unreadable(missingSymbolCause(failure.reason, failure.detail));
  }
}

function close({ unwinding, elf, cost }: Open): void {
  unwinding.close();
  elf.debug?.close();
  cost.done();
}
