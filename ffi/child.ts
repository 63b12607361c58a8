/** Child processes that wait before exec, so that events can be opened on them first. Protocol: ffi/shim/pmu.h. */

import { toCString } from "../lib/base/bytes/bytes.ts";
import { caller } from "../lib/base/system/caller.ts";
import { ERRNO, PmuError } from "../lib/base/system/errno.ts";
import { shim, shimPath } from "./load.ts";
import { checked } from "./result.ts";

/** Command to run, and how to set it up. */
export interface SpawnOptions {
  /** Program name and arguments; at least the name. */
  argv: readonly string[];
  /** File to run, looked up in PATH when it has no slash. Default: argv[0]. */
  path?: string;
  /** Complete environment. Default: that of whoever started pmuctl. */
  env?: Readonly<Record<string, string>>;
  /** Working directory. Default: this process's. */
  cwd?: string;
  /** Descriptors that become standard input, output and error; -1 keeps this process's. */
  stdio?: readonly [number, number, number];
  /** Start a session of its own, with no descriptors but the standard three: for a child that outlives this process. */
  detach?: boolean;
  /**
   * Start a process group of its own, so that `killGroup()` also ends what the child starts. The terminal's Ctrl-C does
   * not reach it.
   */
  ownGroup?: boolean;
  /**
   * Measure `maxrssBytes` of the child alone, rather than at least this process's: the child is forked from a process
   * without memory. Fails with PmuError of `launcher` (EACCES) where the shim's location forbids executing files.
   */
  ownMemory?: boolean;
}

/** Resources that a child and the children it waited for have used: getrusage(2). */
export interface ResourceUsage {
  /** CPU time in user mode. */
  utimeNs: number;
  /** CPU time in the kernel. */
  stimeNs: number;
  /** Peak resident memory. */
  maxrssBytes: number;
  /** Page faults without I/O. */
  minflt: number;
  /** Page faults with I/O. */
  majflt: number;
  /** Blocks of 512 bytes read. */
  inblock: number;
  /** Blocks of 512 bytes written. */
  oublock: number;
  /** Context switches because it waited. */
  nvcsw: number;
  /** Context switches forced by the scheduler. */
  nivcsw: number;
}

/** Exit of a timed run. Usage and time start just before the exec. */
export interface TimedExit extends Exit {
  /** Duration from just before the exec until the wait for its end returned. */
  wallNs: number;
}

/** Exit of a child. */
export interface Exit {
  /** Exit status as a shell reports it: the status itself, or 128 plus the signal. */
  code: number;
  /** Signal that ended it, or 0. */
  signal: number;
  usage: ResourceUsage;
}

/** Names of the failing calls, by enum pmu_spawn_stage. */
const STAGES = ["spawn", "spawn", "fork", "dup2", "chdir", "launcher"];
const WNOHANG = 1;
/** PMU_SPAWN_DETACH and PMU_SPAWN_GROUP of ffi/shim/pmu.h. */
const DETACH = 1, OWN_GROUP = 2;
/** Size of struct pmu_setup in bytes, and the indices of its u64 fields. */
const SETUP = { BYTES: 32, IGNORED: 2, NOFILE: 3 } as const;
const RUSAGE_FIELDS = 16;
/** Index of PMU_RUSAGE_ENDED_NS. */
const ENDED_NS = 9;
/**
 * Indices in struct pmu_child: of 32-bit words, except EXEC_NS and USED (the first of RUSAGE_FIELDS), which are of
 * 64-bit words.
 */
const CHILD = { PID: 0, LINE_FD: 1, STAGE: 2, EXEC_NS: 2, USED: 3, FIELDS: 6 + 2 * RUSAGE_FIELDS } as const;

/** Children that have not been waited for, by pid. */
const unreaped = new Set<number>();

/** Returns whether a process is a child made by `spawn()` that has not been waited for. */
export function isSpawned(pid: number): boolean {
  return unreaped.has(pid);
}

/** Child process, waiting before exec or released. */
export class Child {
  readonly pid: number;
  readonly #child: Int32Array<ArrayBuffer>;

  /** Takes over the struct pmu_child that pmu_spawn filled. Only for spawn(). */
  constructor(child: Int32Array<ArrayBuffer>) {
    this.#child = child;
    this.pid = child[CHILD.PID];
    unreaped.add(this.pid);
  }

