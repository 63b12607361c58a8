/** What no input may do, whatever it is: end in an error that is no answer, take long, or take memory out of proportion. */

import { UserError } from "../../lib/base/errors.ts";

/** A small input may take this long; what takes longer is work that grows with more than its size. */
const MOST_MS = 4000;
/** Bytes in typed arrays: what any reading may need (windows, tables), and what it may for each byte of the input. */
const MOST_BYTES = 48 << 20;
/** The window that compressed data may ask for, whatever its size; it is refused more (MAX_WINDOW in compressed.ts). */
const ZSTD_WINDOW = 2 ** 27;
const BYTES_FOR_A_BYTE = 512;

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

/** Runs `body` on an input of `size` bytes. Undefined when all was well, else what was wrong. */
export async function judge(size: number, body: () => void | Promise<void>): Promise<string | undefined> {
  allocated = largest = 0;
  largestStack = "";
  const started = performance.now();
  try {
    await body();
  } catch (error) {
    if (!(error instanceof UserError)) {
      if (!(error instanceof Error)) return `thrown: ${error}`;
      return `${error.stack}${error.cause instanceof Error ? `\nbecause ${error.cause.stack}` : ""}`;
    }
    const { message } = error;
    if (message.includes("\n")) return `an error of more than one line: ${JSON.stringify(message)}`;
    if (/\b(NaN|undefined|\[object)\b/.test(message)) return `an error that says nothing: ${message}`;
  }
  const took = performance.now() - started;
  if (took > MOST_MS) return `it took ${took.toFixed(0)} ms`;
  const window = largestStack.includes("fzstd") ? Math.min(largest, ZSTD_WINDOW) : 0;
  if (allocated > MOST_BYTES + window + BYTES_FOR_A_BYTE * size) {
    return `${allocated} bytes were asked for, for an input of ${size}; the largest piece: ${largestStack}`;
  }
}
