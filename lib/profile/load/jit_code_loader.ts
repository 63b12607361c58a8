/** Loader of jitdumps: maps the code that programs generated into their address spaces, at the times recorded. */

import type { ByteSource } from "../../base/bytes/byte_source.ts";
import type { AddressSpaces } from "../../symbols/space/address_space.ts";
import { type CodeMapping, isJitDump, readJitDump } from "../../symbols/jit/jitdump.ts";
import type { Budget, Cost } from "../../symbols/object/limits.ts";
import type { ObjectInfo } from "../../symbols/object/objects.ts";
import type { SymbolFiles } from "../../symbols/files/symbol_files.ts";
import { type ObjectNames, openRunTimeNames } from "../../symbols/run_time_names.ts";
import {
  missingSymbolCause,
  missingSymbolRemedy,
  REASON,
  symbolFailureOf,
} from "../../symbols/object/missing_symbol_reasons.ts";

/** Mapping that a process made; `start` and `length` in bytes. */
interface MapRange {
  pid: number;
  filename: string;
  start: number;
  length: number;
}

/** Jitdump that a process has mapped, and how much of it has been applied. */
interface MappedDump {
  pid: number;
  object: ObjectInfo;
  mappings: readonly CodeMapping[];
  /** Time of each mapping, in ns since the reader's base. */
  times: Float64Array;
  next: number;
  cost: Cost;
}

/** Bytes of memory of a code mapping. */
const MAPPING_BYTES = 150;
/** Units of work of checking whether code lies in a mapping, and of mapping it. */
const CHECK_WORK = 1, MAPPING_WORK = 50;

/** Options of JitCodeLoader. */
export interface JitCodeOptions {
  spaces: AddressSpaces;
  files: SymbolFiles;
  /** Limits what all objects together may cost. */
  budget: Budget;
  /** Names that the recording carries. */
  carried?: ObjectNames;
  /**
   * Returns the time that the recording's times count from. Only for recordings with CLOCK_MONOTONIC times, like those of
   * the dumps; without it the last code at an address is taken to have been there all the time.
   */
  timeBase?: () => bigint;
}

/** Loader of the jitdumps that recorded processes mapped. */
export class JitCodeLoader {
  readonly #spaces: AddressSpaces;
  readonly #files: SymbolFiles;
  readonly #budget: Budget;
  readonly #carried: ObjectNames | undefined;
  readonly #timeBase: (() => bigint) | undefined;
  /** Dumps by process and file name; undefined for those that could not be read. */
  readonly #mapped = new Map<string, MappedDump | undefined>();
  readonly #ofProcess = new Map<number, MappedDump[]>();
  /**
   * Binary min-heap by next time of the dumps with mappings to come: none is due before its parent, at half its index.
   */
  readonly #heap: MappedDump[] = [];
  /** Time of the next code mapping, in ns since the reader's base. */
  next = Infinity;
  /** Dumps that are not there. */
  readonly #missing: ObjectInfo[] = [];
  /** Dumps that could not be read, and why: a sentence. */
  readonly #unreadable: { object: ObjectInfo; text: string }[] = [];
  /** Reasons why code may have wrong names, a sentence each. */
  readonly #doubts: string[] = [];

  constructor({ spaces, files, budget, carried, timeBase }: JitCodeOptions) {
    this.#spaces = spaces;
    this.#files = files;
    this.#budget = budget;
    this.#carried = carried;
    this.#timeBase = timeBase;
  }

