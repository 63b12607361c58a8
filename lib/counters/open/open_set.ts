/**
 * A request set on its counters: one group of events at one place (a thread, or a CPU), opened, read and closed
 * together, so that its counts cover the same period. A bound set of cpc consists of one of these per place.
 */

import {
  closeEvent,
  disable,
  enable,
  readCounts,
  refresh,
  reset,
  setPeriod,
  tryOpen,
} from "../../../ffi/pmu.ts";
import { PERF_FORMAT } from "../../base/system/abi.ts";
import { UnsupportedError } from "../../base/system/errors.ts";
import type { EventAttr } from "../../events/attr.ts";
import { isRestricted, userOnlyNote } from "../../events/fallback.ts";
import { type OpenedEvent, openWithFallbacks, type Standing } from "../../events/open.ts";
import type { ResolvedEvent } from "../../events/resolve.ts";
import { CpcError } from "../verify/cpc_error.ts";
import { noOverflowInterrupt, onOverflowClock, overflowAttr, overflowPeriod } from "./overflow_attr.ts";

/** One counter of a set. */
export interface Counter {
  event: ResolvedEvent;
  /** Initial value, u64: cpc's preset. */
  preset: bigint;
  /** Freezes the set when this counter overflows, 2^64 - preset events later, and lets an OverflowWatch report it. */
  notify?: boolean;
}

/** Place that a set counts at. */
export interface SetPlace {
  /** Thread, or -1 for whatever runs on `cpu`. */
  pid: number;
  /** CPU, or -1 for wherever `pid` runs. */
  cpu: number;
  /** Name in errors: `pid 412`, `CPU 3`. */
  target: string;
}

/** Options of `OpenSet.open`. */
export interface OpenSetOptions {
  /**
   * Lets events take turns on the counters, so that counts are scaled. Otherwise the group is pinned, and counts are
   * exact.
   */
  multiplex?: boolean;
  /** Counts what the thread starts, too. Not possible with `notify`: the kernel cannot do both. */
  inherit?: boolean;
  /** Starts at the thread's next exec instead of at `enable()`. */
  enableOnExec?: boolean;
  /** Omits the note on events that are restricted to user space, because the caller prints it. */
  restrictionNoted?: boolean;
}

/** Counts of a set at one moment. */
export interface SetSample {
  /** Time in ns of CLOCK_MONOTONIC. */
  hrtimeNs: bigint;
  /** Time in ns that the set was enabled, and that it was on its counters (cpc's tick). */
  enabledNs: number;
  tickNs: number;
  /** One u64 per counter in the order of the set, presets included; scaled if tickNs < enabledNs. */
  counts: bigint[];
}

const U64 = (1n << 64n) - 1n;
const READ_FORMAT = PERF_FORMAT.GROUP | PERF_FORMAT.TOTAL_TIME_ENABLED | PERF_FORMAT.TOTAL_TIME_RUNNING;
/** Words before the values of a group: struct read_format { u64 nr, time_enabled, time_running; u64 values[nr]; } */
const HEAD = 3;

/** Open group of counters at one place. */
export class OpenSet {
  /** Events that are really counted: the requested ones, or what this user may count of them. */
  readonly counters: readonly Counter[];
  readonly place: SetPlace;
  /**
   * Descriptors in the order of opening, the leader first. Only the leader is enabled and disabled, and its group
   * with it.
   */
  readonly #fds: number[];
  /** Index in `#fds` of each counter. */
  readonly #slots: readonly number[];
  readonly #presets: bigint[];
  readonly #buffer: BigUint64Array<ArrayBuffer>;
  readonly #multiplex: boolean;
  /** Counters that notify, and those whose next overflow freezes the set. */
  readonly #notifying: readonly number[];
  readonly #armed: Set<number> = new Set();
  /** True between `enable()` and `disable()`, even while the set is frozen. */
  #enabled: boolean;
  #frozen = false;

