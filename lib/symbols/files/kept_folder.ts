/**
 * Folder of kept tables, $XDG_CACHE_HOME/pmuctl/code (~/.cache/pmuctl/code): a file a table, of this user alone. A report
 * does without where it cannot be read or written: no home folder, another user's, a full disk.
 */

import { isOwnFolder, readPrivateFile, writePrivateFile } from "../../base/files/private_file.ts";
import { folderProblem, makePrivateFolder } from "../../base/files/private_folder.ts";
import { removeQuietly } from "../../base/files/remove_quietly.ts";
import { cacheFolder } from "./cache_folder.ts";
import type { KeptTables } from "./symbol_files.ts";

/** Most bytes of one table, and of all; those that were used least recently are removed first. */
const MAX_TABLE = 64 << 20, MAX_TOTAL = 256 << 20;
/** Age in ms at which a file that was never completed is removed. */
const ABANDONED_MS = 3600 * 1000;
/** Names of tables, and of the files in which they are written. */
const TABLE_NAME = /^[0-9a-z-]+\.(functions|lines)$/;
const PARTIAL_NAME = /^[0-9a-z-]+\.(functions|lines)\.[0-9a-f-]{36}$/;

/** Tables in a folder. */
export class KeptFolder implements KeptTables {
  readonly #folder: string | undefined;
  readonly #mostBytes: number;
  #isPrivate: boolean | undefined;
  /** Bytes of all tables, at most; undefined before they were looked at. */
  #bytes: number | undefined;

  constructor(folder = keptFolder(), mostBytes = MAX_TOTAL) {
    this.#folder = folder;
    this.#mostBytes = mostBytes;
  }

  read(name: string): Uint8Array<ArrayBuffer> | undefined {
    if (!TABLE_NAME.test(name) || !this.#mayRead()) return undefined;
    const path = `${this.#folder}/${name}`;
    const bytes = readPrivateFile(path, MAX_TABLE);
    if (bytes !== undefined) markUsed(path);
    return bytes;
  }

  write(name: string, bytes: Uint8Array<ArrayBuffer>): void {
    const folder = this.#folder;
    if (
      folder === undefined || !TABLE_NAME.test(name) || bytes.length > Math.min(MAX_TABLE, this.#mostBytes)
    ) return;
    try {
      if (makePrivateFolder(folder) || !isOwnFolder(folder)) return;
      if (!(this.#bytes! + bytes.length <= this.#mostBytes)) {
        this.#bytes = makeRoom(folder, name, this.#mostBytes - bytes.length);
      }
      writePrivateFile(`${folder}/${name}`, [bytes]);
      this.#bytes! += bytes.length;
    } catch {
      // the next report will read the debug information again
    }
  }

  /** Returns whether nobody else can have put tables there. */
  #mayRead(): boolean {
    const folder = this.#folder;
    return this.#isPrivate ??= folder !== undefined && isOwnFolder(folder) &&
      folderProblem(folder) === undefined;
  }
}

function keptFolder(): string | undefined {
  const folder = cacheFolder();
  return folder && `${folder}/code`;
}

/** Notes that a table was used, which is what the time of its file is for. */
function markUsed(path: string): void {
  try {
    const now = new Date();
    Deno.utimeSync(path, now, now);
  } catch {
    // a file system that cannot be written to: its tables stay
  }
}

/**
 * Removes the tables that were used least recently until the others, but for the one named, have at most `room` bytes.
 * Returns how many they have.
 */
function makeRoom(folder: string, name: string, room: number): number {
  const now = Date.now(), tables: { path: string; size: number; used: number }[] = [];
  for (const entry of Deno.readDirSync(folder)) {
    const path = `${folder}/${entry.name}`, isTable = TABLE_NAME.test(entry.name);
    if (entry.name === name || !(isTable || PARTIAL_NAME.test(entry.name))) continue;
    const stat = statOf(path), used = stat?.mtime?.getTime() ?? 0;
    if (stat === undefined) continue;
    if (isTable) tables.push({ path, size: stat.size, used });
    else if (now - used > ABANDONED_MS) removeQuietly(path);
  }
  let bytes = 0, isFull = false;
  for (const { path, size } of tables.sort((a, b) => b.used - a.used)) {
    isFull ||= bytes + size > room;
    if (isFull) removeQuietly(path);
    else bytes += size;
  }
  return bytes;
}

/** Returns what is at a path; undefined if another report has just removed it. */
function statOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch {
    return undefined;
  }
}