  /**
   * Lets the child exec, and waits until it has. Throws PmuError of `execve` (ENOENT, EACCES, ENOEXEC...) when that
   * fails; the child is dead then.
   */
  async release(): Promise<void> {
    const result = await shim().pmu_release(this.#child);
    if (result < 0) unreaped.delete(this.pid); // it was waited for there
    checked("execve", result);
  }

  /** Ends the child without exec. Only before `release()`. */
  cancel(): void {
    checked("cancel", shim().pmu_cancel(this.#child));
    unreaped.delete(this.pid);
  }

  /**
   * Lets the child exec and waits until it ends. The returned time and usage start just before the exec: they include
   * no work of this process and no wait for a CPU before it. Throws as `release()`.
   */
  async run(): Promise<TimedExit> {
    const status = new Int32Array(1);
    const rusage = new BigUint64Array(RUSAGE_FIELDS);
    // start waiting before the release: a command may end before this thread would get to it
    const ended = shim().pmu_wait(this.pid, 0, status, rusage);
    await this.release();
    checked("wait4", await ended);
    unreaped.delete(this.pid);
    const before = new BigUint64Array(this.#child.buffer);
    const exit = exitOf(status[0], rusage);
    return {
      ...exit,
      usage: since(exit.usage, usageOf(before.subarray(CHILD.USED))),
      wallNs: Number(rusage[ENDED_NS] - before[CHILD.EXEC_NS]),
    };
  }

  /** Waits until the child ends. Throws PmuError of `wait4`: ECHILD when it has been waited for before. */
  async wait(): Promise<Exit> {
    const status = new Int32Array(1);
    const rusage = new BigUint64Array(RUSAGE_FIELDS);
    checked("wait4", await shim().pmu_wait(this.pid, 0, status, rusage));
    unreaped.delete(this.pid);
    return exitOf(status[0], rusage);
  }

  /** Returns how the child ended, or undefined while it runs. Throws as `wait()`. */
  poll(): Exit | undefined {
    const status = new Int32Array(1);
    const rusage = new BigUint64Array(RUSAGE_FIELDS);
    const pid = checked("wait4", shim().pmu_poll(this.pid, WNOHANG, status, rusage));
    if (pid === 0) return undefined;
    unreaped.delete(this.pid);
    return exitOf(status[0], rusage);
  }

  /** Sends the child a signal. Throws PmuError: ESRCH when it has ended and was waited for. */
  kill(signal: number): void {
    kill(this.pid, signal);
  }

  /** Sends a signal to the child's own process group. Throws PmuError: ESRCH when none of the group is left. */
  killGroup(signal: number): void {
    checked("kill", shim().pmu_kill_group(this.pid, signal));
  }
}

/** Sends `signal` to a process. Throws PmuError. */
export function kill(pid: number, signal: number): void {
  checked("kill", shim().pmu_kill(pid, signal));
}

/** Waits for a child of this process if it has ended. Returns false while it runs. */
export function reap(pid: number): boolean {
  return shim().pmu_poll(pid, WNOHANG, new Int32Array(1), new BigUint64Array(RUSAGE_FIELDS)) !== 0;
}

/**
 * Spawns a child that waits before exec. Its limit on open files and its ignored and blocked signals are those of
 * whoever started pmuctl. Throws PmuError: of `chdir` for a bad `cwd`, of `dup2` for a bad descriptor, of `fork` when
 * no more processes are possible.
 */
export function spawn(options: SpawnOptions): Child {
  const { argv } = options;
  const env = environmentOf(options);
  const child = new Int32Array(CHILD.FIELDS);
  const result = shim().pmu_spawn(
    cString(options.path ?? argv[0] ?? ""),
    block(argv),
    argv.length,
    env?.block ?? null,
    env?.count ?? 0,
    options.cwd === undefined ? null : cString(options.cwd),
    setupOf(options),
    options.ownMemory ? toCString(shimPath()) : null,
    child,
  );
  checked(STAGES[child[CHILD.STAGE]] ?? "spawn", result);
  return new Child(child);
}

/** Returns the environment as consecutive C strings; undefined for this process's own. */
function environmentOf({ env }: SpawnOptions): { block: Uint8Array<ArrayBuffer>; count: number } | undefined {
  if (env !== undefined) {
    const strings = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    return { block: block(strings), count: strings.length };
  }
  const { environment } = caller();
  if (environment === undefined) return undefined;
  const count = environment.reduce((n, byte) => n + Number(byte === 0), 0);
  return { block: count > 0 ? environment : block([]), count };
}

/** Encodes a struct pmu_setup. */
function setupOf({ stdio, detach, ownGroup }: SpawnOptions): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(SETUP.BYTES);
  const { ignored, openFiles = 0n } = caller();
  new Int32Array(bytes.buffer).set([
    ...(stdio ?? [-1, -1, -1]),
    (detach ? DETACH : 0) | (ownGroup ? OWN_GROUP : 0),
  ]);
  const words = new BigUint64Array(bytes.buffer);
  words[SETUP.IGNORED] = ignored;
  words[SETUP.NOFILE] = openFiles;
  return bytes;
}

/** Encodes a C string. Throws PmuError for a NUL within, which would silently truncate it. */
function cString(text: string): Uint8Array<ArrayBuffer> {
  if (text.includes("\0")) throw new PmuError("spawn", ERRNO.EINVAL);
  return toCString(text);
}

/** Encodes consecutive C strings, with a final NUL so that even an empty list has an address. */
function block(strings: readonly string[]): Uint8Array<ArrayBuffer> {
  strings.forEach(cString);
  return toCString(strings.map((text) => text + "\0").join(""));
}

/** Decodes a wait status (wait(2)) and the usage in the layout of enum pmu_rusage_field. */
function exitOf(status: number, rusage: BigUint64Array): Exit {
  const signal = status & 0x7f;
  return { code: signal === 0 ? (status >> 8) & 0xff : 128 + signal, signal, usage: usageOf(rusage) };
}

function usageOf(rusage: BigUint64Array): ResourceUsage {
  const [utimeNs, stimeNs, maxrssBytes, minflt, majflt, inblock, oublock, nvcsw, nivcsw] = Array.from(
    rusage,
    Number,
  );
  return { utimeNs, stimeNs, maxrssBytes, minflt, majflt, inblock, oublock, nvcsw, nivcsw };
}

/** Returns the usage since `before`; the peak memory stays as it is. */
function since(usage: ResourceUsage, before: ResourceUsage): ResourceUsage {
  const rest = (Object.keys(usage) as (keyof ResourceUsage)[]).map((key) => [key, usage[key] - before[key]]);
  return { ...Object.fromEntries(rest), maxrssBytes: usage.maxrssBytes };
}
