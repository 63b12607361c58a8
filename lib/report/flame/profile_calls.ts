/** Makes the tree of calls that a flame graph lays out from one profile, or from two in the same terms. */

import { joinsRun, placeLabel, placeObject } from "../../profile/query/aggregation_keys.ts";
import { buildFlameTree, type FlameSource } from "../../profile/query/flame_tree.ts";
import { groupValues } from "../../profile/query/groups.ts";
import { isOffCpu } from "../../profile/model/profile.ts";
import type { BoxLabel, CallTree } from "./layout.ts";
import { boxKind } from "./style.ts";

/** Returns the calls of `drawn`, with the weights that `other` has in them. */
export function profileCalls(drawn: FlameSource, other?: FlameSource): CallTree {
  const { profile, grouping: { groups, places } } = drawn;
  const waited = isOffCpu(profile.events[drawn.event]?.name ?? "");
  const { parent, place, weights } = buildFlameTree(other ? [drawn, other] : [drawn]);
  const end = (node: number) => ({
    place: place[node],
    hasSelf: weights.some(({ selfCount }) => selfCount[node] > 0),
  });
  const label = (node: number, frames: number): BoxLabel => {
    const row = place[node];
    if (row < 0) return { name: groupValues(profile, groups, -1 - row).comm, object: "", kind: "root" };
    const object = profile.objects[places.object[row]];
    return {
      name: placeLabel(profile, places, row, frames),
      object: placeObject(profile, places, row),
      kind: boxKind(places.symbol[row] >= 0, object, waited),
      inlined: places.inlined?.[row] === 1,
    };
  };
  const joins = (outer: number, inner: number) =>
    place[outer] >= 0 && joinsRun(places, end(outer), end(inner));
  return { parent, weights: [weights[0], weights.at(1)], label, joins };
}
