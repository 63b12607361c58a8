/** Events that a hardware counter can count: cpc's LIST_EVENTS(picnum). */

import { UsageError } from "../../base/system/errors.ts";
import type { ListedEvent } from "../../events/list.ts";
import { resolveEvents } from "../../events/resolve.ts";
import { CpcError } from "./cpc_error.ts";
import { capablePics, type MachineModel } from "./machine.ts";
import { picList } from "./verify_request.ts";

/**
 * Returns those of `events` that PIC `picnum` can count, on any core PMU with a counter of that number. Throws
 * CpcError (EINVAL) when there is none.
 */
export function eventsOfPic(
  events: readonly ListedEvent[],
  picnum: number,
  machine: MachineModel,
): ListedEvent[] {
  // A generic event stands for one on every core PMU.
  const there = resolveEvents("cycles", machine.world).flatMap((group) => group.events)
    .flatMap((event) => machine.pmuOf(event).pics ?? []).map((pic) => pic.picnum);
  if (!there.includes(picnum)) {
    throw new CpcError({
      errno: "EINVAL",
      attempt: `list the events of pic${picnum}`,
      cause: there.length === 0
        ? "this machine has no hardware PMU, and software events take no counter"
        : `no such counter; this machine has ${picList([...new Set(there)])}`,
    });
  }
  return events.filter(({ name, type }) => type !== "tracepoint" && type !== "software" && fits(name));

  function fits(name: string): boolean {
    try {
      return resolveEvents(name, machine.world).flatMap((group) => group.events)
        .some((event) => capablePics(event, machine.pmuOf(event))?.includes(picnum));
    } catch (error) {
      if (error instanceof UsageError) return false; // event of a driver that needs a value for its parameter
      throw error;
    }
  }
}
