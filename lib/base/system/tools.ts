/**
 * Programs that we run for ourselves, and not because the user named them: never one of the working directory, which
 * a relative or an empty entry of PATH would mean.
 */

import { environmentValue } from "./launcher.ts";

const DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin";

/** PATH less its relative and empty entries. */
export function toolFolders(path = environmentValue("PATH") ?? DEFAULT_PATH): string {
  return path.split(":").filter((folder) => folder.startsWith("/")).join(":");
}

/** The file of the program `name`: the first one in the absolute entries of PATH that can be run; undefined for none. */
export function toolFile(name: string, path?: string): string | undefined {
  return toolFolders(path).split(":").map((folder) => `${folder}/${name}`).find(isProgram);
}

const ANY_EXECUTE = 0o111;

function isProgram(path: string): boolean {
  try {
    const { isFile, mode } = Deno.statSync(path);
    return isFile && (mode! & ANY_EXECUTE) !== 0;
  } catch {
    return false;
  }
}
