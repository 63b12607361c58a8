/** Options of how a command is run that `stat` and `check` share, and what their values mean. */

import { UsageError } from "../base/system/errors.ts";

/** Returns the command line that runs a text with a shell. */
export function shellCommand(text: string): string[] {
  return ["/bin/sh", "-c", text];
}

/** Parses a list of exit statuses: `1,2`. Throws UsageError, which names the option or the place `where`. */
export function parseStatuses(text: string, where: string): number[] {
  return text.split(",").map((word) => {
    const status = /^\s*\d+\s*$/.test(word) ? Number(word) : NaN;
    if (!(status >= 1 && status <= 255)) {
      throw new UsageError(`${where} '${text}': expected exit statuses from 1 to 255, as in 1 or 1,2`);
    }
    return status;
  });
}

/** Returns whether a variable of the environment can have this name. */
export function isVariableName(name: string): boolean {
  return /^[^=\0]+$/.test(name);
}
