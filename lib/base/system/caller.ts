/**
 * State that pmuctl inherited at its start, which it passes on to the programs it measures so that they run as without
 * pmuctl. The launcher's shell passes on neither every variable nor their order; Deno raises the limit on open files,
 * ignores SIGPIPE, and replaces bytes of arguments that are not UTF-8.
 */

import { environmentValue, startEnvironment } from "./launcher.ts";
import { osText } from "../text/os_text.ts";
import { procMask } from "../text/proc_text.ts";

/**
 * Variable set by scripts/pmuctl: its caller's /proc/PID/environ, limits and status, concatenated, as `od -tx8` prints
 * them.
 */
const VARIABLE = "PMUCTL_CALLER";
const SIGPIPE = 13;

/** Process state inherited from whoever started pmuctl. */
export interface Caller {
  /** Environment: `NAME=VALUE` strings, each ending with a NUL; undefined where it is this process's own. */
  environment?: Uint8Array<ArrayBuffer>;
  /** Ignored signals: bit N - 1 for signal N. */
  ignored: bigint;
  /** Soft limit on open files; undefined where it is this process's own. */
  openFiles?: bigint;
}

let launcherDump: string | undefined;
let known: Caller | undefined;

/** Takes the launcher's variable out of the environment, for `caller()`. Call it before anything is started. */
export function takeCaller(): void {
  if (Deno.build.standalone) return; // a compiled binary has no launcher
  launcherDump = environmentValue(VARIABLE);
  if (launcherDump !== undefined) Deno.env.delete(VARIABLE);
}

/** Returns the state that pmuctl was started with. Call it first before any signal listener exists. */
export function caller(): Caller {
  return known ??= launcherDump
    ? parseCaller(launcherDump)
    : { environment: startEnvironment(), ignored: ownIgnored() };
}

/** Parses the launcher's variable. */
export function parseCaller(dump: string): Caller {
  const words = dump.trim().split(/\s+/);
  const bytes = new Uint8Array(new BigUint64Array(words.map((word) => BigInt(`0x${word}`))).buffer);
  // only the environment has NULs, but od pads its last word with them
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  const texts = bytes.lastIndexOf(0, end - 1) + 1;
  const text = osText(bytes.subarray(texts, end));
  const soft = /^Max open files +(\d+|unlimited) /m.exec(text)?.[1];
  return {
    environment: bytes.subarray(0, texts),
    ignored: procMask(text, "SigIgn"),
    ...(soft === undefined ? {} : { openFiles: soft === "unlimited" ? 2n ** 64n - 1n : BigInt(soft) }),
  };
}

/** Returns the command-line arguments; a byte that is not UTF-8 is a lone surrogate (lib/base/text/os_text.ts). */
export function callerArgs(): string[] {
  if (!Deno.args.some((word) => word.includes("\ufffd"))) return Deno.args;
  try {
    return argsIn(Deno.readFileSync("/proc/self/cmdline"), Deno.args.length);
  } catch {
    return Deno.args; // no /proc
  }
}

/** Returns the last `count` words of a /proc/PID/cmdline, each of which ends with a NUL. */
export function argsIn(cmdline: Uint8Array, count: number): string[] {
  const words: string[] = [];
  for (let end = cmdline.length - 1; words.length < count && end >= 0;) {
    const start = cmdline.lastIndexOf(0, end - 1) + 1;
    words.unshift(osText(cmdline.subarray(start, end)));
    end = start - 1;
  }
  return words;
}

/** Returns the signals that this process ignores, except SIGPIPE, which Deno always ignores. */
function ownIgnored(): bigint {
  try {
    return procMask(Deno.readTextFileSync("/proc/self/status"), "SigIgn") &
      ~(1n << BigInt(SIGPIPE - 1));
  } catch {
    return 0n; // no /proc: usually none is ignored
  }
}
