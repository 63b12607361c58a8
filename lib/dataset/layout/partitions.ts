/**
 * Folders of a dataset: `TABLE/date=YYYY-MM-DD/host=NAME/PART.parquet`, as Hive names partitions, so that engines find the
 * tables by a glob and read no folder that a query excludes. Names of hosts come from recordings and may be any text.
 */

import { BadInputError, UsageError } from "../../base/system/errors.ts";
import { errorCause } from "../../base/system/system_error.ts";
import { exists } from "../../base/files/exists.ts";

/** Version of the layout. Goes up when a column goes away or changes its meaning. */
export const LAYOUT_VERSION = 1;

/** Tables, in the order in which the files of a part come into the dataset: samples last, so that all else is there. */
export const TABLES = ["frames", "stacks", "recordings", "samples"] as const;

/** Name of a table, which is the name of its folder. */
export type TableName = typeof TABLES[number];

/** File at the top that makes a folder a dataset. Engines skip names that begin with an underscore. */
export const MARKER = "_pmuctl_dataset.json";

/** Ending of the names of data files. */
export const PART_ENDING = ".parquet";

/** Partition of a table. */
export interface Partition {
  /** UTC date on which the recordings in it began: `2026-11-30`. */
  date: string;
  host: string;
}

/** Limit on the bytes of a host's name in a folder name, which may have 255 in all. */
const MAX_HOST_BYTES = 200;

/** Characters that Hive escapes in names of partitions (escapePathName in Hive's FileUtils). */
// deno-lint-ignore no-control-regex
const ESCAPED = /[\x00-\x1f"#%'*/:=?\\\x7f{[\]^]/g;

/** Returns the folder of a partition in a table's folder: `date=2026-11-30/host=web%2F1`. */
export function partitionFolder({ date, host }: Partition): string {
  return `date=${date}/host=${escapedHost(host)}`;
}

/** Escapes a host's name for a folder name, and cuts it where it is too long. */
function escapedHost(host: string): string {
  const encoder = new TextEncoder();
  let name = "", bytes = 0;
  for (const letter of host) {
    const escaped = letter.replace(
      ESCAPED,
      (unit) => `%${unit.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
    );
    bytes += encoder.encode(escaped).length;
    if (bytes > MAX_HOST_BYTES) break;
    name += escaped;
  }
  return name;
}

/** Returns the host of a folder name without `host=`. */
function unescapedHost(name: string): string {
  return name.replace(/%([0-9A-Fa-f]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
}

/** Folder of a partition, with its path. */
export interface PartitionFolder extends Partition {
  path: string;
}

/** Lists the partitions of a table, by date and host. Returns none if the table has no folder. */
export function partitionsOf(dataset: string, table: TableName): PartitionFolder[] {
  return foldersIn(`${dataset}/${table}`, /^date=(\d{4}-\d\d-\d\d)$/).flatMap(({ path, value: date }) =>
    foldersIn(path, /^host=(.+)$/).map(({ path, value }) => ({ date, host: unescapedHost(value), path }))
  );
}

/** Lists the folders whose names match, with the first group of the pattern, by name. */
function foldersIn(path: string, pattern: RegExp): { path: string; value: string }[] {
  return namesIn(path).flatMap((name) => {
    const value = pattern.exec(name)?.[1];
    return value === undefined ? [] : [{ path: `${path}/${name}`, value }];
  });
}

/**
 * Returns the name of a part's files, without their ending: the UTC date of its last sample, so that readers need not open
 * what ended before the time that they look for, and the id of its recording.
 */
export function partName(lastDate: string, recording: string): string {
  return `${lastDate}-${recording}`;
}

/** Returns the UTC date of the last sample of a part by the name of its file; undefined for a name of another form. */
export function lastDateOf(name: string): string | undefined {
  return /^(\d{4}-\d\d-\d\d)-/.exec(name)?.[1];
}

/** Lists the names of the data files in a partition. Files that are being written have other names. */
export function partsIn(partition: string): string[] {
  return namesIn(partition).filter((name) => name.endsWith(PART_ENDING) && !/^[._]/.test(name));
}

/** Lists the names in a folder, sorted; none if there is no such folder. Throws BadInputError if it cannot be read. */
function namesIn(path: string): string[] {
  try {
    return Array.from(Deno.readDirSync(path), ({ name }) => name).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw new BadInputError(`cannot read ${path}: ${errorCause(error)}`);
  }
}

/** Returns whether a path is a dataset. */
export function isDataset(path: string): boolean {
  return exists(`${path}/${MARKER}`, Deno.statSync);
}

/** Checks that a dataset is of a layout that this version reads. Throws BadInputError. */
export function checkLayout(dataset: string): void {
  let version: unknown;
  try {
    version = JSON.parse(Deno.readTextFileSync(`${dataset}/${MARKER}`))?.layout;
  } catch (error) {
    throw new BadInputError(`cannot read the dataset ${dataset}: ${MARKER}: ${(error as Error).message}`);
  }
  if (version !== LAYOUT_VERSION) {
    throw new BadInputError(
      `cannot read the dataset ${dataset}: its layout is version ${version}, and this pmuctl knows ${LAYOUT_VERSION}: ` +
        "use the pmuctl that wrote it",
    );
  }
}

/** Returns the text of the marker file. */
export function markerText(): string {
  return `${JSON.stringify({ schema: "pmuctl.dataset/1", layout: LAYOUT_VERSION })}\n`;
}

/** Throws UsageError unless `path` may become a dataset, or is one: a new or an empty folder. */
export function refuseOtherFolder(path: string): void {
  if (isDataset(path)) return;
  let names: string[];
  try {
    names = Array.from(Deno.readDirSync(path), ({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw new UsageError(`-o ${path}: ${errorCause(error)}: name a folder for the dataset`);
  }
  // what writers of a dataset make before its marker, and what a file system has at its top
  const other = names.find((name) => !name.startsWith(".") && name !== "lost+found");
  if (other !== undefined) {
    throw new UsageError(`-o ${path}: the folder has other files in it, such as ${other}: name a new folder`);
  }
}
