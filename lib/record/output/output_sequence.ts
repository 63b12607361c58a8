/**
 * The outputs of a recording, one after another: a single file or pipe, or files FILE.TIMESTAMP of which each is
 * complete by itself. A file that is being written is called FILE. No sample is lost or written twice where
 * one ends and the next begins: the rings stay, and a new drain goes on where the one before it stopped. A
 * flight recorder's file gets what runs, and who it is, as it happens, and the samples when it is completed.
 */

import type { Drain, PmuError } from "../../../ffi/pmu.ts";
import { UnsupportedError } from "../../base/system/errors.ts";
import { exists } from "../../base/files/exists.ts";
import { inPidNamespace } from "../../base/files/pid_namespace.ts";
import type { Happenings } from "../../perfdata/format/session_info.ts";
import { readKernelLosses } from "../rings/final_ledger.ts";
import { describeSamplers } from "../backends/registry.ts";
import { RecordFile } from "./file.ts";
import { lostIn, makeLedger, sumOfLedgers } from "../../perfdata/format/ledger.ts";
import { HandoverSpool } from "./handover_spool.ts";
import { segmentName } from "../request/limits.ts";
import type { EventOnCpus } from "../open/opening.ts";
import { outputName } from "../request/output.ts";
import { type ClosedSegment, OutputSegment, type RecordingCourse } from "./output_segment.ts";
import { RecordPipe } from "./pipe.ts";
import { Preamble } from "./preamble.ts";
import type { RecordingProgress, RecordRequest } from "../request/request.ts";
import { reopenOn } from "./returning.ts";
import { makeRings, type Rings, takeOver } from "../rings/rings.ts";
import type { RecordingFacts, Sink } from "./sink.ts";
import { targetName } from "../request/target.ts";

/** All the outputs of a recording, completed. */
export interface ClosedSequence extends ClosedSegment {
  /** The files that there are; one, and `-` for a pipe, unless the output was switched. */
  paths: string[];
}

/** Files that could not be saved and are named one by one. */
const MAX_FAILURES = 3;
/** How often the CPUs of a recording may come back, each of them, in one file. */
const SPARE_IDS = 4;
/** What an output gets to take the rest when the user asks a second time for an end, in ms. */
const GIVE_UP_AFTER_MS = 300;

export class OutputSequence {
  readonly #request: RecordRequest;
  readonly #opened: readonly EventOnCpus[];
  readonly #note: (line: string) => void;
  readonly #happened: Happenings;
  readonly #preamble: Preamble;
  readonly #rings: Rings;
  #segment: OutputSegment;
  /** Completed ones. */
  readonly #closed: ClosedSegment[] = [];
  /** Names of those that are left, oldest first. */
  readonly #paths: string[] = [];
  #switching: Promise<void> = Promise.resolve();
  /** The user has asked twice for an end. */
  #stopRequestedTwice = false;
  readonly #failed = Promise.withResolvers<never>();

  /**
   * Makes the first output, and the rings. `happened` is looked at when an output is completed.
   * Throws UnsupportedError, and leaves no file then.
   */
  constructor(
    request: RecordRequest,
    opened: readonly EventOnCpus[],
    note: (line: string) => void,
    happened: Happenings,
  ) {
    this.#happened = happened;
    this.#request = request;
    this.#opened = opened;
    this.#note = note;
    this.#preamble = new Preamble(request, opened, note);
    this.#failed.promise.catch(() => {}); // heard by those who wait for it
    const sink = this.#makeSink();
    try {
      const { rings, drain } = makeRings(sink, opened, {
        pages: request.ringPages,
        queueBytes: request.queueBytes,
      }, note);
      this.#rings = rings;
      this.#segment = this.#segmentOf(sink, drain);
    } catch (error) {
      sink.discard();
      sink.close();
      throw error;
    }
  }

