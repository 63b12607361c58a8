/** Tracepoints of the kernel, as tracefs lists them: /sys/kernel/tracing/events/SYSTEM/NAME/id. */

import { type Advice, UnsupportedError } from "../base/system/errors.ts";
import { isMounted } from "../base/text/proc_text.ts";
import { hostFiles, type KernelFiles, readIfAllowed } from "./files.ts";
import { globMatcher, isGlob } from "./glob.ts";

/** Folders where tracefs may be mounted: its own place, then the one under debugfs of older systems. */
const ROOTS = ["/sys/kernel/tracing/events", "/sys/kernel/debug/tracing/events"];

/** Tracepoint; `id` is perf_event_attr.config of its event. */
export interface Tracepoint {
  system: string;
  name: string;
  id: bigint;
}

/** Lookup of tracepoints. Every method but `problem` throws UnsupportedError when tracefs is unreadable. */
export class Tracepoints {
  readonly #files: KernelFiles;
  #root?: string;

  constructor(files: KernelFiles = hostFiles) {
    this.#files = files;
  }

  /** Returns why tracepoints cannot be looked up here, or undefined when they can. */
  problem(): Advice | undefined {
    try {
      this.#events();
      return undefined;
    } catch (error) {
      if (error instanceof UnsupportedError) return error.advice;
      throw error;
    }
  }

  /** Returns the names of the systems (`sched`, `syscalls`), sorted. */
  systems(): string[] {
    const root = this.#events();
    // events/ also contains files such as `enable` and `filter`, which are not systems
    return this.#list(root).filter((name) => !FILES_BESIDE_SYSTEMS.has(name));
  }

  /**
   * Returns the names of a system's tracepoints, sorted; none for an unknown system. Most entries of `ftrace` describe
   * records of tracefs's own buffer: those have no id and are not events.
   */
  names(system: string): string[] {
    const names = this.#list(`${this.#events()}/${system}`)
      .filter((name) => name !== "enable" && name !== "filter");
    return system === "ftrace" ? names.filter((name) => this.find(system, name)) : names;
  }

  /** Returns the tracepoint, or undefined when there is none with this name. */
  find(system: string, name: string): Tracepoint | undefined {
    const path = `${this.#events()}/${system}/${name}/id`;
    const id = allowed(() => this.#files.read(path));
    return id !== undefined && /^\d+$/.test(id) ? { system, name, id: BigInt(id) } : undefined;
  }

  /** Returns all tracepoints that match a pair of globs, by system and name, in the order of their names. */
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

  /** Returns the folder of the systems. */
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

  /** Returns whether tracefs is mounted anywhere: an unmounted folder is just as inaccessible as a mounted one. */
  #mounted(): boolean {
    return isMounted(readIfAllowed(this.#files, "/proc/self/mounts") ?? "- - tracefs", "tracefs");
  }
}

/** Runs `read`; throws UnsupportedError when it fails, since the files may be inaccessible in accessible folders. */
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

/** Advice when tracefs is inaccessible; the mount option gives a group the right to every file below. */
const NOT_ALLOWED: Advice = {
  attempt: "look up tracepoints",
  cause: "this user may not read tracefs (/sys/kernel/tracing)",
  remedy: "sudo mount -o remount,mode=750,gid=$(id -g) /sys/kernel/tracing",
};

const FILES_BESIDE_SYSTEMS = new Set(["enable", "header_event", "header_page"]);
