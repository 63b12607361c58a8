/** The code of processes as walks ask for it, by what the records told of their mappings. */

import { PERF_RECORD_MISC } from "../base/system/abi.ts";
import type { AddressSpaces } from "../symbols/space/address_space.ts";
import type { ObjectInfo } from "../symbols/object/objects.ts";
import { type CodeSpace, UnwindObject } from "./object.ts";

const NOT_READ = UnwindObject.notRead();

/** The code of one process at a time: set `pid`, then walk. */
export class MappedCode implements CodeSpace {
  bias = 0.5;
  pid = -1;
  /**
   * Whether objects may be opened. Where they may not, one that has yet to be opened is nothing but code that cannot be
   * read.
   */
  mayOpen = true;
  readonly #spaces: AddressSpaces;
  readonly #open: (object: ObjectInfo) => UnwindObject | undefined;
  /** Objects by row of the table of objects; null for what has no code. */
  readonly #objects: (UnwindObject | null | undefined)[] = [];
  /**
   * Number of the latest object. They are counted here, so that the same records give the same chains, whatever else this
   * process has unwound: what walks remember of one object may take the place of another's, by their numbers.
   */
  #lastId = NOT_READ.id;

  /**
   * @param open makes the object that code is mapped from, when it is first met: called once for each.
   * Undefined for what
   *   has no code (a heap, a stack).
   */
  constructor(spaces: AddressSpaces, open: (object: ObjectInfo) => UnwindObject | undefined) {
    this.#spaces = spaces;
    this.#open = open;
  }

  get version(): number {
    return this.#spaces.spaceOf(this.pid, PERF_RECORD_MISC.USER);
  }

  find(address: number): UnwindObject | undefined {
    const spaces = this.#spaces;
    const row = spaces.find(this.pid, address, PERF_RECORD_MISC.USER);
    if (row < 0) return undefined;
    const offset = spaces.at;
    let object = this.#objects[row];
    if (object === undefined) {
      if (!this.mayOpen) return NOT_READ;
      object = this.warm(spaces.objects.rows[row]) ?? null;
    }
    if (object === null) return undefined;
    const linked = object.addressAt(offset);
    this.bias = address - linked;
    return Number.isNaN(linked) ? undefined : object;
  }

  /** Opens an object ahead of the first sample in it. */
  warm(object: ObjectInfo): UnwindObject | undefined {
    const known = this.#objects[object.id];
    if (known !== undefined) return known ?? undefined;
    const opened = this.#open(object);
    if (opened !== undefined) opened.id = ++this.#lastId;
    this.#objects[object.id] = opened ?? null;
    return opened;
  }

  /** Forgets an object that was opened: it is opened again when it is met next. */
  forget(object: ObjectInfo): void {
    this.#objects[object.id] = undefined;
  }
}
