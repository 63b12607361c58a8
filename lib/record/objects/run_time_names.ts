/**
 * Names of the code that processes make as they run (JIT). They are in files that are soon gone: /tmp/perf-PID.map, which
 * in a container is below its own /tmp and has its own pid, and jit-PID.dump. The files of containers, and all jitdumps,
 * are held open while their processes live. When the recording is over, the names of what samples hit go into it.
 */

import { FileBytes } from "../../base/files/file_bytes.ts";
import type { OpenRefusal } from "../../base/files/guarded_open.ts";
import type { RecordedProcess } from "../../perfdata/own/session_info.ts";
import { isSameProcess, jitProcess, NamespacedRoot, openJitFile } from "../../symbols/files/process_files.ts";
import { fitsInRecording } from "../../perfdata/own/names_part.ts";
import { encodeBundle } from "../../symbols/bundle/bundle.ts";
import { identityOf, type ObjectAnswers } from "../../symbols/bundle/bundled_object.ts";
import {
  answersBetween,
  ascending,
  type FoundSymbol,
  symbolAnswers,
} from "../../symbols/bundle/symbol_answers.ts";
import { isJitDump, readJitDump } from "../../symbols/jit/jitdump.ts";
import { parsePerfMap, unreadLines } from "../../symbols/jit/perf_map.ts";
import { anyWithin, shortJitDump } from "../../symbols/jit/short_jitdump.ts";
import { Budget, type Cost } from "../../symbols/object/limits.ts";
import { missingSymbolCause, REASON, symbolFailureOf } from "../../symbols/object/missing_symbol_reasons.ts";
import { type ObjectInfo, ObjectTable, perfMapPath } from "../../symbols/object/objects.ts";
import { AddressSpaces } from "../../symbols/space/address_space.ts";
import type { SymbolTable } from "../../symbols/table/symbol_table.ts";
import { PERF_RECORD_MISC } from "../../base/system/abi.ts";
import { type FileMapping, MappedFiles } from "./mapped_files.ts";

/** Files held at most, of each kind: each takes a file descriptor. */
const MAX_HELD = 256;
/** Processes remembered at most: more in one recording are started only on purpose. */
const MAX_PROCESSES = 10_000;
/** Functions of a process that are kept at most where all are: a large Java server has as many. */
const MAX_ALL = 200_000;
/** Most bytes of names that a recording gets. */
const MAX_TEXT = 32 << 20;
/** Time that reading the files of one process may take, and those of all, in units of 10 ns: the user waits for it. */
const MAX_TIME = { objectWork: 200e6, work: 500e6 };

/** Access to processes and their files. */
export interface RunTimeFiles {
  /** Returns the user and start time of a process; undefined if it has ended. */
  jitProcess: typeof jitProcess;
  /** Opens the root of a process in other namespaces than ours; undefined if there is no such process. */
  openRoot(pid: number): Pick<NamespacedRoot, "openPerfMap" | typeof Symbol.dispose> | undefined;
  /** Opens a map in our own /tmp. */
  openJitFile: typeof openJitFile;
  /** Opens the file of a mapping; undefined if nobody has it any more. */
  openMapped(map: FileMapping): FileBytes | undefined;
}

/** Names to add to a recording. */
export interface FoundNames {
  /** Encoded bundle; undefined if there are none, or they are too large. */
  bundle: Uint8Array | undefined;
  /** A sentence for each file whose names could not be read. */
  failures: string[];
}

/** Processes with code of their own making, and the files that are held of them until `close()`. */
export class RunTimeNames {
  readonly #processes = new Map<number, RecordedProcess>();
  /** Maps of processes in other namespaces than ours. */
  readonly #maps = new Map<number, FileBytes>();
  /** Jitdumps by process. */
  readonly #dumps = new Map<number, { path: string; file: FileBytes }[]>();
  #heldDumps = 0;
  /** Processes that have not made their map yet: roots of those in other namespaces than ours, once that is known. */
  readonly #waiting = new Map<number, ReturnType<RunTimeFiles["openRoot"]>>();
  readonly #files: RunTimeFiles;

