/**
 * Opens events as fully as this kernel and this user allow: features that an older kernel lacks are dropped, and
 * forbidden ones are dropped with a note. The system call itself is a parameter.
 */

import { PERF_FORMAT, PERF_SAMPLE } from "../base/system/abi.ts";
import { ERRNO } from "../base/system/errno.ts";
import { type OpenAttempt, openError } from "./advice.ts";
import { type AttrFlag, encodeAttr, type EventAttr } from "./attr.ts";
import { fallbackFor, framePointersNote, withoutUserState } from "./fallback.ts";
import type { Privilege } from "./privilege.ts";
import type { ResolvedEvent } from "./resolve.ts";

/** Function that calls perf_event_open(2) with an encoded attr; returns a descriptor, or -errno. */
export type TryOpen = (attr: Uint8Array<ArrayBuffer>, place: { pid: number; cpu: number }) => number;

/** Event to open, with a function that builds the attr of each variant that is tried. */
export interface OpenRequest {
  event: ResolvedEvent;
  attrOf: (event: ResolvedEvent) => EventAttr;
}

/** Rights of this process, and limits of this machine. */
export interface Standing {
  privilege: Privilege;
  hasCorePmu: boolean;
  maxSampleRate?: number;
}

/** Task and CPU to open it on, and their name in errors: `pid 412`, `all CPUs`. */
export interface OpenTarget {
  pid: number;
  cpu: number;
  target: string;
}

/** Opened event: the requested one, or as much of it as is possible. */
export interface OpenedEvent {
  event: ResolvedEvent;
  attr: EventAttr;
  fd: number;
}

/**
 * Opens the event. Calls `note` with a line for each deviation from the request, except when the kernel's side is left
 * out, which the caller reports for all events at once (`isRestricted`). Copies of stacks are left out last: an event
 * that can have them, but not its precision, keeps them. Throws UnsupportedError when the kernel refuses the event and
 * all its fallbacks.
 */
export function openWithFallbacks(
  wanted: OpenRequest,
  place: OpenTarget,
  standing: Standing,
  tryOpen: TryOpen,
  note: (line: string) => void,
): OpenedEvent {
  const { event, attrOf } = wanted;
  if (event.warning) note(`warning: ${event.warning}`);
  const opened = openForm(wanted, place, standing, tryOpen);
  if (!("errno" in opened)) return noted(opened, attrOf, note);
  const { errno, attempt } = opened;
  if (withoutUserState(attrOf(event), errno)) {
    const plain = { event, attrOf: (form: ResolvedEvent) => withoutUserState(attrOf(form), errno)! };
    const reopened = openForm(plain, place, standing, tryOpen);
    if (!("errno" in reopened)) {
      note(framePointersNote(event.name));
      return noted(reopened, plain.attrOf, note);
    }
  }
  throw openError(errno, attempt);
}

/** Refusal of an event and all its fallbacks. */
interface Refusal {
  /** Positive errno of the last attempt. */
  errno: number;
  attempt: OpenAttempt;
}

/** Opens the event with all fallbacks but that of leaving out copies of stacks. */
function openForm(
  { event: asked, attrOf }: OpenRequest,
  place: OpenTarget,
  standing: Standing,
  tryOpen: TryOpen,
): OpenedEvent | Refusal {
  const wholeCpu = place.pid === -1;
  let event = asked;
  let attr = attrOf(event);
  for (;;) {
    const fd = tryOpen(encodeAttr(attr), place);
    if (fd >= 0) return { event, attr, fd };
    const older = fd === -ERRNO.EINVAL ? withoutNewest(attr) : undefined;
    if (older) {
      attr = older;
      continue;
    }
    const fallback = fallbackFor(event, -fd, standing.privilege, wholeCpu);
    if (!fallback) {
      const attempt = { eventName: event.name, target: place.target, wholeCpu, attr, ...standing };
      return { errno: -fd, attempt };
    }
    event = fallback;
    attr = attrOf(event);
  }
}

/** Notes that child processes are left out, where that is so, and returns the event. */
function noted(
  opened: OpenedEvent,
  attrOf: OpenRequest["attrOf"],
  note: (line: string) => void,
): OpenedEvent {
  const { event, attr } = opened;
  if (readsAndInherits(attrOf(event)) && !attr.flags.has("inherit")) {
    note(
      `${event.name}: before Linux 6.12, a sampled group cannot be read in child processes: ` +
        "processes that the target starts are left out",
    );
  }
  return opened;
}

/**
 * Returns the attr without its newest feature, to try again after EINVAL; undefined when nothing is left to remove.
 * Newest first: PERF_SAMPLE_READ of inherited events (Linux 6.12), PERF_FORMAT_LOST (6.0), PERF_SAMPLE_WEIGHT_STRUCT
 * and build_id (5.12), ksymbol and bpf_event (5.1), comm_exec and mmap2 (3.16; plain mmap stays).
 */
export function withoutNewest(attr: EventAttr): EventAttr | undefined {
  if (readsAndInherits(attr)) return withoutFlags(attr, ["inherit"]);
  if (attr.readFormat & PERF_FORMAT.LOST) return { ...attr, readFormat: attr.readFormat & ~PERF_FORMAT.LOST };
  if (attr.sampleType & PERF_SAMPLE.WEIGHT_STRUCT) {
    const sampleType = (attr.sampleType & ~PERF_SAMPLE.WEIGHT_STRUCT) | PERF_SAMPLE.WEIGHT;
    return { ...attr, sampleType };
  }
  for (const newest of [["buildId"], ["ksymbol", "bpfEvent"], ["commExec", "mmap2"]] as AttrFlag[][]) {
    if (!newest.some((flag) => attr.flags.has(flag))) continue;
    return withoutFlags(attr, newest);
  }
  return undefined;
}

function readsAndInherits(attr: EventAttr): boolean {
  return (attr.sampleType & PERF_SAMPLE.READ) !== 0 && attr.flags.has("inherit");
}

function withoutFlags(attr: EventAttr, names: readonly AttrFlag[]): EventAttr {
  const flags = new Set(attr.flags);
  for (const name of names) flags.delete(name);
  return { ...attr, flags };
}
