/**
 * What pmuctl was started with, so that a program that it measures finds what it would find without pmuctl. The launcher's
 * shell passes on neither every variable nor their order; Deno raises the limit of open files, ignores SIGPIPE, and
 * replaces bytes of arguments that are no UTF-8.
 */

import { environmentValue, startEnvironment } from "./launcher.ts";
import { osText } from "../text/os_text.ts";
import { procMask } from "../text/proc_text.ts";

/** Set by scripts/pmuctl: /proc/PID/environ, limits and status of before, one behind another, as `od -tx8` prints them. */
const VARIABLE = "PMUCTL_CALLER";
const SIGPIPE = 13;

export interface Caller {
  /** The environment, `NAME=VALUE` and a NUL each; undefined where it is this process's own. */
  environment?: Uint8Array<ArrayBuffer>;
  /** Signals that are ignored: bit N - 1 for signal N. */
  ignored: bigint;
  /** The soft limit of open files; undefined where it is this process's own. */
  openFiles?: bigint;
}

let told: string | undefined;
let known: Caller | undefined;

/** Takes the launcher's variable out of the environment, for `caller()`. To be called before anything is started. */
export function takeCaller(): void {
  if (Deno.build.standalone) return; // it has no launcher
  told = environmentValue(VARIABLE);
  if (told !== undefined) Deno.env.delete(VARIABLE);
}

/** Returns what pmuctl was started with. First to be called before signals are listened to. */
export function caller(): Caller {
  return known ??= told ? parseCaller(told) : { environment: startEnvironment(), ignored: ownIgnored() };
}

/** Parses what the launcher told. */
export function parseCaller(dump: string): Caller {
  const words = dump.trim().split(/\s+/);
  const bytes = new Uint8Array(new BigUint64Array(words.map((word) => BigInt(`0x${word}`))).buffer);
  // only the environment has NULs, and od fills its last word up with some
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

/** Returns the arguments, in which a byte that is no UTF-8 is a lone surrogate (lib/base/text/os_text.ts). */
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

/** Of this process; but SIGPIPE, which Deno ignores whatever it was. */
function ownIgnored(): bigint {
  try {
    return procMask(Deno.readTextFileSync("/proc/self/status"), "SigIgn") &
      ~(1n << BigInt(SIGPIPE - 1));
  } catch {
    return 0n; // no /proc: the usual case is that none is ignored
  }
}
