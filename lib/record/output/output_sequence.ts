/**
 * Outputs of a recording, one after another: a single file or pipe, or files FILE.TIMESTAMP, each complete by itself.
 * The file that is being written is called FILE. No sample is lost or written twice where one file ends and the next
 * begins: the rings stay mapped, and a new drain goes on where the one before it stopped. A flight recorder's file gets
 * maps and names as they come, and the samples when it is completed.
 */

import type { PmuError, RingTaker } from "../../../ffi/pmu.ts";
import { UnsupportedError } from "../../base/system/errors.ts";
import { exists } from "../../base/files/exists.ts";
import { inPidNamespace } from "../../base/files/pid_namespace.ts";
import type { RecordingChanges } from "../../perfdata/own/session_info.ts";
import { readKernelLosses } from "../rings/final_ledger.ts";
import { describeSamplers } from "../backends/registry.ts";
import { RecordFile } from "./file.ts";
import { addLedgers, makeLedger, samplesLost } from "../../perfdata/format/ledger.ts";
import { HandoverSpool } from "./handover_spool.ts";
import { segmentName } from "../request/limits.ts";
import type { EventOnCpus } from "../open/open_on_cpus.ts";
import { outputName } from "../request/output.ts";
import { type ClosedSegment, OutputSegment, type RecordingCourse } from "./output_segment.ts";
import { RecordPipe } from "./pipe.ts";
import { Preamble } from "./preamble.ts";
import type { RecordingProgress, RecordRequest } from "../request/request.ts";
import { reopenOn } from "./reopen_cpu.ts";
import { makeRings, type RingContext, type RingDrain, type Rings, takeOver } from "../rings/rings.ts";
import type { RecordingFacts, Sink } from "./sink.ts";
import { LiveStacks } from "../stacks/live_stacks.ts";
import type { StackCounts } from "../stacks/stack_unwinder.ts";
import type { TimePlaces } from "../stacks/ring_cursor.ts";
import { targetName } from "../request/target.ts";
import { counted } from "../../base/text/plural.ts";

/** Outcome of all outputs of a recording. */
export interface ClosedSequence extends ClosedSegment {
  /** Files that there are: one unless the output was switched; `-` for a pipe. */
  paths: string[];
  /** Counts of the stacks that were unwound before they were written; undefined where none were. */
  stacks?: StackCounts;
}

/** Files that could not be saved, named one by one at most. */
const MAX_FAILURES = 3;
/** Times that each CPU of a recording may come back in one file: room for the ids of its events. */
const SPARE_IDS = 4;
/** Milliseconds that an output gets to take the rest once the user asks a second time to stop. */
const GIVE_UP_AFTER_MS = 300;

/** Surroundings of the outputs. */
export interface SequenceContext extends RingContext {
  /** Changes of rates and CPUs, read whenever an output is renewed or completed. */
  happened: RecordingChanges;
}

/**
 * All outputs of a recording. `begin()` starts the first, `switch()` goes on in another file, `end()` completes the last;
 * `free()` afterwards, in any case.
 */
export class OutputSequence {
  readonly #request: RecordRequest;
  readonly #opened: readonly EventOnCpus[];
  readonly #note: (line: string) => void;
  readonly #happened: RecordingChanges;
  readonly #preamble: Preamble;
  readonly #rings: Rings;
  /** Unwinds the stacks in samples before they are written; undefined where they are written as they are. */
  #stacks: LiveStacks | undefined;
  #segment: OutputSegment;
  /** Segments that have been completed. */
  readonly #closed: ClosedSegment[] = [];
  /** Files of those that have not been removed, oldest first. */
  readonly #paths: string[] = [];
  #switching: Promise<void> = Promise.resolve();
  /** Whether the user has asked twice to stop. */
  #stopRequestedTwice = false;
  readonly #failed = Promise.withResolvers<never>();

