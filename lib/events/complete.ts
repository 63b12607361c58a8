/** The names that an event may become which is not yet written to its end. */

import { UnsupportedError } from "../base/system/errors.ts";
import { listEvents } from "./list.ts";
import type { EventWorld } from "./resolve.ts";

/** A name of an event behind all that is written before it, and what the event is. */
type Candidate = readonly [text: string, meaning: string];

/**
 * Returns what `text`, a list of events up to the cursor, may go on to: whole texts, which all start with it. Only its
 * last event is completed: `{cycles,ins` goes on to `{cycles,instructions`, and `pic0=cyc` to `pic0=cycles`.
 * Tracepoints are offered by system first (`sched:`), then by name. Aliases are offered once they are begun.
 */
export function completeEvent(text: string, world: EventWorld): Candidate[] {
  const before = text.slice(0, startOfLast(text));
  const begun = text.slice(before.length);
  const tracepoints = begun.includes(":");
  const names = listEvents(world, tracepoints ? { pmu: "tracepoint" } : {}).flatMap(
    ({ name, aliases, meaning, type }): Candidate[] => {
      if (type === "tracepoint" && !tracepoints) return [];
      return [name, ...begun ? aliases : []].map((spelled) => [spelled, meaning]);
    },
  );
  return [...names, ...tracepoints ? [] : systems(world)]
    .filter(([name]) => name.startsWith(begun))
    .map(([name, meaning]) => [before + name, meaning]);
}

/** Returns where the last event of a list begins: behind a comma or a brace that is not inside PMU/.../. */
function startOfLast(text: string): number {
  let inside = false;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "/") inside = !inside;
    else if (!inside && (text[i] === "," || text[i] === "{")) start = i + 1;
  }
  return start + (text.slice(start).match(/^pic\d+=/)?.[0].length ?? 0);
}

function systems(world: EventWorld): Candidate[] {
  try {
    return world.tracepoints.systems().map((system) => [`${system}:`, "tracepoints"]);
  } catch (error) {
    if (error instanceof UnsupportedError) return [];
    throw error;
  }
}
