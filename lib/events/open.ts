/**
 * Opening an event as well as this kernel and this user can: what an older kernel does not know is left
 * out, what is not allowed is left out and said. The system call itself is handed in.
 */

import { PERF_FORMAT, PERF_SAMPLE } from "../base/system/abi.ts";
import { ERRNO } from "../base/system/errno.ts";
import { openError } from "./advice.ts";
import { type AttrFlag, encodeAttr, type EventAttr } from "./attr.ts";
import { fallbackFor } from "./fallback.ts";
import type { Privilege } from "./privilege.ts";
import type { ResolvedEvent } from "./resolve.ts";

/** perf_event_open(2) with an encoded attr: a descriptor, or -errno. */
export type TryOpen = (attr: Uint8Array<ArrayBuffer>, place: { pid: number; cpu: number }) => number;

/** An event to open, and how its attr is made: again for each form of it that is tried. */
export interface OpenRequest {
  event: ResolvedEvent;
  attrOf: (event: ResolvedEvent) => EventAttr;
}

/** What the machine and this user may do. */
export interface Standing {
  privilege: Privilege;
  hasCorePmu: boolean;
  maxSampleRate?: number;
}

/** Where to open it, and what to call that in errors: `pid 412`, `all CPUs`. */
export interface OpenTarget {
  pid: number;
  cpu: number;
  target: string;
}

/** What was opened: the event asked for, or as much of it as may be had. */
export interface OpenedEvent {
  event: ResolvedEvent;
  attr: EventAttr;
  fd: number;
}

/**
 * Opens the event. `note` is called with a line for each thing that will not be as it was asked for, but for the
 * kernel's side that is left out: that is for the caller to tell, of all its events at once (`isRestricted`).
 * Throws UnsupportedError when the kernel refuses it and all that could stand in for it.
 */
export function openWithFallbacks(
  wanted: OpenRequest,
  place: OpenTarget,
  standing: Standing,
  tryOpen: TryOpen,
  note: (line: string) => void,
): OpenedEvent {
  const wholeCpu = place.pid === -1;
  let event = wanted.event;
  let attr = wanted.attrOf(event);
  if (event.warning) note(`warning: ${event.warning}`);
  for (;;) {
    const fd = tryOpen(encodeAttr(attr), place);
    if (fd >= 0) {
      if (readsAndInherits(wanted.attrOf(event)) && !attr.flags.has("inherit")) {
        note(
          `${event.name}: this kernel reads a group only where it starts (Linux 6.12 reads it in children too): ` +
            "what the target starts is left out",
        );
      }
      return { event, attr, fd };
    }
    const older = fd === -ERRNO.EINVAL ? withoutNewest(attr) : undefined;
    if (older) {
      attr = older;
      continue;
    }
    const fallback = fallbackFor(event, -fd, standing.privilege, wholeCpu);
    if (!fallback) {
      throw openError(-fd, { eventName: event.name, target: place.target, wholeCpu, attr, ...standing });
    }
    event = fallback;
    attr = wanted.attrOf(event);
  }
}

/**
 * The attr without the newest thing it asks of the kernel, for trying again after EINVAL; undefined
 * when there is nothing left to take away. Newest first: PERF_SAMPLE_READ of what
 * inherits (Linux 6.12), PERF_FORMAT_LOST (6.0), PERF_SAMPLE_WEIGHT_STRUCT
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
