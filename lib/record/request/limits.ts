/** Parses limits of one output, as they are written on the command line. */

import { UsageError } from "../../base/system/errors.ts";

/** Trigger of the next file: the user's signal alone, or besides it a size or an age of the file. */
export type SwitchWhen =
  | { kind: "signal" }
  | { kind: "size"; bytes: number }
  | { kind: "time"; seconds: number };

/** Bytes by unit: powers of 1024, as in perf. */
const SIZES: Record<string, number> = { B: 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 };
/** Seconds by unit. */
const TIMES: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86400 };

/** Returns the bytes of `50M`; a bare number is bytes. Undefined for any other text. */
export function sizeInBytes(text: string): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : withUnit(text.toUpperCase(), SIZES);
}

/** Returns the bytes of `50M`; a bare number is bytes. Throws UsageError naming `option`. */
export function parseSize(text: string, option: string): number {
  const bytes = sizeInBytes(text);
  if (bytes) return bytes;
  throw new UsageError(`${option} '${text}': expected a size, as in 500K, 64M or 2G`);
}

/** Parses `signal`, a size (`64M`) or a time (`10s`, `1m`). Throws UsageError. */
export function parseSwitchWhen(text: string): SwitchWhen {
  if (text === "signal") return { kind: "signal" };
  const bytes = withUnit(text, SIZES);
  if (bytes) return { kind: "size", bytes };
  const seconds = withUnit(text, TIMES);
  if (seconds) return { kind: "time", seconds };
  throw new UsageError(
    `--switch-output '${text}': expected signal, a size (500K, 64M, 2G) or a time (10s, 5m, 1h, 1d); ` +
      "K, M and G are sizes; s, m, h and d are times",
  );
}

/** Returns the value of a positive number with one of the units; undefined for any other text. */
function withUnit(text: string, units: Record<string, number>): number | undefined {
  const unit = units[text.slice(-1)];
  const number = text.slice(0, -1);
  return unit !== undefined && /^\d+$/.test(number) && Number(number) > 0 ? Number(number) * unit : undefined;
}

/**
 * Returns the name of a file of several, as perf names them: `perf.data.2026112122431253`, the local date and time down to
 * hundredths of a second. Moves the time on while the name is `taken`.
 */
export function segmentName(output: string, at: Date, taken: (path: string) => boolean): string {
  for (let time = at.getTime();; time += 10) {
    const path = `${output}.${stamp(new Date(time))}`;
    if (!taken(path)) return path;
  }
}

function stamp(at: Date): string {
  const fields = [at.getMonth() + 1, at.getDate(), at.getHours(), at.getMinutes(), at.getSeconds()];
  const hundredths = Math.floor(at.getMilliseconds() / 10);
  return `${at.getFullYear()}` + [...fields, hundredths].map((field) => `${field}`.padStart(2, "0")).join("");
}
