/**
 * Opening the events of a recording again on a CPU that went and came back. The kernel took its events away when it went;
 * the ring of that CPU is still there, and the new ones write into it.
 */

import { closeEvent, enable, eventId, setFilter, setOutput, tryOpen } from "../../../ffi/pmu.ts";
import { encodeAttr } from "../../events/attr.ts";
import { type EventOnCpus, listedEvents } from "../open/open_on_cpus.ts";
import type { Rings } from "../rings/rings.ts";
import type { Sink } from "./sink.ts";

export interface CpuReturn {
  cpu: number;
  opened: readonly EventOnCpus[];
  rings: Pick<Rings, "owners" | "backward">;
  /** Is told of the new ids, before any record has one. */
  sink: Pick<Sink, "addIds">;
  /** Whether the events that sample do so by now. */
  sampling: boolean;
  /** Of the tracepoints. */
  filter?: string;
}

type Place = EventOnCpus["places"][number];

/** Opens all of the events there, or none. Tells whether they are open. */
export function reopenOn({ cpu, opened, rings, sink, sampling, filter }: CpuReturn): boolean {
  const made = new Map<EventOnCpus, Place>();
  const undo = () => {
    for (const { fd } of made.values()) closeEvent(fd);
    return false;
  };
  try {
    for (const each of opened) {
      if (!each.places.some((place) => place.cpu === cpu)) continue; // an event that other CPUs alone have
      const isBackward = each.attr.flags.has("writeBackward");
      const owner = (isBackward ? rings.backward : rings.owners).find((owner) => owner.cpu === cpu);
      const groupFd = each.group ? made.get(each.group.leader)?.fd ?? -1 : -1;
      const fd = owner ? tryOpen(encodeAttr(each.attr), { pid: -1, cpu, groupFd }) : -1;
      if (!owner || fd < 0) return undo();
      made.set(each, { tid: -1, cpu, fd, id: eventId(fd) });
      setOutput(fd, owner.fd);
      if (filter !== undefined && each.event.tracepoint) setFilter(fd, filter);
    }
  } catch {
    return undo(); // gone again, as a rule
  }
  const events = listedEvents(opened);
  const added = [...made].map(([each, { id }]) => ({
    event: Math.max(0, events.findIndex(({ of }) => of === each)), // the first tells what an unlisted one reports
    id,
  }));
  // where records have no ids there is nothing to tell; a pipe cannot be told, where they have
  if (!sink.addIds(added) && events.length > 1) return undo();
  for (const [each, place] of made) {
    each.places.push(place);
    if (sampling && "choice" in each) enable(place.fd);
  }
  return true;
}
