/** The kernel's tracepoints, as tracefs lists them: /sys/kernel/tracing/events/SYSTEM/NAME/id. */

import { type Advice, UnsupportedError } from "../base/system/errors.ts";
import { isMounted } from "../base/text/proc_text.ts";
import { hostFiles, type KernelFiles, readIfAllowed } from "./files.ts";
import { globMatcher, isGlob } from "./glob.ts";

/** Where tracefs is mounted: its own place, then the one under debugfs that older systems have. */
const ROOTS = ["/sys/kernel/tracing/events", "/sys/kernel/debug/tracing/events"];

/** A tracepoint; `id` is perf_event_attr.config of its event. */
export interface Tracepoint {
  system: string;
  name: string;
  id: bigint;
}

/** Looks tracepoints up. Every method but `problem` throws UnsupportedError when tracefs cannot be read. */
export class Tracepoints {
  readonly #files: KernelFiles;
  #root?: string;

  constructor(files: KernelFiles = hostFiles) {
    this.#files = files;
  }

  /** Why tracepoints cannot be looked up here, or undefined when they can. */
  problem(): Advice | undefined {
    try {
      this.#events();
      return undefined;
    } catch (error) {
      if (error instanceof UnsupportedError) return error.advice;
      throw error;
    }
  }

  /** Names of the systems (`sched`, `syscalls`), sorted. */
  systems(): string[] {
    const root = this.#events();
    // events/ also holds the files `enable`, `filter` and the like, which have no events below them.
    return this.#list(root).filter((name) => !FILES_BESIDE_SYSTEMS.has(name));
  }

  /**
   * Names of a system's tracepoints, sorted; empty when there is no such system. Most of what is under
   * `ftrace` describes records of tracefs's own buffer: those have no id and are no events.
   */
  names(system: string): string[] {
    const names = this.#list(`${this.#events()}/${system}`)
      .filter((name) => name !== "enable" && name !== "filter");
    return system === "ftrace" ? names.filter((name) => this.find(system, name)) : names;
  }

  /** The tracepoint, or undefined when there is none of that name. */
  find(system: string, name: string): Tracepoint | undefined {
    const path = `${this.#events()}/${system}/${name}/id`;
    const id = allowed(() => this.#files.read(path));
    return id !== undefined && /^\d+$/.test(id) ? { system, name, id: BigInt(id) } : undefined;
  }

  /** All that match a pair of globs, by system and name, in the order of their names. */
  expand(systemGlob: string, nameGlob: string): Tracepoint[] {
    const systems = isGlob(systemGlob) ? this.systems().filter(globMatcher(systemGlob)) : [systemGlob];
    return systems.flatMap((system) => {
      const names = isGlob(nameGlob) ? this.names(system).filter(globMatcher(nameGlob)) : [nameGlob];
      return names.map((name) => this.find(system, name)).filter((t) => t !== undefined);
    });
  }

  #list(path: string): string[] {
    return allowed(() => this.#files.list(path)) ?? [];
  }

  /** The directory of the systems. */
  #events(): string {
    if (this.#root) return this.#root;
    try {
      this.#root = ROOTS.find((root) => (this.#files.list(root)?.length ?? 0) > 0);
    } catch {
      throw new UnsupportedError(this.#mounted() ? NOT_ALLOWED : NOT_MOUNTED);
    }
    if (!this.#root) throw new UnsupportedError(NOT_MOUNTED);
    return this.#root;
  }

  /** Whether tracefs is mounted anywhere: where it is not, its directory is as closed as where it is. */
  #mounted(): boolean {
    return isMounted(readIfAllowed(this.#files, "/proc/self/mounts") ?? "- - tracefs", "tracefs");
  }
}

/** The directories may be open where the files in them are not. */
function allowed<T>(read: () => T): T {
  try {
    return read();
  } catch {
    throw new UnsupportedError(NOT_ALLOWED);
  }
}

const NOT_MOUNTED: Advice = {
  attempt: "look up tracepoints",
  cause: "tracefs is not mounted",
  remedy: "sudo mount -t tracefs nodev /sys/kernel/tracing",
};

/** The kernel gives a group that mount option names the right to every file below. */
const NOT_ALLOWED: Advice = {
  attempt: "look up tracepoints",
  cause: "tracefs (/sys/kernel/tracing) is closed to this user",
  remedy: "sudo mount -o remount,mode=750,gid=$(id -g) /sys/kernel/tracing",
};

const FILES_BESIDE_SYSTEMS = new Set(["enable", "header_event", "header_page"]);
