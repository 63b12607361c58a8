/**
 * Names of the code that processes make as they run (JIT). They are in files that are soon gone: /tmp/perf-PID.map, which
 * in a container is below its own /tmp and has its own pid, and jit-PID.dump. The files of containers, and all jitdumps,
 * are held open while their processes live. When the recording is over, the names of what samples hit go into it.
 */

import { FileBytes } from "../../base/files/file_bytes.ts";
import type { RecordedProcess } from "../../perfdata/own/session_info.ts";
import { jitProcess, openJitFile, openNamespacedPerfMap } from "../../symbols/files/process_files.ts";
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
import { type ObjectInfo, ObjectTable } from "../../symbols/object/objects.ts";
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
/** Time that reading the files of one process may take, and those of all, in units of 10 ns: the user waits for it. */
const MAX_TIME = { objectWork: 200e6, work: 500e6 };

/** Access to processes and their files. */
export interface RunTimeFiles {
  /** Returns the user and start time of a process; undefined if it has ended. */
  jitProcess: typeof jitProcess;
  /** Opens the map of a process in other namespaces than ours; undefined if there is no such process. */
  openNamespacedPerfMap: typeof openNamespacedPerfMap;
  /** Opens a map in our own /tmp. */
  openJitFile: typeof openJitFile;
  /** Opens the file of a mapping; undefined if nobody has it any more. */
  openMapped(map: FileMapping): FileBytes | undefined;
}

/** Names to add to a recording. */
export interface FoundNames {
  answers: ObjectAnswers[];
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
  /** Processes that have not made their map yet, as far as is known in other namespaces than ours. */
  readonly #waiting = new Set<number>();
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
    if (this.#maps.size + this.#waiting.size < MAX_HELD) this.#waiting.add(pid);
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
    for (const pid of this.#waiting) {
      const file = this.#files.openNamespacedPerfMap(pid);
      const waits = file !== undefined && !(file instanceof FileBytes) && file.kind === "missing";
      if (!waits) this.#waiting.delete(pid); // held, or the process has ended, or is in our namespaces
      if (file instanceof FileBytes) this.#maps.set(pid, file);
    }
  }

  /** Processes that were seen. */
  get processes(): RecordedProcess[] {
    return [...this.#processes.values()];
  }

  /** Returns all names of all processes, of jitdumps as they were in the end. */
  findAll(): FoundNames {
    const found: FoundNames = { answers: [], failures: [] };
    const budget = new Budget(undefined, MAX_TIME);
    for (const pid of this.#processes.keys()) {
      const before = found.answers.length;
      this.#find(mapPath(pid), () => this.#namesInMap(pid, undefined, budget), found);
      if (found.answers.length > before) continue;
      const dumps = (this.#dumps.get(pid) ?? []).map(({ file }) => file);
      if (dumps.length > 0) this.#find(dumps[0].name, () => namesInDumps(pid, dumps, budget), found);
    }
    return found;
  }

  /** Returns the names at addresses that samples hit, by process. */
  find(hits: ReadonlyMap<number, ReadonlySet<number>>): FoundNames {
    const found: FoundNames = { answers: [], failures: [] };
    const budget = new Budget(undefined, MAX_TIME);
    for (const [pid, addresses] of hits) {
      const sorted = ascending(addresses);
      this.#find(mapPath(pid), () => this.#namesInMap(pid, sorted, budget), found);
      for (const { path, file } of this.#dumps.get(pid) ?? []) {
        this.#find(path, () => namesInDump({ pid, path, file, addresses: sorted, budget }), found);
      }
    }
    return found;
  }

  #find(path: string, read: () => ObjectAnswers | undefined, { answers, failures }: FoundNames): void {
    try {
      const answer = read();
      if (answer) answers.push(answer);
    } catch (error) {
      const { reason, detail } = symbolFailureOf(error);
      if (reason === REASON.DAMAGED) return; // a report says so
      failures.push(`the names in ${path} are not kept for reports: ${missingSymbolCause(reason, detail)}`);
    }
  }

  /** @param addresses that names are needed for; all of the map if undefined. */
  #namesInMap(
    pid: number,
    addresses: Float64Array | undefined,
    budget: Budget,
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
          ? symbolAnswers(addresses, (address) => symbolAt(symbols, address))
          : answersBetween(boundsOf(symbols, cost), (address) => symbolAt(symbols, address)),
      };
    } finally {
      cost.abandon();
      if (!isHeld) file.close();
    }
  }

  /** Opens the map of a process: where it is now if the process lives, for it may have made a new one; or the held one. */
  #openMap(pid: number): { file: FileBytes | undefined; isHeld: boolean } {
    const process = this.#processes.get(pid), now = this.#files.jitProcess(pid);
    const lives = now !== undefined && (process === undefined || Math.abs(now.started - process.started) < 2);
    const current = lives ? this.#files.openNamespacedPerfMap(pid) : undefined;
    if (current instanceof FileBytes) return { file: current, isHeld: false };
    const held = this.#maps.get(pid);
    if (held !== undefined || current !== undefined || this.#waiting.has(pid)) {
      return { file: held, isHeld: true };
    }
    const file = this.#files.openJitFile(mapPath(pid), process ?? now);
    return { file: file instanceof FileBytes ? file : undefined, isHeld: false };
  }

  /** Closes all files. */
  close(): void {
    for (const file of this.#maps.values()) file.close();
    for (const { file } of [...this.#dumps.values()].flat()) file.close();
    this.#maps.clear();
    this.#dumps.clear();
  }
}

/** Jitdump of a process, and the addresses that samples hit. */
interface HitDump {
  pid: number;
  path: string;
  file: FileBytes;
  addresses: Float64Array;
  budget: Budget;
}

function namesInDump({ pid, path, file, addresses, budget }: HitDump): ObjectAnswers | undefined {
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
function namesInDumps(pid: number, files: readonly FileBytes[], budget: Budget): ObjectAnswers | undefined {
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
      return found && { ...found, id: found.id * tables.length + dump };
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

function mapPath(pid: number): string {
  return `/tmp/perf-${pid}.map`;
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
  return { jitProcess, openNamespacedPerfMap, openJitFile, openMapped: (map) => mapped.open(map) };
}