  /**
   * Dumps that could not be read, and why, a sentence each; of those that are gone, as the recording carries it. Call it
   * when all is read.
   */
  get unreadable(): { object: ObjectInfo; text: string }[] {
    const gone = this.#missing.flatMap((object) =>
      (this.#carried?.of(object)?.facts.warnings ?? []).map((text) => ({ object, text }))
    );
    return [...this.#unreadable, ...gone];
  }

  /** Problems found while loading, a sentence each. */
  get warnings(): string[] {
    return [...this.#doubts, ...this.unreadable.map(({ text }) => text)];
  }

  /** Handles a mapping that a process made. A process announces its jitdump by mapping it. */
  map({ pid, filename, start, length }: MapRange): void {
    const key = isJitDump(filename) ? `${pid} ${filename}` : undefined;
    if (key === undefined || this.#mapped.has(key)) {
      if (this.#timeBase === undefined) this.#mapAgain(pid, start, start + length);
      return;
    }
    const mapped = this.#read(pid, this.#spaces.objects.ofJitDump(pid, filename));
    this.#mapped.set(key, mapped);
    if (!mapped) return;
    const others = this.#ofProcess.get(pid);
    if (others) others.push(mapped);
    else this.#ofProcess.set(pid, [mapped]);
    if (mapped.mappings.length > 0) this.#push(mapped);
    this.advance(-Infinity);
  }

  /** Maps the code that was generated up to `time`. */
  advance(time: number): void {
    const heap = this.#heap;
    while (heap.length > 0 && nextTime(heap[0]) <= time) {
      const first = heap[0];
      this.#spaces.mapCode(first.pid, first.object, first.mappings[first.next++]);
      if (first.next < first.mappings.length) this.#sink();
      else {
        const last = heap.pop()!;
        if (last !== first) {
          heap[0] = last;
          this.#sink();
        }
      }
    }
    this.next = heap.length > 0 ? nextTime(heap[0]) : Infinity;
  }

  /** Adds a dump with mappings to come to the heap. */
  #push(mapped: MappedDump): void {
    const heap = this.#heap;
    let at = heap.push(mapped) - 1;
    for (let parent; at > 0 && nextTime(heap[parent = (at - 1) >> 1]) > nextTime(mapped); at = parent) {
      heap[at] = heap[parent];
    }
    heap[at] = mapped;
  }

  /** Moves the top of the heap, whose time has changed, down to its place. */
  #sink(): void {
    const heap = this.#heap, first = heap[0];
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child + 1 < heap.length && nextTime(heap[child + 1]) < nextTime(heap[child])) child++;
      if (child >= heap.length || nextTime(heap[child]) >= nextTime(first)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = first;
  }

  /**
   * Maps known code again that a new mapping of memory covered. Only without times, when the order of the two is
   * unknown.
   */
  #mapAgain(pid: number, start: number, end: number): void {
    for (const { object, mappings, cost } of this.#ofProcess.get(pid) ?? []) {
      const inside = mappings.filter(({ address, size }) => address < end && address + size > start);
      try {
        cost.work(mappings.length * CHECK_WORK + inside.length * MAPPING_WORK);
      } catch {
        this.#ofProcess.delete(pid);
        this.#doubts.push(
          `code of ${object.path} may have wrong names: too much was mapped over it: record with -k monotonic`,
        );
        return;
      }
      for (const place of inside) this.#spaces.mapCode(pid, object, place);
    }
  }

  #read(pid: number, object: ObjectInfo): MappedDump | undefined {
    const cost = this.#budget.cost(object.path);
    let source: ByteSource | undefined;
    try {
      source = openRunTimeNames(this.#files, object, this.#carried);
      if (!source) { // the symbolizer reports this if there are samples in its code
        this.#missing.push(object);
        return undefined;
      }
      const { mappings } = readJitDump(source, cost);
      cost.abandon(); // its symbols are not kept here
      cost.keep(mappings.length * MAPPING_BYTES);
      if (this.#timeBase === undefined) {
        this.#doubts.push(
          `code of ${object.path} may have wrong names: times cannot be compared: record with -k monotonic`,
        );
      } else mappings.sort((a, b) => Number(a.time - b.time));
      const base = this.#timeBase?.();
      const times = Float64Array.from(
        mappings,
        ({ time }) => base === undefined ? -Infinity : Number(time - base),
      );
      return { pid, object, mappings, times, next: 0, cost };
    } catch (error) {
      cost.abandon();
      const { reason, detail } = symbolFailureOf(error);
      const text = reason === REASON.DAMAGED
        ? (error as Error).message
        : `cannot read ${object.path}: ${missingSymbolCause(reason, detail)}: ${
          missingSymbolRemedy(reason, object)
        }`;
      this.#unreadable.push({ object, text });
      return undefined;
    } finally {
      source?.close?.();
    }
  }
}

/** Returns the time of the dump's next mapping. */
function nextTime({ times, next }: MappedDump): number {
  return times[next];
}
