/**
 * perf's cache of objects by build id, which both perf and pmuctl read and write:
 *
 *     ~/.debug/PATH/BUILD_ID/elf                   the object
 *     ~/.debug/.build-id/BU/ILD_ID -> ../../PATH/BUILD_ID
 *
 * (tools/perf/util/build-id.c; PATH is that of the object, as it was mapped.)
 */

import { exists } from "../../base/files/exists.ts";
import { FileBytes } from "../../base/files/file_bytes.ts";
import { makePrivateFolder } from "../../base/files/private_folder.ts";
import { copySparse } from "../../base/files/sparse_copy.ts";
import { homeFolder } from "./cache_folder.ts";

/** Most bytes on disk of one saved object. Programs with debug information have about 500 MB. */
const MAX_OBJECT_BYTES = 1 << 29;
/** Most bytes on disk of all objects saved by one recording. */
const MAX_RECORDING_BYTES = 1 << 30;
/** Bytes on disk of the whole cache beyond which nothing is added. */
const MAX_CACHE_BYTES = 2 ** 33;
/** Longest saved object in bytes. Holes count, since they are read. */
const MAX_LENGTH = 2 ** 31;
/** Most files of the cache that are visited to learn its size; with more it counts as too large. */
const MAX_CACHE_FILES = 100_000;

/** Returns the path of this user's cache, or undefined if there is no home folder. */
export function buildIdCache(): string | undefined {
  const home = homeFolder();
  return home && `${home}/.debug`;
}

/**
 * Opens the object with this build id (in hex), preferably the one saved under `path`. Returns undefined if the cache
 * does not have it, or it belongs to neither this user nor root.
 */
export function openCached(buildId: string, path?: string, cache = buildIdCache()): FileBytes | undefined {
  const own = path === undefined ? undefined : openIn(cache, `${path.slice(1)}/${buildId}/elf`);
  return own ?? openIn(cache, `${linkOf(buildId)}/elf`);
}

/** Opens the symbol list of the kernel with this build id, as perf saves it; undefined as for openCached(). */
export function openCachedKallsyms(buildId: string, cache = buildIdCache()): FileBytes | undefined {
  return openIn(cache, `${linkOf(buildId)}/kallsyms`);
}

function openIn(cache: string | undefined, path: string): FileBytes | undefined {
  return cache === undefined
    ? undefined
    : FileBytes.tryOpen(`${cache}/${path}`, { owners: [0, Deno.uid()!] });
}

/** Writer that saves the objects of one recording, as far as they and the cache stay within bounds. */
export class CacheWriter {
  readonly #cache: string | undefined;
  #room = MAX_RECORDING_BYTES;
  #checked = false;

  constructor(cache = buildIdCache()) {
    this.#cache = cache;
  }

  /**
   * Saves `object` as `path` with this build id, readable by this user alone. Returns why that failed, or undefined.
   * Replaces nothing, and a file appears only once it is whole. Gives up when `stopped`.
   */
  async save(
    object: FileBytes,
    path: string,
    buildId: string,
    stopped: () => boolean = () => false,
  ): Promise<string | undefined> {
    const cache = this.#cache;
    if (cache === undefined) return "there is no home folder";
    const plain = path.split("/").every((part) => part !== "." && part !== "..") && path.startsWith("/");
    if (!plain || !/^[0-9a-f]{4,}$/.test(buildId)) {
      return "its name is not an absolute path or its build id is invalid";
    }
    const limit = this.#limit(object);
    if (limit) return limit;
    const folder = `${cache}${path}/${buildId}`;
    try {
      const unsafe = makePrivateFolder(cache) ?? this.#full(cache) ?? makePrivateFolder(folder);
      if (unsafe) return unsafe.cause;
      if (exists(`${folder}/elf`)) return undefined;
      this.#room -= await copySparse(object, `${folder}/elf`, stopped);
      return this.#link(cache, path, buildId);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  #limit({ size, allocated }: FileBytes): string | undefined {
    if (size > MAX_LENGTH) return `it has ${size} bytes, more than the ${MAX_LENGTH} that are saved`;
    if (allocated > MAX_OBJECT_BYTES) {
      return `it takes ${allocated} bytes, more than the ${MAX_OBJECT_BYTES} that are saved of one file`;
    }
    return allocated > this.#room
      ? `the files of this recording take more than the ${MAX_RECORDING_BYTES} bytes that are saved`
      : undefined;
  }

  #full(cache: string): { cause: string } | undefined {
    if (this.#checked) return undefined;
    this.#checked = true;
    return bytesIn(cache) > MAX_CACHE_BYTES
      ? {
        cause:
          `${cache} has more than ${MAX_CACHE_BYTES} bytes: empty it with perf buildid-cache --purge-all`,
      }
      : undefined;
  }

  #link(cache: string, path: string, buildId: string): string | undefined {
    const link = `${cache}/${linkOf(buildId)}`;
    const unsafe = makePrivateFolder(link.slice(0, link.lastIndexOf("/")));
    if (unsafe) return unsafe.cause;
    const there = openCached(buildId, undefined, cache);
    if (there) there.close();
    else replaceLink(`../..${path}/${buildId}`, link);
    return undefined;
  }
}

/** Returns the bytes on disk of a folder; Infinity if it has too many files. */
function bytesIn(folder: string): number {
  let bytes = 0, files = 0;
  for (const folders = [folder]; folders.length > 0;) {
    const path = folders.pop()!;
    for (const { name, isDirectory } of Deno.readDirSync(path)) {
      if (++files > MAX_CACHE_FILES) return Infinity;
      if (isDirectory) folders.push(`${path}/${name}`);
      else bytes += 512 * (Deno.lstatSync(`${path}/${name}`).blocks ?? 0);
    }
  }
  return bytes;
}

function linkOf(buildId: string): string {
  return `.build-id/${buildId.slice(0, 2)}/${buildId.slice(2)}`;
}

/** Replaces a dangling link, left by an object that was removed. */
function replaceLink(target: string, link: string): void {
  try {
    Deno.removeSync(link);
  } catch {
    // it was not there
  }
  Deno.symlinkSync(target, link);
}
