/**
 * Search for names of the code that processes made as they ran (JIT), in their perf maps and jitdumps. It is loaded when
 * a recording is over, and only if there were such processes.
 */

import type { ByteSource } from "../../base/bytes/byte_source.ts";
import type { FileBytes } from "../../base/files/file_bytes.ts";
import { PERF_RECORD_MISC } from "../../base/system/abi.ts";
import { fitsInRecording } from "../../perfdata/own/names_part.ts";
import { encodeBundle } from "../../symbols/bundle/bundle.ts";
import { identityOf, type ObjectAnswers } from "../../symbols/bundle/bundled_object.ts";
import {
  answersBetween,
  ascending,
  type FoundSymbol,
  symbolAnswers,
} from "../../symbols/bundle/symbol_answers.ts";
import { eachJitRecord, HEADER_SIZE, readJitDump } from "../../symbols/jit/jitdump.ts";
import { parsePerfMap, unreadLines } from "../../symbols/jit/perf_map.ts";
import { anyWithin, shortJitDump } from "../../symbols/jit/short_jitdump.ts";
import { Budget, Cost } from "../../symbols/object/limits.ts";
import { missingSymbolCause, REASON, symbolFailureOf } from "../../symbols/object/missing_symbol_reasons.ts";
import { type ObjectInfo, ObjectTable, perfMapPath } from "../../symbols/object/objects.ts";
import { AddressSpaces } from "../../symbols/space/address_space.ts";
import type { SymbolTable } from "../../symbols/table/symbol_table.ts";

/** Functions of a process that are kept at most where all are: a large Java server has as many. */
const MAX_ALL = 200_000;
/** Most bytes of names that a recording gets. */
const MAX_TEXT = 32 << 20;
/** Time that reading the files of one process may take, and those of all, in units of 10 ns: the user waits for it. */
const MAX_TIME = { objectWork: 200e6, work: 500e6 };

/** Names to add to a recording. */
export interface FoundNames {
  /** Encoded bundle; undefined if there are none, or they are too large. */
  bundle: Uint8Array | undefined;
  /** A sentence for each file whose names could not be read. */
  failures: string[];
}

/** Limits on what a search may cost. */
interface SearchLimits {
  budget: Budget;
  text: NameText;
}

/** Count of the bytes of names, which whoever wrote them chose. */
class NameText {
  #left = MAX_TEXT;
  #last = -1;

  /** Returns the symbol, whose name is counted unless it is that of the symbol before. Throws LimitError. */
  take(symbol: FoundSymbol | undefined, cost: Cost): FoundSymbol | undefined {
    if (symbol === undefined || symbol.id === this.#last) return symbol;
    this.#last = symbol.id;
    this.#left -= symbol.name.length;
    if (this.#left < 0) throw cost.over(`${MAX_TEXT >> 20} MiB of names in a recording`);
    return symbol;
  }
}

/** Perf map of a process; undefined if there is none. */
export interface OpenedMap {
  file: FileBytes | undefined;
  /** Whether the file is open for longer than the search. */
  isHeld: boolean;
}

/** Jitdump of a process. */
export interface HeldDump {
  path: string;
  file: FileBytes;
}

/** Search for names in one file after another. */
export class NameSearch {
  readonly #limits: SearchLimits = { budget: new Budget(undefined, MAX_TIME), text: new NameText() };
  readonly #answers: ObjectAnswers[] = [];
  readonly #failures: string[] = [];

  /** Adds all names of a process: those in its perf map, else those in its jitdumps as they were in the end. */
  addAll(pid: number, open: () => OpenedMap, dumps: readonly HeldDump[]): void {
    const isFound = this.#addMap(pid, () => namesInMap(pid, open(), undefined, this.#limits));
    if (isFound || dumps.length === 0) return;
    const readable = dumps.filter((dump) => this.#addDump(pid, dump, () => void checkHeader(dump)));
    if (readable.length > 0) this.#addMap(pid, () => namesInDumps(pid, readable, this.#limits));
  }

  /** Adds the names of a process at addresses that samples hit. */
  addHits(
    pid: number,
    open: () => OpenedMap,
    dumps: readonly HeldDump[],
    hits: ReadonlySet<number>,
  ): void {
    const addresses = ascending(hits);
    this.#addMap(pid, () => namesInMap(pid, open(), addresses, this.#limits));
    for (const dump of dumps) this.#addDump(pid, dump, () => namesInDump(pid, dump, addresses, this.#limits));
  }

  #addMap(pid: number, read: () => ObjectAnswers | undefined): boolean {
    return this.#add(codeOf(pid), perfMapPath(pid), () => {
      const answers = read();
      if (answers) this.#answers.push(answers);
      return answers?.symbols !== undefined;
    });
  }

