/** Formats weights for people: times in a fitting unit, counts with k, M or G. */

/** Factors and suffixes, largest first. The first that does not exceed the amount is used. */
const SCALES = {
  ns: [[1e9, " s"], [1e6, " ms"], [1e3, " us"], [1, " ns"]],
  events: [[1e12, " T"], [1e9, " G"], [1e6, " M"], [1e3, " k"], [1, ""]],
} as const;

/** Formats an amount with about four digits: `1.234 s`, `12.34 ms`, `56.7 M`. Negative amounts have a sign. */
export function amountText(amount: number, unit: "ns" | "events"): string {
  const size = Math.abs(amount);
  if (size === 0) return "0";
  const scales = SCALES[unit];
  const [scale, name] = scales.find(([scale]) => size >= 0.9995 * scale) ?? scales[scales.length - 1];
  const scaled = size / scale;
  const decimals = scale === 1 ? 0 : scaled < 9.9995 ? 3 : scaled < 99.995 ? 2 : 1;
  return `${amount < 0 ? "-" : ""}${scaled.toFixed(decimals)}${name}`;
}

/** Formats a change with its sign: `+1.234 s`. */
export function relativeChangeText(change: number, unit: "ns" | "events"): string {
  return (change > 0 ? "+" : "") + amountText(change, unit);
}
