/**
 * A request set on its counters: one group of events at one place (a thread, or a CPU), opened, read and
 * closed together, so that its counts belong to the same stretch of time. What cpc calls a bound set is
 * made of one of these for each place.
 */

import { closeEvent, disable, enable, readCounts, reset, tryOpen } from "../../ffi/pmu.ts";
import { PERF_FORMAT } from "../base/abi.ts";
import type { EventAttr } from "../events/attr.ts";
import { openEvent, type Standing } from "../events/open.ts";
import type { ResolvedEvent } from "../events/resolve.ts";

/** One counter of a set. */
export interface Counter {
  event: ResolvedEvent;
  /** Where counting starts, u64: cpc's preset. */
  preset: bigint;
}

/** Where a set counts. */
export interface Place {
  /** A thread, or -1 for whatever runs on `cpu`. */
  pid: number;
  /** A CPU, or -1 wherever `pid` runs. */
  cpu: number;
  /** For errors: `pid 412`, `CPU 3`. */
  target: string;
}

/** How a set is opened. */
export interface OpenOptions {
  /** The counts may share their counters in turn and be scaled; else the group is pinned, and exact. */
  multiplex?: boolean;
  /** Count what the thread starts, too. */
  inherit?: boolean;
  /** Start at the exec of the thread, rather than at `enable()`. */
  enableOnExec?: boolean;
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
  readonly place: Place;
  readonly #fds: number[];
  readonly #presets: bigint[];
  readonly #buffer: BigUint64Array<ArrayBuffer>;
  readonly #multiplex: boolean;

  private constructor(counters: Counter[], place: Place, fds: number[], multiplex: boolean) {
    this.counters = counters;
    this.place = place;
    this.#fds = fds;
    this.#presets = counters.map((counter) => counter.preset);
    this.#buffer = new BigUint64Array(HEAD + fds.length);
    this.#multiplex = multiplex;
  }

  /**
   * Opens the counters as one group, not yet enabled. `note` gets a line for each thing that will not be as
   * asked for. Throws UnsupportedError, with the errno, for the counter that the kernel refuses: EINVAL when
   * the group as a whole does not fit on its PMU.
   */
  static open(
    counters: readonly Counter[],
    place: Place,
    options: OpenOptions,
    standing: Standing,
    note: (line: string) => void,
  ): OpenSet {
    const fds: number[] = [];
    const opened: Counter[] = [];
    try {
      for (const counter of counters) {
        const leads = fds.length === 0;
        const groupFd = leads ? -1 : fds[0];
        const attrOf = (event: ResolvedEvent) => setAttr(event, leads, options);
        const open = (attr: Uint8Array<ArrayBuffer>) => tryOpen(attr, { ...place, groupFd });
        const { event, fd } = openEvent({ event: counter.event, attrOf }, place, standing, open, note);
        fds.push(fd);
        opened.push({ ...counter, event });
      }
    } catch (error) {
      for (const fd of fds) closeEvent(fd);
      throw error;
    }
    return new OpenSet(opened, place, fds, options.multiplex ?? false);
  }

  /** Descriptor of counter `index`, for rings, filters and periods. */
  fd(index: number): number {
    return this.#fds[index];
  }

  enable(): void {
    enable(this.#fds[0], true);
  }

  disable(): void {
    disable(this.#fds[0], true);
  }

  /** Counts from the presets again. The times enabled and running go on. */
  restart(): void {
    reset(this.#fds[0], true);
  }

  /** Sets where counter `index` counts from; the count since then starts at nothing. */
  preset(index: number, value: bigint): void {
    reset(this.#fds[index]);
    this.#presets[index] = value & U64;
  }

  /**
   * What has been counted, or undefined when the set has lost its counters to another user (a pinned group in
   * the error state): cpc's invalid set. Throws PmuError.
   */
  sample(hrtimeNs: bigint): SetSample | undefined {
    const words = this.#buffer;
    if (readCounts(this.#fds[0], words) === 0) return undefined;
    const enabledNs = Number(words[1]);
    const tickNs = Number(words[2]);
    const scale = (value: bigint) =>
      this.#multiplex && tickNs > 0 && tickNs < enabledNs
        ? BigInt(Math.round(Number(value) * enabledNs / tickNs))
        : value;
    const counts = this.#presets.map((preset, i) => (preset + scale(words[HEAD + i])) & U64);
    return { hrtimeNs, enabledNs, tickNs, counts };
  }

  close(): void {
    for (const fd of this.#fds) closeEvent(fd);
    this.#fds.length = 0;
  }
}

function setAttr(event: ResolvedEvent, leads: boolean, options: OpenOptions): EventAttr {
  const flags = new Set(event.attr.flags);
  if (leads) {
    flags.add("disabled");
    if (!options.multiplex) flags.add("pinned");
    if (options.enableOnExec) flags.add("enableOnExec");
  }
  if (options.inherit) flags.add("inherit");
  return { ...event.attr, flags, readFormat: READ_FORMAT };
}
