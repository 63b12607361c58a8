/**
 * Helper programs that pmuctl runs on its own account. They never come from the working directory, which relative or
 * empty entries of PATH would allow.
 */

import { environmentValue } from "./launcher.ts";

const DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin";

/** Returns PATH without its relative and empty entries. */
export function toolFolders(path = environmentValue("PATH") ?? DEFAULT_PATH): string {
  return path.split(":").filter((folder) => folder.startsWith("/")).join(":");
}

/** Returns the path of program `name`: the first executable in the absolute entries of PATH; undefined for none. */
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
