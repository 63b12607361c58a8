/** Formatting of quantities: one unit for a whole row, and only significant digits. */

import { printable } from "../../base/text/printable.ts";
import type { MetricUnit } from "./metrics.ts";

/** Unit to show values in. */
export interface Scale {
  /** Name of the unit: `ms`, `MiB`, `M`, or "". */
  unit: string;
  /** Divisor of values. */
  divisor: number;
  /** Digits after the decimal point. */
  decimals: number;
}

/** Larger units to show a unit in. Another program may have named the unit: a map inherits no `valueOf`. */
const STEPS: ReadonlyMap<string, readonly (readonly [string, number])[]> = new Map([
  ["ns", [["s", 1e9], ["ms", 1e6], ["µs", 1e3], ["ns", 1]]],
  ["bytes", [["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10], ["B", 1]]],
]);
/** Counts below this are shown in full. */
const LARGE_COUNT = 1e6;
const COUNT_STEPS: readonly (readonly [string, number])[] = [["G", 1e9], ["M", 1e6]];
const SIGNIFICANT = 4;

/** Returns the scale in which `typical` has four digits. With `whole`, values that are not divided have no decimals. */
export function scaleFor(unit: MetricUnit, typical: number, whole = false): Scale {
  const size = Math.abs(typical);
  const steps = STEPS.get(unit) ??
    (unit === "count" && size >= LARGE_COUNT ? COUNT_STEPS : [[unitText(unit), 1] as const]);
  const [text, divisor] = steps.find(([, divisor]) => size >= divisor) ?? steps[steps.length - 1];
  if (whole && divisor === 1) return { unit: text, divisor, decimals: 0 };
  const before = size > 0 ? Math.floor(Math.log10(size / divisor)) + 1 : 1;
  return {
    unit: text,
    divisor,
    decimals: Math.min(SIGNIFICANT, Math.max(0, SIGNIFICANT - Math.max(before, 1))),
  };
}

/** Formats a value in a scale, without the unit. */
export function formatScaled(value: number, { divisor, decimals }: Scale): string {
  return (value / divisor).toFixed(decimals);
}

/** Formats a value with its unit: `51.32 ms`. */
export function formatQuantity(value: number, unit: MetricUnit): string {
  const scale = scaleFor(unit, value, Number.isInteger(value));
  return `${formatScaled(value, scale)} ${scale.unit}`.trimEnd();
}

function unitText(unit: MetricUnit): string {
  return unit === "count" ? "" : printable(unit);
}
