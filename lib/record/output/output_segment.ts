/** One output of a recording: a file or a pipe, the drain that fills it, and its own ledger. */

import { type FlightRings, PmuError, type RingStats, seek } from "../../../ffi/pmu.ts";
import { ERRNO } from "../../base/system/errno.ts";
import { UnsupportedError } from "../../base/system/errors.ts";
import { finalLedger, type KernelLossesByCpu } from "../rings/final_ledger.ts";
import type { RingDrain } from "../rings/rings.ts";
import type { HandoverSpool, SpooledRecords } from "./handover_spool.ts";
import type { Ledger } from "../../perfdata/format/ledger.ts";
import { ObjectKeeper } from "../objects/object_keeper.ts";
import { type Keeper, PipeKeeper } from "../objects/pipe_keeper.ts";
import type { EventOnCpus } from "../open/open_on_cpus.ts";
import { liveProc } from "../host/procfs.ts";
import type { ObjectPolicy, RecordingProgress } from "../request/request.ts";
import type { RecordingFacts, Sink } from "./sink.ts";

/** Outcome of an output that has been completed. */
export interface ClosedSegment {
  ledger: Ledger;
  /** Size of the whole file. */
  bytes: number;
  /** Names of programs that the kernel stopped sampling at their exec, as far as the records tell; see Drain.cuts. */
  cuts: string[];
  /** First error of writing; the output holds what came before it. */
  writeError?: PmuError;
}

/** Facts of a recording that its segments do not know by themselves. */
export type RecordingCourse = Pick<
  RecordingFacts,
  "command" | "events" | "happened" | "pidNamespace" | "unwoundBytes"
>;

/** Options of a segment. */
export interface SegmentOptions {
  objectPolicy: ObjectPolicy;
  /** Flight recorder, whose most recent records are added at the end. */
  flight?: FlightRings;
  /** Returns the facts as they are now. */
  course: () => RecordingCourse;
}

/** Milliseconds after which what the file says of itself is renewed. */
const RENEW_MS = 1000;

/**
 * Output from its front to its features. `begin()` or `follow()`, then `stop()`, `finish()`, `saveObjects()` and
 * `free()`, in that order.
 */
export class OutputSegment {
  readonly sink: Sink;
  readonly #drain: RingDrain;
  readonly #keeper: Keeper | undefined;
  #began = 0;
  #seconds = 0;
  #freed = false;
  #lostBefore: KernelLossesByCpu = new Map();
  #lost: KernelLossesByCpu = new Map();
  #spooled: SpooledRecords | undefined;
  readonly #options: SegmentOptions;
  #renewTimer: ReturnType<typeof setInterval> | undefined;
  #writeError: PmuError | undefined;

  /** Takes ownership of sink and drain: `free()` closes them. */
  constructor(sink: Sink, drain: RingDrain, opened: readonly EventOnCpus[], options: SegmentOptions) {
    this.sink = sink;
    this.#drain = drain;
    this.#keeper = sink.sizeFieldAt === undefined
      ? options.objectPolicy === "nothing" ? undefined : new PipeKeeper(drain)
      : ObjectKeeper.start(sink, opened, drain, options.objectPolicy);
    this.#options = options;
  }

  /** Bytes of records so far. */
  get bytes(): number {
    return this.#drain.written;
  }

