/** One output of a recording: a file or a pipe, the drain that fills it, and the ledger of what went there. */

import { type Drain, type FlightRings, PmuError, type RingStats, seek } from "../../../ffi/pmu.ts";
import { ERRNO } from "../../base/system/errno.ts";
import { UnsupportedError } from "../../base/system/errors.ts";
import { finalLedger, type KernelLossesByCpu } from "../rings/final_ledger.ts";
import type { HandoverSpool, SpooledRecords } from "./handover_spool.ts";
import type { Ledger } from "../../perfdata/format/ledger.ts";
import { ObjectKeeper } from "../objects/object_keeper.ts";
import type { EventOnCpus } from "../open/opening.ts";
import { liveProc } from "../host/procfs.ts";
import type { ObjectPolicy, RecordingProgress } from "../request/request.ts";
import type { RecordingFacts, Sink } from "./sink.ts";

/** What there is to know of an output that has been completed. */
export interface ClosedSegment {
  ledger: Ledger;
  /** Of the whole file. */
  bytes: number;
  /** Names of programs that the kernel stopped sampling at their exec, as far as the records tell; see Drain.cuts. */
  cuts: string[];
  /** What went wrong while writing; the output holds what came before. */
  writeError?: PmuError;
}

/** What there is to tell of a recording besides what its part knows itself. */
export type RecordingCourse = Pick<RecordingFacts, "command" | "events" | "happened" | "pidNamespace">;

export interface SegmentOptions {
  objectPolicy: ObjectPolicy;
  /** Rings whose youngest records are added at the end. */
  flight?: FlightRings;
  course: () => RecordingCourse;
}

/** How often what is known is kept in the file, in ms. */
const RENEW_MS = 1000;

export class OutputSegment {
  readonly sink: Sink;
  readonly #drain: Drain;
  readonly #keeper: ObjectKeeper | undefined;
  #began = 0;
  #seconds = 0;
  #freed = false;
  #lostBefore: KernelLossesByCpu = new Map();
  #lost: KernelLossesByCpu = new Map();
  #spooled: SpooledRecords | undefined;
  readonly #options: SegmentOptions;
  #objectPolicy: ReturnType<typeof setInterval> | undefined;
  #writeError: PmuError | undefined;

  /** Takes sink and drain: `free()` closes them. */
  constructor(sink: Sink, drain: Drain, opened: readonly EventOnCpus[], options: SegmentOptions) {
    this.sink = sink;
    this.#drain = drain;
    this.#keeper = ObjectKeeper.of(sink, opened, drain, options.objectPolicy);
    this.#options = options;
  }

  /** Bytes of records so far. */
  get bytes(): number {
    return this.#drain.written;
  }

  /** What each ring has seen: in the gap, and since. */
  #stats(): RingStats[] {
    const now = this.#drain.stats();
    const before = this.#spooled?.stats;
    return before ? now.map((ring, i) => sumOfStats(before[i], ring)) : now;
  }

  /** What went there so far. What was lost is known in full only at the end. */
  get progress(): RecordingProgress {
    const rings = this.#stats();
    const dropped = rings.reduce((sum, ring) => sum + ring.dropbufSample, 0);
    return {
      samples: rings.reduce((sum, ring) => sum + ring.samples, -dropped),
      lost: rings.reduce((sum, ring) => sum + ring.lost + ring.lostSamples, dropped),
      bytes: this.bytes,
    };
  }

  /** What went wrong while writing. */
  get error(): PmuError | undefined {
    return this.#drain.error;
  }

  /**
   * Writes what stands in front, and lets the drain run. `lostBefore` is what the kernel had counted as lost
   * when the part before this one ended. Throws UnsupportedError when the front cannot be written.
   */
  begin(front: readonly Uint8Array[], lostBefore: KernelLossesByCpu): void {
    this.sink.write(front);
    this.#keeper?.seeFront(front);
    this.#start(lostBefore);
  }

  /**
   * The same in the midst of a recording, where a front that cannot be written (the disk is full) is no
   * reason to stop: the drain says what it could not write either, and counts it. Behind the front comes what
   * came in the `gap` since the part before.
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
    this.#objectPolicy = setInterval(() => this.#keep(), RENEW_MS);
  }

  /** Keeps in the file what is known by now. */
  #keep(): void {
    this.sink.keep({
      ...this.#options.course(),
      unfinished: true,
      buildIds: this.#keeper?.buildIds ?? [],
      jitProcesses: this.#keeper?.jitProcesses ?? [],
      ledger: finalLedger(this.#stats(), new Map(), new Map()),
      seconds: (performance.now() - this.#began) / 1000,
    });
  }

  /** Looks at a process that was just started: at what it runs, to be found again when it has ended. */
  lookAt(pid: number): void {
    this.#keeper?.lookAt(liveProc, pid);
  }

  /** Takes what is in the rings now as the last of this part; `lost` is asked for when that is done. */
  async stop(lost: () => KernelLossesByCpu): Promise<KernelLossesByCpu> {
    // samples first: whatever map or name they need is then in the drain's rings, or written
    clearInterval(this.#objectPolicy);
    this.#options.flight?.take();
    if (this.#drain.error) this.sink.freeBallast(); // what came since is dropped, and only the size is still to be told
    this.#writeError = await this.#drain.stop();
    this.#seconds = (performance.now() - this.#began) / 1000;
    return this.#lost = lost();
  }

  /** Gives up what still waits to be written, and counts it as dropped: `stop()` is done soon. */
  giveUp(): void {
    if (!this.#freed) this.#drain.abort();
  }

  /** Completes the output; after `stop()`. */
  finish(): ClosedSegment {
    const { flight, course } = this.#options;
    const added = flight?.write(this.sink.fd, this.sink.spare);
    const ledger = finalLedger(this.#stats(), this.#lost, this.#lostBefore, flight?.stats());
    const dataBytes = this.#drain.written + (added?.bytes ?? 0);
    const spool = this.#spooled !== undefined && this.#spooled.stats.some(({ samples }) => samples > 0);
    const kept = this.#keeper?.finish(dataBytes, flight !== undefined || spool);
    // a pipe that was given up takes nothing more
    const givenUp = this.#writeError?.errno === ERRNO.ECANCELED && this.sink.sizeFieldAt === undefined;
    const { bytes, error } = givenUp ? { bytes: dataBytes } : this.sink.finish(dataBytes, {
      ...course(),
      buildIds: kept?.buildIds ?? [],
      sampleTime: kept?.sampleTime,
      jitProcesses: kept?.jitProcesses ?? [],
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
   * Saves objects that would not be found by a report, after `finish()`. Returns what could not be saved, a sentence each.
   * Gives up once `stopped`.
   */
  async saveObjects(stopped: () => boolean): Promise<string[]> {
    return await this.#keeper?.save(stopped) ?? [];
  }

  /** Ends the drain, wherever it is, and closes the output; once, however often it is called. */
  free(): void {
    if (this.#freed) return;
    this.#freed = true;
    clearInterval(this.#objectPolicy);
    this.#keeper?.close();
    this.#drain.free();
    this.sink.close();
  }
}

/** What one ring has seen, one stretch behind another. */
function sumOfStats(before: RingStats, after: RingStats): RingStats {
  const sum = { ...after };
  for (const name of Object.keys(sum) as (keyof RingStats)[]) {
    if (name !== "cpu") sum[name] += before[name];
  }
  return sum;
}