  /** Bytes of records so far, in all files. */
  get bytes(): number {
    return this.#closed.reduce((sum, { bytes }) => sum + bytes, 0) + this.#segment.bytes;
  }

  /** What has been recorded so far, in all files. */
  get progress(): RecordingProgress {
    const now = this.#segment.progress;
    return {
      samples: this.#closed.reduce((sum, { ledger }) => sum + ledger.total.sample, now.samples),
      lost: this.#closed.reduce((sum, { ledger }) => sum + lostIn(ledger.total), now.lost),
      bytes: this.bytes,
    };
  }

  /** How many outputs have been completed. */
  get completed(): number {
    return this.#closed.length;
  }

  /** Bytes of records in the file that is being written. */
  get segmentBytes(): number {
    return this.#segment.bytes;
  }

  /** What went wrong while writing. */
  get error(): PmuError | undefined {
    return this.#closed.find(({ writeError }) => writeError)?.writeError ?? this.#segment.error;
  }

  /** Rejects when a switch goes wrong in a way that nobody foresaw. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  /** Writes what runs already, and lets the drain run. Throws UnsupportedError. */
  begin(): void {
    this.#segment.begin([...this.#preamble.kernel(), ...this.#preamble.processesAtStart()], new Map());
  }

  /** Looks at a process that was just started: at what it runs, to be found again when it has ended. */
  lookAt(pid: number): void {
    this.#segment.lookAt(pid);
  }

  /**
   * Opens the events again on a CPU that has come back; `sampling`: those that sample do so by now. Tells whether they
   * are open. Not amid a switch, so that there is one file to tell of the new ids.
   */
  reopen(cpu: number, sampling: () => boolean): Promise<boolean> {
    const { filter } = this.#request;
    const done = this.#switching.then(() => {
      const { sink } = this.#segment;
      return reopenOn({ cpu, opened: this.#opened, rings: this.#rings, sink, sampling: sampling(), filter });
    });
    this.#switching = done.then(() => {}, (error) => this.#failed.reject(error));
    return done;
  }

