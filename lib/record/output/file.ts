/** Writes the perf.data file of a recording, from its header to its features. */

import {
  closeFd,
  createFile,
  createUnnamed,
  lockFile,
  nameFile,
  overwriteInPlace,
  PmuError,
  writeAll,
  writeAt,
} from "../../../ffi/pmu.ts";
import { concat } from "../../base/bytes/bytes.ts";
import { append } from "../../base/bytes/lists.ts";
import { ERRNO } from "../../base/system/errno.ts";
import { UnsupportedError } from "../../base/system/errors.ts";
import { fileIdentity } from "../../base/files/file_bytes.ts";
import { encodeFeatures, type FeatureSection } from "../../perfdata/format/feature_encoders.ts";
import { type BuildIdEntry, FEATURE } from "../../perfdata/format/features.ts";
import type { PlacedSection } from "../../perfdata/format/room.ts";
import {
  encodeAddedId,
  encodeFileEnd,
  encodeFileStart,
  encodeFinishedRound,
  type FileEnd,
  type FileStart,
  type IdPlace,
  MAX_TABLE_BYTES,
} from "../../perfdata/format/writer.ts";
import { FileRoom, planRoom } from "./file_room.ts";
import { folderOf, namelessFile } from "./nameless_file.ts";
import { type EventOnCpus, fileEvents } from "../open/open_on_cpus.ts";
import {
  type Finished,
  knownFeatures,
  lastVersionSection,
  type Origin,
  type RecordingFacts,
  type Sink,
  writeError,
} from "./sink.ts";

/** Suffix of a file of the same name that was there before. */
const OLD = ".old";

/** Facts that a file is made with. */
export interface RecordFileOptions {
  origin: Origin;
  facts: RecordingFacts;
  /** Ids that each event may get besides while the file is written. */
  spareIds: number;
}

/** File of a recording, readable by others from the moment it has its name. */
export class RecordFile implements Sink {
  #path: string;
  /** Whether a file of that name was there, and is kept as FILE.old. */
  readonly #hadOld: boolean;
  readonly #start: FileStart;
  readonly #room: FileRoom;
  /** Build ids of the kernel and its modules. */
  readonly #kernelIds: readonly BuildIdEntry[];
  /** File descriptor, positioned behind what has been written. */
  readonly fd: number;
  /** Room for the table of features, which perf expects behind the records wherever the features are. */
  readonly spare = MAX_TABLE_BYTES;
  /** Descriptor of a file that reserves, of a quota, what the last changes of this file will take. */
  #ballast: number | undefined;
  /** Offsets of the events' ids. */
  #ids: IdPlace[];
  #dataBytes: number;

  private constructor(path: string, hadOld: boolean, fd: number, { start, room, kernelIds, bytes }: Front) {
    this.#path = path;
    this.#hadOld = hadOld;
    this.fd = fd;
    this.#start = start;
    this.#room = room;
    this.#kernelIds = kernelIds;
    this.#ids = start.ids;
    this.#dataBytes = bytes.length - start.dataOffset;
  }

  /**
   * Makes the file with its header and all features known by now, so that it can be read at any time. Keeps a file that
   * was there as FILE.old, as perf does. The file is locked while it is written; a lock goes with its process. Throws
   * UnsupportedError when it cannot be made, or another recorder is writing it; a file that was there is unchanged then.
   */
  static create(path: string, opened: readonly EventOnCpus[], about: RecordFileOptions): RecordFile {
    const front = frontOf(opened, about); // takes a while, so before there is a file
    let lock: number | undefined;
    try {
      const hadOld = isFile(path);
      if (hadOld) {
        lock = lockFile(path); // so that no other recorder writes to it
        Deno.renameSync(path, path + OLD);
      }
      return RecordFile.#make(path, hadOld, front);
    } catch (error) {
      if (!(error instanceof PmuError) || error.errno !== ERRNO.EAGAIN) throw writeError(path, error);
      throw new UnsupportedError({
        attempt: `write ${path}`,
        cause: "another recorder is writing it",
        remedy: "name another file with -o, or end the other recording",
      }, error.errno);
    } finally {
      if (lock !== undefined) closeFd(lock);
    }
  }

