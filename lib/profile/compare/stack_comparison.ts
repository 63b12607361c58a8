/** Comparison of two profiles stack by stack, as differential flame graphs draw it. */

import { type Profile, sampleCount } from "../model/profile.ts";
import { type EventCounts, SampleCounts } from "../query/sample_counts.ts";
import type { Normalization } from "../request/normalization.ts";
import { comparisonNotes } from "./comparison_notes.ts";
import { commonEvents, normalizingFactor } from "./diff.ts";
import { matchFunctions } from "./match_functions.ts";

/** Event of two profiles, with its samples counted by command and function in the same terms. */
export interface StackComparison {
  /** Counts of A. */
  a: EventCounts;
  /** Counts of B. */
  b: EventCounts;
  /** Normalization of B's weights: `share` where the recordings sampled different events. */
  normalize: Normalization;
  /** Factor that B's weights are to be multiplied by. */
  factor: number;
  /** Facts to know before trusting the comparison, a sentence each. */
  notes: string[];
}

/**
 * Compares B with A: the event of that name, or by default the one with the most samples of those that both have. Throws
 * BadInputError as diffProfiles() does.
 */
export function compareStacks(
  a: Profile,
  b: Profile,
  { event, normalize }: { event?: string; normalize: Normalization },
): StackComparison {
  const [eventA, eventB] = heaviestPair(a, b, event);
  const used = a.events[eventA].name === b.events[eventB].name ? normalize : "share";
  const factor = normalizingFactor(a, b, used, { a: eventA, b: eventB });
  const matched = matchFunctions(a, b, ["comm", "dso", "sym"]);
  const counted = (profile: Profile, side: "a" | "b", event: number): EventCounts => {
    const { places, groups } = matched[side];
    return { counts: new SampleCounts(profile, places, () => groups), event };
  };
  return {
    a: counted(a, "a", eventA),
    b: counted(b, "b", eventB),
    normalize: used,
    factor,
    notes: comparisonNotes(a, b),
  };
}

/** Returns the events to compare: of those that both have, the one with the most samples. */
function heaviestPair(a: Profile, b: Profile, name: string | undefined): [number, number] {
  const samples = ([eventA, eventB]: [number, number]) => sampleCount(a, eventA) + sampleCount(b, eventB);
  return commonEvents(a, b, name).reduce((most, pair) => samples(pair) > samples(most) ? pair : most);
}
