/**
 * A recording from start to end: the child waits, the events open, /proc is told, the drain runs, the
 * child goes; then the ledger is closed and the file gets its features.
 */

import { MeasuredCommand, type Stopper } from "../../ffi/command.ts";
import {
  disable,
  Drain,
  enable,
  type Exit,
  PmuError,
  raiseFileLimit,
  readCounts,
  setFilter,
  setOutput,
} from "../../ffi/pmu.ts";
import { PERF_FORMAT, PERF_TYPE } from "../base/abi.ts";
import { ERRNO, errnoText } from "../base/errno.ts";
import { UnsupportedError, UsageError } from "../base/errors.ts";
import { rateText } from "../events/attr.ts";
import type { Standing, Wanted } from "../events/open.ts";
import { type ResolvedEvent, resolveEvents } from "../events/resolve.ts";
import { compileLayout } from "../perfdata/attr_layout.ts";
import { fileBuildId } from "../symbols/host_files.ts";
import { type Host } from "./host.ts";
import { type Ledger, makeLedger } from "./ledger.ts";
import { closeAll, type Opened, openOnCpus } from "./opening.ts";
import { RecordFile } from "./file.ts";
import { RecordPipe } from "./pipe.ts";
import type { Sink } from "./sink.ts";
import { allPids, kallsymsChunks, kernelText, liveProc, parseModules } from "./procfs.ts";
import { type Common, type Sampling, samplingAttr, trackingAttr } from "./sampling.ts";
import { allEnded, processesOf, type Target, targetName, threadsOf } from "./target.ts";
import { cachedBuildIds, kernelRecords, processRecords } from "./synthesize.ts";

const SIGTERM = 15;

export interface RecordRequest {
  events: ResolvedEvent[];
  sampling: Sampling;
  target: Target;
  /** CPUs to record on. */
  cpus: number[];
  /** Stop by itself after this many seconds. */
  seconds?: number;
  /** Sample from this many ms after the start on. */
  delayMs?: number;
  /** The kernel's filter expression for the tracepoints among the events. */
  filter?: string;
  /** Ring size for each CPU, in pages: a power of two. */
  ringPages: number;
  /** A path, or `-` for standard output. */
  output: string;
  /** pmuctl's own command line, for the file. */
  commandLine: string[];
  host: Host;
  standing: Standing;
}

export interface Recording {
  /** How the command ended; undefined when there was none, or when it was left running. */
  exit?: Exit;
  ledger: Ledger;
  /** Of the whole file. */
  bytes: number;
  seconds: number;
  events: { name: string; rate: string }[];
  /** What went wrong while writing; the file holds what came before. */
  writeError?: PmuError;
}

/**
 * Records until the command ends or `stopper` says so. `note` gets a line for whatever is not as asked.
 * Throws UnsupportedError when an event or the file cannot be opened, CommandError when the command cannot
 * be run; no file is left then, and one that was there before is as it was.
 */
export async function record(
  request: RecordRequest,
  stopper: Stopper,
  note: (line: string) => void,
): Promise<Recording> {
  raiseFileLimit();
  const { target } = request;
  const argv = "argv" in target ? target.argv : [];
  const command = argv.length > 0
    ? new MeasuredCommand(argv, { outputToStderr: request.output === "-" })
    : undefined;
  void stopper.first; // from here on, when the command's process has inherited what is ignored
  let opened: Opened[] = [];
  let sink: Sink | undefined;
  let drain: Drain | undefined;
  try {
    opened = openEvents(request, command?.pid, note);
    if (request.filter !== undefined) filterTracepoints(opened, request.filter);
    sink = request.output === "-"
      ? new RecordPipe(opened, request)
      : RecordFile.create(request.output, opened);
    drain = drainOf(sink, opened, request.ringPages, note);
    // the trackers report from here on, so that nothing falls between /proc and the rings
    sink.write(synthesized(request, opened));
    drain.setBase(sink.dataBytes);
    drain.start();
    const started = performance.now();
    const delayed = request.delayMs === undefined
      ? undefined
      : setTimeout(() => setSamplers(opened, enable), request.delayMs);
    if (target.kind !== "command" && delayed === undefined) setSamplers(opened, enable);
    await command?.release();
    const exit = await untilDone(command, request, drain, stopper);
    const seconds = (performance.now() - started) / 1000;
    clearTimeout(delayed);
    setSamplers(opened, disable);
    const writeError = await drain.stop();
    const ledger = closeLedger(drain, opened);
    const events = opened.filter((o) => isSampler(o)).map((o) => ({
      name: o.event.name,
      rate: rateText(o.attr),
    }));
    const bytes = sink.finish(drain.written, {
      host: request.host,
      commandLine: request.commandLine,
      command: argv.length > 0 ? argv : [targetName(target)],
      ledger,
      seconds,
    });
    return { exit, ledger, bytes, seconds, events, writeError };
  } catch (error) {
    command?.cancel();
    sink?.discard();
    throw error;
  } finally {
    drain?.free();
    closeAll(opened);
    sink?.close();
  }
}

