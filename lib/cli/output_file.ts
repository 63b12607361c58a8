/** Results into a file that the user named with -o. */

import { UnsupportedError, UsageError } from "../base/errors.ts";
import { identityOf } from "../base/file_bytes.ts";

/** Throws UsageError when writing `output` would destroy `input`: both are one file, whatever their names. */
export function refuseSameFile(output: string, input: string): void {
  const out = tryStat(output), from = tryStat(input);
  if (out?.isFile && from && identityOf(out) === identityOf(from)) {
    throw new UsageError(`-o ${output} would overwrite the recording itself: name another file`);
  }
}

/** Writes all of a file, in place of one that was there. Throws UnsupportedError when that cannot be done. */
export function writeOutputFile(path: string, content: string | Uint8Array): void {
  try {
    if (typeof content === "string") Deno.writeTextFileSync(path, content);
    else Deno.writeFileSync(path, content);
  } catch (error) {
    throw new UnsupportedError({
      attempt: `write ${path}`,
      cause: causeOf(error),
      remedy: "name another file with -o",
    });
  }
}

function causeOf(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "no such folder";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (error instanceof Deno.errors.IsADirectory) return "it is a folder";
  return error instanceof Error ? error.message : String(error);
}

function tryStat(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch {
    return undefined;
  }
}
