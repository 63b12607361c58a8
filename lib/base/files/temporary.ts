/** Temporary folders: below TMPDIR, for this user alone. */

import { refusal } from "../system/system_error.ts";

/** Makes one, whose name begins with `prefix`. Throws UnsupportedError, about `attempt`, where that cannot be done. */
export function temporaryFolder(prefix: string, attempt: string): string {
  try {
    return Deno.makeTempDirSync({ prefix });
  } catch (error) {
    throw refusal(attempt, error, "set TMPDIR to a folder that can be written to");
  }
}
