/** A recording's events, each opened on every CPU. */

import { closeEvent, eventId, tryOpen } from "../../ffi/pmu.ts";
import { ERRNO } from "../base/errno.ts";
import { UnsupportedError } from "../base/errors.ts";
import { openError } from "../events/advice.ts";
import { encodeAttr, type EventAttr } from "../events/attr.ts";
import { openEvent, type Standing, type Wanted } from "../events/open.ts";
import type { ResolvedEvent } from "../events/resolve.ts";

/** An event that is open, once for each CPU. */
export interface Opened {
  /** What is really measured: the event asked for, or the one that stands in for it. */
  event: ResolvedEvent;
  attr: EventAttr;
  places: { cpu: number; fd: number; id: bigint }[];
}

export interface Where {
  /** The threads to follow with all they start, or -1 alone for whatever runs on the CPUs. */
  tids: readonly number[];
  cpus: readonly number[];
  /** For errors: `pid 412`, `all CPUs`. */
  target: string;
}

/**
 * Opens the event for each thread on each CPU it counts on. `note` is called with a line for each thing
 * that will not be as it was asked for. Throws UnsupportedError when it cannot be opened.
 */
export function openOnCpus(
  wanted: Wanted,
  where: Where,
  standing: Standing,
  note: (line: string) => void,
): Opened {
  const { target } = where;
  const own = wanted.event.cpus;
  const cpus = own ? where.cpus.filter((cpu) => own.includes(cpu)) : where.cpus;
  const all = where.tids.flatMap((pid) => cpus.map((cpu) => ({ pid, cpu })));
  const { event, attr, fd, at } = openFirst(wanted, all, where, standing, note);
  const places = [{ cpu: all[at].cpu, fd, id: eventId(fd) }];
  const opened = { event, attr, places };
  for (const place of all.slice(at + 1)) {
    const fd = tryOpen(encodeAttr(attr), place);
    if (fd >= 0) {
      places.push({ cpu: place.cpu, fd, id: eventId(fd) });
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
  wanted: Wanted,
  places: readonly { pid: number; cpu: number }[],
  { target }: Where,
  standing: Standing,
  note: (line: string) => void,
) {
  for (let at = 0;; at++) {
    try {
      return { ...openEvent(wanted, { ...places[at], target }, standing, tryOpen, note), at };
    } catch (error) {
      const gone = error instanceof UnsupportedError && error.errno === ERRNO.ESRCH;
      if (!gone || at + 1 === places.length) throw error;
    }
  }
}

/** Closes what was opened. */
export function closeAll(opened: readonly Opened[]): void {
  for (const { places } of opened) for (const { fd } of places) closeEvent(fd);
}
