/**
 * Processes that make code as they run: whose they are, and the perf maps of those that live in another pid or mount
 * namespace than we do. These write /tmp/perf-PID.map of a /tmp and with a number that only they know, so their maps are
 * held open while they live, and saved when the recording is over.
 */

import { FileBytes } from "../../base/files/file_bytes.ts";
import type { RecordedProcess } from "../../perfdata/format/session_info.ts";
import { savedMapName, saveMap } from "../../symbols/files/cache_folder.ts";
import { jitProcess, openNamespacedPerfMap } from "../../symbols/files/process_files.ts";

/** Maps held at most: each takes a file descriptor. */
const MAX_HELD = 256;
/** Processes remembered at most: more start in an hour only where one makes them to be many. */
const MAX_PROCESSES = 10_000;

export class PerfMaps {
  readonly #processes = new Map<number, RecordedProcess>();
  readonly #held = new Map<number, FileBytes>();
  /** Processes whose map was not there yet. */
  readonly #waiting = new Set<number>();

  /** The process has memory for code of its own making. */
  see(pid: number): void {
    const process = this.#processes.has(pid) || this.#processes.size >= MAX_PROCESSES
      ? undefined
      : jitProcess(pid);
    if (process === undefined) return;
    this.#processes.set(pid, process);
    if (this.#held.size + this.#waiting.size < MAX_HELD) this.#waiting.add(pid);
  }

  /** Takes hold of the maps that are there by now. */
  look(): void {
    for (const pid of this.#waiting) {
      const file = openNamespacedPerfMap(pid);
      const waits = file !== undefined && !(file instanceof FileBytes) && file.kind === "missing";
      if (!waits) this.#waiting.delete(pid); // what is not there has ended, or is in our namespaces
      if (file instanceof FileBytes) this.#held.set(pid, file);
    }
  }

  /** The processes whose maps are held. */
  get pids(): number[] {
    return [...this.#held.keys()];
  }

  /** The processes that were seen, with the names that the held maps of `hit` are to be saved under. */
  processes(hit: ReadonlySet<number>): RecordedProcess[] {
    return [...this.#processes.values()].map((process) => {
      const { pid, started } = process;
      return this.#held.has(pid) && hit.has(pid) ? { ...process, map: savedMapName(pid, started) } : process;
    });
  }

  /** Saves the map of a process; returns why that could not be done. Gives up once `stopped`. */
  async save(pid: number, stopped: () => boolean): Promise<string | undefined> {
    const file = this.#held.get(pid), process = this.#processes.get(pid);
    if (!file || !process) return undefined;
    try {
      return await saveMap(file, savedMapName(pid, process.started), stopped);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** Lets go of all. */
  close(): void {
    for (const file of this.#held.values()) file.close();
    this.#held.clear();
  }
}
