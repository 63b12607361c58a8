/** Temporary folders below TMPDIR, for this user alone. */

import { refusal } from "../system/system_error.ts";

/**
 * Creates a temporary folder whose name begins with `prefix`. Throws UnsupportedError, worded for `attempt`, when that
 * fails.
 */
export function temporaryFolder(prefix: string, attempt: string): string {
  try {
    return Deno.makeTempDirSync({ prefix });
  } catch (error) {
    throw refusal(attempt, error, "set TMPDIR to a writable folder");
  }
}
