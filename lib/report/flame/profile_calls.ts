/** Makes the tree of calls that a flame graph lays out from one profile, or from two in the same terms. */

import { isOffCpu } from "../../profile/model/profile.ts";
import type { EventCounts } from "../../profile/query/query.ts";
import { joinsRun, runLabel } from "../shared/frame_runs.ts";
import type { BoxLabel, CallTree } from "./layout.ts";
import { boxKind } from "./style.ts";

/** Returns the calls of `drawn`, with the weights that `other` has in them. */
export function profileCalls(drawn: EventCounts, other?: EventCounts): CallTree {
  const { counts, event } = drawn, { profile, places } = counts;
  const waited = isOffCpu(profile.events[event]?.name ?? "");
  const { parent, place, weights } = counts.flameTree(event, other);
  const end = (node: number) => ({
    place: place[node],
    hasSelf: weights.some(({ selfCount }) => selfCount[node] > 0),
  });
  const label = (node: number, frames: number): BoxLabel => {
    const row = place[node];
    if (row < 0) return { name: counts.valuesOf(-1 - row).comm, object: "", kind: "root" };
    const object = profile.objects[places.object[row]];
    return {
      name: runLabel(counts, row, frames),
      object: counts.objectOf(row),
      kind: boxKind(places.symbol[row] >= 0, object, waited),
      inlined: places.inlined?.[row] === 1,
    };
  };
  const joins = (outer: number, inner: number) =>
    place[outer] >= 0 && joinsRun(places, end(outer), end(inner));
  return { parent, weights: [weights[0], weights.at(1)], label, joins };
}
