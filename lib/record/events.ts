/** The events of a recording: those asked for, and the tracker of what runs already. */

import { PmuError, setFilter } from "../../ffi/pmu.ts";
import { PERF_TYPE } from "../base/abi.ts";
import { UsageError } from "../base/errors.ts";
import { rateText } from "../events/attr.ts";
import type { Wanted } from "../events/open.ts";
import { type ResolvedEvent, resolveEvents } from "../events/resolve.ts";
import type { SampledEvent } from "../perfdata/session_info.ts";
import type { BackendOwner, Sampler } from "./backends/owner.ts";
import { closeAll, type Opened, openOnCpus } from "./opening.ts";
import { allowFiles, filesAllowed } from "./file_limit.ts";
import { liveProc } from "./procfs.ts";
import type { RecordRequest } from "./request.ts";
import { type Common, samplingAttr, trackingAttr } from "./sampling.ts";
import { targetName, threadsOf } from "./target.ts";

/**
 * Opens the events, the tracker first where there is one: its ring is then every event's ring. `pid` is
 * the command's. What runs already has no tracker only where this user may not have the descriptors for it:
 * the events that sample then report maps and names as well (see `tracks`).
 */
export function openEvents(
  request: RecordRequest,
  owner: BackendOwner,
  pid: number | undefined,
  note: (line: string) => void,
): Opened[] {
  const { events, sampling, target } = request;
  const tids = target.kind === "command"
    ? [pid!]
    : target.kind === "cpus"
    ? [-1]
    : threadsOf(target, liveProc);
  const where = { tids, cpus: request.cpus, target: targetName(target) };
  // a command's own events report its maps and names: they start with it, so there is nothing to miss, unless
  // they start later than it does
  const late = request.delayMs !== undefined;
  const tracker = late || (target.kind !== "command" && filesAllowed(events.length + 1, where));
  if (!tracker || late) allowFiles(events.length + (tracker ? 1 : 0), where);
  const common: Common = {
    several: tracker || events.length > 1,
    watermark: request.ringPages * 4096 / 4,
    enableOnExec: target.kind === "command" && request.delayMs === undefined,
  };
  const wanted: Wanted[] = events.map((event, i) => ({
    event,
    attrOf: (e) => samplingAttr(e, sampling, common, !tracker && i === 0 ? "own" : "other"),
  }));
  const { standing, backend: insist } = request;
  const opened: Opened[] = [];
  try {
    if (tracker) {
      const [{ events: [dummy] }] = resolveEvents("dummy");
      const attrOf = (e: ResolvedEvent) => trackingAttr(e, sampling, common);
      opened.push(openOnCpus({ event: dummy, attrOf }, where, standing, note));
    }
    for (const each of wanted) opened.push(owner.openEvent(each, { where, standing, insist }, note));
  } catch (error) {
    closeAll(opened);
    throw error;
  }
  return opened;
}

/** Gives the tracepoints among the events this filter. Throws UsageError when there are none, or one does not take it. */
export function filterTracepoints(opened: readonly Opened[], filter: string) {
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

/** Those that sample, rather than track. */
export function samplersOf(opened: readonly Opened[]): Sampler[] {
  return opened.filter((each): each is Sampler => "choice" in each);
}

/** Whether a tracker is among them, which reports maps and names before the others are enabled. */
export function tracks(opened: readonly Opened[]): boolean {
  return opened.length > samplersOf(opened).length;
}

/** What is sampled, in words. */
export function sampledEvents(opened: readonly Opened[]): SampledEvent[] {
  return samplersOf(opened).map(({ event, attr, choice }) => ({
    name: event.name,
    rate: rateText(attr),
    ...choice,
  }));
}
