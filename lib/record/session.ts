/**
 * A recording from start to end: the child waits, the events open, /proc is told, the drain runs, the
 * child goes; then the ledger is closed and the file gets its features.
 */

import { MeasuredCommand, type Stopper } from "../../ffi/command.ts";
import type { Drain } from "../../ffi/pmu.ts";
import { rateText } from "../events/attr.ts";
import { compileLayout } from "../perfdata/attr_layout.ts";
import { fileBuildId } from "../symbols/host_files.ts";
import { backends } from "./backends/all.ts";
import type { BackendOwner } from "./backends/owner.ts";
import { closeLedger } from "./closing.ts";
import { untilDone } from "./ending.ts";
import { filterTracepoints, openEvents, samplersOf, tracks } from "./events.ts";
import { RecordFile } from "./file.ts";
import { closeAll, type Opened } from "./opening.ts";
import { RecordPipe } from "./pipe.ts";
import { allPids, kallsymsChunks, kernelText, liveProc, parseModules } from "./procfs.ts";
import type { Recording, RecordRequest } from "./request.ts";
import { drainOf } from "./rings.ts";
import type { Sink } from "./sink.ts";
import { cachedBuildIds, kernelRecords, processRecords } from "./synthesize.ts";
import { processesOf, targetName } from "./target.ts";

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
  const { target } = request;
  const argv = "argv" in target ? target.argv : [];
  const command = argv.length > 0
    ? new MeasuredCommand(argv, { outputToStderr: request.output === "-" })
    : undefined;
  void stopper.first; // from here on, when the command's process has inherited what is ignored
  let owner: BackendOwner | undefined;
  let opened: Opened[] = [];
  let sink: Sink | undefined;
  let drain: Drain | undefined;
  try {
    const sampling = owner = backends.open();
    opened = openEvents(request, sampling, command?.pid, note);
    if (request.filter !== undefined) filterTracepoints(opened, request.filter);
    sink = request.output === "-"
      ? new RecordPipe(opened, request)
      : RecordFile.create(request.output, opened);
    drain = drainOf(sink, opened, request.ringPages, note);
    // the trackers report from here on, so that nothing falls between /proc and the rings; without one, the samplers
    const atOnce = target.kind !== "command" && !tracks(opened);
    if (atOnce) sampling.start();
    sink.write(synthesized(request, opened));
    drain.setBase(sink.dataBytes);
    drain.start();
    const started = performance.now();
    const delayed = request.delayMs === undefined
      ? undefined
      : setTimeout(() => sampling.start(), request.delayMs);
    if (delayed === undefined && !atOnce) sampling.start({ onExec: target.kind === "command" });
    await command?.release();
    const exit = await untilDone(command, request, drain, stopper);
    const seconds = (performance.now() - started) / 1000;
    clearTimeout(delayed);
    sampling.stop();
    const writeError = await drain.stop();
    const ledger = closeLedger(drain, opened);
    const events = samplersOf(opened).map(({ event, attr, choice }) => ({
      name: event.name,
      rate: rateText(attr),
      ...choice,
    }));
    const bytes = sink.finish(drain.written, {
      host: request.host,
      commandLine: request.commandLine,
      command: argv.length > 0 ? argv : [targetName(target)],
      events,
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
    owner?.close();
    closeAll(opened);
    sink?.close();
  }
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
