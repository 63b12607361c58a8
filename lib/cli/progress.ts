/** Progress line of repeated runs. Pure. */

import { printable } from "../base/text/printable.ts";
import { clock } from "./live_line.ts";
import { counted } from "../base/text/plural.ts";

/** Progress of repeated runs. */
export interface RunProgress {
  /** Finished runs. */
  done: number;
  /** Current estimate of all runs. */
  expected: number;
  /** Seconds since the first run began. */
  seconds: number;
  /** Name of the running command, or a note that it is warming up. */
  what: string;
}

const BAR = 20;

/** Renders the line in at most `columns` - 1 columns, so that no terminal wraps it. */
export function renderProgress({ done, expected, seconds, what }: RunProgress, columns: number): string {
  const part = expected > 0 ? Math.min(1, done / expected) : 0;
  const filled = Math.round(part * BAR);
  const left = done > 0 ? `, ${clock(seconds * Math.max(0, expected - done) / done)} left` : "";
  const line = `[${"=".repeat(filled)}${" ".repeat(BAR - filled)}] ${done} of ${
    counted(expected, "run")
  }${left}  ${printable(what)}`;
  return line.slice(0, Math.max(0, columns - 1));
}
