/** Children that wait before exec, so that events can be opened on them first. Protocol: ffi/shim/pmu.h. */

import { toCString } from "../lib/base/bytes/bytes.ts";
import { caller } from "../lib/base/system/caller.ts";
import { ERRNO, PmuError } from "../lib/base/system/errno.ts";
import { shim, shimPath } from "./load.ts";
import { checked } from "./result.ts";

/** What to run. */
export interface SpawnOptions {
  /** The program's name and its arguments; at least the name. */
  argv: readonly string[];
  /** The file to run, looked up in PATH when it has no slash. Default: argv[0]. */
  path?: string;
  /** The whole environment. Default: that of whoever started us. */
  env?: Readonly<Record<string, string>>;
  /** The working directory. Default: this process's. */
  cwd?: string;
  /** Descriptors that become standard input, output and error; -1 keeps this process's. */
  stdio?: readonly [number, number, number];
  /** A session of its own, and no descriptors but the standard three: for what is to outlive us. */
  detach?: boolean;
  /** A process group of its own, so that `killGroup()` ends what it starts as well. A terminal's Ctrl-C passes it by. */
  ownGroup?: boolean;
  /**
   * Its `maxrssBytes` is to be its own, rather than at least what this process has: it is made by a process
   * without memory. PmuError of `launcher` (EACCES) where files cannot be executed from the shim's place.
   */
  ownMemory?: boolean;
}

/** What a child has used, with the children it waited for: getrusage(2). */
export interface ResourceUsage {
  utimeNs: number;
  stimeNs: number;
  maxrssBytes: number;
  /** Page faults without and with I/O. */
  minflt: number;
  majflt: number;
  /** Blocks of 512 bytes read and written. */
  inblock: number;
  oublock: number;
  /** Context switches: it waited, or was made to. */
  nvcsw: number;
  nivcsw: number;
}

/** A run from just before the exec until the wait for its end was over; its usage is of that time. */
export interface TimedExit extends Exit {
  wallNs: number;
}

/** How a child ended. */
export interface Exit {
  /** As a shell gives it: the exit status, or 128 and the signal. */
  code: number;
  /** The signal that ended it, or 0. */
  signal: number;
  usage: ResourceUsage;
}

/** Names of the failing calls, by enum pmu_spawn_stage. */
const STAGES = ["spawn", "spawn", "fork", "dup2", "chdir", "launcher"];
const WNOHANG = 1;
/** PMU_SPAWN_DETACH and PMU_SPAWN_GROUP of ffi/shim/pmu.h. */
const DETACH = 1, OWN_GROUP = 2;
/** Bytes of struct pmu_setup, and where its u64s are. */
const SETUP = { BYTES: 32, IGNORED: 2, NOFILE: 3 } as const;
const RUSAGE_FIELDS = 16;
/** Where PMU_RUSAGE_ENDED_NS is. */
const ENDED_NS = 9;
/** Places in struct pmu_child as int32s, EXEC_NS and USED, the first of RUSAGE_FIELDS, as 64 bits. */
const CHILD = { PID: 0, LINE_FD: 1, STAGE: 2, EXEC_NS: 2, USED: 3, FIELDS: 6 + 2 * RUSAGE_FIELDS } as const;

/** A child, waiting before exec or released. */
export class Child {
  readonly pid: number;
  readonly #child: Int32Array<ArrayBuffer>;

  /** For spawn(): a struct pmu_child that pmu_spawn filled. */
  constructor(child: Int32Array<ArrayBuffer>) {
    this.#child = child;
    this.pid = child[CHILD.PID];
  }

