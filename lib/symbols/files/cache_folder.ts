/** The folder of this user's caches, and the perf maps that are saved there. */

import { exists } from "../../base/files/exists.ts";
import { FileBytes } from "../../base/files/file_bytes.ts";
import { environmentValue } from "../../base/system/launcher.ts";
import { makePrivateFolder } from "../../base/files/private_folder.ts";
import { copySparse } from "../../base/files/sparse_copy.ts";

/** Saved perf maps are removed when they are older, in ms. */
const KEEP_MS = 30 * 24 * 3600 * 1000;
/** Bytes of all saved perf maps; the oldest go first. */
const MAX_TOTAL = 1 << 30;
const MAP_NAME = /^perf-\d+-\d+\.map$/;

/** Returns pmuctl's own folder among the caches, which may not be there yet; undefined when there is no home. */
export function cacheFolder(): string | undefined {
  const caches = cachesFolder();
  return caches && `${caches}/pmuctl`;
}

/** Returns where this user's programs keep their caches: $XDG_CACHE_HOME or ~/.cache; undefined when there is no home. */
export function cachesFolder(): string | undefined {
  const named = environmentValue("XDG_CACHE_HOME")?.replace(/\/+$/, "");
  if (named?.startsWith("/")) return named;
  const home = homeFolder();
  return home && `${home}/.cache`;
}

/** Returns this user's home folder, or undefined when it is not there: many services have one that is never made. */
export function homeFolder(): string | undefined {
  const home = environmentValue("HOME")?.replace(/\/+$/, "");
  return home?.startsWith("/") && exists(home, Deno.statSync) ? home : undefined;
}

/** Names the copy of the perf map of process `pid` that started at `started` (seconds since 1970). */
export function savedMapName(pid: number, started: number): string {
  return `perf-${pid}-${Math.floor(started)}.map`;
}

/** Opens a perf map that was saved; undefined when it is not there, or not this user's. */
export function openSavedMap(name: string, folder = cacheFolder()): FileBytes | undefined {
  if (folder === undefined || !MAP_NAME.test(name)) return undefined;
  return FileBytes.tryOpen(`${folder}/perf-maps/${name}`, { owners: [Deno.uid()!] });
}

/**
 * Saves a perf map, readable by this user alone, and removes saved ones that are old or too many. Throws Deno.errors when
 * it cannot be written; returns why not when the folder is not to be trusted.
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

/** Removes maps until those that are left have at most `room` bytes. */
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
