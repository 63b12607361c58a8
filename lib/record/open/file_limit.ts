/** How many file descriptors a recording takes. */

import { descriptorsAllowed, OTHER_DESCRIPTORS, requireDescriptors } from "../../../ffi/descriptors.ts";
import type { EventScope } from "./opening.ts";

function filesFor(events: number, { tids, cpus }: EventScope): number {
  return events * tids.length * cpus.length + OTHER_DESCRIPTORS;
}

/** Raises the limit as far as this user may; tells whether `events` events can be opened there. */
export function filesAllowed(events: number, where: EventScope): boolean {
  return descriptorsAllowed(filesFor(events, where));
}

/** The same, throwing UnsupportedError (EMFILE) when they cannot. */
export function allowFiles(events: number, where: EventScope): void {
  const { tids, cpus, target } = where;
  requireDescriptors(filesFor(events, where), {
    attempt: `record ${target}`,
    counts: { event: events, thread: tids.length, CPU: cpus.length },
    instead: "record with -a",
  });
}
