/**
 * Answers about one object that a recording carries, for the addresses that its samples hit: symbols, functions, source
 * lines and inlined functions; or the reason why there are none. An address that was not asked for when the bundle was
 * made has no answer.
 */

import { lastAtOrBefore } from "../../base/bytes/ascending.ts";
import { FunctionRanges } from "../dwarf/function_ranges.ts";
import { REASON_COUNT, type SymbolFailure } from "../object/missing_symbol_reasons.ts";
import type { ObjectInfo, ObjectKind } from "../object/objects.ts";
import type { SymbolNames } from "../table/symbol_names.ts";
import { SymbolTable } from "../table/symbol_table.ts";
import { BlockReader, type BlockStrings, BlockWriter, damaged, encodeBlock } from "./blocks.ts";

/** Source line of each of some addresses; see sourceLines(). */
interface SourceLines {
  file: Int32Array;
  line: Int32Array;
  paths: string[];
}

/** Types of blocks. Those behind an OBJECT belong to it; unknown ones are skipped. */
export const BLOCK = {
  OBJECT: 1,
  SYMBOLS: 2,
  FUNCTIONS: 3,
  LINES: 4,
  INLINED: 5,
  JITDUMP: 6,
  STACKS: 7,
} as const;

/** Symbols of the addresses that were asked for. */
export interface SymbolAnswers {
  /** Runs of addresses, ascending and disjoint: the first, the one behind the last, and their symbol. */
  from: Float64Array;
  to: Float64Array;
  symbol: Int32Array;
  /** Range of each symbol, and its name. */
  starts: Float64Array;
  ends: Float64Array;
  names: readonly string[];
}

/** Source lines of the addresses that were asked for. */
export interface LineAnswers {
  /** Addresses, ascending; row of `paths` of each (-1: unknown), and its line. */
  at: Float64Array;
  file: Int32Array;
  line: Int32Array;
  paths: readonly string[];
}

/** Inlined functions at the addresses that were asked for; see InlinedFunctions. */
export interface InlinedAnswers {
  /** Addresses, ascending, and the row of the innermost function at each, -1 for none. */
  at: Float64Array;
  row: Int32Array;
  /** Row that each row was inlined into, always a lower one; -1 for none. */
  parent: Int32Array;
  /** Rows of `texts`: the name of each function, and the path of the call; and its line. */
  name: Int32Array;
  callPath: Int32Array;
  callLine: Int32Array;
  texts: readonly string[];
}

/** Facts about an object besides its columns. */
export interface BundledFacts {
  kind: ObjectKind;
  path: string;
  buildId?: string;
  device?: string;
  inode?: string;
  pid: number;
  /** Reason for an address without a symbol. */
  failure: SymbolFailure;
  hasDebugInfo?: boolean;
  /** Reason why there are no lines. */
  linesFailure?: SymbolFailure;
  /** Problems found while its symbols, and its inlined functions, were read. */
  warnings?: string[];
  inlinedWarnings?: string[];
  /** Files with debug information that were needed and not found. */
  missing?: string[];
}

/** Answers to encode. */
export interface ObjectAnswers {
  facts: BundledFacts;
  symbols?: SymbolAnswers;
  functions?: { starts: Float64Array; ends: Float64Array };
  lines?: LineAnswers;
  inlined?: InlinedAnswers;
  /** Jitdump without code, with what samples hit. */
  jitDump?: Uint8Array;
}

/** Returns the facts that identify an object. */
export function identityOf({ kind, path, buildId, mapped, pid }: ObjectInfo): Omit<BundledFacts, "failure"> {
  return {
    ...{ kind, path, pid },
    ...buildId === undefined ? {} : { buildId },
    ...mapped === undefined ? {} : { device: mapped.device, inode: `${mapped.inode}` },
  };
}

/** Returns a key by which an object is found in a bundle. */
export function keyOf({ kind, path, buildId, device, inode, pid }: Omit<BundledFacts, "failure">): string {
  return [kind, pid, buildId ?? "", device ?? "", inode ?? "", path].join("\0");
}

