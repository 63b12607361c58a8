/** Student's t-test of two samples, from their sizes, means and standard deviations. */

import { gammaln } from "simple-statistics";

/** Size, mean and standard deviation of a sample; the deviation has n below it, not n - 1. */
export interface Moments {
  n: number;
  mean: number;
  sd: number;
}

/** Returns the moments of `values` from index `from` up to, but not including, `to`. Equal values have no deviation at all. */
export function momentsOf(values: Float64Array, from: number, to: number): Moments {
  const n = to - from, first = values[from];
  let sum = 0;
  for (let i = from; i < to; i++) sum += values[i] - first; // differences, so that equal values sum to 0 exactly
  const mean = first + sum / n;
  let squares = 0;
  for (let i = from; i < to; i++) squares += (values[i] - mean) ** 2;
  return { n, mean, sd: Math.sqrt(squares / n) };
}

/**
 * Returns the probability that two samples of one normal distribution differ as much in their means, either way. NaN where
 * neither the means differ nor anything else; 1 for a value each.
 */
export function meansProbability(a: Moments, b: Moments): number {
  const df = a.n + b.n - 2;
  if (df <= 0) return 1;
  const variance = ((a.n - 1) * a.sd ** 2 + (b.n - 1) * b.sd ** 2) / df;
  const t = (a.mean - b.mean) / Math.sqrt(variance * (1 / a.n + 1 / b.n));
  return Number.isNaN(t) ? NaN : studentTails(Math.abs(t), df);
}

/** Returns the probability of a value beyond t or -t of Student's distribution with `df` degrees of freedom. */
export function studentTails(t: number, df: number): number {
  if (!Number.isFinite(t)) return 0;
  const square = t * t;
  // Abramowitz and Stegun, 26.7.1 and 26.5.27
  return incompleteBeta(df / 2, 0.5, df / (df + square), square / (df + square));
}

/** Returns the regularized incomplete beta function I_x(a, b); `rest` is 1 - x. */
function incompleteBeta(a: number, b: number, x: number, rest: number): number {
  if (x <= 0) return 0;
  if (rest <= 0) return 1;
  const front = Math.exp(
    gammaln(a + b) - gammaln(a) - gammaln(b) + a * Math.log(x) + b * Math.log(rest),
  );
  return x < (a + 1) / (a + b + 2)
    ? front * betaFraction(a, b, x) / a
    : 1 - front * betaFraction(b, a, rest) / b;
}

const PRECISION = 1e-15;
const MAX_TERMS = 10_000;
/** Stands for 0 in a denominator. */
const TINY = 1e-300;

/** Returns the continued fraction of the incomplete beta function (Abramowitz and Stegun, 26.5.8), by Lentz' method. */
function betaFraction(a: number, b: number, x: number): number {
  const apart = (value: number) => Math.abs(value) < TINY ? TINY : value;
  let c = 1, d = 1 / apart(1 - (a + b) * x / (a + 1)), product = d;
  for (let m = 1; m <= MAX_TERMS; m++) {
    const even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / apart(1 + even * d);
    c = apart(1 + even / c);
    product *= c * d;
    const odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / apart(1 + odd * d);
    c = apart(1 + odd / c);
    product *= c * d;
    if (Math.abs(c * d - 1) < PRECISION) break;
  }
  return product;
}
