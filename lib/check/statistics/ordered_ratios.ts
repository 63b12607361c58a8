/** The interval that rank tests have in common: between two of all ratios, as many from either end as their confidence allows. */

import type { Cut } from "./cuts.ts";
import type { Ratio } from "./statistics.ts";

/** Logarithms of ratios in ascending order, of which not all need be known. */
export interface OrderedLogs {
  length: number;
  /** Returns the logarithm with this index. */
  at(index: number): number;
}

/** Returns the median of ratios and the interval between two of them. */
export function ratioOfOrdered(logs: OrderedLogs, { cut, confidence }: Cut): Ratio {
  const last = logs.length - 1;
  const middle = logs.length % 2
    ? logs.at(last / 2)
    : (logs.at((last - 1) / 2) + logs.at((last + 1) / 2)) / 2;
  return {
    ratio: Math.exp(middle),
    interval: { low: Math.exp(logs.at(cut)), high: Math.exp(logs.at(last - cut)), confidence },
  };
}
