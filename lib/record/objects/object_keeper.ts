/**
 * Keeps a recording resolvable: lists the build ids of the objects that ran, and saves those with samples that a report
 * would not find by their path: deleted or replaced programs, memfds, and files that only a container or a chroot can
 * see. The drain, which sees every record anyway, hands over the mappings.
 */

import type { SeenRecords } from "../../../ffi/pmu.ts";
import { everyBeat } from "../../base/system/beat.ts";
import { PERF_RECORD_MISC } from "../../base/system/abi.ts";
import { concat } from "../../base/bytes/bytes.ts";
import { append } from "../../base/bytes/lists.ts";
import { FileBytes } from "../../base/files/file_bytes.ts";
import { processFolder } from "../../base/files/pid_namespace.ts";
import { describeEvent, EventTable } from "../../perfdata/format/events.ts";
import type { BuildIdEntry } from "../../perfdata/format/features.ts";
import type { RecordedProcess } from "../../perfdata/own/session_info.ts";
import { CacheWriter, openCached } from "../../symbols/files/build_id_cache.ts";
import { fileBuildId } from "../../symbols/elf/build_id.ts";
import { vdsoBuildId } from "../../symbols/files/host_files.ts";
import { type ObjectInfo, ObjectTable } from "../../symbols/object/objects.ts";
import { HeldObjects } from "./held_objects.ts";
import { findSampledObjects, type SampledObjects } from "./sampled_objects.ts";
import { type EventOnCpus, fileEvents } from "../open/open_on_cpus.ts";
import { seenMap } from "./seen_map.ts";
import { RunTimeNames } from "./run_time_names.ts";
import { KERNEL_LINK, parseMaps, type Proc } from "../host/procfs.ts";
import type { ObjectPolicy } from "../request/request.ts";
import type { RecordsFile, RingDrain } from "../rings/rings.ts";

/** Milliseconds after its start at which a command's maps are read, before the drain has written any record of it. */
const FIRST_LOOKS = [3, 15, 60, 150];

/** Objects and samples of a complete recording, for its file. */
export interface ObjectSummary {
  buildIds: BuildIdEntry[];
  /** Times of the first and last sample, in ns of the recording's clock; undefined without samples. */
  sampleTime: SampledObjects["times"];
  /** Processes that made code as they ran. */
  jitProcesses: RecordedProcess[];
  /** Encoded bundle with the names of that code; undefined if there are none. */
  names?: Uint8Array;
}

/** Keeper of the objects of one file: `start()`, `finish()` when its records are written, `save()`, `close()`. */
export class ObjectKeeper {
  readonly #file: FileBytes;
  readonly #dataOffset: number;
  readonly #opened: readonly EventOnCpus[];
  readonly #drain: RingDrain;
  readonly #objects = new ObjectTable();
  /** Numbers, in the drain's count, of files that are held. */
  readonly #known = new Set<number>();
  readonly #held = new HeldObjects();
  readonly #runTimeNames = new RunTimeNames();
  readonly #save: boolean;
  /** Objects that `finish()` found to be saved. */
  readonly #lost: { path: string; buildId: string }[] = [];
  /** Problems of `finish()`, a sentence each. */
  readonly #failures: string[] = [];
  readonly #timers: ReturnType<typeof setTimeout>[] = [];
  readonly #stopLooking: () => void;
  /** Build ids of the first `#listedRows` objects. */
  readonly #listed: BuildIdEntry[] = [];
  #listedRows = 0;

  private constructor(
    file: FileBytes,
    dataOffset: number,
    opened: readonly EventOnCpus[],
    drain: RingDrain,
    save: boolean,
  ) {
    this.#file = file;
    this.#dataOffset = dataOffset;
    this.#opened = opened;
    this.#drain = drain;
    this.#save = save;
    this.#stopLooking = everyBeat(() => this.#look()); // a process that lives shorter is seen through its parent
  }

  /**
   * Starts a keeper for what `drain` writes into the sink; undefined where that cannot be read back (a pipe, a device), or
   * the policy is to keep nothing.
   */
  static start(
    { fd, sizeFieldAt }: Pick<RecordsFile, "fd" | "sizeFieldAt">,
    opened: readonly EventOnCpus[],
    drain: RingDrain,
    objectPolicy: ObjectPolicy,
  ): ObjectKeeper | undefined {
    if (objectPolicy === "nothing" || sizeFieldAt === undefined) return undefined;
    const file = FileBytes.tryOpen(`/proc/self/fd/${fd}`, KERNEL_LINK);
    if (!file) return undefined;
    // struct perf_file_section { u64 offset, size; }
    const dataOffset = new DataView(file.read(sizeFieldAt - 8, 8).buffer).getUint32(0, true);
    return new ObjectKeeper(file, dataOffset, opened, drain, objectPolicy === "save");
  }

  /** Takes note of records in front of the drain's. */
  seeFront(records: readonly Uint8Array[]): void {
    this.#drain.see(concat(records));
  }

