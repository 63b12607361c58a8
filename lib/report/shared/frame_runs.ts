/** Runs of frames without a symbol, which trees and flame graphs draw as one. */

import type { SampleCounts } from "../../profile/query/query.ts";

/** Frame that may be joined with its neighbours. */
export interface RunFrame {
  place: number;
  /** Whether samples were taken in it. */
  hasSelf: boolean;
}

/**
 * Returns whether a frame and the only one that it called are shown as one: both are code of one object without
 * symbols. Functions with samples of their own stay separate, since people look for these.
 */
export function joinsRun(
  places: { [column in "symbol" | "object" | "kernel"]: ArrayLike<number> },
  outer: RunFrame,
  inner: RunFrame,
): boolean {
  if (places.symbol[outer.place] >= 0 || places.symbol[inner.place] >= 0) return false;
  if (outer.place === inner.place) return true;
  return !outer.hasSelf && !inner.hasSelf && places.object[outer.place] === places.object[inner.place] &&
    places.kernel[outer.place] === places.kernel[inner.place];
}

/**
 * Returns a place's label in a call tree: its symbol, and its line if places are split by line; `libfoo.so (5 frames)`
 * for a run of several frames (`joinsRun`).
 */
export function runLabel(counts: SampleCounts, place: number, frames = 1): string {
  if (frames > 1) return `${counts.objectOf(place)} (${frames} frames)`;
  const name = counts.nameOf(place);
  return counts.places.line ? `${name} ${counts.lineOf(place)}` : name;
}
