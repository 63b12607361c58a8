/** Makes the tree of calls that the page's flame graph lays out. */

import { isOffCpu } from "../../profile/model/profile.ts";
import { joinsRun } from "../shared/frame_runs.ts";
import type { BoxLabel, CallTree } from "../flame/layout.ts";
import { boxKind } from "../flame/style.ts";
import type { StackWeights } from "./select.ts";
import { COMMAND, type PageTables } from "./tables.ts";

/** Returns the name to show for a place. */
export function nameOf({ places, names }: PageTables, place: number): string {
  return names[places.name[place]];
}

/** Returns the name to show for the object of a place. */
export function objectNameOf({ places, objects }: PageTables, place: number): string {
  const object = places.object[place];
  return object >= 0 ? objects[object].name : "[unknown]";
}

/** Calls of which the page makes a tree. */
export interface PageCalls {
  /** Weights of the part of the profile that is drawn. */
  weights: StackWeights;
  /** Weights of the part that it is compared with. */
  base?: StackWeights;
  /** Row of `events`. */
  event: number;
}

/** Returns the calls of a part of the profile, with the weights that they have there. A node is a row of `stacks`. */
export function pageCalls(tables: PageTables, { weights, base, event }: PageCalls): CallTree {
  const waited = isOffCpu(tables.events[event]?.name ?? "");
  const { stacks: { parent, place }, places, objects } = tables;
  const keys = {
    symbol: places.named.map((named) => named - 1),
    object: places.object,
    kernel: places.kernel,
  };
  const label = (node: number, frames: number): BoxLabel => {
    const row = place[node];
    if (places.object[row] === COMMAND) return { name: nameOf(tables, row), object: "", kind: "root" };
    const object = objectNameOf(tables, row);
    return {
      name: frames > 1 ? `${object} (${frames} frames)` : nameOf(tables, row),
      object,
      kind: boxKind(places.named[row] === 1, objects[places.object[row]], waited),
      inlined: places.inlined[row] === 1,
    };
  };
  const end = (node: number) => ({
    place: place[node],
    hasSelf: weights.selfCount[node] > 0 || (base !== undefined && base.selfCount[node] > 0),
  });
  return {
    parent,
    weights: [weights, base],
    label,
    joins: (outer, inner) => joinsRun(keys, end(outer), end(inner)),
  };
}
