/** Numbers as people read them. */

import { amountText, groupDigits } from "../shared/amount.ts";

/** `12.3%`, with more digits where it is little. */
export function share(part: number, whole: number): string {
  const percent = whole > 0 ? 100 * part / whole : 0;
  return `${percent.toFixed(percent >= 99.95 || percent === 0 ? 0 : percent >= 10 ? 1 : 2)}%`;
}

/** `1 sample`, `12,345 samples`. */
export function samples(n: number): string {
  return `${groupDigits(n)} sample${n === 1 ? "" : "s"}`;
}

/** A weight: a time for the clock events, else how many events. */
export function weight(period: number, unit: "ns" | "events"): string {
  return amountText(period, unit) + (unit === "ns" ? "" : " events");
}

/** Seconds on an axis whose marks are `step` ns apart. */
export function tick(ns: number, step: number): string {
  const [unit, size] = step >= 1e8 ? ["s", 1e9] : step >= 1e5 ? ["ms", 1e6] : ["µs", 1e3];
  const digits = Math.max(0, Math.ceil(-Math.log10(step / size) - 1e-9));
  return `${(ns / size).toFixed(digits)} ${unit}`;
}

/** A length of 1, 2 or 5 times a power of ten that cuts `whole` into at most `most` parts. */
export function stepOf(whole: number, most: number): number {
  const rough = whole / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * ([1, 2, 5].find((n) => n * power >= rough) ?? 10);
}

/** A moment of the recording's clock as `pmuctl report --time` takes it: seconds with nine digits. */
export function clockSeconds(start: string, sinceStart: number): string {
  const ns = BigInt(start) + BigInt(sinceStart);
  return `${ns / 1_000_000_000n}.${String(ns % 1_000_000_000n).padStart(9, "0")}`;
}
