/** What no input may do, whatever it is: end in an error that is no answer, take long, or take memory out of proportion. */

import { UserError } from "../../lib/base/system/errors.ts";
import type { Input, Target } from "./target.ts";

/** Exit status of a file that is damaged or not what it should be. */
const BAD_INPUT = 4;
/** Bytes in typed arrays: what any reading may need (windows, tables), and what it may for each byte of the input. */
const MAX_BYTES = 48 << 20;
const BYTES_FOR_A_BYTE = 512;
const PAGE = 4096;
/** Wall time in ms from which on it is worth asking for CPU time and memory. */
const SLOW_MS = 30;

/** What an input may take. */
export interface Limits {
  /** CPU time in ms. */
  cpuMs: number;
  /** Of the process, in bytes, resident. */
  rssBytes: number;
  /** Wall time in ms after which an input that needs hardly any CPU is taken to hang. */
  waitMs: number;
}

/** A small input that takes longer does work that grows with more than its size. */
export const LIMITS: Limits = { cpuMs: 2000, rssBytes: 1 << 30, waitMs: 60_000 };

/** Bytes asked for by constructing typed arrays since the last reset. */
let allocated = 0;
/** Where the largest one was asked for, for the report. */
let largest = 0;
let largestStack = "";

/**
 * Counts what is asked for by `new Uint8Array(n)` and its like, from now on and in this isolate. Views of
 * existing buffers cost nothing and are not counted. A single request of more than the limit is refused
 * before it is made, so that a bad one is found without the memory.
 */
export function meterAllocations(): void {
  const scope = globalThis as unknown as Record<string, unknown>;
  for (const name of ["Uint8Array", "Uint16Array", "Int32Array", "Uint32Array", "Float64Array"]) {
    const real = scope[name] as Uint8ArrayConstructor;
    scope[name] = new Proxy(real, {
      construct(target, args, newTarget) {
        if (typeof args[0] === "number") count(args[0] * target.BYTES_PER_ELEMENT);
        return Reflect.construct(target, args, newTarget);
      },
    });
  }
}

function count(bytes: number): void {
  allocated += bytes;
  if (bytes > largest) {
    largest = bytes;
    if (bytes > 1 << 20) largestStack = new Error(`${bytes} bytes`).stack ?? "";
  }
  if (bytes > 1 << 30) throw new OutOfProportion();
}

class OutOfProportion extends Error {
  override message = "more than 1 GiB asked for at once";
}

/** Gives the target an input. Resolves to undefined when all was well, else to what was wrong. */
export async function judge(target: Target, input: Input, limits = LIMITS): Promise<string | undefined> {
  allocated = largest = 0;
  largestStack = "";
  const started = performance.now(), cpuBefore = process.cpuUsage();
  try {
    await input.check?.();
    await target.take(input.bytes);
  } catch (error) {
    const wrong = wrongError(error, target.statuses ?? [BAD_INPUT]);
    if (wrong !== undefined) return wrong;
  }
  if (performance.now() - started > SLOW_MS) {
    const { user, system } = process.cpuUsage(cpuBefore);
    const cpuMs = (user + system) / 1000;
    if (cpuMs > (target.cpuMs ?? limits.cpuMs)) return `it took ${cpuMs.toFixed(0)} ms of CPU`;
    const rss = peakRss();
    if (rss > limits.rssBytes) return `the process came to ${rss >> 20} MiB`;
  }
  const most = (target.mostBytes ?? MAX_BYTES) + BYTES_FOR_A_BYTE * input.bytes.length;
  if (allocated > most) {
    return `${allocated} bytes were asked for, for an input of ${input.bytes.length}; the largest piece: ${largestStack}`;
  }
}

/** Why an error is no answer; undefined when it is one. */
function wrongError(error: unknown, statuses: readonly number[]): string | undefined {
  if (!(error instanceof UserError)) {
    if (!(error instanceof Error)) return `thrown: ${error}`;
    return `${error.stack}${error.cause instanceof Error ? `\nbecause ${error.cause.stack}` : ""}`;
  }
  const { message, status } = error;
  if (!statuses.includes(status)) return `it ends with status ${status}: ${error.stack}`;
  if (message.includes("\n")) return `an error of more than one line: ${JSON.stringify(message)}`;
  // what it quotes may be anything
  if (/\b(NaN|undefined)\b|\[object /.test(message.replace(/'[^']*'|"[^]*"|is not JSON: .*/g, ""))) {
    return `an error that says nothing: ${message}`;
  }
  if (message.length > 16_100) return `an error of ${message.length} letters: ${message.slice(0, 200)}`;
}

/** The most that this process ever had resident, in bytes. */
export function peakRss(): number {
  const [, kilobytes] = /^VmHWM:\s*(\d+) kB$/m.exec(Deno.readTextFileSync("/proc/self/status")) ?? [];
  return 1024 * Number(kilobytes ?? 0);
}

/** What this process has resident, in bytes. */
export function currentRss(): number {
  return PAGE * Number(Deno.readTextFileSync("/proc/self/statm").split(" ")[1]);
}

/** What failures have in common that are of one fault: the words without numbers, and the place in lib/ where it was seen. */
export function kindOf(why: string): string {
  const [first] = why.split("\n");
  const frame = /\/((?:lib|tests)\/[\w/]+\.ts:\d+)/.exec(why)?.[1] ?? "";
  return `${first.slice(0, 120).replace(/"(?:[^"\\]|\\.)*"|\d+/g, "…")} ${frame}`;
}