/** Waits for the command's end, the targets' end, the time set, or the user's word, whichever comes first. */
async function untilDone(
  command: MeasuredCommand | undefined,
  { target, seconds }: RecordRequest,
  drain: Drain,
  stopper: Stopper,
): Promise<Exit | undefined> {
  const timer = Promise.withResolvers<number>();
  const timeout = seconds === undefined
    ? undefined
    : setTimeout(() => timer.resolve(SIGTERM), seconds * 1000);
  const stop = { ...stopper, first: Promise.race([stopper.first, timer.promise]) };
  try {
    if (command) return await command.untilDone(stop);
    // nothing keeps a recording without a command once its targets or its output are gone
    const over = () =>
      drain.error !== undefined ||
      ((target.kind === "processes" || target.kind === "threads") && allEnded(target, liveProc));
    await Promise.race([stop.first, until(over)]);
    return undefined;
  } finally {
    clearTimeout(timeout);
  }
}

/** How often it is looked whether a recording is over, in ms. */
const LOOK_EVERY = 100;

function until(condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (!condition()) return;
      clearInterval(timer);
      resolve();
    }, LOOK_EVERY);
  });
}

/**
 * Opens the events, the tracker first where there is one: its ring is then every event's ring. `pid` is
 * the command's.
 */
function openEvents(
  request: RecordRequest,
  pid: number | undefined,
  note: (line: string) => void,
): Opened[] {
  const { events, sampling, target } = request;
  // a command's own events report its maps and names; they start with it, so there is nothing to miss
  const tracker = target.kind !== "command";
  const common: Common = {
    several: tracker || events.length > 1,
    watermark: request.ringPages * 4096 / 4,
    enableOnExec: target.kind === "command" && request.delayMs === undefined,
  };
  const tids = target.kind === "command"
    ? [pid!]
    : target.kind === "cpus"
    ? [-1]
    : threadsOf(target, liveProc);
  const where = { tids, cpus: request.cpus, target: targetName(target) };
  const wanted: Wanted[] = events.map((event, i) => ({
    event,
    attrOf: (e) => samplingAttr(e, sampling, common, !tracker && i === 0 ? "own" : "other"),
  }));
  if (tracker) {
    const [{ events: [dummy] }] = resolveEvents("dummy");
    wanted.unshift({ event: dummy, attrOf: (e) => trackingAttr(e, common) });
  }
  const opened: Opened[] = [];
  try {
    for (const each of wanted) opened.push(openOnCpus(each, where, request.standing, note));
  } catch (error) {
    closeAll(opened);
    throw error;
  }
  return opened;
}

function filterTracepoints(opened: readonly Opened[], filter: string) {
  const tracepoints = opened.filter(({ attr }) => attr.type === PERF_TYPE.TRACEPOINT);
  if (tracepoints.length === 0) throw new UsageError("--filter: it is for tracepoints, and none is recorded");
  for (const { event, places } of tracepoints) {
    for (const { fd } of places) {
      try {
        setFilter(fd, filter);
      } catch (error) {
        if (!(error instanceof PmuError)) throw error;
        throw new UsageError(
          `--filter '${filter}': ${event.name} does not take it (${error.text}); the fields it has are in ` +
            `/sys/kernel/tracing/events/${event.name.replace(":", "/")}/format`,
        );
      }
    }
  }
}

