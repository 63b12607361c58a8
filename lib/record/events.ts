/** The events of a recording: those asked for, and the tracker of what runs already. */

import { PmuError, setFilter } from "../../ffi/pmu.ts";
import { PERF_TYPE } from "../base/system/abi.ts";
import { UnsupportedError, UsageError } from "../base/system/errors.ts";
import { once } from "../base/system/once.ts";
import { isRestricted, userOnlyNote } from "../events/fallback.ts";
import { type ResolvedEvent, resolveEvents } from "../events/resolve.ts";
import type { BackendOwner } from "./backends/registry.ts";
import { closeAll, type EventOnCpus, openOnCpus } from "./open/opening.ts";
import { allowFiles, filesAllowed } from "./open/file_limit.ts";
import { type Opener, openGroup } from "./open/group.ts";
import { liveProc } from "./host/procfs.ts";
import type { RecordRequest } from "./request/request.ts";
import { ringBytes } from "./request/ring_sizes.ts";
import { samplingAttr, type SharedSettings, trackingAttr } from "./request/sampling.ts";
import { targetName, targetThreads } from "./request/target.ts";

/** Bytes: a ring of any size tells that early, so that its records get out soon. The quarter of a default ring. */
const MAX_WATERMARK_BYTES = 128 * 1024;

/**
 * Opens the events, the tracker first where there is one: its ring is then every event's ring. `pid` is
 * the command's. There is no tracker only where this user may not have the descriptors for it: the first event that
 * samples then reports maps and names as well (see `tracks`), and the kernel counts those it lost with the samples.
 */
export function openEvents(
  request: RecordRequest,
  owner: BackendOwner,
  pid: number | undefined,
  note: (line: string) => void,
): EventOnCpus[] {
  const { groups, sampling, target } = request;
  const tids = target.kind === "command"
    ? [pid!]
    : target.kind === "cpus"
    ? [-1]
    : targetThreads(target, liveProc);
  const where = { tids, cpus: request.cpus, target: targetName(target) };
  // a command's events could report its maps and names: they start with it, unless they start later than it does,
  // or their rings forget
  const needed = request.delayMs !== undefined || request.overwrite === true;
  const events = groups.reduce((sum, group) => sum + group.events.length, 0);
  const tracker = needed || filesAllowed(events + 1, where);
  if (!tracker || needed) allowFiles(events + (tracker ? 1 : 0), where);
  const listed = tracker && (needed || target.kind !== "command");
  const common: SharedSettings = {
    several: listed || events > 1,
    watermark: Math.min(ringBytes(request.ringPages) / 4, MAX_WATERMARK_BYTES),
    enableOnExec: target.kind === "command" && request.delayMs === undefined,
    overwrite: request.overwrite,
  };
  const { standing, backend: insist } = request;
  const opened: EventOnCpus[] = [];
  try {
    if (tracker) {
      const [{ events: [dummy] }] = resolveEvents("dummy");
      const attrOf = (e: ResolvedEvent) => trackingAttr(e, sampling, common);
      // what this user may not have is told of the events that sample
      const it = inNameOf(
        groups[0].events[0],
        where.target,
        () => openOnCpus({ event: dummy, attrOf }, where, standing, () => {}),
      );
      opened.push(listed ? it : { ...it, unlisted: true });
    }
    const noteOnce = once(note); // a group that comes apart is opened twice
    const restricted = new Set<string>();
    const opener: Opener = {
      open: (wanted, group) => {
        const sampler = owner.openEvent(wanted, { where: { ...where, group }, standing, insist }, noteOnce);
        opened.push(sampler);
        // of one that stands in for another the backend has told
        const isPlain = sampler.choice.insteadOf === undefined;
        if (isPlain && isRestricted(wanted.event, sampler.event)) restricted.add(wanted.event.name);
        return sampler;
      },
      drop: (dropped) => {
        owner.forget(dropped);
        closeAll(opened.splice(-dropped.length));
      },
    };
    for (const group of groups) {
      const sideband = () => opened.length === 0 ? "own" : "other";
      const attrOf = (e: ResolvedEvent) => samplingAttr(e, sampling, common, sideband());
      openGroup(group, attrOf, where.tids[0] === -1, opener, noteOnce);
    }
    if (restricted.size > 0) note(userOnlyNote([...restricted], standing.privilege));
  } catch (error) {
    closeAll(opened);
    throw error;
  }
  return opened;
}

/** Opens the tracker; a refusal is told of the event that was asked for, since nobody has asked for a tracker. */
function inNameOf(event: ResolvedEvent, target: string, open: () => EventOnCpus): EventOnCpus {
  try {
    return open();
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error;
    throw new UnsupportedError(
      { ...error.advice, attempt: `sample ${event.name} on ${target}` },
      error.errno,
    );
  }
}

/** Gives the tracepoints among the events this filter. Throws UsageError when there are none, or one does not take it. */
export function filterTracepoints(opened: readonly EventOnCpus[], filter: string) {
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
