/** A recording's events, each opened on every CPU. */

import { closeEvent, eventId, tryOpen } from "../../ffi/pmu.ts";
import { ERRNO, PmuError } from "../base/errno.ts";
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
  /** The thread to follow with all it starts, or -1 for whatever runs on the CPUs. */
  pid: number;
  cpus: readonly number[];
  /** For errors: `pid 412`, `all CPUs`. */
  target: string;
}

/**
 * Opens the event on each CPU it counts on. `note` is called with a line for each thing that will not
 * be as it was asked for. Throws UnsupportedError when it cannot be opened.
 */
export function openOnCpus(
  wanted: Wanted,
  where: Where,
  standing: Standing,
  note: (line: string) => void,
): Opened {
  const { pid, target } = where;
  const own = wanted.event.cpus;
  const [firstCpu, ...otherCpus] = own ? where.cpus.filter((cpu) => own.includes(cpu)) : where.cpus;
  const first = openEvent(wanted, { pid, cpu: firstCpu, target }, standing, tryOpen, note);
  const places = [{ cpu: firstCpu, fd: first.fd, id: eventId(first.fd) }];
  const opened = { event: first.event, attr: first.attr, places };
  for (const cpu of otherCpus) {
    const fd = tryOpen(encodeAttr(first.attr), { pid, cpu });
    if (fd >= 0) {
      places.push({ cpu, fd, id: eventId(fd) });
    } else if (fd !== -ERRNO.ENODEV) { // a CPU may have gone offline since the list was read
      closeAll([opened]);
      throw new PmuError("perf_event_open", -fd);
    }
  }
  return opened;
}

/** Closes what was opened. */
export function closeAll(opened: readonly Opened[]): void {
  for (const { places } of opened) for (const { fd } of places) closeEvent(fd);
}
