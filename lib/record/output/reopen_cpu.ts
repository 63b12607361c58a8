/**
 * Opens the events of a recording again on a CPU that went offline and came back. The kernel removed its events when it
 * went; the CPU's ring is still mapped, and the new events write into it.
 */

import { encodeAttr } from "../../events/attr.ts";
import { type EventCalls, liveCalls } from "../open/event_calls.ts";
import { type EventOnCpus, fileEvents } from "../open/open_on_cpus.ts";
import type { Rings } from "../rings/rings.ts";
import type { Sink } from "./sink.ts";

/** CPU that has come back, and the recording that it belongs to. */
export interface CpuReturn {
  cpu: number;
  opened: readonly EventOnCpus[];
  rings: Pick<Rings, "owners" | "backward">;
  /** Output that gets the new ids, before any record has one. */
  sink: Pick<Sink, "addIds">;
  /** Whether sampling has been started. */
  sampling: boolean;
  /** Filter expression of the tracepoints. */
  filter?: string;
  /** Calls to make in place of this machine's. */
  calls?: EventCalls;
}

type Place = EventOnCpus["places"][number];

/** Opens all of the events there, or none; returns whether they are open. */
export function reopenOn(
  { cpu, opened, rings, sink, sampling, filter, calls = liveCalls }: CpuReturn,
): boolean {
  const made = new Map<EventOnCpus, Place>();
  const undo = () => {
    for (const { fd } of made.values()) calls.closeEvent(fd);
    return false;
  };
  try {
    for (const each of opened) {
      if (!each.places.some((place) => place.cpu === cpu)) continue; // an event of other CPUs
      const isBackward = each.attr.flags.has("writeBackward");
      const owner = (isBackward ? rings.backward : rings.owners).find((owner) => owner.cpu === cpu);
      const groupFd = each.group ? made.get(each.group.leader)?.fd ?? -1 : -1;
      const fd = owner ? calls.tryOpen(encodeAttr(each.attr), { pid: -1, cpu, groupFd }) : -1;
      if (!owner || fd < 0) return undo();
      made.set(each, { tid: -1, cpu, fd, id: calls.eventId(fd) });
      calls.setOutput(fd, owner.fd);
      if (filter !== undefined && each.event.tracepoint) calls.setFilter(fd, filter);
    }
  } catch {
    return undo(); // the CPU has gone again, as a rule
  }
  const events = fileEvents(opened);
  const added = [...made].map(([each, { id }]) => ({
    event: Math.max(0, events.findIndex(({ of }) => of === each)), // an unlisted event counts as the first
    id,
  }));
  // with one event, records have no ids; with several, a pipe cannot get the new ones
  if (!sink.addIds(added) && events.length > 1) return undo();
  for (const [each, place] of made) {
    each.places.push(place);
    if (sampling && "choice" in each) calls.enable(place.fd);
  }
  return true;
}
