/** A recording's events, each opened on every CPU. */

import { closeEvent, eventId, type EventLocation, tryOpen } from "../../../ffi/pmu.ts";
import { ERRNO } from "../../base/system/errno.ts";
import { UnsupportedError } from "../../base/system/errors.ts";
import { openError } from "../../events/advice.ts";
import { encodeAttr, type EventAttr } from "../../events/attr.ts";
import { type OpenRequest, openWithFallbacks, type Standing, type TryOpen } from "../../events/open.ts";
import type { ResolvedEvent } from "../../events/resolve.ts";

/** An event that is open, once for each CPU. */
export interface EventOnCpus {
  /** What is really measured: the event asked for, or the one that stands in for it. */
  event: ResolvedEvent;
  attr: EventAttr;
  /** One for each thread and CPU; `tid` is -1 for whatever runs on the CPU. */
  places: { tid: number; cpu: number; fd: number; id: bigint }[];
  /** The group it has joined. */
  group?: EventGroup;
  /** Its records are told as the first event's, and a file does not list it (see `listedEvents()`). */
  unlisted?: true;
}

/** An event as a file lists it, with the ids of all whose records are told as its own. */
export interface ListedEvent {
  of: EventOnCpus;
  attr: EventAttr;
  ids: bigint[];
}

/**
 * Returns the events as a file lists them. An unlisted one has the fields of the first in its records, so that a
 * reader cannot tell whose they are, and need not: what it reports, the first one does.
 */
export function listedEvents(opened: readonly EventOnCpus[]): ListedEvent[] {
  const idsOf = ({ places }: EventOnCpus) => places.map(({ id }) => id);
  const unlisted = opened.filter((each) => each.unlisted);
  return opened.filter((each) => !each.unlisted).map((of, i) => {
    const told = i === 0 ? unlisted : [];
    const flags = new Set([...of.attr.flags, ...told.flatMap(({ attr }) => [...attr.flags])]);
    return { of, attr: { ...of.attr, flags }, ids: [of, ...told].flatMap(idsOf) };
  });
}

/** A group of events that is open, by its leader. */
export interface EventGroup {
  leader: EventOnCpus;
  /** As it was written before the braces, if it was. */
  name?: string;
}

export interface EventScope {
  /** The threads to follow with all they start, or -1 alone for whatever runs on the CPUs. */
  tids: readonly number[];
  cpus: readonly number[];
  /** To be joined, wherever its leader is. */
  group?: EventGroup;
  /** For errors: `pid 412`, `all CPUs`. */
  target: string;
}

/**
 * Opens the event for each thread on each CPU it counts on. `note` is called with a line for each thing
 * that will not be as it was asked for. Throws UnsupportedError when it cannot be opened.
 */
export function openOnCpus(
  wanted: OpenRequest,
  where: EventScope,
  standing: Standing,
  note: (line: string) => void,
): EventOnCpus {
  const { target, group } = where;
  const all = placesOf(wanted.event, where);
  const { event, attr, fd, at } = openFirst(wanted, all, where, standing, note);
  const places = [{ tid: all[at].pid, cpu: all[at].cpu, fd, id: eventId(fd) }];
  const opened = { event, attr, places, ...group ? { group } : {} };
  for (const place of all.slice(at + 1)) {
    const fd = tryOpen(encodeAttr(attr), place);
    if (fd >= 0) {
      places.push({ tid: place.pid, cpu: place.cpu, fd, id: eventId(fd) });
    } else if (fd !== -ERRNO.ENODEV && fd !== -ERRNO.ESRCH) { // gone since it was listed: CPU or thread
      closeAll([opened]);
      throw openError(-fd, {
        eventName: event.name,
        target,
        wholeCpu: place.pid === -1,
        attr,
        ...standing,
      });
    }
  }
  return opened;
}

/**
 * Opens the event at the first place that is still there: threads come and go while they are listed. `at` is
 * that place's index. Throws UnsupportedError as `openOnCpus`, of ESRCH when every thread has ended.
 */
function openFirst(
  wanted: OpenRequest,
  places: readonly EventLocation[],
  { target }: EventScope,
  standing: Standing,
  note: (line: string) => void,
) {
  for (let at = 0;; at++) {
    const { pid, cpu, groupFd } = places[at];
    const open: TryOpen = (attr, place) => tryOpen(attr, { ...place, groupFd });
    try {
      return { ...openWithFallbacks(wanted, { pid, cpu, target }, standing, open, note), at };
    } catch (error) {
      const gone = error instanceof UnsupportedError && error.errno === ERRNO.ESRCH;
      if (!gone || at + 1 === places.length) throw error;
    }
  }
}

/** Where to open the event: for each thread on each CPU it counts on, or where its group's leader is. */
function placesOf(event: ResolvedEvent, { tids, cpus, group }: EventScope): EventLocation[] {
  if (group) return group.leader.places.map(({ tid, cpu, fd }) => ({ pid: tid, cpu, groupFd: fd }));
  const own = event.cpus;
  const where = own ? cpus.filter((cpu) => own.includes(cpu)) : cpus;
  return tids.flatMap((pid) => where.map((cpu) => ({ pid, cpu })));
}

/** Closes what was opened. */
export function closeAll(opened: readonly EventOnCpus[]): void {
  for (const { places } of opened) for (const { fd } of places) closeEvent(fd);
}
