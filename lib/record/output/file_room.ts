/** Fills the room in a file's front (perfdata/format/room.ts) while it is recorded, and for the end if the disk is full. */

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

/** Room for build ids of some hundred objects besides the kernel's. Newer kernels have them in the records, too. */
const BUILD_ID_BYTES = 16384;
/** Room for changes of rates and CPUs, and for processes that make code as they run. */
const HAPPENINGS_BYTES = 4096;

/** Returns a ledger row as long as it may get. */
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

/** Plans the room of a file on these CPUs, by the features and the facts that are known at the start. */
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
type WriteAt = (bytes: Uint8Array<ArrayBuffer>, offset: number) => void;

/** Room in the front of a file. Two states are written in turn, so that one is whole whenever writing is cut off. */
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

  /** Writes the facts known by now, and as many of the build ids as fit. Throws what `write` throws. */
  keep(facts: RecordingFacts, write: WriteAt): void {
    this.#addBuildIds(facts.buildIds, write);
    const turn = this.#turn + 1;
    const place = this.#room.states[turn % 2];
    const version = versionSection(facts, place.size - STATE_SIZE);
    if (!version) return;
    const state = encodeState({ turn, version, buildIdBytes: this.#buildIdBytes });
    write(state, place.offset);
    this.#turn = turn;
    this.#version = versionAt(place, state);
  }

  /** Features that are in the room. */
  get sections(): PlacedSection[] {
    const buildIds = {
      number: FEATURE.BUILD_ID,
      offset: this.#room.buildIds.offset,
      size: this.#buildIdBytes,
    };
    const renewed = [...this.#version ? [this.#version] : [], ...this.#buildIdBytes > 0 ? [buildIds] : []];
    return [...this.#room.sections, ...renewed];
  }

  /** Features in the room that are complete from the start. */
  get known(): readonly PlacedSection[] {
    return this.#room.sections;
  }

  #addBuildIds(buildIds: RecordingFacts["buildIds"], write: WriteAt): void {
    const added: Uint8Array[] = [];
    let end = this.#buildIdBytes;
    for (const entry of buildIds) {
      const key = `${entry.filename}\0${entry.buildId}`;
      if (this.#full || this.#listed.has(key)) continue;
      const bytes = encodeHeaderBuildId(entry);
      if (end + bytes.length > this.#room.buildIds.size) {
        this.#full = true; // so that the rest is not encoded each time
        break;
      }
      this.#listed.add(key);
      added.push(bytes);
      end += bytes.length;
    }
    if (added.length === 0) return;
    write(concat(added), this.#room.buildIds.offset + this.#buildIdBytes);
    this.#buildIdBytes = end;
  }
}

function sizeOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}
