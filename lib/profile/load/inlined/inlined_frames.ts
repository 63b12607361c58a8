/**
 * Functions that were inlined where frames are. An address stands for a chain of them, from the innermost to the one that
 * was inlined into the function that the code is in; addresses with the same chain share its number.
 */

import { append } from "../../../base/bytes/lists.ts";
import { int32Column } from "../../../base/bytes/column.ts";
import type { SymbolFiles } from "../../../symbols/files/symbol_files.ts";
import {
  type FunctionRows,
  inlinedFailureText,
  missingInfoWarnings,
  NAMELESS,
  openInlinedCode,
} from "../../../symbols/inlined_code.ts";
import type { Budget, Cost } from "../../../symbols/object/limits.ts";
import { symbolFailureOf } from "../../../symbols/object/missing_symbol_reasons.ts";
import type { ObjectInfo } from "../../../symbols/object/objects.ts";
import type { Symbolizer } from "../../../symbols/symbolizer.ts";
import { StackTable } from "../../model/tables.ts";

/** Bytes of memory of a chain, and of a function without its name. */
const CHAIN_BYTES = 64, FUNCTION_BYTES = 100;

/** Inlined functions of an object: of its debug information, or those that the recording carries. */
interface Code {
  /** Functions that `at` has returned rows of. */
  readonly functions: FunctionRows;
  /** Returns the row of the innermost function at an address, -1 if none was inlined there. */
  at(address: number): number;
  /** Paths of files that were needed and not found. */
  readonly missing: ReadonlySet<string>;
  /** Keeps what was read for later reports. Throws BadInputError. */
  keep?(): void;
  close(): void;
}

/** Object whose inlined functions are read: the chain of each row of its functions, if known. */
interface OpenCode {
  code: Code;
  cost: Cost;
  chains: (number | undefined)[];
}

/** Inlined functions of a recording. */
export interface Inlined {
  /** Chain of each frame; -1 if nothing was inlined there. */
  ofFrame: Int32Array;
  /** Chain that each function was inlined into; -1 for the function that the code is in. */
  parent: Int32Array;
  /** Row of `functions` of each chain. */
  function: Int32Array;
  functions: { object: number; name: string }[];
  /** Place of each call that was inlined: a row of `paths` (-1: unknown) and a line; empty unless asked for. */
  callPath: Int32Array;
  callLine: Int32Array;
  paths: string[];
}

/** Options of InlinedFrames. */
export interface InlinedOptions {
  /** Objects by number. May grow. */
  objects: readonly ObjectInfo[];
  symbolizer: Symbolizer;
  files: SymbolFiles;
  budget: Budget;
  /** Tell chains apart by the places of their calls, too. */
  lines: boolean;
}

/** Finder of the chain at an address. Reads an object's debug information when the first address in it comes. */
export class InlinedFrames {
  /** Problems found on the way, a sentence each. */
  readonly warnings: string[] = [];
  readonly #options: InlinedOptions;
  /** Objects that are read; null for those without inlined functions. */
  readonly #open: (OpenCode | null | undefined)[] = [];
  readonly #functions: { object: number; name: string }[] = [];
  /** Row of each function by its name, by object. */
  readonly #ofName: Map<string, number>[] = [];
  readonly #paths: string[] = [];
  readonly #pathIds = new Map<string, number>();
  /** Calls: a line on top of its path. */
  readonly #calls = new StackTable();
  /** Functions at calls, and chains: such a function on top of the chain that it was inlined into. */
  readonly #inlined = new StackTable();
  readonly #chains = new StackTable();

  constructor(options: InlinedOptions) {
    this.#options = options;
  }

  /** Returns whether an object may have inlined functions. Cheap, and false while its symbols have to be unpacked. */
  has(object: number): boolean {
    if (object < 0) return false;
    const known = this.#open[object];
    if (known !== undefined) return known !== null;
    const { objects, symbolizer } = this.#options;
    if (!symbolizer.isReady(objects[object])) return false;
    if (symbolizer.tellsInlined(objects[object])) return true;
    this.#open[object] = null;
    return false;
  }