  #addDump(pid: number, { path }: HeldDump, read: () => ObjectAnswers | void): boolean {
    return this.#add(new ObjectTable().ofJitDump(pid, path), path, () => {
      const answers = read();
      if (answers) this.#answers.push(answers);
      return true;
    });
  }

  /** Returns what `add` does for the names in a file of an object; adds why, and returns false, if these cannot be read. */
  #add(object: ObjectInfo, path: string, add: () => boolean): boolean {
    try {
      return add();
    } catch (error) {
      const failure = symbolFailureOf(error), { reason, detail } = failure;
      const isDamaged = reason === REASON.DAMAGED;
      const text = isDamaged
        ? (error as Error).message
        : `the names in ${path} are not kept for reports: ${missingSymbolCause(reason, detail)}`;
      if (!isDamaged) this.#failures.push(text); // a report says of a damaged one that it is
      this.#answers.push({ facts: { ...identityOf(object), failure, warnings: [text] } });
      return false;
    }
  }

  /** Returns what was added. */
  found(): FoundNames {
    const bundle = this.#answers.length > 0 ? encodeBundle(this.#answers) : undefined;
    if (this.#answers.length === 0 || fitsInRecording(bundle)) return { bundle, failures: this.#failures };
    const tooLarge = "the names of run-time code are not kept for reports: they are too many";
    return { bundle: undefined, failures: [...this.#failures, tooLarge] };
  }
}

/** @param addresses that names are needed for; all of the map if undefined. */
function namesInMap(
  pid: number,
  { file, isHeld }: OpenedMap,
  addresses: Float64Array | undefined,
  { budget, text }: SearchLimits,
): ObjectAnswers | undefined {
  if (file === undefined) return undefined;
  const object = codeOf(pid), cost = budget.cost(object.path);
  try {
    file.measure();
    const map = parsePerfMap(file, cost), { symbols } = map;
    const unread = unreadLines(map, object.path);
    if (symbols === undefined) {
      return unread === undefined ? undefined : {
        facts: { ...identityOf(object), failure: { reason: REASON.BAD_PERF_MAP }, warnings: [unread] },
      };
    }
    const find = (address: number) => text.take(symbolAt(symbols, address), cost);
    return {
      facts: {
        ...identityOf(object),
        failure: { reason: REASON.NOT_COVERED },
        ...unread === undefined ? {} : { warnings: [unread] },
      },
      symbols: addresses ? symbolAnswers(addresses, find) : answersBetween(boundsOf(symbols, cost), find),
    };
  } finally {
    cost.abandon();
    if (!isHeld) file.close();
  }
}

/** Returns a dump as it is now, with the name that its process gave it. */
function namedDump({ path, file }: HeldDump): ByteSource {
  file.measure();
  return { name: path, size: file.size, read: (offset, length) => file.read(offset, length) };
}

/** Throws BadInputError if a dump is none that can be read. */
function checkHeader(dump: HeldDump): void {
  const source = namedDump(dump);
  eachJitRecord({ ...source, size: Math.min(source.size, HEADER_SIZE) }, new Cost(), () => {});
}

function namesInDump(
  pid: number,
  dump: HeldDump,
  addresses: Float64Array,
  { budget }: SearchLimits,
): ObjectAnswers | undefined {
  const { path } = dump, cost = budget.cost(path);
  try {
    const jitDump = shortJitDump(
      namedDump(dump),
      ({ address, size }) => anyWithin(addresses, address, size),
      cost,
    );
    if (jitDump === undefined) return undefined;
    const object = new ObjectTable().ofJitDump(pid, path);
    return { facts: { ...identityOf(object), failure: { reason: REASON.NOT_COVERED } }, jitDump };
  } finally {
    cost.abandon();
  }
}

/** Returns the names of code in jitdumps by its address, as if they were those of a perf map. */
function namesInDumps(
  pid: number,
  dumps: readonly HeldDump[],
  { budget, text }: SearchLimits,
): ObjectAnswers | undefined {
  const object = codeOf(pid), cost = budget.cost(object.path), spaces = new AddressSpaces();
  const tables: SymbolTable[] = [], bounds = new Set<number>();
  try {
    for (const held of dumps) {
      const { mappings, symbols } = readJitDump(namedDump(held), cost);
      if (symbols === undefined) continue;
      checkCount(mappings.length, cost);
      tables.push(symbols);
      const dump = spaces.objects.ofJitDump(pid, `${tables.length}`); // its number is the place of its table
      for (const code of mappings) {
        spaces.mapCode(pid, dump, code);
        bounds.add(code.address).add(code.address + code.size);
      }
    }
    const symbols = answersBetween(ascending(bounds), (address) => {
      const dump = spaces.find(pid, address, PERF_RECORD_MISC.USER);
      const found = dump < 0 ? undefined : symbolAt(tables[dump], spaces.at);
      return text.take(found && { ...found, id: found.id * tables.length + dump }, cost);
    });
    return { facts: { ...identityOf(object), failure: { reason: REASON.NOT_COVERED } }, symbols };
  } finally {
    cost.abandon();
  }
}

/** Returns the object of code that a process made, whose names are in its perf map. */
function codeOf(pid: number): ObjectInfo {
  return new ObjectTable().of({ pid, filename: "//anon", pgoff: 0 });
}

function symbolAt(table: SymbolTable, address: number): FoundSymbol | undefined {
  const id = table.find(address);
  return id < 0 ? undefined : { id, name: table.name(id), start: table.starts[id], end: table.ends[id] };
}

/** Returns all addresses at which a symbol of a table begins or ends. Throws LimitError. */
function boundsOf({ starts, ends }: SymbolTable, cost: Cost): Float64Array {
  checkCount(starts.length, cost);
  const bounds = new Set<number>(starts);
  for (const end of ends) bounds.add(end);
  return ascending(bounds);
}

function checkCount(functions: number, cost: Cost): void {
  if (functions > MAX_ALL) {
    throw cost.over(`${MAX_ALL.toLocaleString("en-US")} functions of a process in a pipe`);
  }
}