/** Encodes the blocks of an object. */
export function encodeObject(answers: ObjectAnswers): Uint8Array[] {
  const { facts, symbols, functions, lines, inlined, jitDump } = answers;
  const blocks = [encodeBlock(BLOCK.OBJECT, new TextEncoder().encode(JSON.stringify(facts)))];
  if (symbols) {
    const { from, to, symbol, starts, ends, names } = symbols;
    blocks.push(
      new BlockWriter().doubles(starts).doubles(ends).strings(names).doubles(from).doubles(to).ints(symbol)
        .block(BLOCK.SYMBOLS),
    );
  }
  if (functions) {
    blocks.push(new BlockWriter().doubles(functions.starts).doubles(functions.ends).block(BLOCK.FUNCTIONS));
  }
  if (lines) {
    const { at, file, line, paths } = lines;
    blocks.push(new BlockWriter().strings(paths).doubles(at).ints(file).ints(line).block(BLOCK.LINES));
  }
  if (inlined) {
    const { at, row, parent, name, callPath, callLine, texts } = inlined;
    blocks.push(
      new BlockWriter().strings(texts).ints(parent).ints(name).ints(callPath).ints(callLine).doubles(at).ints(
        row,
      )
        .block(BLOCK.INLINED),
    );
  }
  if (jitDump) blocks.push(encodeBlock(BLOCK.JITDUMP, jitDump));
  return blocks;
}

/** Object of a bundle that was read. */
export class BundledObject {
  readonly facts: BundledFacts;
  /** Symbols, by address; undefined if there were none. */
  symbols: SymbolTable | undefined;
  functions: FunctionRanges | undefined;
  lines: BundledLines | undefined;
  inlined: BundledInlined | undefined;
  jitDump: Uint8Array | undefined;

  constructor(facts: BundledFacts) {
    this.facts = facts;
  }

  /** Takes a block behind the object's own; skips those of unknown types. Throws BadInputError. */
  take(type: number, payload: Uint8Array): void {
    const r = new BlockReader(payload);
    if (type === BLOCK.SYMBOLS) this.symbols = symbolTable(r);
    else if (type === BLOCK.FUNCTIONS) {
      const starts = r.doubles();
      this.functions = new FunctionRanges(starts, sameLength(r.doubles(), starts.length));
    } else if (type === BLOCK.LINES) this.lines = new BundledLines(r);
    else if (type === BLOCK.INLINED) this.inlined = new BundledInlined(r, this.facts.missing ?? []);
    else if (type === BLOCK.JITDUMP) this.jitDump = payload;
  }
}

/** Decodes the block that an object begins with. Throws BadInputError. */
export function decodeFacts(payload: Uint8Array): BundledFacts {
  let facts: unknown;
  try {
    facts = JSON.parse(new TextDecoder().decode(payload));
  } catch {
    throw damaged();
  }
  if (!isFacts(facts)) throw damaged();
  return facts;
}

function isFacts(value: unknown): value is BundledFacts {
  const facts = value as BundledFacts | null;
  if (typeof facts !== "object" || facts === null) return false;
  const { kind, path, buildId = "", device = "", inode = "", pid, failure, linesFailure } = facts;
  return [kind, path, buildId, device, inode].every((text) => typeof text === "string") &&
    typeof pid === "number" && isFailure(failure) &&
    (linesFailure === undefined || isFailure(linesFailure)) &&
    [facts.warnings, facts.inlinedWarnings, facts.missing].every(isTexts);
}

function isFailure(value: unknown): boolean {
  const { reason, detail } = (value ?? {}) as Partial<SymbolFailure>;
  return Number.isInteger(reason) && reason! < 0 && reason! >= -REASON_COUNT &&
    ["string", "undefined"].includes(typeof detail);
}

function isTexts(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) && value.every((text) => typeof text === "string"));
}

/** Source lines of a bundled object. */
export class BundledLines {
  readonly #paths: BlockStrings;
  readonly #at: Float64Array;
  readonly #file: Int32Array;
  readonly #line: Int32Array;