  /** Returns the chain at an address of an object, -1 if nothing was inlined there. */
  at(object: number, address: number, returns: boolean): number {
    if (!this.has(object)) return -1;
    try {
      const open = this.#open[object] ??= this.#openCode(object);
      if (open === null) return -1;
      const row = open.code.at(returns ? address - 1 : address);
      return row < 0 ? -1 : this.#chainOf(object, open, row);
    } catch (error) {
      this.#giveUp(object, error);
      return -1;
    }
  }

  /** Returns the inlined functions of frames, given the chain of each. */
  ofFrames(ofFrame: Int32Array): Inlined {
    const functions = int32Column(), callPath = int32Column(), callLine = int32Column();
    const inlined = this.#inlined, calls = this.#calls, { lines } = this.#options;
    for (const at of this.#chains.frame.values()) {
      functions.push(inlined.parent.data[at]);
      if (!lines) continue;
      const call = inlined.frame.data[at];
      callPath.push(calls.parent.data[call]);
      callLine.push(calls.frame.data[call]);
    }
    return {
      ofFrame,
      parent: this.#chains.parent.values(),
      function: functions.values(),
      functions: this.#functions,
      callPath: callPath.values(),
      callLine: callLine.values(),
      paths: this.#paths,
    };
  }

  /** Returns the paths of files with debug information of an object that were needed and not found. */
  missingOf(object: number): string[] {
    return [...this.#open[object]?.code.missing ?? []];
  }

  /** Closes the files, and keeps what was read. Warns of files with names that were not there. */
  close(): void {
    this.#open.forEach((open, object) => {
      append(this.warnings, missingInfoWarnings(this.#options.objects[object], open?.code.missing ?? []));
      if (open) this.#keep(open.code);
      open?.code.close();
    });
    this.#open.fill(null);
  }

  #openCode(object: number): OpenCode | null {
    const { objects, files, budget, symbolizer } = this.#options, info = objects[object];
    const cost = budget.cost(info.path);
    const bundled = symbolizer.bundledOf(info);
    if (bundled !== undefined) {
      append(this.warnings, bundled.facts.inlinedWarnings ?? []);
      return bundled.inlined ? { code: bundled.inlined, cost, chains: [] } : null;
    }
    try {
      const code = openInlinedCode(files, info, cost);
      return code ? { code, cost, chains: [] } : null;
    } catch (error) {
      cost.abandon();
      throw error;
    }
  }

  #keep(code: Code): void {
    try {
      code.keep?.();
    } catch (error) {
      symbolFailureOf(error); // damaged where no sample is: the next report reads it again
    }
  }

  /** Shows no further inlined functions of an object, and says why. */
  #giveUp(object: number, error: unknown): void {
    this.warnings.push(inlinedFailureText(this.#options.objects[object], error));
    this.#open[object]?.code.close();
    this.#open[object] = null;
  }

  /** Returns the chain of a row of an object's functions. */
  #chainOf(object: number, { code: { functions }, cost, chains }: OpenCode, row: number): number {
    const news: number[] = [];
    let at = row;
    while (functions.parent(at) >= 0 && chains[at] === undefined) {
      news.push(at);
      at = functions.parent(at);
    }
    let chain = functions.parent(at) < 0 ? -1 : chains[at]!;
    for (const each of news.reverse()) {
      const call = this.#options.lines
        ? this.#calls.intern(this.#pathId(functions.callPath(each)), functions.callLine(each))
        : 0;
      cost.keep(CHAIN_BYTES);
      const inlined = this.#inlined.intern(this.#functionOf(object, functions.name(each), cost), call);
      chain = chains[each] = this.#chains.intern(chain, inlined);
    }
    return chain;
  }

  #functionOf(object: number, name: string, cost: Cost): number {
    const ofName = this.#ofName[object] ??= new Map();
    let row = ofName.get(name);
    if (row === undefined) {
      cost.keep(FUNCTION_BYTES + name.length);
      row = this.#functions.push({ object, name: name === "" ? NAMELESS : name }) - 1;
      ofName.set(name, row);
    }
    return row;
  }

  #pathId(path: string): number {
    if (path === "") return -1;
    let id = this.#pathIds.get(path);
    if (id === undefined) this.#pathIds.set(path, id = this.#paths.push(path) - 1);
    return id;
  }
}
