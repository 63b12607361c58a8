/**
 * Files of a part, which is what one recording adds to a dataset: one file in each table. They are written beside their
 * places, and are on the disk before the first one is renamed; samples are renamed last. So whoever finds samples finds
 * all that belongs to them, and what is left of a writer that was killed belongs to no samples, and is replaced when the
 * recording is exported again: its files have the same names.
 */

import { removeQuietly } from "../../base/files/remove_quietly.ts";
import { ERRNO } from "../../base/system/errno.ts";
import { errnoOf, refusal } from "../../base/system/system_error.ts";
import {
  isDataset,
  MARKER,
  markerText,
  PART_ENDING,
  type Partition,
  partitionFolder,
  type TableName,
  TABLES,
} from "../layout/partitions.ts";

/** Age in ms of a file beside the others from which nobody writes it any more. */
const ABANDONED = 24 * 3600 * 1000;
/** Ending of the names of files that are being written. */
const UNFINISHED = ".tmp";

/** File of a table that is being written. */
interface UnfinishedFile {
  folder: string;
  path: string;
  file: Deno.FsFile;
  bytes: number;
}

/** Files of one part, while they are being written. */
export class PartFiles {
  readonly #dataset: string;
  readonly #name: string;
  readonly #partition: string;
  readonly #files = new Map<TableName, UnfinishedFile>();

  /** @param name name of the part's files, without their ending. */
  constructor(dataset: string, partition: Partition, name: string) {
    this.#dataset = dataset;
    this.#name = name;
    this.#partition = partitionFolder(partition);
  }

  /** Returns the size of a table's file in bytes. */
  bytesOf(table: TableName): number {
    return this.#files.get(table)?.bytes ?? 0;
  }

  /**
   * Writes the file of a table: `body` gets a function that appends bytes. Throws UnsupportedError, after which nothing of the
   * part is left.
   */
  write(table: TableName, body: (append: (bytes: Uint8Array) => void) => void): void {
    this.#attempt(() => {
      const folder = `${this.#dataset}/${table}/${this.#partition}`;
      Deno.mkdirSync(folder, { recursive: true });
      removeAbandoned(folder);
      const path = `${folder}/.${this.#name}.${crypto.randomUUID().slice(0, 8)}${UNFINISHED}`;
      const file = { folder, path, bytes: 0, file: Deno.openSync(path, { write: true, createNew: true }) };
      this.#files.set(table, file);
      body((bytes) => {
        for (let at = 0; at < bytes.length;) at += file.file.writeSync(bytes.subarray(at));
        file.bytes += bytes.length;
      });
    });
  }

  /** Makes the part a part of the dataset. Throws UnsupportedError. */
  commit(): void {
    this.#attempt(() => {
      for (const { file } of this.#files.values()) file.syncSync();
      for (const table of TABLES) {
        const { folder, path } = this.#files.get(table)!;
        // what the samples belong to has to be there before they are
        if (table === "samples") { for (const { folder } of this.#files.values()) syncFolder(folder); }
        Deno.renameSync(path, `${folder}/${this.#name}${PART_ENDING}`);
      }
      syncFolder(this.#files.get("samples")!.folder);
      for (const { file } of this.#files.values()) file.close();
    });
  }

  /** Runs a step; removes all files if it fails. */
  #attempt(step: () => void): void {
    try {
      step();
    } catch (error) {
      for (const { file, path } of this.#files.values()) {
        removeQuietly(path);
        closeQuietly(file);
      }
      throw errnoOf(error) === undefined
        ? error
        : refusal(`add to the dataset ${this.#dataset}`, error, "name another folder with -o");
    }
  }
}

/** Makes a folder a dataset, if it is none. Throws UnsupportedError. */
export function makeDataset(path: string): void {
  if (isDataset(path)) return;
  const temporary = `${path}/.${MARKER}.${crypto.randomUUID().slice(0, 8)}${UNFINISHED}`;
  try {
    Deno.mkdirSync(path, { recursive: true });
    Deno.writeTextFileSync(temporary, markerText());
    Deno.renameSync(temporary, `${path}/${MARKER}`);
  } catch (error) {
    removeQuietly(temporary);
    throw refusal(`make the dataset ${path}`, error, "name another folder with -o");
  }
}

/** Writes to the disk what was renamed in a folder, so that it survives a power failure. */
function syncFolder(path: string): void {
  const folder = Deno.openSync(path);
  try {
    folder.syncSync();
  } catch (error) {
    if (errnoOf(error) !== ERRNO.EINVAL) throw error; // file systems that do so by themselves, or never
  } finally {
    folder.close();
  }
}

/** Removes what writers have left that were killed long ago. */
function removeAbandoned(folder: string): void {
  for (const { name } of Deno.readDirSync(folder)) {
    if (!name.startsWith(".") || !name.endsWith(UNFINISHED)) continue;
    const path = `${folder}/${name}`;
    try {
      if (Date.now() - (Deno.lstatSync(path).mtime?.getTime() ?? Date.now()) > ABANDONED) removeQuietly(path);
    } catch {
      // another writer has removed or renamed it
    }
  }
}

function closeQuietly(file: Deno.FsFile): void {
  try {
    file.close();
  } catch {
    // it is closed
  }
}
