/** Puts the code of jitdumps into the address spaces of their processes at the times when it came to be there. */

import { BadInputError } from "../base/errors.ts";
import type { AddressSpaces } from "../symbols/address_space.ts";
import { type CodePlace, isJitDump, readJitDump } from "../symbols/jitdump.ts";
import type { ObjectInfo } from "../symbols/objects.ts";
import type { SymbolFiles } from "../symbols/symbolizer.ts";

/** What was mapped, and where, in bytes. */
interface MapRange {
  pid: number;
  filename: string;
  start: number;
  length: number;
}

/** A dump that a process has mapped, and how far it has been gone through. */
interface Mapped {
  pid: number;
  object: ObjectInfo;
  places: readonly CodePlace[];
  /** Of each place, in ns since the reader's base. */
  times: Float64Array;
  next: number;
}

export class JitPlaces {
  readonly #spaces: AddressSpaces;
  readonly #files: SymbolFiles;
  readonly #timeBase: (() => bigint) | undefined;
  readonly #mapped = new Map<string, Mapped>();
  /** When the next code comes to be, in ns since the reader's base. */
  next = Infinity;
  /** What could not be done as it should, a sentence each. */
  readonly warnings: string[] = [];

  /**
   * @param timeBase gives the time that the recording's times count from, when these are of CLOCK_MONOTONIC, as those
   *   of the dumps are; without it what was at an address last is taken to have been there all the time.
   */
  constructor(spaces: AddressSpaces, files: SymbolFiles, timeBase: (() => bigint) | undefined) {
    this.#spaces = spaces;
    this.#files = files;
    this.#timeBase = timeBase;
  }

  /** Something was mapped into a process, just now: by mapping its dump it tells that it writes one. */
  map({ pid, filename, start, length }: MapRange): void {
    const key = isJitDump(filename) ? `${pid} ${filename}` : undefined;
    if (key === undefined || this.#mapped.has(key)) {
      if (this.#timeBase === undefined) this.#placeAgain(pid, start, start + length);
      return;
    }
    const object = this.#spaces.objects.ofJitDump(pid, filename);
    const places = this.#read(object);
    if (!places) return;
    const base = this.#timeBase?.();
    const times = Float64Array.from(
      places,
      ({ time }) => base === undefined ? -Infinity : Number(time - base),
    );
    this.#mapped.set(key, { pid, object, places, times, next: 0 });
    this.advance(-Infinity);
  }

  /** Puts in what came to be up to `time`. */
  advance(time: number): void {
    this.next = Infinity;
    for (const each of this.#mapped.values()) {
      const { places, times, pid, object } = each;
      for (; each.next < places.length && times[each.next] <= time; each.next++) {
        this.#spaces.placeCode(pid, object, places[each.next]);
      }
      if (each.next < places.length) this.next = Math.min(this.next, times[each.next]);
    }
  }

  /** Without times, code is also where memory for it is mapped only later. */
  #placeAgain(pid: number, start: number, end: number): void {
    for (const each of this.#mapped.values()) {
      if (each.pid !== pid) continue;
      for (const place of each.places) {
        if (place.address < end && place.address + place.size > start) {
          this.#spaces.placeCode(pid, each.object, place);
        }
      }
    }
  }

  #read(object: ObjectInfo): CodePlace[] | undefined {
    const source = this.#files.open(object);
    if (!source) return undefined; // the symbolizer says so, where samples are in its code
    try {
      const { places } = readJitDump(source);
      if (this.#timeBase === undefined) {
        this.warnings.push(
          `${object.path} is read without regard to when code was where: record with -k monotonic`,
        );
        return places;
      }
      return places.sort((a, b) => Number(a.time - b.time));
    } catch (error) {
      if (!(error instanceof BadInputError)) throw error;
      this.warnings.push(error.message);
      return undefined;
    }
  }
}