  /** Makes the file with its front; puts back the file that was there when that fails. */
  static #make(path: string, hadOld: boolean, front: Front): RecordFile {
    const whole = makeWhole(path, front);
    let file: RecordFile | undefined;
    try {
      const fd = whole?.fd ?? createFile(path);
      file = new RecordFile(path, hadOld, fd, front);
      const inPlace = whole?.inPlace ?? keepsInPlace(fd);
      if (!whole) writeAll(fd, front.bytes);
      if (inPlace) file.#ballast = ballast(path);
      return file;
    } catch (error) {
      if (file) {
        file.discard();
        file.close();
      } else if (hadOld) {
        Deno.renameSync(path + OLD, path);
      }
      throw error;
    }
  }

  /** Offset of the u64 that holds the bytes of records. */
  get sizeFieldAt(): number {
    return this.#start.dataSizeAt;
  }

  /** Bytes of records in the front, and of those written through `write()`. */
  get dataBytes(): number {
    return this.#dataBytes;
  }

  /** Writes whole records. Throws UnsupportedError. */
  write(records: readonly Uint8Array[]): void {
    const bytes = concat(records);
    try {
      writeAll(this.fd, bytes);
    } catch (error) {
      throw writeError(this.#path, error);
    }
    this.#dataBytes += bytes.length;
  }

  /** Writes the facts known by now into the front. Leaves what was there when the file system has no room. */
  keep(facts: RecordingFacts): void {
    this.#inRoom(this.#withKernel(facts));
  }

  /** Adds ids to events, by the event's index in the file; returns false when the file or the disk has no room. */
  addIds(added: readonly { event: number; id: bigint }[]): boolean {
    const ids = this.#ids.map((place) => ({ ...place }));
    const patches: FileEnd["patches"] = [];
    for (const { event, id } of added) {
      const patch = encodeAddedId(ids[event], id);
      if (!patch) return false;
      append(patches, patch);
      ids[event].count++;
    }
    try {
      for (const { offset, bytes } of patches) writeAt(this.fd, bytes, offset);
    } catch (error) {
      if (!(error instanceof PmuError)) throw error;
      return false;
    }
    this.#ids = ids;
    return true;
  }

  freeBallast(): void {
    if (this.#ballast !== undefined) closeFd(this.#ballast);
    this.#ballast = undefined;
  }

  /**
   * Writes the features behind `dataBytes` bytes of records and completes the header. When that fails (the disk is
   * full), the file has the features of its front.
   */
  finish(dataBytes: number, facts: RecordingFacts): Finished {
    this.freeBallast();
    const all = this.#withKernel(facts);
    const { buildIds } = all;
    const kept = this.#inRoom(all);
    const end = this.#start.dataOffset + dataBytes;
    try {
      const version = { number: FEATURE.VERSION, payload: lastVersionSection(facts) };
      const atEnd = [version, ...encodeFeatures({ sampleTime: facts.sampleTime, buildIds })];
      return { bytes: end + this.#complete(dataBytes, [...this.#room.known, ...atEnd]) };
    } catch (error) {
      if (!(error instanceof PmuError)) throw error;
      if (kept) this.#completeFromRoom(dataBytes);
      return { bytes: end, error };
    }
  }

  #withKernel(facts: RecordingFacts): RecordingFacts {
    return withIds(facts, this.#kernelIds);
  }

  #inRoom(facts: RecordingFacts): boolean {
    try {
      this.#room.keep(facts, (bytes, offset) => writeAt(this.fd, bytes, offset));
      return true;
    } catch (error) {
      if (!(error instanceof PmuError)) throw error;
      return false;
    }
  }

  /** Writes the table of these features, and those that are not in the file yet; returns bytes written. Throws PmuError. */
  #complete(dataBytes: number, sections: readonly (FeatureSection | PlacedSection)[]): number {
    const { tail, patches } = encodeFileEnd(this.#start.dataOffset, dataBytes, sections);
    writeAt(this.fd, tail, this.#start.dataOffset + dataBytes);
    for (const { offset, bytes } of patches) writeAt(this.fd, bytes, offset);
    return tail.length;
  }

  /** Writes a table of the front's features into the spare bytes; does nothing when that fails. */
  #completeFromRoom(dataBytes: number): void {
    try {
      this.#complete(dataBytes, this.#room.sections);
    } catch (error) {
      if (!(error instanceof PmuError)) throw error;
    }
  }

  /** Renames the file to a path where nothing is. Throws UnsupportedError. */
  rename(path: string): void {
    try {
      Deno.renameSync(this.#path, path);
    } catch (error) {
      throw writeError(path, error);
    }
    this.#path = path;
  }

  /** Removes the file, and puts back the one that was there before. Leaves /dev/null and the like where they are. */
  discard(): void {
    const here = lookAt(this.#path);
    if (!here?.isFile || fileIdentity(here) !== fileIdentity(Deno.statSync(`/proc/self/fd/${this.fd}`))) {
      return;
    }
    Deno.removeSync(this.#path);
    if (this.#hadOld) Deno.renameSync(this.#path + OLD, this.#path);
  }

  close(): void {
    this.freeBallast();
    closeFd(this.fd);
  }
}

/** Front of a file: all before its records. */
interface Front {
  start: FileStart;
  room: FileRoom;
  kernelIds: readonly BuildIdEntry[];
  /** Bytes, written at once: a file that is cut off within is unreadable. */
  bytes: Uint8Array<ArrayBuffer>;
}

function frontOf(opened: readonly EventOnCpus[], { origin, facts, spareIds }: RecordFileOptions): Front {
  const known = knownFeatures(origin, opened);
  const kernelIds = known.buildIds ?? [];
  const cpus = new Set(opened.flatMap(({ places }) => places.map(({ cpu }) => cpu)));
  const start = encodeFileStart(fileEvents(opened), { room: planRoom(known, facts, [...cpus]), spareIds });
  const room = new FileRoom(start.room!);
  const first = encodeFinishedRound(); // perf refuses a file without any record
  const bytes = concat([start.bytes, first]);
  new DataView(bytes.buffer).setBigUint64(start.dataSizeAt, BigInt(first.length), true);
  room.keep(withIds(facts, kernelIds), (part, offset) => bytes.set(part, offset));
  return { start, room, kernelIds, bytes };
}

function withIds(facts: RecordingFacts, kernelIds: readonly BuildIdEntry[]): RecordingFacts {
  return { ...facts, buildIds: [...kernelIds, ...facts.buildIds] };
}

/**
 * Makes a file that gets its name when it has its front, so that it can be read even if this process is killed at once.
 * Returns undefined where that is impossible: by the file system, or because a device or dangling link has the name.
 */
function makeWhole(path: string, { bytes }: Front): { fd: number; inPlace: boolean } | undefined {
  let fd: number | undefined;
  try {
    fd = createUnnamed(folderOf(path));
    const inPlace = keepsInPlace(fd);
    writeAll(fd, bytes);
    nameFile(fd, path);
    return { fd, inPlace };
  } catch (error) {
    if (!(error instanceof PmuError)) throw error;
    if (fd !== undefined) closeFd(fd);
    return undefined; // making it under its name gives the error, if that fails too
  }
}

/**
 * Makes overwritten bytes keep their place on disk, where the file system has to be asked for that; returns whether it
 * had to be. Where that fails, a full disk may cost the end of the file.
 */
function keepsInPlace(fd: number): boolean {
  try {
    return overwriteInPlace(fd);
  } catch (error) {
    if (!(error instanceof PmuError)) throw error;
    return false;
  }
}

/** Bytes of quota that a file system may want for a change of a file's bytes in place. */
const BALLAST_BYTES = 65536;

/** Reserves the quota that the last changes of a file will take: returns a file beside it, closed for them; or undefined. */
function ballast(beside: string): number | undefined {
  let fd: number | undefined;
  try {
    fd = namelessFile(beside);
    writeAll(fd, new Uint8Array(BALLAST_BYTES));
  } catch {
    if (fd !== undefined) closeFd(fd);
    return undefined;
  }
  return fd;
}

function lookAt(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch {
    return undefined; // somebody has removed it
  }
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