/**
 * A drain into `sink` with a ring for each CPU. When that is more memory than this user may lock, the rings
 * are halved until it is not, and `note` says so.
 */
function drainOf(
  sink: Sink,
  opened: readonly Opened[],
  ringPages: number,
  note: (line: string) => void,
): Drain {
  for (let pages = ringPages;; pages /= 2) {
    const drain = new Drain({ outFd: sink.fd, sizeFieldAt: sink.sizeFieldAt });
    const errno = mapRings(drain, opened, pages);
    if (errno === 0) {
      if (pages < ringPages) {
        note(
          `this user may not lock rings of ${ringPages} pages for each CPU (kernel.perf_event_mlock_kb, ulimit -l): ` +
            `recording with ${pages}, which loses samples sooner`,
        );
      }
      return drain;
    }
    drain.free();
    if (errno !== ERRNO.EPERM || pages === 1) throw ringError(errno, pages);
  }
}

/** Maps a ring for each CPU, that of the first event there, and points the others at it. Returns 0 or an errno. */
function mapRings(drain: Drain, opened: readonly Opened[], pages: number): number {
  const ringOf = new Map<number, number>();
  for (const { places } of opened) {
    for (const { cpu, fd } of places) {
      const owner = ringOf.get(cpu);
      if (owner !== undefined) {
        setOutput(fd, owner);
        continue;
      }
      const index = drain.tryAdd(fd, pages, cpu);
      if (index < 0) return -index;
      ringOf.set(cpu, fd);
    }
  }
  return 0;
}

function ringError(errno: number, pages: number): UnsupportedError {
  const attempt = `map rings of ${pages} page${pages > 1 ? "s" : ""} for each CPU`;
  if (errno !== ERRNO.EPERM) return new UnsupportedError({ attempt, cause: errnoText(errno) }, errno);
  return new UnsupportedError({
    attempt,
    cause: "this user has locked all the memory that kernel.perf_event_mlock_kb and ulimit -l allow",
    remedy: "end other recordings, or raise the limit as root",
  }, errno);
}

function synthesized(request: RecordRequest, opened: readonly Opened[]): Uint8Array[] {
  const [first] = opened;
  const layout = compileLayout(first.attr);
  const records: Uint8Array[] = [];
  const seesKernel = opened.some((o) => !o.attr.flags.has("excludeKernel"));
  if (seesKernel) {
    const modules = parseModules(liveProc.text("/proc/modules") ?? "");
    records.push(...kernelRecords(kernelText(kallsymsChunks()), modules, layout));
  }
  const { target } = request;
  if (target.kind !== "command") {
    const pids = target.kind === "cpus" ? allPids(liveProc) : processesOf(target, liveProc);
    records.push(...processRecords(liveProc, pids, layout, cachedBuildIds(fileBuildId)));
  }
  return records;
}

function isSampler(opened: Opened): boolean {
  return opened.attr.flags.has("disabled");
}

function setSamplers(opened: readonly Opened[], change: (fd: number) => void) {
  for (const each of opened.filter(isSampler)) for (const { fd } of each.places) change(fd);
}

/**
 * The ledger, from what the drain took from each ring and what the kernel says that it could not put
 * there: PERF_FORMAT_LOST of every event, or the LOST records where the kernel is too old for that.
 */
function closeLedger(drain: Drain, opened: readonly Opened[]): Ledger {
  const lostOf = new Map<number, number>();
  for (const { attr, places } of opened) {
    if (!(attr.readFormat & PERF_FORMAT.LOST)) continue;
    for (const { cpu, fd } of places) {
      const counts = new BigUint64Array(3); // value, id, lost
      readCounts(fd, counts);
      lostOf.set(cpu, (lostOf.get(cpu) ?? 0) + Number(counts[2]));
    }
  }
  return makeLedger(
    drain.stats().map((ring) => ({
      cpu: ring.cpu,
      sample: ring.samples - ring.dropbufSample,
      overflow: (lostOf.get(ring.cpu) ?? ring.lost) + ring.lostSamples,
      buf: ring.buf,
      emptybuf: ring.emptybuf,
      dropbuf: ring.dropbuf,
      dropbuf_sample: ring.dropbufSample,
      throttle: ring.throttle,
    })),
  );
}