  /** @param files are this machine's by default. */
  constructor(files: RunTimeFiles = hostRunTimeFiles()) {
    this.#files = files;
  }

  /** Notes a process that has mapped memory for code of its own making, or its jitdump. */
  see(map: FileMapping): void {
    const { pid, filename } = map;
    const isDump = isJitDump(filename);
    if (!isDump && !filename.startsWith("//anon")) return;
    this.#seeProcess(pid);
    if (isDump) this.#holdDump(map);
  }

  #seeProcess(pid: number): void {
    const process = this.#processes.has(pid) || this.#processes.size >= MAX_PROCESSES
      ? undefined
      : this.#files.jitProcess(pid);
    if (process === undefined) return;
    this.#processes.set(pid, process);
    if (this.#maps.size + this.#waiting.size < MAX_HELD) this.#waiting.set(pid, undefined);
  }

  /** Holds a jitdump. Its process has mapped it, so it is the right one, but maybe of another user. */
  #holdDump(map: FileMapping): void {
    const { pid, filename: path } = map;
    const held = this.#dumps.get(pid) ?? [];
    if (this.#heldDumps === MAX_HELD || held.some((each) => each.path === path)) return;
    const file = this.#files.openMapped(map);
    if (file === undefined) return;
    this.#heldDumps++;
    this.#dumps.set(pid, [...held, { path, file }]);
  }

  /** Opens the maps that exist by now. */
  look(): void {
    for (const [pid, held] of this.#waiting) {
      const root = this.#files.openRoot(pid);
      // a map may have been made just before its process ended
      const file = (root ?? held)?.openPerfMap();
      const waits = root !== undefined && file !== undefined && !(file instanceof FileBytes) &&
        file.kind === "missing";
      held?.[Symbol.dispose]();
      if (waits) this.#waiting.set(pid, root);
      else {
        root?.[Symbol.dispose]();
        this.#waiting.delete(pid); // held, or the process has ended, or is in our namespaces
      }
      if (file instanceof FileBytes) this.#maps.set(pid, file);
    }
  }

