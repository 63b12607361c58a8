/**
 * Keeper of names for a recording that goes into a pipe. Nobody can tell what its samples hit, so it keeps all names of
 * the code that processes made as they ran, if they are not too many.
 */

import { everyBeat } from "../../base/system/beat.ts";
import { concat } from "../../base/bytes/bytes.ts";
import { append } from "../../base/bytes/lists.ts";
import type { SeenRecords } from "../../../ffi/pmu.ts";
import type { RecordedProcess } from "../../perfdata/own/session_info.ts";
import type { RingDrain } from "../rings/rings.ts";
import type { ObjectKeeper, ObjectSummary } from "./object_keeper.ts";
import { RunTimeNames } from "./run_time_names.ts";
import { seenMap } from "./seen_map.ts";

/** Keeper as an output uses it. */
export type Keeper = Pick<
  ObjectKeeper,
  "seeFront" | "see" | "buildIds" | "jitProcesses" | "holdProgramsOf" | "finish" | "save" | "close"
>;

/** Keeper of one pipe: made when the drain is, then as an ObjectKeeper. */
export class PipeKeeper implements Keeper {
  readonly buildIds = [];
  readonly #drain: RingDrain;
  readonly #names = new RunTimeNames();
  readonly #failures: string[] = [];
  readonly #stopLooking: () => void;

  constructor(drain: RingDrain) {
    this.#drain = drain;
    this.#stopLooking = everyBeat(() => this.#look());
  }

  seeFront(records: readonly Uint8Array[]): void {
    this.#drain.see(concat(records));
  }

  see({ maps }: SeenRecords): void {
    for (const { record } of maps) this.#names.see(seenMap(record));
  }

  get jitProcesses(): RecordedProcess[] {
    return this.#names.processes;
  }

  /** Does nothing: programs are not kept for a pipe. */
  holdProgramsOf(): void {}

  async finish(): Promise<ObjectSummary> {
    this.#look();
    const { jitProcesses } = this, facts = { buildIds: [], sampleTime: undefined, jitProcesses };
    if (jitProcesses.length === 0) return facts;
    const { bundle, failures } = await this.#names.findAll();
    append(this.#failures, failures);
    return { ...facts, names: bundle };
  }

  save(): Promise<string[]> {
    return Promise.resolve(this.#failures);
  }

  close(): void {
    this.#stopLooking();
    this.#names.close();
  }

  #look(): void {
    this.see(this.#drain.takeSeen());
    this.#names.look();
  }
}
