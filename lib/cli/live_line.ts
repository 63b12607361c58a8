/** Live status line of a recording on a terminal. */

import { format } from "@std/fmt/bytes";
import { counted } from "../base/text/plural.ts";

/** Values that the line shows. */
export interface LiveState {
  /** Seconds since the recording began. */
  seconds: number;
  samples: number;
  lost: number;
  /** Size of the file so far. */
  bytes: number;
  /** Samples taken in the last second. */
  rate: number;
}

/**
 * Renders the line in at most `columns` - 1 columns, so that no terminal wraps it. Leaves out trailing values that
 * don't fit.
 */
export function renderLive({ seconds, samples, lost, bytes, rate }: LiveState, columns: number): string {
  const all = samples + lost;
  const parts = [
    clock(seconds),
    counted(samples, "sample"),
    `${Math.round(rate)}/s`,
    lost > 0 ? `lost ${lost} (${(100 * lost / all).toFixed(1)}%)` : "lost 0",
    format(bytes, { binary: true }),
    "Ctrl-C ends",
  ];
  let line = "";
  for (const part of parts) {
    const longer = line === "" ? `recording ${part}` : `${line}  ${part}`;
    if (longer.length >= columns) break;
    line = longer;
  }
  return line;
}

/** Formats a duration: `7.2 s`, from a minute on `1:07`, from an hour on `1:02:07`. */
export function clock(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const two = (n: number) => String(Math.floor(n) % 60).padStart(2, "0");
  const minutes = seconds / 60;
  return minutes < 60
    ? `${Math.floor(minutes)}:${two(seconds)}`
    : `${Math.floor(minutes / 60)}:${two(minutes)}:${two(seconds)}`;
}

/** Sampling rate over the most recent second, which keeps the displayed value steady. */
export class RecentRate {
  readonly #past: { seconds: number; samples: number }[] = [];

  /** Returns the samples per second, given the total number of `samples` at time `seconds`. */
  at(seconds: number, samples: number): number {
    const past = this.#past;
    past.push({ seconds, samples });
    while (past.length > 2 && seconds - past[1].seconds >= 1) past.shift();
    const [first] = past;
    return seconds > first.seconds ? (samples - first.samples) / (seconds - first.seconds) : 0;
  }
}