  /**
   * Lets it exec, and waits until it has. Throws PmuError of `execve` when it cannot (ENOENT, EACCES,
   * ENOEXEC...), of which the child has died.
   */
  async release(): Promise<void> {
    checked("execve", await shim().pmu_release(this.#child));
  }

  /** Ends it without exec. Only before `release()`. */
  cancel(): void {
    checked("cancel", shim().pmu_cancel(this.#child));
  }

  /**
   * Lets it exec and waits until it ends, with the time from just before the exec on, and what it has used since
   * then: no work of this process and no wait for a CPU is part of it.
   * Throws as `release()`.
   */
  async run(): Promise<TimedExit> {
    const status = new Int32Array(1);
    const rusage = new BigUint64Array(RUSAGE_FIELDS);
    // waiting begins first: a command may end before this thread would come to it
    const ended = shim().pmu_wait(this.pid, 0, status, rusage);
    await this.release();
    checked("wait4", await ended);
    const before = new BigUint64Array(this.#child.buffer);
    const exit = exitOf(status[0], rusage);
    return {
      ...exit,
      usage: since(exit.usage, usageOf(before.subarray(CHILD.USED))),
      wallNs: Number(rusage[ENDED_NS] - before[CHILD.EXEC_NS]),
    };
  }

  /** Waits until it ends. Throws PmuError of `wait4`: ECHILD when it has been waited for before. */
  async wait(): Promise<Exit> {
    const status = new Int32Array(1);
    const rusage = new BigUint64Array(RUSAGE_FIELDS);
    checked("wait4", await shim().pmu_wait(this.pid, 0, status, rusage));
    return exitOf(status[0], rusage);
  }

  /** How it ended, or undefined while it runs. Throws as `wait()`. */
  poll(): Exit | undefined {
    const status = new Int32Array(1);
    const rusage = new BigUint64Array(RUSAGE_FIELDS);
    const pid = checked("wait4", shim().pmu_poll(this.pid, WNOHANG, status, rusage));
    return pid === 0 ? undefined : exitOf(status[0], rusage);
  }

  /** Sends it a signal. Throws PmuError: ESRCH when it has ended and was waited for. */
  kill(signal: number): void {
    kill(this.pid, signal);
  }

  /** Sends a signal to it and all it has started, where it has a group of its own. Throws PmuError: ESRCH when none is left. */
  killGroup(signal: number): void {
    checked("kill", shim().pmu_kill_group(this.pid, signal));
  }
}

/** How long a child that took too long gets to end by itself, in ms. */
const GRACE_MS = 1000;
const SIGTERM = 15, SIGKILL = 9;

/** The time that a child with a group of its own may take. */
export class TimeLimit {
  readonly #child: Child;
  #timer: ReturnType<typeof setTimeout>;
  #passed = false;

  /** From now on: when `ms` are over, the whole group is sent SIGTERM, and SIGKILL if that is not enough. */
  constructor(child: Child, ms: number) {
    this.#child = child;
    this.#timer = setTimeout(() => {
      this.#passed = true;
      this.#kill(SIGTERM);
      this.#timer = setTimeout(() => this.#kill(SIGKILL), GRACE_MS);
    }, ms);
  }

  /** Whether it took longer. */
  get passed(): boolean {
    return this.#passed;
  }

  /** The child has ended. If that took too long, what it has left behind ends as well. */
  end(): void {
    clearTimeout(this.#timer);
    if (this.#passed) this.#kill(SIGKILL);
  }

  #kill(signal: number): void {
    try {
      this.#child.killGroup(signal);
    } catch (error) {
      if (!(error instanceof PmuError)) throw error; // all of it has ended
    }
  }
}

/** Sends `signal` to a process. Throws PmuError. */
export function kill(pid: number, signal: number): void {
  checked("kill", shim().pmu_kill(pid, signal));
}

/**
 * Makes a child that waits before exec. Its limit of open files, the signals that it ignores and has blocked are those of
 * whoever started us. Throws PmuError: of `chdir` for a bad `cwd`, of `dup2` for a bad descriptor, of `fork` when there
 * can be no more processes.
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

/** The environment as C strings one behind another; undefined for this process's own. */
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

/** A struct pmu_setup. */
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

/** A C string; a NUL within would cut it short without a word. */
function cString(text: string): Uint8Array<ArrayBuffer> {
  if (text.includes("\0")) throw new PmuError("spawn", ERRNO.EINVAL);
  return toCString(text);
}

/** C strings one behind another, and a NUL so that even none of them is a place in memory. */
function block(strings: readonly string[]): Uint8Array<ArrayBuffer> {
  strings.forEach(cString);
  return toCString(strings.map((text) => text + "\0").join(""));
}

/** Reads a wait status (wait(2)) and the layout of enum pmu_rusage_field. */
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

/** What was used after `before`; the peak memory stays what it is. */
function since(usage: ResourceUsage, before: ResourceUsage): ResourceUsage {
  const rest = (Object.keys(usage) as (keyof ResourceUsage)[]).map((key) => [key, usage[key] - before[key]]);
  return { ...Object.fromEntries(rest), maxrssBytes: usage.maxrssBytes };
}
