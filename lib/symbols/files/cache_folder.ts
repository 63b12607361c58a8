/** Folders of this user's caches. */

import { exists } from "../../base/files/exists.ts";
import { environmentValue } from "../../base/system/launcher.ts";

/** Returns pmuctl's own cache folder, which may not exist yet; undefined if there is no home folder. */
export function cacheFolder(): string | undefined {
  const caches = cachesFolder();
  return caches && `${caches}/pmuctl`;
}

/** Returns the folder for caches of all programs: $XDG_CACHE_HOME or ~/.cache; undefined if there is no home folder. */
export function cachesFolder(): string | undefined {
  const named = environmentValue("XDG_CACHE_HOME")?.replace(/\/+$/, "");
  if (named?.startsWith("/")) return named;
  const home = homeFolder();
  return home && `${home}/.cache`;
}

/** Returns this user's home folder, or undefined if it does not exist: many services have one that is never created. */
export function homeFolder(): string | undefined {
  const home = environmentValue("HOME")?.replace(/\/+$/, "");
  return home?.startsWith("/") && exists(home, Deno.statSync) ? home : undefined;
}