  /** Processes that were seen. */
  get processes(): RecordedProcess[] {
    return [...this.#processes.values()];
  }

  /** Returns all names of all processes, of jitdumps as they were in the end. */
  findAll(): FoundNames {
    const search = new NameSearch();
    for (const pid of this.#processes.keys()) {
      const isFound = search.add(perfMapPath(pid), (limits) => this.#namesInMap(pid, undefined, limits));
      const dumps = (this.#dumps.get(pid) ?? []).map(({ file }) => file);
      if (!isFound && dumps.length > 0) {
        search.add(dumps[0].name, (limits) => namesInDumps(pid, dumps, limits));
      }
    }
    return search.found();
  }

  /** Returns the names at addresses that samples hit, by process. */
  find(hits: ReadonlyMap<number, ReadonlySet<number>>): FoundNames {
    const search = new NameSearch();
    for (const [pid, of] of hits) {
      const addresses = ascending(of);
      search.add(perfMapPath(pid), (limits) => this.#namesInMap(pid, addresses, limits));
      for (const { path, file } of this.#dumps.get(pid) ?? []) {
        search.add(path, (limits) => namesInDump({ pid, path, file, addresses }, limits));
      }
    }
    return search.found();
  }

  /** @param addresses that names are needed for; all of the map if undefined. */
  #namesInMap(
    pid: number,
    addresses: Float64Array | undefined,
    { budget, text }: SearchLimits,
  ): ObjectAnswers | undefined {
    const { file, isHeld } = this.#openMap(pid);
    if (file === undefined) return undefined;
    const object = codeOf(pid), cost = budget.cost(object.path);
    try {
      file.measure();
      const map = parsePerfMap(file, cost), { symbols } = map;
      if (symbols === undefined) return undefined;
      const unread = unreadLines(map, object.path);
      return {
        facts: {
          ...identityOf(object),
          failure: { reason: REASON.NOT_COVERED },
          ...unread === undefined ? {} : { warnings: [unread] },
        },
        symbols: addresses
          ? symbolAnswers(addresses, (address) => text.take(symbolAt(symbols, address), cost))
          : answersBetween(
            boundsOf(symbols, cost),
            (address) => text.take(symbolAt(symbols, address), cost),
          ),
      };
    } finally {
      cost.abandon();
      if (!isHeld) file.close();
    }
  }

  /** Opens the map of a process: where it is now if the process lives, for it may have made a new one; or the held one. */
  #openMap(pid: number): { file: FileBytes | undefined; isHeld: boolean } {
    const process = this.#processes.get(pid), now = this.#files.jitProcess(pid);
    const current = isSameProcess(now, process) ? this.#currentMap(pid) : undefined;
    if (current instanceof FileBytes) return { file: current, isHeld: false };
    const held = this.#maps.get(pid);
    if (held !== undefined || current !== undefined || this.#waiting.has(pid)) {
      return { file: held, isHeld: true };
    }
    const file = this.#files.openJitFile(perfMapPath(pid), process ?? now);
    return { file: file instanceof FileBytes ? file : undefined, isHeld: false };
  }

  #currentMap(pid: number): FileBytes | OpenRefusal | undefined {
    using root = this.#files.openRoot(pid);
    return root?.openPerfMap();
  }

  /** Closes all files. */
  close(): void {
    for (const root of this.#waiting.values()) root?.[Symbol.dispose]();
    this.#waiting.clear();
    for (const file of this.#maps.values()) file.close();
    for (const { file } of [...this.#dumps.values()].flat()) file.close();
    this.#maps.clear();
    this.#dumps.clear();
  }
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

/** Search for names in one file after another. */
class NameSearch {
  readonly #limits: SearchLimits = { budget: new Budget(undefined, MAX_TIME), text: new NameText() };
  readonly #answers: ObjectAnswers[] = [];
  readonly #failures: string[] = [];

  /** Adds the names in a file; returns whether there are any. */
  add(path: string, read: (limits: SearchLimits) => ObjectAnswers | undefined): boolean {
    try {
      const answers = read(this.#limits);
      if (answers) this.#answers.push(answers);
      return answers !== undefined;
    } catch (error) {
      const { reason, detail } = symbolFailureOf(error);
      // a report says of a damaged one that it is
      if (reason !== REASON.DAMAGED) {
        this.#failures.push(
          `the names in ${path} are not kept for reports: ${missingSymbolCause(reason, detail)}`,
        );
      }
      return false;
    }
  }

  found(): FoundNames {
    const bundle = this.#answers.length > 0 ? encodeBundle(this.#answers) : undefined;
    if (this.#answers.length === 0 || fitsInRecording(bundle)) return { bundle, failures: this.#failures };
    const tooLarge = "the names of run-time code are not kept for reports: they are too many";
    return { bundle: undefined, failures: [...this.#failures, tooLarge] };
  }
}

/** Jitdump of a process, and the addresses that samples hit. */
interface HitDump {
  pid: number;
  path: string;
  file: FileBytes;
  addresses: Float64Array;
}

function namesInDump(
  { pid, path, file, addresses }: HitDump,
  { budget }: SearchLimits,
): ObjectAnswers | undefined {
  const cost = budget.cost(path);
  try {
    file.measure();
    const jitDump = shortJitDump(file, ({ address, size }) => anyWithin(addresses, address, size), cost);
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
  files: readonly FileBytes[],
  { budget, text }: SearchLimits,
): ObjectAnswers | undefined {
  const object = codeOf(pid), cost = budget.cost(object.path), spaces = new AddressSpaces();
  const tables: SymbolTable[] = [], bounds = new Set<number>();
  try {
    for (const file of files) {
      file.measure();
      const { mappings, symbols } = readJitDump(file, cost);
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

function hostRunTimeFiles(): RunTimeFiles {
  const mapped = new MappedFiles();
  return {
    jitProcess,
    openRoot: (pid) => NamespacedRoot.open(pid),
    openJitFile,
    openMapped: (map) => mapped.open(map),
  };
}
