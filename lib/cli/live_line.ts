/** The line that a recording shows of itself on a terminal. */

import { format } from "@std/fmt/bytes";

/** What the line tells. */
export interface LiveState {
  /** Since the recording began. */
  seconds: number;
  samples: number;
  lost: number;
  /** Of the file so far. */
  bytes: number;
  /** Samples in the last second. */
  rate: number;
}

/** The line, in at most `columns` columns less one, so that no terminal wraps it: whole figures or none. */
export function renderLive({ seconds, samples, lost, bytes, rate }: LiveState, columns: number): string {
  const all = samples + lost;
  const parts = [
    clock(seconds),
    `${samples} samples`,
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

/** `7.2 s`, from a minute on `1:07`, from an hour on `1:02:07`. */
export function clock(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const two = (n: number) => String(Math.floor(n) % 60).padStart(2, "0");
  const minutes = seconds / 60;
  return minutes < 60
    ? `${Math.floor(minutes)}:${two(seconds)}`
    : `${Math.floor(minutes / 60)}:${two(minutes)}:${two(seconds)}`;
}

/** Turns progress into states: the rate is taken over the last second, so that it does not flicker. */
export class RecentRate {
  readonly #past: { seconds: number; samples: number }[] = [];

  /** Samples a second, now that there have been `samples` of them at `seconds`. */
  at(seconds: number, samples: number): number {
    const past = this.#past;
    past.push({ seconds, samples });
    while (past.length > 2 && seconds - past[1].seconds >= 1) past.shift();
    const [first] = past;
    return seconds > first.seconds ? (samples - first.samples) / (seconds - first.seconds) : 0;
  }
}
