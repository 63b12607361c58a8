/** Finds the rule for an address: in the caches, or in the object's tables, with a look at its code where these say too little. */

import { AARCH64, type Arch } from "./arch.ts";
import { FOUND } from "./cfi/object_cfi.ts";
import { Row } from "./cfi/row.ts";
import { correctRow, followEpilogue } from "./code/aarch64_edges.ts";
import type { Guesser } from "./no_cfi.ts";
import type { UnwindObject } from "./object.ts";
import { RowCache, RuleCache } from "./rule_cache.ts";
import { NO_RULE, type RowEntry, RuleTable } from "./rules.ts";

/**
 * Largest piece of code without tables, in an object that has some, that may be all of a C library, with the code that
 * signal handlers return to (musl has 390 KiB). Beyond, it is generated code, such as the built-in functions of V8 (1.6 MiB).
 */
const MAX_TRAMPOLINE_GAP = 1 << 20;

/** Entry for rows that code alone has told. */
const CORRECTED: RowEntry = {
  isSignal: false,
  returnRegister: AARCH64.ra,
  expression: () => new Uint8Array(0),
};

/** Finder of the rules for the code of one machine. */
export class RuleFinder {
  /** Rules that were found. */
  readonly rules: RuleTable;
  /** Number of addresses whose rule was in no cache. */
  misses = 0;
  readonly #arch: Arch;
  readonly #guesser: Guesser;
  readonly #cache = new RuleCache();
  readonly #rows = new RowCache();
  readonly #row = new Row();

  constructor(arch: Arch, guesser: Guesser) {
    this.#arch = arch;
    this.#guesser = guesser;
    this.rules = new RuleTable(arch);
  }

  /**
   * Returns the number of the rule for an address in an object, or one of NO_RULE.
   * @param isExact whether the address is that of the instruction where a thread was interrupted, rather than before a
   *   return address.
   */
  find(object: UnwindObject, address: number, isExact: boolean): number {
    const cache = this.#cache, rows = this.#rows;
    if (cache.find(object.id, address)) return cache.rule;
    // where an aarch64 function was interrupted, its instructions have a say; returned to, addresses are not multiples of 4
    const isEdge = isExact && this.#arch === AARCH64;
    let rule: number;
    if (rows.find(object.id, address)) {
      rule = rows.rule;
      if (isEdge && rule !== NO_RULE.NONE && followEpilogue(object, address, this.#row)) {
        rule = this.#add(this.#row, CORRECTED);
      }
    } else {
      this.misses++;
      rule = this.#compile(object, address, isExact);
    }
    if (!isExact || isEdge || rule < 0) cache.put(object.id, address, rule);
    return rule;
  }

  #compile(object: UnwindObject, address: number, isExact: boolean): number {
    const found = object.findRow(address, this.#row);
    if (found === FOUND.DAMAGED) return NO_RULE.DAMAGED;
    if (found === FOUND.NONE) {
      const { cfi } = object;
      if (cfi !== undefined && object.codeSize(cfi.gapStart, cfi.gapEnd) > MAX_TRAMPOLINE_GAP) {
        this.#rows.put(object.id, address, cfi.gapStart, cfi.gapEnd, NO_RULE.BUILT_IN);
        return NO_RULE.BUILT_IN;
      }
      // no call leads there: the address that was returned to is the one behind what is looked up
      const isTrampoline = this.#guesser.isTrampoline(object, isExact ? address : address + 1);
      return isTrampoline ? NO_RULE.TRAMPOLINE : NO_RULE.NONE;
    }
    const cfi = object.cfi!;
    if (!isExact && this.#guesser.isGoexit(object, address + 1, cfi.functionStart)) return NO_RULE.ROOT;
    const isAlone = this.#arch === AARCH64 && correctRow(object, address, this.#row, isExact);
    const rule = this.#add(this.#row, cfi);
    if (!isAlone) this.#rows.put(object.id, address, cfi.rowStart, cfi.rowEnd, rule);
    return rule;
  }

  /** Returns the number of the rule that a row comes down to. */
  #add(row: Row, entry: RowEntry): number {
    const { rules } = this, before = rules.generation, rule = rules.add(row, entry);
    if (rules.generation !== before) {
      this.#cache.clear();
      this.#rows.clear();
    }
    return rule;
  }
}
