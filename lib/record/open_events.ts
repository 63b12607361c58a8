/** Opens the events of a recording as they were planned (plan.ts), each on its CPUs (open_on_cpus.ts). */

import { PmuError } from "../../ffi/pmu.ts";
import { PERF_SAMPLE, PERF_TYPE } from "../base/system/abi.ts";
import { ERRNO } from "../base/system/errno.ts";
import { UnsupportedError, UsageError } from "../base/system/errors.ts";
import { once } from "../base/system/once.ts";
import { isRestricted, userOnlyNote } from "../events/fallback.ts";
import type { OpenRequest, Standing } from "../events/open.ts";
import type { BackendOwner } from "./backends/registry.ts";
import { type EventCalls, liveCalls } from "./open/event_calls.ts";
import { closeAll, type EventGroup, type EventOnCpus, openOnCpus } from "./open/open_on_cpus.ts";
import type { EventPlan, PlannedGroup } from "./open/plan.ts";

/** Privileges and choices that events are opened with. */
export interface OpenEventsOptions {
  standing: Standing;
  /** Name of the only backend to use; undefined leaves the choice. */
  backend?: string;
}

/**
 * Opens everything that was planned, the tracker first, and leaves it disabled. `note` gets a line for whatever is not as
 * asked. Throws UnsupportedError when an event cannot be opened; nothing stays open then.
 */
export function openEvents(
  { scope, tracker, groups, unwinds }: EventPlan,
  owner: BackendOwner,
  { standing, backend: insist }: OpenEventsOptions,
  note: (line: string) => void,
): EventOnCpus[] {
  const opened: EventOnCpus[] = [];
  const noteOnce = once(note); // the events of a group that comes apart are opened twice
  const restricted = new Set<string>();
  const opener: EventOpener = {
    open: (wanted, group) => {
      const sampler = owner.openEvent(wanted, { where: { ...scope, group }, standing, insist }, noteOnce);
      if (unwinds && sampler.attr.sampleType & PERF_SAMPLE.STACK_USER) sampler.unwound = true;
      opened.push(sampler);
      // the backend has already noted an event that stands in for another
      const isPlain = sampler.choice.insteadOf === undefined;
      if (isPlain && isRestricted(wanted.event, sampler.event)) restricted.add(wanted.event.name);
      return sampler;
    },
    drop: (dropped) => {
      owner.forget(dropped);
      closeAll(opened.splice(-dropped.length), scope.calls);
    },
  };
  try {
    if (tracker) opened.push(openTracker(tracker, groups[0].events[0].event.name, scope, standing));
    for (const group of groups) openGroup(group, opener, noteOnce);
    if (restricted.size > 0) note(userOnlyNote([...restricted], standing.privilege));
  } catch (error) {
    closeAll(opened, scope.calls);
    throw error;
  }
  return opened;
}

/** Opens the tracker. A refusal names the event that was asked for, since nobody has asked for a tracker. */
function openTracker(
  { unlisted, ...wanted }: NonNullable<EventPlan["tracker"]>,
  askedFor: string,
  scope: EventPlan["scope"],
  standing: Standing,
): EventOnCpus {
  try {
    // the events that sample tell what this user may not have
    const tracker = openOnCpus(wanted, scope, standing, () => {});
    return unlisted ? { ...tracker, unlisted } : tracker;
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error;
    throw new UnsupportedError(
      { ...error.advice, attempt: `sample ${askedFor} on ${scope.target}` },
      error.errno,
    );
  }
}

/** Opens events, and closes them again. */
export interface EventOpener {
  /** Opens an event, by itself or as a member of `group`. Throws UnsupportedError. */
  open(wanted: OpenRequest, group?: EventGroup): EventOnCpus;
  /** Closes the events that were opened last, as if they had never been open. */
  drop(opened: readonly EventOnCpus[]): void;
}

/**
 * Opens the events of a group. Those of a weak group are opened apart, with a note, when one of them cannot be
 * opened with those before it (EINVAL or EBADF, as in record__open() of tools/perf/builtin-record.c). Throws what
 * `opener.open` throws.
 */
export function openGroup(group: PlannedGroup, opener: EventOpener, note: (line: string) => void): void {
  const { name, events, together, weak } = group;
  if (together) {
    const opened: EventOnCpus[] = [];
    try {
      for (const { event, attrInGroup } of events) {
        const leader = opened.at(0);
        const attrOf: OpenRequest["attrOf"] = (form) => attrInGroup(form, leader?.attr);
        opened.push(opener.open({ event, attrOf }, leader && { leader, ...name ? { name } : {} }));
      }
      return;
    } catch (error) {
      if (!weak || opened.length === 0 || !doesNotFit(error)) throw error;
      opener.drop(opened);
      const names = events.map(({ event }) => event.name);
      note(
        `{${names.join(",")}}: ${
          names[opened.length]
        } cannot be counted with those before it: each is sampled by itself`,
      );
    }
  }
  for (const { event, attrAlone } of events) opener.open({ event, attrOf: attrAlone });
}

function doesNotFit(error: unknown): boolean {
  return error instanceof UnsupportedError && (error.errno === ERRNO.EINVAL || error.errno === ERRNO.EBADF);
}

/** Gives the tracepoints among the events this filter. Throws UsageError when there are none, or one does not take it. */
export function filterTracepoints(
  opened: readonly EventOnCpus[],
  filter: string,
  calls: EventCalls = liveCalls,
): void {
  const tracepoints = opened.filter(({ attr }) => attr.type === PERF_TYPE.TRACEPOINT);
  if (tracepoints.length === 0) throw new UsageError("--filter: no tracepoint is recorded: add one with -e");
  for (const { event, places } of tracepoints) {
    for (const { fd } of places) {
      try {
        calls.setFilter(fd, filter);
      } catch (error) {
        if (!(error instanceof PmuError)) throw error;
        throw new UsageError(
          `--filter '${filter}': ${event.name} does not take this filter (${error.text}): its fields are listed in ` +
            `/sys/kernel/tracing/events/${event.name.replace(":", "/")}/format`,
        );
      }
    }
  }
}