  /** Returns the counters of each ring: while spooling, and since. */
  #stats(): RingStats[] {
    const now = this.#drain.stats();
    const before = this.#spooled?.stats;
    return before ? now.map((ring, i) => sumOfStats(before[i], ring)) : now;
  }

  /** Progress so far. Losses are known in full only at the end. */
  get progress(): RecordingProgress {
    const rings = this.#stats();
    const dropped = rings.reduce((sum, ring) => sum + ring.dropbufSample, 0);
    return {
      samples: rings.reduce((sum, ring) => sum + ring.samples, -dropped),
      lost: rings.reduce((sum, ring) => sum + ring.lost + ring.lostSamples, dropped),
      bytes: this.bytes,
    };
  }

  /** First error of writing. */
  get error(): PmuError | undefined {
    return this.#drain.error;
  }

  /**
   * Writes the front, and starts the drain. `lostBefore` is what the kernel had counted as lost when the segment before
   * this one ended. Throws UnsupportedError when the front cannot be written.
   */
  begin(front: readonly Uint8Array[], lostBefore: KernelLossesByCpu): void {
    this.sink.write(front);
    this.#keeper?.seeFront(front);
    this.#start(lostBefore);
  }

  /**
   * Goes on from the segment before: writes the front, behind it the records of `spool`, and starts the drain. A front
   * that cannot be written (the disk is full) does not end the recording: the drain meets the same error, and counts
   * what it drops.
   */
  async follow(
    front: readonly Uint8Array[],
    lostBefore: KernelLossesByCpu,
    spool: HandoverSpool | undefined,
  ): Promise<void> {
    const at = seek(this.sink.fd, 0, "current");
    try {
      this.sink.write(front);
    } catch (error) {
      if (!(error instanceof UnsupportedError)) throw error;
      seek(this.sink.fd, at);
    }
    this.#keeper?.seeFront(front);
    this.#spooled = await spool?.endInto(this.sink.fd);
    if (this.#spooled) this.#keeper?.see(this.#spooled.seen);
    this.#start(lostBefore);
  }

  #start(lostBefore: KernelLossesByCpu) {
    this.#lostBefore = lostBefore;
    this.#began = performance.now();
    this.#drain.setBase(this.sink.dataBytes + (this.#spooled?.bytes ?? 0));
    this.#drain.start();
    this.#renewTimer = setInterval(() => this.#renew(), RENEW_MS);
  }

  /** Renews what the file says of itself, for readers of a recording that was killed. */
  #renew(): void {
    this.sink.keep({
      ...this.#options.course(),
      unfinished: true,
      buildIds: this.#keeper?.buildIds ?? [],
      jitProcesses: this.#keeper?.jitProcesses ?? [],
      ledger: finalLedger(this.#stats(), new Map(), new Map()),
      seconds: (performance.now() - this.#began) / 1000,
    });
  }

  /** Holds the programs of a process that was just started, so that they can be read when it has ended. */
  holdProgramsOf(pid: number): void {
    this.#keeper?.holdProgramsOf(liveProc, pid);
  }

  /**
   * Takes what is in the rings now as the last records of this segment, then reads and returns what was `lost`. Throws
   * what the drain's taker threw; `finish()` is possible then, too.
   */
  async stop(lost: () => KernelLossesByCpu): Promise<KernelLossesByCpu> {
    // samples first: every map and name they need is then in the drain's rings, or written
    clearInterval(this.#renewTimer);
    this.#options.flight?.take();
    if (this.#drain.error) this.sink.freeBallast(); // what came since is dropped, and only the size has yet to be written
    try {
      this.#writeError = await this.#drain.stop();
    } finally {
      this.#seconds = (performance.now() - this.#began) / 1000;
      this.#lost = lost();
    }
    return this.#lost;
  }

  /** Drops what still waits to be written, and counts it, so that `stop()` ends soon. */
  giveUp(): void {
    if (!this.#freed) this.#drain.abort();
  }

  /** Completes the output; after `stop()`. */
  async finish(): Promise<ClosedSegment> {
    const { flight, course } = this.#options;
    const added = flight?.write(this.sink.fd, this.sink.spare);
    const ledger = finalLedger(this.#stats(), this.#lost, this.#lostBefore, flight?.stats());
    const dataBytes = this.#drain.written + (added?.bytes ?? 0);
    const hasSpooledSamples = this.#spooled !== undefined &&
      this.#spooled.stats.some(({ samples }) => samples > 0);
    const objects = await this.#keeper?.finish(dataBytes, flight !== undefined || hasSpooledSamples);
    // a pipe that was given up takes nothing any more
    const givenUp = this.#writeError?.errno === ERRNO.ECANCELED && this.sink.sizeFieldAt === undefined;
    const { bytes, error } = givenUp ? { bytes: dataBytes } : this.sink.finish(dataBytes, {
      ...course(),
      buildIds: objects?.buildIds ?? [],
      sampleTime: objects?.sampleTime,
      jitProcesses: objects?.jitProcesses ?? [],
      names: objects?.names,
      ledger,
      seconds: this.#seconds,
    }, this.#writeError !== undefined);
    return {
      ledger,
      bytes,
      cuts: this.#drain.cuts,
      writeError: this.#writeError ?? added?.error ?? error,
    };
  }

  /**
   * Saves objects that a report would not find, after `finish()`. Returns a sentence for each that could not be saved.
   * Gives up once `stopped()`.
   */
  async saveObjects(stopped: () => boolean): Promise<string[]> {
    return await this.#keeper?.save(stopped) ?? [];
  }

  /** Ends the drain, whatever its state, and closes the output. Does nothing when called again. */
  free(): void {
    if (this.#freed) return;
    this.#freed = true;
    clearInterval(this.#renewTimer);
    this.#keeper?.close();
    this.#drain.free();
    this.sink.close();
  }
}

/** Adds the counters of one ring up, of two drains that emptied it one after the other. */
function sumOfStats(before: RingStats, after: RingStats): RingStats {
  const sum = { ...after };
  for (const name of Object.keys(sum) as (keyof RingStats)[]) {
    if (name !== "cpu") sum[name] += before[name];
  }
  return sum;
}
