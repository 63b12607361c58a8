/** Folder of this user's caches, and the perf maps saved there. */

import { exists } from "../../base/files/exists.ts";
import { FileBytes } from "../../base/files/file_bytes.ts";
import { environmentValue } from "../../base/system/launcher.ts";
import { makePrivateFolder } from "../../base/files/private_folder.ts";
import { copySparse } from "../../base/files/sparse_copy.ts";

/** Age in ms at which saved perf maps are removed. */
const KEEP_MS = 30 * 24 * 3600 * 1000;
/** Most bytes of all saved perf maps; the oldest are removed first. */
const MAX_TOTAL = 1 << 30;
const MAP_NAME = /^perf-\d+-\d+\.map$/;

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

/** Returns the name of the saved perf map of process `pid` that started at `started` (seconds since 1970). */
export function savedMapName(pid: number, started: number): string {
  return `perf-${pid}-${Math.floor(started)}.map`;
}

/** Opens a saved perf map; undefined if it does not exist, or is not this user's. */
export function openSavedMap(name: string, folder = cacheFolder()): FileBytes | undefined {
  if (folder === undefined || !MAP_NAME.test(name)) return undefined;
  return FileBytes.tryOpen(`${folder}/perf-maps/${name}`, { owners: [Deno.uid()!] });
}

/**
 * Saves a perf map, readable by this user alone, and removes saved ones that are old or too many. Returns why not if
 * the folder cannot be trusted. Throws Deno.errors if the map cannot be written.
 */
export async function saveMap(
  file: FileBytes,
  name: string,
  stopped: () => boolean,
  folder = cacheFolder(),
): Promise<string | undefined> {
  if (folder === undefined) return "there is no home folder";
  const maps = `${folder}/perf-maps`;
  const unsafe = makePrivateFolder(maps);
  if (unsafe) return unsafe.cause;
  removeOld(maps, MAX_TOTAL - file.size);
  await copySparse(file, `${maps}/${name}`, stopped);
  return undefined;
}

/** Removes the oldest maps until the others have at most `room` bytes. */
function removeOld(folder: string, room: number): void {
  const maps = Array.from(Deno.readDirSync(folder)).filter(({ name }) => MAP_NAME.test(name)).map(
    ({ name }) => {
      const path = `${folder}/${name}`;
      const { size, mtime } = Deno.lstatSync(path);
      return { path, size, time: mtime?.getTime() ?? 0 };
    },
  );
  const oldest = Date.now() - KEEP_MS;
  let left = room;
  for (const { path, size, time } of maps.sort((a, b) => b.time - a.time)) {
    left -= size;
    if (left < 0 || time < oldest) Deno.removeSync(path);
  }
}
