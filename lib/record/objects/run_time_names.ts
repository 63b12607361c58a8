/**
 * Names of the code that processes make as they run (JIT). They are in files that are soon gone: /tmp/perf-PID.map, which
 * in a container is below its own /tmp and has its own pid, and jit-PID.dump. The files of containers, and all jitdumps,
 * are held open while their processes live. When the recording is over, the names of what samples hit go into it.
 */

import { FileBytes } from "../../base/files/file_bytes.ts";
import type { OpenRefusal } from "../../base/files/guarded_open.ts";
import type { RecordedProcess } from "../../perfdata/own/session_info.ts";
import { isSameProcess, jitProcess, NamespacedRoot, openJitFile } from "../../symbols/files/process_files.ts";
import { isJitDump } from "../../symbols/jit/jitdump.ts";
import { perfMapPath } from "../../symbols/object/objects.ts";
import { type FileMapping, MappedFiles } from "./mapped_files.ts";
import type { FoundNames, HeldDump, OpenedMap } from "./name_search.ts";

/** Files held at most, of each kind: each takes a file descriptor. */
const MAX_HELD = 256;
/** Processes remembered at most: more in one recording are started only on purpose. */
const MAX_PROCESSES = 10_000;

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

/** Processes with code of their own making, and the files that are held of them until `close()`. */
export class RunTimeNames {
  readonly #processes = new Map<number, RecordedProcess>();
  /** Maps of processes in other namespaces than ours. */
  readonly #maps = new Map<number, FileBytes>();
  /** Jitdumps by process. */
  readonly #dumps = new Map<number, HeldDump[]>();
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
  async findAll(): Promise<FoundNames> {
    const { NameSearch } = await import("./name_search.ts");
    const search = new NameSearch();
    for (const pid of this.#processes.keys()) {
      search.addAll(pid, () => this.#openMap(pid), this.#dumps.get(pid) ?? []);
    }
    return search.found();
  }

  /** Returns the names at addresses that samples hit, by process. */
  async find(hits: ReadonlyMap<number, ReadonlySet<number>>): Promise<FoundNames> {
    const { NameSearch } = await import("./name_search.ts");
    const search = new NameSearch();
    for (const [pid, of] of hits) {
      search.addHits(pid, () => this.#openMap(pid), this.#dumps.get(pid) ?? [], of);
    }
    return search.found();
  }

  /** Opens the map of a process: where it is now if the process lives, for it may have made a new one; or the held one. */
  #openMap(pid: number): OpenedMap {
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

function hostRunTimeFiles(): RunTimeFiles {
  const mapped = new MappedFiles();
  return {
    jitProcess,
    openRoot: (pid) => NamespacedRoot.open(pid),
    openJitFile,
    openMapped: (map) => mapped.open(map),
  };
}