  constructor(r: BlockReader) {
    this.#paths = r.strings();
    this.#at = r.doubles();
    this.#file = sameLength(r.ints(-1, this.#paths.length), this.#at.length);
    this.#line = sameLength(r.ints(0, 2 ** 31), this.#at.length);
  }

  /** Returns the lines of addresses, in their order. */
  of(addresses: Float64Array): SourceLines {
    return {
      file: Int32Array.from(addresses, (address) => answerAt(this.#at, this.#file, address, -1)),
      line: Int32Array.from(addresses, (address) => answerAt(this.#at, this.#line, address, 0)),
      paths: Array.from({ length: this.#paths.length }, (_, row) => this.#paths.text(row)),
    };
  }
}

/** Inlined functions of a bundled object, asked as those in debug information are. */
export class BundledInlined {
  /** Files with parts of the debug information that were needed and not found. */
  readonly missing: ReadonlySet<string>;
  readonly #texts: BlockStrings;
  readonly #parent: Int32Array;
  readonly #name: Int32Array;
  readonly #callPath: Int32Array;
  readonly #callLine: Int32Array;
  readonly #at: Float64Array;
  readonly #row: Int32Array;

  constructor(r: BlockReader, missing: readonly string[]) {
    this.missing = new Set(missing);
    this.#texts = r.strings();
    const texts = this.#texts.length;
    this.#parent = r.ints(-1, 2 ** 31);
    const rows = this.#parent.length;
    this.#parent.forEach((parent, row) => {
      if (parent >= row) throw damaged(); // so that no chain is endless
    });
    this.#name = sameLength(r.ints(0, texts), rows);
    this.#callPath = sameLength(r.ints(0, texts), rows);
    this.#callLine = sameLength(r.ints(0, 2 ** 31), rows);
    this.#at = r.doubles();
    this.#row = sameLength(r.ints(-1, rows), this.#at.length);
  }

  /** Functions that the rows are of: it is asked itself. */
  get functions(): this {
    return this;
  }

  /** Returns the row of the innermost function at an address (as in AddressSpaces.at), or -1. */
  at(address: number): number {
    return answerAt(this.#at, this.#row, address, -1);
  }

  parent(row: number): number {
    return this.#parent[row];
  }

  name(row: number): string {
    return this.#texts.text(this.#name[row]);
  }

  callPath(row: number): string {
    return this.#texts.text(this.#callPath[row]);
  }

  callLine(row: number): number {
    return this.#callLine[row];
  }

  /** Does nothing: no file is open. */
  close(): void {}
}

function symbolTable(r: BlockReader): SymbolTable {
  const starts = r.doubles(), ends = sameLength(r.doubles(), starts.length), names = r.strings();
  if (names.length !== starts.length) throw damaged();
  const from = r.doubles(), to = sameLength(r.doubles(), from.length);
  const symbol = sameLength(r.ints(0, starts.length), from.length);
  return new SymbolTable(starts, ends, new BundledNames(names), 0, {
    from: Float64Array.of(-Infinity),
    to: Float64Array.of(Infinity),
    search(address) {
      const run = lastAtOrBefore(from, address);
      return run >= 0 && address < to[run] ? symbol[run] : -1;
    },
  });
}

/** Names of a table of answers. They are never compared: the addresses have been looked up before. */
class BundledNames implements SymbolNames {
  readonly #names: BlockStrings;

  constructor(names: BlockStrings) {
    this.#names = names;
  }

  text(i: number): string {
    return this.#names.text(i);
  }

  length(i: number): number {
    return this.text(i).length;
  }

  underscores(): number {
    return 0;
  }

  isSyscallAlias(): boolean {
    return false;
  }
}

function answerAt(addresses: Float64Array, answers: Int32Array, address: number, none: number): number {
  const row = lastAtOrBefore(addresses, address);
  return row >= 0 && addresses[row] === address ? answers[row] : none;
}

function sameLength<T extends Float64Array | Int32Array>(column: T, length: number): T {
  if (column.length !== length) throw damaged();
  return column;
}
