/**
 * Bounds what the maps of other users' processes may cost when a recording starts. Anyone can start a hundred
 * processes with 65,000 mappings each, which take a minute to read and 200 MB of the file.
 */

import { isTrusted } from "../../base/files/guarded_open.ts";
import { counted } from "../../base/text/plural.ts";

/** Characters of /proc/PID/maps read for the processes of one user: some 300,000 mappings. */
const MAX_CHARACTERS = 1 << 25;

/** Budget of each user. Root's processes, and this user's, are always read. */
export class MapBudget {
  readonly #left = new Map<number, number>();
  readonly #limit: number;
  /** Processes whose maps were not read, by user. */
  readonly skipped = new Map<number, number>();

  constructor(limit = MAX_CHARACTERS) {
    this.#limit = limit;
  }

  /** Returns whether the maps of one more process of this user may be read; counts it as skipped if not. */
  allows(uid: number): boolean {
    if (isTrusted(uid) || (this.#left.get(uid) ?? this.#limit) > 0) return true;
    this.skipped.set(uid, (this.skipped.get(uid) ?? 0) + 1);
    return false;
  }

  /** Charges a user with the text of a process's maps. */
  spend(uid: number, characters: number): void {
    this.#left.set(uid, (this.#left.get(uid) ?? this.#limit) - characters);
  }

  /** Returns a sentence for each user whose processes were skipped. */
  notes(): string[] {
    return [...this.skipped].map(([uid, processes]) =>
      `the mappings of ${
        counted(processes, "process")
      } of user ${uid} are not recorded, as this user has too many: ` +
      "their samples have no symbols"
    );
  }
}
