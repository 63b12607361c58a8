/**
 * Cache of what debuginfod servers have sent, shared with elfutils' own tools (debuginfod_find_debuginfo(3)):
 *
 *     FOLDER/BUILD_ID/debuginfo        file with the debug symbols; empty if no server had it when it was written
 *     FOLDER/BUILD_ID/executable       the program itself, likewise
 *     FOLDER/cache_miss_s              seconds for which an empty file keeps servers from being asked again
 *     FOLDER/cache_clean_interval_s    seconds between two cleanings; the time of the file is that of the last one
 *     FOLDER/max_unused_age_s          seconds without a read after which a file is removed
 *
 * A file appears under its name once it is complete.
 */

import { exists } from "../../base/files/exists.ts";
import { FileBytes } from "../../base/files/file_bytes.ts";
import { makePrivateFolder, type UnsafeFolder } from "../../base/files/private_folder.ts";
import { removeQuietly } from "../../base/files/remove_quietly.ts";
import { environmentValue } from "../../base/system/launcher.ts";
import { cachesFolder, homeFolder } from "./cache_folder.ts";

/** Kind of a file that servers have by build id. */
export type ServedKind = "debuginfo" | "executable";

/** Defaults of the control files, in seconds. */
const CONTROLS = { cache_miss_s: 600, cache_clean_interval_s: 86400, max_unused_age_s: 604800 } as const;
/** Most bytes of a control file that are read. */
const MAX_CONTROL = 64;
/** Age in seconds at which an unfinished download counts as abandoned. */
const ABANDONED = 86400;
/** Most folders that one cleaning visits. */
const MAX_FOLDERS = 100_000;
/** Build id in hex: elfutils takes no longer one. */
const BUILD_ID = /^[0-9a-f]{2,128}$/;
const SERVED = /^(debuginfo|executable|source.*)$/;
const UNFINISHED = /^(debuginfo|executable)\.[0-9A-Za-z]{6}$/;

/** Returns the cache's folder, which may not exist; undefined if there is no home folder, or a relative path is set. */
export function debuginfodFolder(): string | undefined {
  const named = environmentValue("DEBUGINFOD_CACHE_PATH")?.replace(/\/+$/, "");
  if (named) return named.startsWith("/") ? named : undefined;
  const home = homeFolder(), older = home && `${home}/.debuginfod_client_cache`;
  if (older && exists(older)) return older;
  const caches = cachesFolder();
  return caches && `${caches}/debuginfod_client`;
}

/** Returns the path of a file in the cache; undefined without a cache, or for what is no build id. */
export function servedPath(
  buildId: string,
  kind: ServedKind,
  folder = debuginfodFolder(),
): string | undefined {
  return folder !== undefined && BUILD_ID.test(buildId) ? `${folder}/${buildId}/${kind}` : undefined;
}

/** Cache of one folder. */
export class DebuginfodCache {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /**
   * Creates the folder, and removes what has not been read for long. Returns why nothing can be written there, if so.
   */
  prepare(): UnsafeFolder | undefined {
    try {
      const unsafe = makePrivateFolder(this.folder);
      if (unsafe) return unsafe;
      this.#clean();
      return undefined;
    } catch (error) {
      return { cause: `${this.folder}: ${error instanceof Error ? error.message : error}` };
    }
  }

  /** Returns whether servers are to be asked for a file: not if it is there, or if none had it a short time ago. */
  isUnknown(buildId: string, kind: ServedKind): boolean {
    const path = servedPath(buildId, kind, this.folder);
    if (path === undefined) return false;
    let stat: Deno.FileInfo;
    try {
      stat = Deno.lstatSync(path);
    } catch {
      return true;
    }
    return stat.size === 0 && secondsSince(stat.mtime) > this.#control("cache_miss_s");
  }

