/**
 * perf's cache of objects by build id, which perf and pmuctl both read and both write:
 *
 *     ~/.debug/PATH/BUILD_ID/elf                   the object
 *     ~/.debug/.build-id/BU/ILD_ID -> ../../PATH/BUILD_ID
 *
 * (tools/perf/util/build-id.c; PATH is the object's, as it was mapped.)
 */

import { FileBytes } from "../base/file_bytes.ts";

const CHUNK = 1 << 20;

/** The cache of this user, or undefined when there is no home. */
export function buildIdCache(): string | undefined {
  const home = Deno.env.get("HOME");
  return home ? `${home}/.debug` : undefined;
}

/** The object with this build id (in hex); undefined when it is not in the cache. */
export function openCached(buildId: string, cache = buildIdCache()): FileBytes | undefined {
  return cache === undefined ? undefined : FileBytes.tryOpen(`${cache}/${linkOf(buildId)}/elf`);
}

/** The symbol list of the kernel with this build id, as perf saves it; undefined when it is not in the cache. */
export function openCachedKallsyms(buildId: string, cache = buildIdCache()): FileBytes | undefined {
  return cache === undefined ? undefined : FileBytes.tryOpen(`${cache}/${linkOf(buildId)}/kallsyms`);
}

/**
 * Puts `object` into the cache as `path` with this build id. False when that cannot be done: no room, no
 * home, no permission. What is there stays as it is; what appears does so whole.
 */
export function saveCached(
  object: FileBytes,
  path: string,
  buildId: string,
  cache = buildIdCache(),
): boolean {
  const plain = path.split("/").every((part) => part !== "." && part !== "..") && path.startsWith("/");
  if (cache === undefined || !plain || !/^[0-9a-f]{4,}$/.test(buildId)) return false;
  const folder = `${cache}${path}/${buildId}`;
  const link = `${cache}/${linkOf(buildId)}`;
  const partial = `${folder}/elf.${Deno.pid}`;
  try {
    Deno.mkdirSync(folder, { recursive: true });
    copy(object, partial);
    Deno.renameSync(partial, `${folder}/elf`);
    Deno.mkdirSync(link.slice(0, link.lastIndexOf("/")), { recursive: true });
    const there = openCached(buildId, cache);
    if (there) there.close();
    else replaceLink(`../..${path}/${buildId}`, link);
    return true;
  } catch {
    remove(partial);
    return false;
  }
}

function linkOf(buildId: string): string {
  return `.build-id/${buildId.slice(0, 2)}/${buildId.slice(2)}`;
}

function copy(object: FileBytes, to: string): void {
  const file = Deno.openSync(to, { write: true, create: true, truncate: true, mode: 0o644 });
  try {
    const buffer = new Uint8Array(CHUNK);
    for (let at = 0, n: number; (n = object.readAt(at, buffer)) > 0; at += n) {
      for (let done = 0; done < n;) done += file.writeSync(buffer.subarray(done, n));
    }
  } finally {
    file.close();
  }
}

/** A link that leads nowhere, left by an object that was removed, gives way. */
function replaceLink(target: string, link: string): void {
  remove(link);
  Deno.symlinkSync(target, link);
}

function remove(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // it was not there
  }
}
