/**
 * Tracks processes that make code as they run (JIT), and the perf maps of those in another pid or mount namespace than
 * ours. Such a process writes /tmp/perf-PID.map below its own /tmp and with its own number, so its map is held open
 * while it lives, and saved when the recording is over.
 */

import { FileBytes } from "../../base/files/file_bytes.ts";
import type { RecordedProcess } from "../../perfdata/format/session_info.ts";
import { savedMapName, saveMap } from "../../symbols/files/cache_folder.ts";
import { jitProcess, openNamespacedPerfMap } from "../../symbols/files/process_files.ts";

/** Maps held at most: each takes a file descriptor. */
const MAX_HELD = 256;
/** Processes remembered at most: more in one recording are started only on purpose. */
const MAX_PROCESSES = 10_000;

/** Access to processes and to the folder of saved maps. */
export interface PerfMapFiles {
  /** Returns the user and start time of a process; undefined if it has ended. */
  jitProcess: typeof jitProcess;
  /** Opens the map of a process in other namespaces than ours; undefined if there is no such process. */
  openNamespacedPerfMap: typeof openNamespacedPerfMap;
  /** Saves a map; returns why not if its folder cannot be trusted. */
  saveMap: typeof saveMap;
}

/** Processes with code of their own making, and the perf maps that are held of them until `close()`. */
export class PerfMaps {
  readonly #processes = new Map<number, RecordedProcess>();
  readonly #held = new Map<number, FileBytes>();
  /** Processes that have not made their map yet. */
  readonly #waiting = new Set<number>();
  readonly #files: PerfMapFiles;

  /** @param files are this machine's by default. */
  constructor(files: PerfMapFiles = { jitProcess, openNamespacedPerfMap, saveMap }) {
    this.#files = files;
  }

  /** Notes a process that has mapped memory for code of its own making. */
  see(pid: number): void {
    const process = this.#processes.has(pid) || this.#processes.size >= MAX_PROCESSES
      ? undefined
      : this.#files.jitProcess(pid);
    if (process === undefined) return;
    this.#processes.set(pid, process);
    if (this.#held.size + this.#waiting.size < MAX_HELD) this.#waiting.add(pid);
  }

  /** Opens the maps that exist by now. */
  look(): void {
    for (const pid of this.#waiting) {
      const file = this.#files.openNamespacedPerfMap(pid);
      const waits = file !== undefined && !(file instanceof FileBytes) && file.kind === "missing";
      if (!waits) this.#waiting.delete(pid); // held, or the process has ended, or is in our namespaces
      if (file instanceof FileBytes) this.#held.set(pid, file);
    }
  }

  /** Processes whose maps are held. */
  get pids(): number[] {
    return [...this.#held.keys()];
  }

  /** Returns the processes that were seen, those in `hit` with the name that their held map is saved under. */
  processes(hit: ReadonlySet<number>): RecordedProcess[] {
    return [...this.#processes.values()].map((process) => {
      const { pid, started } = process;
      return this.#held.has(pid) && hit.has(pid) ? { ...process, map: savedMapName(pid, started) } : process;
    });
  }

  /** Saves the map of a process; returns why that failed, if it did. Gives up once `stopped()`. */
  async save(pid: number, stopped: () => boolean): Promise<string | undefined> {
    const file = this.#held.get(pid), process = this.#processes.get(pid);
    if (!file || !process) return undefined;
    try {
      return await this.#files.saveMap(file, savedMapName(pid, process.started), stopped);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** Closes all maps. */
  close(): void {
    for (const file of this.#held.values()) file.close();
    this.#held.clear();
  }
}
