/** What a file keeps in its room (perfdata/room.ts) while it is recorded, and for the end where the disk is full. */

import { concat } from "../../base/bytes/bytes.ts";
import {
  encodeFeatures,
  encodeHeaderBuildId,
  type FeatureValues,
} from "../../perfdata/format/feature_encoders.ts";
import { FEATURE } from "../../perfdata/format/features.ts";
import { type LedgerRow, makeLedger } from "../../perfdata/format/ledger.ts";
import {
  encodeState,
  type PlacedSection,
  type Room,
  type RoomPlan,
  STATE_SIZE,
  versionAt,
} from "../../perfdata/format/room.ts";
import { type RecordingFacts, versionSection } from "./sink.ts";

/** Of the objects that run, besides the kernel's: some hundred of them. Later kernels tell them in the records, too. */
const BUILD_ID_BYTES = 16384;
/** For changes of rates and CPUs, and for processes that make code as they run. */
const HAPPENINGS_BYTES = 4096;

/** A ledger line as long as it may get. */
function longestRow(cpu: number): LedgerRow {
  const most = Number.MAX_SAFE_INTEGER;
  return {
    cpu,
    sample: most,
    overflow: most,
    lost_sideband: most,
    buf: most,
    emptybuf: most,
    dropbuf: most,
    dropbuf_sample: most,
    throttle: most,
    overwritten_bytes: most,
  };
}

/** The room for a recording on these CPUs, of which `known` and, as it begins, `facts` are known. */
export function planRoom(known: FeatureValues, facts: RecordingFacts, cpus: readonly number[]): RoomPlan {
  const ledger = makeLedger(cpus.map(longestRow));
  const longest = versionSection({ ...facts, ledger, seconds: Number.MAX_SAFE_INTEGER / 1000 }, Infinity)!;
  return {
    sections: encodeFeatures({ ...known, buildIds: undefined }),
    buildIdBytes: sizeOf(known.buildIds?.map(encodeHeaderBuildId) ?? []) + BUILD_ID_BYTES,
    versionBytes: longest.length + HAPPENINGS_BYTES,
  };
}

/** Writes bytes at an offset of the file. */
type Put = (bytes: Uint8Array<ArrayBuffer>, offset: number) => void;

export class FileRoom {
  readonly #room: Room;
  readonly #listed = new Set<string>();
  #buildIdBytes = 0;
  #full = false;
  #turn = 0;
  #version: PlacedSection | undefined;

  constructor(room: Room) {
    this.#room = room;
  }

  /** Puts there what is known by now, and as many of the build ids as there is room for. Throws what `put` throws. */
  keep(facts: RecordingFacts, put: Put): void {
    this.#addBuildIds(facts.buildIds, put);
    const turn = this.#turn + 1;
    const place = this.#room.states[turn % 2];
    const version = versionSection(facts, place.size - STATE_SIZE);
    if (!version) return;
    const state = encodeState({ turn, version, buildIdBytes: this.#buildIdBytes });
    put(state, place.offset);
    this.#turn = turn;
    this.#version = versionAt(place, state);
  }

  /** The features that lie here. */
  get sections(): PlacedSection[] {
    const buildIds = {
      number: FEATURE.BUILD_ID,
      offset: this.#room.buildIds.offset,
      size: this.#buildIdBytes,
    };
    const told = [...this.#version ? [this.#version] : [], ...this.#buildIdBytes > 0 ? [buildIds] : []];
    return [...this.#room.sections, ...told];
  }

  /** Those of them that are complete from the start. */
  get known(): readonly PlacedSection[] {
    return this.#room.sections;
  }

  #addBuildIds(buildIds: RecordingFacts["buildIds"], put: Put): void {
    const added: Uint8Array[] = [];
    let end = this.#buildIdBytes;
    for (const entry of buildIds) {
      const key = `${entry.filename}\0${entry.buildId}`;
      if (this.#full || this.#listed.has(key)) continue;
      const bytes = encodeHeaderBuildId(entry);
      if (end + bytes.length > this.#room.buildIds.size) {
        this.#full = true; // so that the first ones are there, and none is looked at again and again
        break;
      }
      this.#listed.add(key);
      added.push(bytes);
      end += bytes.length;
    }
    if (added.length === 0) return;
    put(concat(added), this.#room.buildIds.offset + this.#buildIdBytes);
    this.#buildIdBytes = end;
  }
}

function sizeOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}