  /** Makes the first output, and the rings. Throws UnsupportedError, and leaves no file then. */
  constructor(request: RecordRequest, opened: readonly EventOnCpus[], context: SequenceContext) {
    const { note, happened } = context;
    this.#happened = happened;
    this.#request = request;
    this.#opened = opened;
    this.#note = note;
    this.#preamble = new Preamble(request, opened, note);
    this.#failed.promise.catch(() => {}); // no crash when nobody waits for it
    const sink = this.#makeSink();
    try {
      const { rings, drain } = makeRings(sink, opened, {
        pages: request.ringPages,
        queueBytes: request.queueBytes,
      }, {
        ...context,
        ...this.#unwoundBytes ? { takerOf: (times) => this.#takerOf(times) } : {},
      });
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

  /** Progress so far, in all files. */
  get progress(): RecordingProgress {
    const now = this.#segment.progress;
    return {
      samples: this.#closed.reduce((sum, { ledger }) => sum + ledger.total.sample, now.samples),
      lost: this.#closed.reduce((sum, { ledger }) => sum + samplesLost(ledger.total), now.lost),
      bytes: this.bytes,
    };
  }

  /** Number of outputs that have been completed. */
  get completed(): number {
    return this.#closed.length;
  }

  /** Bytes of records in the file that is being written. */
  get segmentBytes(): number {
    return this.#segment.bytes;
  }

  /** First error of writing, in any file. */
  get error(): PmuError | undefined {
    return this.#closed.find(({ writeError }) => writeError)?.writeError ?? this.#segment.error;
  }

  /** Promise that rejects when a switch, or the unwinding of stacks, fails unexpectedly. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  /** Writes what runs already, and starts the drain. Throws UnsupportedError. */
  begin(): void {
    const processes = this.#preamble.processesAtStart();
    this.#stacks?.see(processes);
    this.#segment.begin([...this.#preamble.kernel(), ...processes], new Map());
  }

  /** Holds the programs of a process that was just started, so that they can be read when it has ended. */
  holdProgramsOf(pid: number): void {
    this.#segment.holdProgramsOf(pid);
  }

  /**
   * Opens the events again on a CPU that has come back, enabled when `sampling()` says so; returns whether they are open.
   * Waits for a switch to end, so that there is one file that gets the new ids.
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

  /** Completes the file that is being written, under a name of its own, and begins the next. Calls are queued. */
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
    // a flight recorder's samples stay in their rings, and its other rings fill slowly
    const spool = this.#rings.flight ? undefined : HandoverSpool.open(this.#name, this.#rings);
    this.#segment = next;
    try {
      const lost = await old.stop(() => readKernelLosses(this.#opened));
      spool?.start();
      // read only now: what happened before is in the old file, what happens from here on comes behind the front
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

  /** Bytes of stack in each sample that is unwound before it is written; undefined where none is. */
  get #unwoundBytes(): number | undefined {
    return this.#opened.find(({ unwound }) => unwound)?.attr.sampleStackUser;
  }

  /** Makes what unwinds the stacks; a failure of it, which is a fault of this program, ends the recording. */
  #takerOf(times: TimePlaces): RingTaker {
    const stacks = this.#stacks = new LiveStacks(this.#opened, times);
    return {
      take: (pass) => {
        try {
          return stacks.take(pass);
        } catch (error) {
          this.#failed.reject(error);
          throw error;
        }
      },
    };
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

  #segmentOf(sink: Sink, drain: RingDrain): OutputSegment {
    const { objectPolicy } = this.#request;
    const options = { objectPolicy, flight: this.#rings.flight, course: () => this.#course() };
    return new OutputSegment(sink, drain, this.#opened, options);
  }

  /** Returns the facts that a segment does not know by itself. */
  #course(): RecordingCourse {
    const { target } = this.#request;
    const argv = "argv" in target ? target.argv : [];
    return {
      command: argv.length > 0 ? argv : [targetName(target)],
      events: describeSamplers(this.#opened),
      happened: this.#happened,
      pidNamespace: inPidNamespace(),
      unwoundBytes: this.#unwoundBytes,
    };
  }

  async #close(segment: OutputSegment, path: string): Promise<void> {
    const { switching } = this.#request;
    const closed = await segment.finish();
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
      this.#note(`warning: ${counted(failures.length - MAX_FAILURES, "more file")} not saved for reports`);
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
   * Takes the last of what is in the rings, and completes the last output. Waits for its reader or its disk, but only
   * GIVE_UP_AFTER_MS once `secondStop` resolves. Throws what made the unwinding of stacks fail; the output is complete
   * then, too.
   */
  async end(secondStop: Promise<unknown>): Promise<ClosedSequence> {
    let giveUpTimer: ReturnType<typeof setTimeout> | undefined;
    let ended = false;
    secondStop.then(() => {
      this.#stopRequestedTwice = true;
      if (!ended) giveUpTimer = setTimeout(() => this.#segment.giveUp(), GIVE_UP_AFTER_MS);
    });
    let failure: { error: unknown } | undefined;
    try {
      await this.#switching;
      await this.#segment.stop(() => readKernelLosses(this.#opened));
    } catch (error) {
      failure = { error };
    } finally {
      ended = true;
      clearTimeout(giveUpTimer);
    }
    const path = this.#request.switching ? this.#rename(this.#segment) : this.#name;
    await this.#close(this.#segment, path);
    if (failure) throw failure.error;
    return {
      ledger: addLedgers(this.#closed.map(({ ledger }) => ledger)),
      bytes: this.#closed.reduce((sum, { bytes }) => sum + bytes, 0),
      cuts: [...new Set(this.#closed.flatMap(({ cuts }) => cuts))],
      writeError: this.#closed.find(({ writeError }) => writeError)?.writeError,
      paths: this.#paths,
      ...this.#stacks ? { stacks: this.#stacks.counts } : {},
    };
  }

  /** Undoes the output as far as possible; only before the first switch. */
  discard(): void {
    this.#segment.sink.discard();
    this.free();
  }

  /** Frees everything; the last output stays as it is. */
  free(): void {
    this.#segment.free();
    this.#rings.flight?.free();
    this.#stacks?.close();
  }
}

/** Returns the facts of a recording of which nothing has been recorded yet. */
function beginning(course: RecordingCourse): RecordingFacts {
  return { ...course, unfinished: true, buildIds: [], jitProcesses: [], ledger: makeLedger([]), seconds: 0 };
}

function wroteLine(path: string, { ledger: { total }, bytes }: ClosedSegment): string {
  const kib = (bytes: number) => `${(bytes / 1024).toFixed(0)} KiB`;
  const older = total.overwritten_bytes
    ? `; ${kib(total.overwritten_bytes)} of older records were overwritten`
    : "";
  return `wrote ${path}: ${counted(total.sample, "sample")} (${kib(bytes)})${older}`;
}