  /** Notes that no server has a file. */
  markMissing(buildId: string, kind: ServedKind): void {
    const path = this.#writablePath(buildId, kind);
    // the time of the file tells when; one that another client has fetched meanwhile stays
    if (exists(path) && Deno.lstatSync(path).size === 0) Deno.removeSync(path);
    try {
      Deno.openSync(path, { write: true, createNew: true, mode: 0o600 }).close();
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
  }

  /** Creates a new file that will become one of the cache. Throws Deno.errors, or Error if the folder is unsafe. */
  create(buildId: string, kind: ServedKind): UnfinishedFile {
    return new UnfinishedFile(this.#writablePath(buildId, kind));
  }

  /** Returns the path of a file, in a folder that only this user can write to. */
  #writablePath(buildId: string, kind: ServedKind): string {
    const path = servedPath(buildId, kind, this.folder);
    const unsafe = path === undefined
      ? { cause: "no build id" }
      : makePrivateFolder(`${this.folder}/${buildId}`);
    if (path === undefined || unsafe) throw new Error(unsafe?.cause);
    return path;
  }

  /** Returns the seconds in a control file, which it creates with its default. */
  #control(name: keyof typeof CONTROLS): number {
    const path = `${this.folder}/${name}`;
    const file = FileBytes.tryOpen(path, { owners: [0, Deno.uid()!], maxBytes: MAX_CONTROL });
    if (file === undefined) {
      if (!exists(path)) {
        try {
          Deno.writeTextFileSync(path, String(CONTROLS[name]), { createNew: true, mode: 0o600 });
        } catch {
          // another client has just written it, or the folder cannot be written to
        }
      }
      return CONTROLS[name];
    }
    try {
      const text = new TextDecoder().decode(file.read(0, file.size));
      const seconds = /^\s*-?\d+/.exec(text);
      return seconds ? Number(seconds[0]) : CONTROLS[name];
    } finally {
      file.close();
    }
  }

  /** Removes files that have not been read for long, if the last cleaning was long enough ago. */
  #clean(): void {
    const interval = this.#control("cache_clean_interval_s"), last = `${this.folder}/cache_clean_interval_s`;
    if (secondsSince(Deno.lstatSync(last).mtime) < interval) return;
    const now = new Date();
    Deno.utimeSync(last, now, now); // first, so that others do not clean at the same time
    const age = this.#control("max_unused_age_s");
    let left = MAX_FOLDERS;
    for (const { name, isDirectory } of Deno.readDirSync(this.folder)) {
      if (!isDirectory || !BUILD_ID.test(name)) continue;
      if (left-- === 0) return;
      cleanFolder(`${this.folder}/${name}`, age);
    }
  }
}

/** File that is being downloaded into the cache. */
export class UnfinishedFile {
  /** Path until `keep`. */
  readonly path: string;
  readonly #final: string;
  readonly #file: Deno.FsFile;
  #isOpen = true;

  constructor(final: string) {
    this.#final = final;
    this.path = `${final}.${crypto.randomUUID().slice(0, 6)}`;
    this.#file = Deno.openSync(this.path, { write: true, createNew: true, mode: 0o600 });
  }

  /** Appends bytes. Throws Deno.errors. */
  write(bytes: Uint8Array<ArrayBuffer>): void {
    for (let at = 0; at < bytes.length;) at += this.#file.writeSync(bytes.subarray(at));
  }

  /** Discards what was written, to start again. */
  restart(): void {
    this.#file.truncateSync(0);
    this.#file.seekSync(0, Deno.SeekMode.Start);
  }

  /** Puts the file into the cache, read-only as elfutils has them. Throws Deno.errors. */
  keep(): void {
    this.#close();
    Deno.chmodSync(this.path, 0o400);
    Deno.renameSync(this.path, this.#final);
  }

  /** Removes the file, and its folder if it is empty. */
  drop(): void {
    this.#close();
    removeQuietly(this.path);
    removeQuietly(this.path.slice(0, this.path.lastIndexOf("/")));
  }

  #close(): void {
    if (this.#isOpen) this.#file.close();
    this.#isOpen = false;
  }
}

function cleanFolder(folder: string, age: number): void {
  const stat = Deno.lstatSync(folder);
  for (const { name, isFile } of Deno.readDirSync(folder)) {
    if (!isFile) continue;
    const { atime, mtime } = Deno.lstatSync(`${folder}/${name}`);
    const isOld = SERVED.test(name)
      ? secondsSince(atime) >= age
      : UNFINISHED.test(name) && secondsSince(mtime) >= ABANDONED;
    if (isOld) removeQuietly(`${folder}/${name}`);
  }
  if (secondsSince(stat.mtime) >= age) removeQuietly(folder);
}

function secondsSince(time: Date | null): number {
  return (Date.now() - (time?.getTime() ?? 0)) / 1000;
}
