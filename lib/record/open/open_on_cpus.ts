/** Opens an event of a recording on each of its CPUs. */

import type { EventLocation } from "../../../ffi/pmu.ts";
import { PERF_SAMPLE } from "../../base/system/abi.ts";
import { ERRNO } from "../../base/system/errno.ts";
import { UnsupportedError } from "../../base/system/errors.ts";
import { openError } from "../../events/advice.ts";
import { encodeAttr, type EventAttr } from "../../events/attr.ts";
import { type OpenRequest, openWithFallbacks, type Standing, type TryOpen } from "../../events/open.ts";
import type { ResolvedEvent } from "../../events/resolve.ts";
import { type EventCalls, liveCalls } from "./event_calls.ts";

/** Event that is open, once for each thread and CPU. */
export interface EventOnCpus {
  /** Event that is measured: the one asked for, or one that stands in for it. */
  event: ResolvedEvent;
  attr: EventAttr;
  /** Descriptor and id for each thread and CPU; `tid` is -1 for whatever runs on the CPU. */
  places: { tid: number; cpu: number; fd: number; id: bigint }[];
  /** Group that it has joined; undefined for a leader. */
  group?: EventGroup;
  /** Set when a file counts its records as the first event's, and does not list it (see `fileEvents()`). */
  unlisted?: true;
  /** Set when its samples' stacks are unwound before they are written: the file has call chains in their place. */
  unwound?: true;
}

/** Event as a file lists it, with the ids of all events whose records count as its own. */
export interface FileEvent {
  of: EventOnCpus;
  attr: EventAttr;
  ids: bigint[];
}

/**
 * Returns the events as a file lists them. Records of an unlisted event have the fields of the first event's, which
 * reports the same: a reader need not tell them apart.
 */
export function fileEvents(opened: readonly EventOnCpus[]): FileEvent[] {
  const idsOf = ({ places }: EventOnCpus) => places.map(({ id }) => id);
  const unlisted = opened.filter((each) => each.unlisted);
  return opened.filter((each) => !each.unlisted).map((of, i) => {
    const merged = i === 0 ? unlisted : [];
    const attr = of.unwound ? unwoundAttr(of.attr) : of.attr;
    const flags = new Set([...attr.flags, ...merged.flatMap(({ attr }) => [...attr.flags])]);
    return { of, attr: { ...attr, flags }, ids: [of, ...merged].flatMap(idsOf) };
  });
}

/**
 * Returns the attr of samples whose stacks have been replaced by the user's part of their call chains. It has
 * `excludeCallchainUser`, by which readers tell them from samples with what the kernel found by frame pointers.
 */
function unwoundAttr(attr: EventAttr): EventAttr {
  const sampleType = attr.sampleType & ~(PERF_SAMPLE.REGS_USER | PERF_SAMPLE.STACK_USER);
  const flags = new Set(attr.flags).add("excludeCallchainUser");
  return { ...attr, flags, sampleType, sampleRegsUser: 0n, sampleStackUser: 0 };
}

/** Group of events, known by its leader. */
export interface EventGroup {
  leader: EventOnCpus;
  /** Text in front of the braces, if there is any. */
  name?: string;
}

/** Threads and CPUs that an event is opened for. */
export interface EventScope {
  /** Threads to follow with all they start, or -1 alone for whatever runs on the CPUs. */
  tids: readonly number[];
  cpus: readonly number[];
  /** Group to join, wherever its leader is open. */
  group?: EventGroup;
  /** Name of all that in errors: `pid 412`, `all CPUs`. */
  target: string;
  /** Calls to make in place of this machine's. */
  calls?: EventCalls;
}

/**
 * Opens the event for each thread on each CPU it counts on, disabled unless its attr says otherwise. `note` gets a line
 * for each thing that is not as asked. Throws UnsupportedError when it cannot be opened; nothing stays open then.
 */
export function openOnCpus(
  wanted: OpenRequest,
  where: EventScope,
  standing: Standing,
  note: (line: string) => void,
): EventOnCpus {
  const { target, group, calls = liveCalls } = where;
  const all = placesOf(wanted.event, where);
  const { event, attr, fd, at } = openFirst(wanted, all, where, standing, note);
  const places = [{ tid: all[at].pid, cpu: all[at].cpu, fd, id: calls.eventId(fd) }];
  const opened = { event, attr, places, ...group ? { group } : {} };
  for (const place of all.slice(at + 1)) {
    const fd = calls.tryOpen(encodeAttr(attr), place);
    if (fd >= 0) {
      places.push({ tid: place.pid, cpu: place.cpu, fd, id: calls.eventId(fd) });
    } else if (fd !== -ERRNO.ENODEV && fd !== -ERRNO.ESRCH) { // else the CPU or thread has gone since it was listed
      closeAll([opened], calls);
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
 * Opens the event at the first place that is still there, since threads end while they are listed. Returns the index of
 * that place as `at`. Throws UnsupportedError, with ESRCH when every thread has ended.
 */
function openFirst(
  wanted: OpenRequest,
  places: readonly EventLocation[],
  { target, calls = liveCalls }: EventScope,
  standing: Standing,
  note: (line: string) => void,
) {
  for (let at = 0;; at++) {
    const { pid, cpu, groupFd } = places[at];
    const open: TryOpen = (attr, place) => calls.tryOpen(attr, { ...place, groupFd });
    try {
      return { ...openWithFallbacks(wanted, { pid, cpu, target }, standing, open, note), at };
    } catch (error) {
      const gone = error instanceof UnsupportedError && error.errno === ERRNO.ESRCH;
      if (!gone || at + 1 === places.length) throw error;
    }
  }
}

/** Returns the places of an event: each thread on each CPU it counts on, or where its group's leader is open. */
function placesOf(event: ResolvedEvent, { tids, cpus, group }: EventScope): EventLocation[] {
  if (group) return group.leader.places.map(({ tid, cpu, fd }) => ({ pid: tid, cpu, groupFd: fd }));
  const own = event.cpus;
  const where = own ? cpus.filter((cpu) => own.includes(cpu)) : cpus;
  return tids.flatMap((pid) => where.map((cpu) => ({ pid, cpu })));
}

/** Closes every descriptor of the events. */
export function closeAll(opened: readonly EventOnCpus[], calls: EventCalls = liveCalls): void {
  for (const { places } of opened) for (const { fd } of places) calls.closeEvent(fd);
}
