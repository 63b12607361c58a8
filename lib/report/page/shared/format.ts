/** Formats numbers for people. */

import { groupDigits, plural } from "../../../base/text/plural.ts";
import { amountText } from "../../shared/amount.ts";

/** Formats a share, with more digits where it is small: `12.3%`, `1.23%`. */
export function share(part: number, whole: number): string {
  const percent = whole > 0 ? 100 * part / whole : 0;
  return `${percent.toFixed(percent >= 99.95 || percent === 0 ? 0 : percent >= 10 ? 1 : 2)}%`;
}

/** Formats a number of samples: `1 sample`, `12,345 samples`. */
export function samples(n: number): string {
  return `${groupDigits(n)} ${plural(n, "sample")}`;
}

/** Formats a weight: a time for clock events, otherwise a number of events. */
export function weight(period: number, unit: "ns" | "events"): string {
  return amountText(period, unit) + (unit === "ns" ? "" : ` ${plural(period, "event")}`);
}

/** Formats a time in ns for an axis whose marks are `step` ns apart. */
export function tick(ns: number, step: number): string {
  const [unit, size] = step >= 1e8 ? ["s", 1e9] : step >= 1e5 ? ["ms", 1e6] : ["µs", 1e3];
  const digits = Math.max(0, Math.ceil(-Math.log10(step / size) - 1e-9));
  return `${(ns / size).toFixed(digits)} ${unit}`;
}

/** Returns the least of 1, 2 and 5 times a power of ten that cuts `whole` into at most `most` parts. */
export function stepOf(whole: number, most: number): number {
  const rough = whole / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * ([1, 2, 5].find((n) => n * power >= rough) ?? 10);
}

/**
 * Formats a moment of the recording's clock as `pmuctl report --time` takes it, in seconds with nine decimals: `start` in
 * ns as decimal digits, and ns since then.
 */
export function clockSeconds(start: string, sinceStart: number): string {
  const ns = BigInt(start) + BigInt(sinceStart);
  return `${ns / 1_000_000_000n}.${String(ns % 1_000_000_000n).padStart(9, "0")}`;
}