  /** Completes the file that is being written, under a name of its own, and begins the next; one after another. */
  switch(): Promise<void> {
    return this.#switching = this.#switching.then(() => this.#switch()).catch((error) =>
      this.#failed.reject(error)
    );
  }

  async #switch(): Promise<void> {
    const old = this.#segment;
    const path = this.#rename(old);
    let next: OutputSegment;
    try {
      next = this.#nextSegment();
    } catch (error) {
      if (!(error instanceof UnsupportedError)) throw error;
      (old.sink as RecordFile).rename(this.#name);
      this.#note(`${error.message}: going on in the same file`);
      return;
    }
    // a flight recorder's samples wait where they are, and its other rings fill slowly
    const spool = this.#rings.flight ? undefined : HandoverSpool.open(this.#name, this.#rings);
    this.#segment = next;
    try {
      const lost = await old.stop(() => readKernelLosses(this.#opened));
      spool?.start();
      // read only now: what happened before is in the old file, and what happens from here on comes behind
      await next.follow(this.#preamble.snapshot(), lost, spool);
    } finally {
      spool?.free();
    }
    await this.#close(old, path);
  }

  #rename(segment: OutputSegment): string {
    const path = segmentName(this.#name, new Date(), exists);
    (segment.sink as RecordFile).rename(path);
    return path;
  }

  #nextSegment(): OutputSegment {
    const sink = this.#makeSink();
    try {
      return this.#segmentOf(sink, takeOver(sink, this.#rings));
    } catch (error) {
      sink.discard();
      sink.close();
      throw error;
    }
  }

  /** Path of the file that is being written, or the name of the pipe. */
  get #name(): string {
    return outputName(this.#request.output);
  }

  #makeSink(): Sink {
    const { output } = this.#request;
    if (output.kind === "pipe") return new RecordPipe(output, this.#opened, this.#request);
    const facts = beginning(this.#course());
    const spareIds = this.#request.target.kind === "cpus" ? SPARE_IDS * this.#request.cpus.length : 0;
    return RecordFile.create(output.path, this.#opened, { origin: this.#request, facts, spareIds });
  }

  #segmentOf(sink: Sink, drain: Drain): OutputSegment {
    const { objectPolicy } = this.#request;
    const options = { objectPolicy, flight: this.#rings.flight, course: () => this.#course() };
    return new OutputSegment(sink, drain, this.#opened, options);
  }

  /** What there is to tell besides what a part knows itself. */
  #course(): RecordingCourse {
    const { target } = this.#request;
    const argv = "argv" in target ? target.argv : [];
    return {
      command: argv.length > 0 ? argv : [targetName(target)],
      events: describeSamplers(this.#opened),
      happened: this.#happened,
      pidNamespace: inPidNamespace(),
    };
  }

  async #close(segment: OutputSegment, path: string): Promise<void> {
    const { switching } = this.#request;
    const closed = segment.finish();
    this.#closed.push(closed);
    this.#paths.push(path);
    if (switching) {
      this.#note(wroteLine(path, closed));
      while (this.#paths.length > (switching.maxFiles ?? Infinity)) this.#removeOldest();
    }
    const failures = await segment.saveObjects(() => this.#stopRequestedTwice);
    segment.free();
    for (const failure of failures.slice(0, MAX_FAILURES)) this.#note(`warning: ${failure}`);
    if (failures.length > MAX_FAILURES) {
      this.#note(`warning: ${failures.length - MAX_FAILURES} more files are not saved for reports`);
    }
  }

  #removeOldest(): void {
    try {
      Deno.removeSync(this.#paths.shift()!);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error; // somebody has taken it away
    }
  }

  /**
   * Takes the last of what is in the rings, and completes the last output. That takes as long as its reader or
   * its disk, but not much longer than `hurry`.
   */
  async end(secondStop: Promise<unknown>): Promise<ClosedSequence> {
    let giveUpTimer: ReturnType<typeof setTimeout> | undefined;
    let ended = false;
    secondStop.then(() => {
      this.#stopRequestedTwice = true;
      if (!ended) giveUpTimer = setTimeout(() => this.#segment.giveUp(), GIVE_UP_AFTER_MS);
    });
    try {
      await this.#switching;
      await this.#segment.stop(() => readKernelLosses(this.#opened));
    } finally {
      ended = true;
      clearTimeout(giveUpTimer);
    }
    const path = this.#request.switching ? this.#rename(this.#segment) : this.#name;
    await this.#close(this.#segment, path);
    return {
      ledger: sumOfLedgers(this.#closed.map(({ ledger }) => ledger)),
      bytes: this.#closed.reduce((sum, { bytes }) => sum + bytes, 0),
      cuts: [...new Set(this.#closed.flatMap(({ cuts }) => cuts))],
      writeError: this.#closed.find(({ writeError }) => writeError)?.writeError,
      paths: this.#paths,
    };
  }

  /** Undoes the output, as far as that can be done; before the first switch. */
  discard(): void {
    this.#segment.sink.discard();
    this.free();
  }

  /** Lets go of everything; the last output stays as it is. */
  free(): void {
    this.#segment.free();
    this.#rings.flight?.free();
  }
}

/** What is to be told of a recording of which nothing has been recorded yet. */
function beginning(course: RecordingCourse): RecordingFacts {
  return { ...course, unfinished: true, buildIds: [], jitProcesses: [], ledger: makeLedger([]), seconds: 0 };
}

function wroteLine(path: string, { ledger: { total }, bytes }: ClosedSegment): string {
  const kib = (bytes: number) => `${(bytes / 1024).toFixed(0)} KiB`;
  const older = total.overwritten_bytes
    ? `; ${kib(total.overwritten_bytes)} of older records were overwritten`
    : "";
  return `wrote ${path}: ${total.sample} samples (${kib(bytes)})${older}`;
}
