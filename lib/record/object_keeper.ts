/**
 * Sees to it that a recording can be resolved later: lists the build ids of the objects that samples are in,
 * and saves those that no one could find by their path afterwards: deleted or replaced programs, memfds, and what only a
 * container or a chroot could see.
 */

import { PERF_RECORD_MISC } from "../base/abi.ts";
import { FileBytes } from "../base/file_bytes.ts";
import { describeEvent, EventTable } from "../perfdata/events.ts";
import type { BuildIdEntry } from "../perfdata/features.ts";
import { openCached, saveCached } from "../symbols/build_id_cache.ts";
import { fileBuildId, vdsoBuildId } from "../symbols/host_files.ts";
import type { ObjectInfo } from "../symbols/objects.ts";
import { HeldObjects } from "./held_objects.ts";
import { HitScan } from "./hit_scan.ts";
import type { Opened } from "./opening.ts";
import type { Sink } from "./sink.ts";
import { PerfMaps } from "./perf_maps.ts";
import { parseMaps, type Proc } from "./procfs.ts";

/** How often new records are looked through, in ms: what lives shorter is seen through its parent. */
const LOOK_EVERY = 100;
/** A command's own maps are looked at this many ms after its start, before any record of it has been written. */
const FIRST_LOOKS = [3, 15, 60, 150];

/** What is done about objects: their ids listed and those saved that would not be found, only listed, or nothing. */
export type Keeping = "save" | "list" | "nothing";

export class ObjectKeeper {
  readonly #file: FileBytes;
  readonly #dataOffset: number;
  readonly #scan: HitScan;
  readonly #held = new HeldObjects();
  readonly #perfMaps = new PerfMaps();
  readonly #save: boolean;
  readonly #timers: ReturnType<typeof setTimeout>[] = [];

  private constructor(
    file: FileBytes,
    dataOffset: number,
    opened: readonly Opened[],
    written: () => number,
    save: boolean,
  ) {
    this.#file = file;
    this.#dataOffset = dataOffset;
    this.#save = save;
    const table = new EventTable();
    for (const { attr, places } of opened) table.add(describeEvent(attr, places.map((place) => place.id)));
    this.#scan = new HitScan(file, dataOffset, table, {
      mapped: (map) => {
        this.#held.see(map);
        if (save && map.filename.startsWith("//anon")) this.#perfMaps.see(map.pid);
      },
      forked: (pid, parent) => this.#held.parent(pid, parent),
    });
    const look = () => {
      this.#scan.advance(dataOffset + written());
      this.#perfMaps.look();
    };
    this.#timers.push(setInterval(look, LOOK_EVERY));
  }

  /**
   * The keeper of what is recorded into `sink`, which looks at it from now on until `close()`; undefined where
   * what was written cannot be read back: into a pipe, or a device.
   * @param written gives how many bytes of records there are.
   */
  static of(
    { fd, sizeFieldAt }: Pick<Sink, "fd" | "sizeFieldAt">,
    opened: readonly Opened[],
    written: () => number,
    keeping: Keeping,
  ): ObjectKeeper | undefined {
    if (keeping === "nothing" || sizeFieldAt === undefined) return undefined;
    const file = FileBytes.tryOpen(`/proc/self/fd/${fd}`);
    if (!file) return undefined;
    // struct perf_file_section { u64 offset, size; }
    const dataOffset = new DataView(file.read(sizeFieldAt - 8, 8).buffer).getUint32(0, true);
    return new ObjectKeeper(file, dataOffset, opened, written, keeping === "save");
  }

  /** Looks at a process that was just started, before any record of it has been written. */
  lookAt(proc: Proc, pid: number): void {
    const look = () => {
      for (
        const { major: maj, minor: min, inode: ino, ...map } of parseMaps(
          proc.text(`/proc/${pid}/maps`) ?? "",
        )
      ) {
        this.#held.see({ ...map, maj, min, ino, pid });
      }
    };
    for (const ms of FIRST_LOOKS) this.#timers.push(setTimeout(look, ms));
  }

  /** The build ids of all that samples are in, once all `dataBytes` of records are written; saves what needs it. */
  finish(dataBytes: number): BuildIdEntry[] {
    this.#scan.advance(this.#dataOffset + dataBytes);
    this.#perfMaps.look();
    const entries = new Map<string, BuildIdEntry>();
    for (const object of this.#scan.hits()) {
      if (object.kind === "jit") this.#perfMaps.save(object.pid);
      const buildId = this.#buildIdOf(object);
      if (buildId === undefined) continue;
      if (this.#save && object.kind === "file") this.#saveUnlessFound(object.path, buildId);
      const entry = { pid: -1, misc: PERF_RECORD_MISC.USER, buildId, filename: object.path };
      entries.set(`${object.path}\0${buildId}`, entry);
    }
    return [...entries.values()];
  }

  /** When the first and the last sample were taken, in ns of the recording's clock; after `finish()`. */
  get sampleTime(): { first: bigint; last: bigint } | undefined {
    return this.#scan.times();
  }

  /** Ends the looking, and lets go of what was held. */
  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#held.close();
    this.#perfMaps.close();
    this.#file.close();
  }

  #buildIdOf({ kind, path, buildId }: ObjectInfo): string | undefined {
    if (kind === "vdso") return buildId ?? vdsoBuildId();
    return kind === "file" ? buildId ?? this.#held.buildIdOf(path) : undefined;
  }

  /** Saves an object unless a reader of this machine will find it, by its path or in the cache. */
  #saveUnlessFound(path: string, buildId: string): void {
    if (this.#held.isThere(path)) return;
    const cached = openCached(buildId);
    if (cached) return cached.close();
    const held = this.#held.find(path, buildId);
    if (held && fileBuildId(path) !== buildId) saveCached(held, path, buildId);
  }
}