  /** Takes note of the mappings and forks that a drain has seen. */
  see({ maps, forks }: SeenRecords): void {
    for (const { pid, parent } of forks) this.#held.parent(pid, parent);
    let missed = false;
    for (const { file, record } of maps) {
      if (this.#known.has(file)) continue;
      const map = seenMap(record);
      this.#objects.of(map);
      if (this.#held.see(map)) this.#known.add(file);
      else missed = true;
      this.#runTimeNames.see(map);
    }
    if (missed) this.#drain.seeAgain(); // another process may live longer
  }

  /** Build ids that records have carried so far: all of them, where the kernel records build ids. */
  get buildIds(): readonly BuildIdEntry[] {
    const rows = this.#objects.rows;
    for (; this.#listedRows < rows.length; this.#listedRows++) {
      const { path: filename, kind, buildId } = rows[this.#listedRows];
      if (kind !== "file" || buildId === undefined) continue;
      this.#listed.push({ pid: -1, misc: PERF_RECORD_MISC.USER, buildId, filename });
    }
    return this.#listed;
  }

  /** Processes that have made code so far. */
  get jitProcesses(): RecordedProcess[] {
    return this.#runTimeNames.processes;
  }

  #look(): void {
    this.see(this.#drain.takeSeen());
    this.#runTimeNames.look();
  }

  /** Holds the programs of a process that was just started, before any record of it has been written. */
  holdProgramsOf(proc: Proc, pid: number): void {
    const look = () => {
      const maps = parseMaps(proc.text(`${processFolder(pid)}/maps`) ?? "");
      for (const { major: maj, minor: min, inode: ino, ...map } of maps) {
        this.#held.see({ ...map, maj, min, ino, pid });
      }
    };
    for (const ms of FIRST_LOOKS) this.#timers.push(setTimeout(look, ms));
  }

  /**
   * Lists the objects that ran, and finds those to be saved, once all `dataBytes` of records are written and the drain
   * has stopped. `samplesElsewhere`: not all samples came through the drain.
   */
  async finish(dataBytes: number, samplesElsewhere = false): Promise<ObjectSummary> {
    this.#look();
    const buildIds = new Map<string, BuildIdEntry>();
    const lost = new Map<string, { path: string; buildId: string }>();
    for (const object of this.#objects.rows) {
      const buildId = this.#buildIdOf(object);
      if (buildId === undefined) continue;
      const { path: filename } = object;
      const key = `${filename}\0${buildId}`;
      buildIds.set(key, { pid: -1, misc: PERF_RECORD_MISC.USER, buildId, filename });
      if (this.#save && object.kind === "file" && !this.#isFound(filename, buildId)) {
        lost.set(key, { path: filename, buildId });
      }
    }
    const jitProcesses = this.#runTimeNames.processes;
    const looks = lost.size > 0 || jitProcesses.length > 0;
    const times = samplesElsewhere ? undefined : this.#drain.times;
    const hits = looks || times === undefined ? this.#hits(dataBytes) : undefined;
    for (const object of lost.size > 0 && hits ? hits.objects : []) {
      const one = lost.get(`${object.path}\0${this.#buildIdOf(object)}`);
      if (one) this.#lost.push(one);
    }
    const names = hits && jitProcesses.length > 0 ? await this.#namesOf(hits) : undefined;
    return { buildIds: [...buildIds.values()], sampleTime: times ?? hits?.times, jitProcesses, names };
  }

  /** Returns the names of run-time code that samples hit; undefined if there are none, or they are too large. */
  async #namesOf({ code }: SampledObjects): Promise<Uint8Array | undefined> {
    const found = await this.#runTimeNames.find(code);
    append(this.#failures, found.failures);
    return found.bundle;
  }

  /**
   * Saves what `finish()` found, when the output is complete, so that nothing waits for it. Returns a sentence for each
   * object that could not be saved. Gives up once `stopped()`.
   */
  async save(stopped: () => boolean): Promise<string[]> {
    const writer = new CacheWriter();
    const failures = this.#failures;
    for (const { path, buildId } of this.#lost) {
      const held = this.#held.find(path, buildId);
      if (!held || fileBuildId(path) === buildId) continue;
      const cause = await writer.save(held, path, buildId, stopped);
      if (cause) failures.push(`${path} is not saved for reports: ${cause}`);
    }
    return failures;
  }

  /** Stops looking, and closes what was held. */
  close(): void {
    this.#stopLooking();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#held.close();
    this.#runTimeNames.close();
    this.#file.close();
  }

  #hits(dataBytes: number): SampledObjects {
    const table = new EventTable();
    for (const { attr, ids } of fileEvents(this.#opened)) table.add(describeEvent(attr, ids));
    return findSampledObjects(this.#file, this.#dataOffset, this.#dataOffset + dataBytes, table);
  }

  #buildIdOf({ kind, path, buildId }: ObjectInfo): string | undefined {
    if (kind === "vdso") return buildId ?? vdsoBuildId();
    return kind === "file" ? buildId ?? this.#held.buildIdOf(path) : undefined;
  }

  /** Returns whether a reader on this machine finds the object, by its path or in the cache. */
  #isFound(path: string, buildId: string): boolean {
    if (this.#held.isThere(path)) return true;
    const cached = openCached(buildId, path);
    cached?.close();
    return cached !== undefined;
  }
}
