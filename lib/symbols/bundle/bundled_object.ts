/**
 * Answers about one object that a recording carries, for the addresses that its samples hit: symbols, functions, source
 * lines and inlined functions; or the reason why there are none. An address that was not asked for when the bundle was
 * made has no answer.
 */

import { lastAtOrBefore } from "../../base/bytes/ascending.ts";
import { FunctionRanges } from "../dwarf/function_ranges.ts";
import { REASON_COUNT, type SymbolFailure } from "../object/missing_symbol_reasons.ts";
import type { ObjectInfo, ObjectKind } from "../object/objects.ts";
import { FunctionTable } from "../kept/function_table.ts";
import { LineTable } from "../kept/line_table.ts";
import type { SymbolNames } from "../table/symbol_names.ts";
import { SymbolTable } from "../table/symbol_table.ts";
import { BLOCK } from "./block_types.ts";
import { BundledCode, type FunctionOutcome, writeCode } from "./bundled_code.ts";
import {
  type BlockLayout,
  BlockReader,
  type BlockStrings,
  BlockWriter,
  damaged,
  encodeBlock,
} from "./blocks.ts";

/** Source line of each of some addresses; see sourceLines(). */
interface SourceLines {
  file: Int32Array;
  line: Int32Array;
  paths: string[];
}

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
  /** Number that addresses have to be taken less of, in the tables of lines and inlined functions; 0 by default. */
  base?: number;
  tellsInlined?: boolean;
  /** Time of the last write to its file, in seconds since 1970, if it has code. */
  modified?: number;
  /** Reason why there are no lines. */
  linesFailure?: SymbolFailure;
  /** Problems found while its symbols, and its inlined functions, were read. */
  warnings?: string[];
  inlinedWarnings?: string[];
  /** Files with debug information that were needed and not found. */
  missing?: string[];
}

/** Columns of an object's symbols. */
const SYMBOLS = { starts: "doubles", ends: "doubles", names: "strings" } as const satisfies BlockLayout;
/** Columns of its functions. */
const FUNCTIONS = { starts: "doubles", ends: "doubles" } as const satisfies BlockLayout;

/** Returns the columns of runs of addresses that have the same of so many symbols. */
function runColumns(symbols: number) {
  return { from: "doubles", to: "doubles", symbol: [0, symbols] } as const satisfies BlockLayout;
}

/** Answers to encode. */
export interface ObjectAnswers {
  facts: BundledFacts;
  symbols?: SymbolAnswers;
  functions?: { starts: Float64Array; ends: Float64Array };
  /** Bytes of a LineTable and of a FunctionTable, by address less `facts.base`. */
  lines?: Uint8Array;
  inlined?: Uint8Array;
  /** Jitdump without code, with what samples hit. */
  jitDump?: Uint8Array;
  /** Code of functions, or why it could not be read, by first address. */
  code?: ReadonlyMap<number, FunctionOutcome>;
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
  const { facts, symbols, functions, lines, inlined, jitDump, code } = answers;
  const blocks = [encodeBlock(BLOCK.OBJECT, new TextEncoder().encode(JSON.stringify(facts)))];
  if (symbols) {
    const { length } = symbols.names;
    blocks.push(
      new BlockWriter().table(SYMBOLS, symbols).table(runColumns(length), symbols).block(BLOCK.SYMBOLS),
    );
  }
  if (functions) {
    blocks.push(new BlockWriter().table(FUNCTIONS, functions).block(BLOCK.FUNCTIONS));
  }
  if (lines) blocks.push(encodeBlock(BLOCK.LINES, lines));
  if (inlined) blocks.push(encodeBlock(BLOCK.INLINED, inlined));
  if (jitDump) blocks.push(encodeBlock(BLOCK.JITDUMP, jitDump));
  if (code) blocks.push(writeCode(code));
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
  code: BundledCode | undefined;

  constructor(facts: BundledFacts) {
    this.facts = facts;
  }

  /** Takes a block behind the object's own; skips those of unknown types. Throws BadInputError. */
  take(type: number, payload: Uint8Array): void {
    const r = new BlockReader(payload);
    if (type === BLOCK.SYMBOLS) this.symbols = symbolTable(r);
    else if (type === BLOCK.FUNCTIONS) {
      const { starts, ends } = r.table(FUNCTIONS);
      this.functions = new FunctionRanges(starts, ends);
    } else if (type === BLOCK.LINES) {
      const lines = LineTable.read(payload.slice(), undefined);
      if (lines === undefined) throw damaged();
      this.lines = new BundledLines(lines, this.facts.base);
    } else if (type === BLOCK.INLINED) {
      const functions = FunctionTable.read(payload.slice(), undefined);
      if (functions === undefined) throw damaged();
      this.inlined = new BundledInlined(functions, this.facts);
    } else if (type === BLOCK.JITDUMP) this.jitDump = payload;
    else if (type === BLOCK.CODE) this.code = new BundledCode(r);
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
  const {
    kind,
    path,
    buildId = "",
    device = "",
    inode = "",
    pid,
    base = 0,
    modified = 0,
    failure,
    linesFailure,
  } = facts;
  return [kind, path, buildId, device, inode].every((text) => typeof text === "string") &&
    [pid, base, modified].every((number) => typeof number === "number") && isFailure(failure) &&
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
  readonly #table: LineTable;
  readonly #base: number;

  constructor(table: LineTable, base = 0) {
    this.#table = table;
    this.#base = base;
  }

  /** Returns the lines of addresses, in their order. */
  of(addresses: Float64Array): SourceLines {
    const table = this.#table;
    return table.lines(Int32Array.from(addresses, (address) => table.at(address - this.#base)));
  }
}

/** Inlined functions of a bundled object, asked as those in debug information are. */
export class BundledInlined {
  readonly functions: FunctionTable;
  /** Files with parts of the debug information that were needed and not found. */
  readonly missing: ReadonlySet<string>;
  readonly #base: number;

  constructor(functions: FunctionTable, { missing = [], base = 0 }: BundledFacts) {
    this.functions = functions;
    this.missing = new Set(missing);
    this.#base = base;
  }

  /** Returns the row of the innermost function at an address (as in AddressSpaces.at), or -1. */
  at(address: number): number {
    return Math.max(-1, this.functions.at(address - this.#base));
  }

  /** Does nothing: no file is open. */
  close(): void {}
}

function symbolTable(r: BlockReader): SymbolTable {
  const { starts, ends, names } = r.table(SYMBOLS), { from, to, symbol } = r.table(runColumns(starts.length));
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