  private constructor(
    counters: Counter[],
    place: SetPlace,
    fds: number[],
    slots: readonly number[],
    options: OpenSetOptions,
  ) {
    this.counters = counters;
    this.place = place;
    this.#fds = fds;
    this.#slots = slots;
    this.#presets = counters.map((counter) => counter.preset);
    this.#buffer = new BigUint64Array(HEAD + fds.length);
    this.#multiplex = options.multiplex ?? false;
    this.#notifying = counters.flatMap((counter, index) => counter.notify ? [index] : []);
    this.#enabled = options.enableOnExec ?? false;
    if (this.#enabled) {
      // The limit must be set before the exec enables the events. Setting it enables them, too, but nothing is
      // counted while the thread waits for its exec.
      this.#arm();
      disable(this.#fds[0]);
    }
  }

  /**
   * Opens the counters as one group, disabled. Calls `note` with a line for each thing that differs from what was
   * requested. Throws UnsupportedError, with the errno, when the kernel refuses a counter: EINVAL when the group as a
   * whole does not fit on its PMU. Throws CpcError for a counter that cannot notify: it has no overflow interrupt
   * (ENOTSUP), its preset is too far from the overflow, or it is to be inherited.
   */
  static open(
    counters: readonly Counter[],
    place: SetPlace,
    options: OpenSetOptions,
    standing: Standing,
    note: (line: string) => void,
  ): OpenSet {
    const fds: number[] = [];
    const opened: Counter[] = [];
    const slots: number[] = [];
    const notifies = counters.some((counter) => counter.notify);
    if (notifies && options.inherit) {
      throw new CpcError({
        subcode: "CPC_CONFLICTING_REQS",
        attempt: `notify of overflows on ${place.target} and in what it starts`,
        cause: "the kernel does not stop inherited counters at an overflow",
        remedy: "bind each thread by itself",
      });
    }
    // When a leader stops, the kernel stops its whole group at once, so a notifying counter leads.
    const order = [...counters.keys()].sort((a, b) =>
      Number(counters[b].notify ?? false) - Number(counters[a].notify ?? false)
    );
    try {
      for (const index of order) {
        const counter = counters[index];
        const leads = fds.length === 0;
        const groupFd = leads ? -1 : fds[0];
        const open = (attr: Uint8Array<ArrayBuffer>) => tryOpen(attr, { ...place, groupFd });
        const openAs = (notify: boolean) => {
          const attrOf = (event: ResolvedEvent) => {
            const attr = setAttr(event, leads, options);
            if (notifies) onOverflowClock(attr);
            return notify ? overflowAttr(attr, { ...counter, event }) : attr;
          };
          return openWithFallbacks({ event: counter.event, attrOf }, place, standing, open, note);
        };
        const { event, fd } = counter.notify ? openNotifying(openAs, counter) : openAs(false);
        slots[index] = fds.push(fd) - 1;
        opened[index] = { ...counter, event };
      }
      const restricted = counters.filter(({ event }, i) => isRestricted(event, opened[i].event));
      if (restricted.length > 0 && !options.restrictionNoted) {
        note(userOnlyNote(restricted.map(({ event }) => event.name), standing.privilege));
      }
      return new OpenSet(opened, place, fds, slots, options);
    } catch (error) {
      for (const fd of fds) closeEvent(fd);
      throw error;
    }
  }

  /** Returns the descriptor of counter `index`, for rings, filters and periods. */
  fd(index: number): number {
    return this.#fds[this.#slots[index]];
  }

  /** True while an overflow keeps the set stopped. `restart()` ends that. */
  get frozen(): boolean {
    return this.#frozen;
  }

  /** Enables the set, unless it is frozen. */
  enable(): void {
    this.#enabled = true;
    if (this.#frozen) return;
    this.#arm();
    enable(this.#fds[0]);
  }

  disable(): void {
    this.#enabled = false;
    disable(this.#fds[0]);
  }

  /** Counts from the presets again, and resumes after an overflow. The enabled and running times continue. */
  restart(): void {
    this.#frozen = false;
    this.#whileFrozen(() => {
      reset(this.#fds[0], true);
      for (const index of this.#notifying) setPeriod(this.fd(index), this.#period(index));
    });
  }

  /** Changes the preset of counter `index`, and counts from there. */
  preset(index: number, value: bigint): void {
    const preset = value & U64;
    const period = this.#notifying.includes(index) ? this.#period(index, preset) : undefined;
    this.#whileFrozen(() => {
      reset(this.fd(index));
      this.#presets[index] = preset;
      if (period !== undefined) setPeriod(this.fd(index), period);
    });
  }

  #period(index: number, preset = this.#presets[index]): bigint {
    return overflowPeriod({ event: this.counters[index].event, preset });
  }

  /**
   * Stops the whole set after counter `index` has overflowed and been stopped by the kernel. Called by the
   * OverflowWatch. Returns false if the overflow was already known.
   */
  freeze(index: number): boolean {
    this.#frozen = true;
    disable(this.#fds[0]);
    return this.#armed.delete(index);
  }

  /**
   * Makes a change to counts. A set that notifies is stopped meanwhile: setting the period of a software event while
   * it counts makes it overflow at once.
   */
  #whileFrozen(change: () => void): void {
    const notifies = this.#notifying.length > 0;
    if (notifies) disable(this.#fds[0]);
    change();
    if (notifies && this.#enabled) this.enable();
  }

  /**
   * Lets each notifying counter overflow once more before the kernel stops it. Enables the leader if it is among
   * them.
   */
  #arm(): void {
    const due = this.#notifying.filter((index) => !this.#armed.has(index));
    // The leader starts the group, so it comes last, when the others are ready.
    for (const index of due.sort((a, b) => this.#slots[b] - this.#slots[a])) {
      refresh(this.fd(index), 1);
      this.#armed.add(index);
    }
  }

  /**
   * Reads the counters. Returns undefined when the set has lost them to another user (a pinned group in the error
   * state), which is cpc's invalid set. A set on a CPU that has gone offline keeps its counts. Throws PmuError.
   */
  sample(hrtimeNs: bigint): SetSample | undefined {
    const words = this.#buffer;
    if (readCounts(this.#fds[0], words) === 0) return undefined;
    if (words[0] < BigInt(this.#fds.length)) this.#readSeparately(words);
    const enabledNs = Number(words[1]);
    const tickNs = Number(words[2]);
    const scale = (value: bigint) =>
      this.#multiplex && tickNs > 0 && tickNs < enabledNs
        ? BigInt(Math.round(Number(value) * enabledNs / tickNs))
        : value;
    const counts = this.#presets.map((preset, i) => (preset + scale(words[HEAD + this.#slots[i]])) & U64);
    return { hrtimeNs, enabledNs, tickNs, counts };
  }

  /** Reads each event separately, because the kernel dissolves a group when its CPU goes offline. */
  #readSeparately(words: BigUint64Array): void {
    const alone = new BigUint64Array(HEAD + 1);
    this.#fds.forEach((fd, slot) => {
      readCounts(fd, alone);
      words[HEAD + slot] = alone[HEAD];
    });
  }

  close(): void {
    for (const fd of this.#fds) closeEvent(fd);
    this.#fds.length = 0;
  }
}

function setAttr(event: ResolvedEvent, leads: boolean, options: OpenSetOptions): EventAttr {
  const flags = new Set(event.attr.flags);
  if (leads) {
    flags.add("disabled");
    if (!options.multiplex) flags.add("pinned");
    if (options.enableOnExec) flags.add("enableOnExec");
  }
  if (options.inherit) flags.add("inherit");
  return { ...event.attr, flags, readFormat: READ_FORMAT };
}

/** Opens a counter that notifies. Throws CpcError if it only opens without notification. */
function openNotifying(openAs: (notify: boolean) => OpenedEvent, counter: Counter): OpenedEvent {
  try {
    return openAs(true);
  } catch (error) {
    // PMUs without an interrupt refuse in different ways: EOPNOTSUPP from the kernel, EINVAL from some drivers.
    if (!(error instanceof UnsupportedError)) throw error;
    closeEvent(openedWithout(openAs, error).fd);
    throw noOverflowInterrupt(counter.event.name);
  }
}

function openedWithout(openAs: (notify: boolean) => OpenedEvent, refusal: UnsupportedError): OpenedEvent {
  try {
    return openAs(false);
  } catch {
    throw refusal; // does not open without notification either, so report this cause
  }
}
