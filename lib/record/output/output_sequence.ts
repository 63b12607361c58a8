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
import { lostCounts } from "../rings/final_ledger.ts";
import { sampledEvents } from "../backends/registry.ts";
import { RecordFile } from "./file.ts";
import { lostIn, makeLedger, sumOfLedgers } from "../../perfdata/format/ledger.ts";
import { Gap } from "./handover_spool.ts";
import { partName } from "../request/limits.ts";
import type { Opened } from "../open/opening.ts";
import { outputName } from "../request/output.ts";
import { type ClosedPart, type Course, Part } from "./output_segment.ts";
import { RecordPipe } from "./pipe.ts";
import { Preamble } from "./preamble.ts";
import type { Progress, RecordRequest } from "../request/request.ts";
import { reopenOn } from "./returning.ts";
import { makeRings, type Rings, takeOver } from "../rings/rings.ts";
import type { Facts, Sink } from "./sink.ts";
import { targetName } from "../request/target.ts";

/** All the outputs of a recording, completed. */
export interface ClosedParts extends ClosedPart {
  /** The files that there are; one, and `-` for a pipe, unless the output was switched. */
  paths: string[];
}

/** Files that could not be saved and are named one by one. */
const MAX_FAILURES = 3;
/** How often the CPUs of a recording may come back, each of them, in one file. */
const SPARE_IDS = 4;
/** What an output gets to take the rest when the user asks a second time for an end, in ms. */
const PATIENCE = 300;

export class Parts {
  readonly #request: RecordRequest;
  readonly #opened: readonly Opened[];
  readonly #note: (line: string) => void;
  readonly #happened: Happenings;
  readonly #preamble: Preamble;
  readonly #rings: Rings;
  #part: Part;
  /** Completed ones. */
  readonly #closed: ClosedPart[] = [];
  /** Names of those that are left, oldest first. */
  readonly #paths: string[] = [];
  #switching: Promise<void> = Promise.resolve();
  /** The user has asked twice for an end. */
  #hurried = false;
  readonly #failed = Promise.withResolvers<never>();

  /**
   * Makes the first output, and the rings. `happened` is looked at when an output is completed.
   * Throws UnsupportedError, and leaves no file then.
   */
  constructor(
    request: RecordRequest,
    opened: readonly Opened[],
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
      this.#part = this.#partOf(sink, drain);
    } catch (error) {
      sink.discard();
      sink.close();
      throw error;
    }
  }

  /** Bytes of records so far, in all files. */
  get bytes(): number {
    return this.#closed.reduce((sum, { bytes }) => sum + bytes, 0) + this.#part.bytes;
  }

  /** What has been recorded so far, in all files. */
  get progress(): Progress {
    const now = this.#part.progress;
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
  get partBytes(): number {
    return this.#part.bytes;
  }

  /** What went wrong while writing. */
  get error(): PmuError | undefined {
    return this.#closed.find(({ writeError }) => writeError)?.writeError ?? this.#part.error;
  }

  /** Rejects when a switch goes wrong in a way that nobody foresaw. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  /** Writes what runs already, and lets the drain run. Throws UnsupportedError. */
  begin(): void {
    this.#part.begin([...this.#preamble.kernel(), ...this.#preamble.processesAtStart()], new Map());
  }

  /** Looks at a process that was just started: at what it runs, to be found again when it has ended. */
  lookAt(pid: number): void {
    this.#part.lookAt(pid);
  }

  /**
   * Opens the events again on a CPU that has come back; `sampling`: those that sample do so by now. Tells whether they
   * are open. Not amid a switch, so that there is one file to tell of the new ids.
   */
  reopen(cpu: number, sampling: () => boolean): Promise<boolean> {
    const { filter } = this.#request;
    const done = this.#switching.then(() => {
      const { sink } = this.#part;
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
    const old = this.#part;
    const path = this.#rename(old);
    let next: Part;
    try {
      next = this.#nextPart();
    } catch (error) {
      if (!(error instanceof UnsupportedError)) throw error;
      (old.sink as RecordFile).rename(this.#name);
      this.#note(`${error.message}: going on in the same file`);
      return;
    }
    // a flight recorder's samples wait where they are, and its other rings fill slowly
    const gap = this.#rings.flight ? undefined : Gap.open(this.#name, this.#rings);
    this.#part = next;
    try {
      const lost = await old.stop(() => lostCounts(this.#opened));
      gap?.start();
      // read only now: what happened before is in the old file, and what happens from here on comes behind
      await next.follow(this.#preamble.inTheMidst(), lost, gap);
    } finally {
      gap?.free();
    }
    await this.#close(old, path);
  }

  #rename(part: Part): string {
    const path = partName(this.#name, new Date(), exists);
    (part.sink as RecordFile).rename(path);
    return path;
  }

  #nextPart(): Part {
    const sink = this.#makeSink();
    try {
      return this.#partOf(sink, takeOver(sink, this.#rings));
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

  #partOf(sink: Sink, drain: Drain): Part {
    const { keeping } = this.#request;
    const options = { keeping, flight: this.#rings.flight, course: () => this.#course() };
    return new Part(sink, drain, this.#opened, options);
  }

  /** What there is to tell besides what a part knows itself. */
  #course(): Course {
    const { target } = this.#request;
    const argv = "argv" in target ? target.argv : [];
    return {
      command: argv.length > 0 ? argv : [targetName(target)],
      events: sampledEvents(this.#opened),
      happened: this.#happened,
      pidNamespace: inPidNamespace(),
    };
  }

  async #close(part: Part, path: string): Promise<void> {
    const { switching } = this.#request;
    const closed = part.finish();
    this.#closed.push(closed);
    this.#paths.push(path);
    if (switching) {
      this.#note(wroteLine(path, closed));
      while (this.#paths.length > (switching.maxFiles ?? Infinity)) this.#removeOldest();
    }
    const failures = await part.saveObjects(() => this.#hurried);
    part.free();
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
  async end(hurry: Promise<unknown>): Promise<ClosedParts> {
    let patience: ReturnType<typeof setTimeout> | undefined;
    let ended = false;
    hurry.then(() => {
      this.#hurried = true;
      if (!ended) patience = setTimeout(() => this.#part.giveUp(), PATIENCE);
    });
    try {
      await this.#switching;
      await this.#part.stop(() => lostCounts(this.#opened));
    } finally {
      ended = true;
      clearTimeout(patience);
    }
    const path = this.#request.switching ? this.#rename(this.#part) : this.#name;
    await this.#close(this.#part, path);
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
    this.#part.sink.discard();
    this.free();
  }

  /** Lets go of everything; the last output stays as it is. */
  free(): void {
    this.#part.free();
    this.#rings.flight?.free();
  }
}

/** What is to be told of a recording of which nothing has been recorded yet. */
function beginning(course: Course): Facts {
  return { ...course, unfinished: true, buildIds: [], jitProcesses: [], ledger: makeLedger([]), seconds: 0 };
}

function wroteLine(path: string, { ledger: { total }, bytes }: ClosedPart): string {
  const kib = (bytes: number) => `${(bytes / 1024).toFixed(0)} KiB`;
  const older = total.overwritten_bytes
    ? `; ${kib(total.overwritten_bytes)} of older records were overwritten`
    : "";
  return `wrote ${path}: ${total.sample} samples (${kib(bytes)})${older}`;
}
