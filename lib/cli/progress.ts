/** The line that shows how far repeated runs are. Pure. */

import { printable } from "../base/text/printable.ts";
import { clock } from "./live_line.ts";

export interface RunProgress {
  done: number;
  /** As far as can be told now. */
  expected: number;
  /** Since the first run began. */
  seconds: number;
  /** What runs: a command, or that it is warming up. */
  what: string;
}

const BAR = 20;

/** The line, in at most `columns` columns less one, so that no terminal wraps it. */
export function renderProgress({ done, expected, seconds, what }: RunProgress, columns: number): string {
  const part = expected > 0 ? Math.min(1, done / expected) : 0;
  const filled = Math.round(part * BAR);
  const left = done > 0 ? `, ${clock(seconds * Math.max(0, expected - done) / done)} left` : "";
  const line = `[${"=".repeat(filled)}${" ".repeat(BAR - filled)}] ${done} of ${expected} runs${left}  ${
    printable(what)
  }`;
  return line.slice(0, Math.max(0, columns - 1));
}
