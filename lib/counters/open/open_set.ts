/**
 * A request set on its counters: one group of events at one place (a thread, or a CPU), opened, read and
 * closed together, so that its counts belong to the same stretch of time. What cpc calls a bound set is
 * made of one of these for each place.
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
  /** Where counting starts, u64: cpc's preset. */
  preset: bigint;
  /** When it overflows, 2^64 - preset events on, the set freezes, and an OverflowWatch tells of it. */
  notify?: boolean;
}

/** Where a set counts. */
export interface SetPlace {
  /** A thread, or -1 for whatever runs on `cpu`. */
  pid: number;
  /** A CPU, or -1 wherever `pid` runs. */
  cpu: number;
  /** For errors: `pid 412`, `CPU 3`. */
  target: string;
}

/** How a set is opened. */
export interface OpenSetOptions {
  /** The counts may share their counters in turn and be scaled; else the group is pinned, and exact. */
  multiplex?: boolean;
  /** Count what the thread starts, too. Not with `notify`: the kernel has no such thing. */
  inherit?: boolean;
  /** Start at the exec of the thread, rather than at `enable()`. */
  enableOnExec?: boolean;
  /** The caller tells which events are restricted to user space. */
  restrictionNoted?: boolean;
}

/** What a set had counted at one moment. */
export interface SetSample {
  /** When, in ns of CLOCK_MONOTONIC. */
  hrtimeNs: bigint;
  /** ns that the set was enabled, and that it was really on its counters: cpc's tick. */
  enabledNs: number;
  tickNs: number;
  /** u64s, one a counter in the order of the set, presets included; scaled where tickNs < enabledNs. */
  counts: bigint[];
}

const U64 = (1n << 64n) - 1n;
const READ_FORMAT = PERF_FORMAT.GROUP | PERF_FORMAT.TOTAL_TIME_ENABLED | PERF_FORMAT.TOTAL_TIME_RUNNING;
/** struct read_format of a group: { u64 nr, time_enabled, time_running; u64 values[nr]; } */
const HEAD = 3;

export class OpenSet {
  /** What is really counted: the events asked for, or as much of them as this user may count. */
  readonly counters: readonly Counter[];
  readonly place: SetPlace;
  /** In the order of opening: the leader is the first. It alone is switched on and off, and the group with it at once. */
  readonly #fds: number[];
  /** Where in that order each counter is. */
  readonly #slots: readonly number[];
  readonly #presets: bigint[];
  readonly #buffer: BigUint64Array<ArrayBuffer>;
  readonly #multiplex: boolean;
  /** The counters that notify, and of those the ones whose next overflow is due to freeze the set. */
  readonly #notifying: readonly number[];
  readonly #armed: Set<number> = new Set();
  /** It is to count, and does so unless it is frozen. */
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
      // The limit has to be there when the exec enables the events, and setting it enables them too. Nothing is
      // counted in between: the thread waits for its exec.
      this.#arm();
      disable(this.#fds[0]);
    }
  }

  /**
   * Opens the counters as one group, not yet enabled. `note` gets a line for each thing that will not be as
   * asked for. Throws UnsupportedError, with the errno, for the counter that the kernel refuses: EINVAL when
   * the group as a whole does not fit on its PMU. Throws CpcError for a counter that cannot notify: it has no
   * overflow interrupt (ENOTSUP), its preset is too far from the overflow, or it is to be inherited.
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
        cause: "the kernel stops no inherited counter at its overflow",
        remedy: "bind each thread by itself",
      });
    }
    // A leader that stops takes its whole group with it, at once and in the kernel: so a notifying one leads.
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

  /** Descriptor of counter `index`, for rings, filters and periods. */
  fd(index: number): number {
    return this.#fds[this.#slots[index]];
  }

  /** An overflow has stopped the set; `restart()` lets it go on. */
  get frozen(): boolean {
    return this.#frozen;
  }

  /** Counts from now on, unless it is frozen. */
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

  /** Counts from the presets again, and goes on when an overflow has stopped it. The times enabled and running go on. */
  restart(): void {
    this.#frozen = false;
    this.#whileFrozen(() => {
      reset(this.#fds[0], true);
      for (const index of this.#notifying) setPeriod(this.fd(index), this.#period(index));
    });
  }

  /** Sets where counter `index` counts from; the count since then starts at nothing. */
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
   * For the OverflowWatch: counter `index` has overflowed, which stopped it; now the set is stopped as a whole.
   * False when that was known already.
   */
  freeze(index: number): boolean {
    this.#frozen = true;
    disable(this.#fds[0]);
    return this.#armed.delete(index);
  }

  /**
   * Does what changes counts; of a set that notifies, while it stands still: a period that is set on a software
   * event while it counts makes that overflow at once.
   */
  #whileFrozen(change: () => void): void {
    const notifies = this.#notifying.length > 0;
    if (notifies) disable(this.#fds[0]);
    change();
    if (notifies && this.#enabled) this.enable();
  }

  /** Lets each notifying counter overflow once more, after which the kernel stops it. Enables the leader if it is one. */
  #arm(): void {
    const due = this.#notifying.filter((index) => !this.#armed.has(index));
    // the leader, which starts the group, when the others are ready
    for (const index of due.sort((a, b) => this.#slots[b] - this.#slots[a])) {
      refresh(this.fd(index), 1);
      this.#armed.add(index);
    }
  }

  /**
   * What has been counted, or undefined when the set has lost its counters to another user (a pinned group in
   * the error state): cpc's invalid set. Of a set whose CPU has gone, what it had counted by then. Throws PmuError.
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

  /** Reads each event by itself: with its CPU the kernel takes a group apart. */
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

/** Opens a counter that is to notify; when it opens only without that, says so. */
function openNotifying(openAs: (notify: boolean) => OpenedEvent, counter: Counter): OpenedEvent {
  try {
    return openAs(true);
  } catch (error) {
    // PMUs without an interrupt refuse in their own ways: EOPNOTSUPP from the kernel, EINVAL from some drivers
    if (!(error instanceof UnsupportedError)) throw error;
    closeEvent(openedWithout(openAs, error).fd);
    throw noOverflowInterrupt(counter.event.name);
  }
}

function openedWithout(openAs: (notify: boolean) => OpenedEvent, refusal: UnsupportedError): OpenedEvent {
  try {
    return openAs(false);
  } catch {
    throw refusal; // it does not open at all, and that is why
  }
}
