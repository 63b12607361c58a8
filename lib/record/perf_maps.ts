/**
 * The perf maps of processes that live in another pid or mount namespace than we do: they write /tmp/perf-PID.map of
 * a /tmp and with a number that only they know. Held open while they live, and put where every reader looks for
 * them when the recording is over: into our own /tmp, under the number that the recording has.
 */

import { FileBytes, identityOf } from "../base/file_bytes.ts";
import { namespacedPerfMap } from "../symbols/host_files.ts";

/** Processes looked after at most: each takes a file descriptor. */
const MOST = 256;

export class PerfMaps {
  readonly #held = new Map<number, FileBytes>();
  /** Processes that have run-time code, whose map was not there yet. */
  readonly #waiting = new Set<number>();

  /** The process has memory for code of its own making. */
  see(pid: number): void {
    if (this.#held.has(pid) || this.#held.size + this.#waiting.size >= MOST) return;
    this.#waiting.add(pid);
  }

  /** Takes hold of the maps that are there by now. */
  look(): void {
    for (const pid of this.#waiting) {
      const path = namespacedPerfMap(pid);
      if (path === undefined) {
        this.#waiting.delete(pid); // it has ended, or it is in our namespaces
        continue;
      }
      const file = FileBytes.tryOpen(path);
      if (!file) continue;
      this.#waiting.delete(pid);
      if (file.identity === identityAt(ourPath(pid))) file.close();
      else this.#held.set(pid, file);
    }
  }

  /** The processes whose maps are held. */
  get pids(): number[] {
    return [...this.#held.keys()];
  }

  /** Puts the map of a process where it is looked for, unless something is there. */
  save(pid: number): void {
    const file = this.#held.get(pid);
    if (!file) return;
    try {
      // never through a link that somebody else put into /tmp
      using to = Deno.openSync(ourPath(pid), { write: true, createNew: true, mode: 0o644 });
      const buffer = new Uint8Array(1 << 16);
      for (let at = 0, n: number; (n = file.readAt(at, buffer)) > 0; at += n) {
        for (let done = 0; done < n;) done += to.writeSync(buffer.subarray(done, n));
      }
    } catch {
      // what is there stays; the report says what has no names
    }
  }

  /** Lets go of all. */
  close(): void {
    for (const file of this.#held.values()) file.close();
    this.#held.clear();
  }
}

function ourPath(pid: number): string {
  return `/tmp/perf-${pid}.map`;
}

function identityAt(path: string): string | undefined {
  try {
    return identityOf(Deno.statSync(path));
  } catch {
    return undefined;
  }
}
