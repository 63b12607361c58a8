/** Comparison of two profiles, symbol by symbol: which take more, which take less, which are new or gone. */

import { counted } from "../../base/text/plural.ts";
import { BadInputError } from "../../base/system/errors.ts";
import { append } from "../../base/bytes/lists.ts";
import { overhead } from "../query/aggregate.ts";
import { type MatchedPlace, type MatchedProfiles, matchFunctions, type MatchKey } from "./match_functions.ts";
import { comparisonNotes, sides } from "./comparison_notes.ts";
import { type Profile, sampleCount, totalPeriod, type Weight } from "../model/profile.ts";
import type { Normalization } from "../request/normalization.ts";
import { sampledEventRows } from "../query/table.ts";

export type { MatchKey };

/** Change from A to B. */
export interface Change {
  /** Normalized weight in B minus weight in A, in events, or ns for the clock events. */
  weight: number;
  /** Share in B minus share in A, in percentage points. */
  share: number;
  /**
   * Standard deviation of `weight` from sampling alone: sqrt(n) of n samples, as the number of samples in a place is a
   * Poisson variable. A change below twice this may be chance.
   */
  noise: number;
}

/** Weights of a place in one profile, as recorded. */
export interface SideWeights {
  /** Weight of the samples in the place itself. */
  self: Weight;
  /** Weight of the samples that went through it. */
  total: Weight;
}

/** Place with its weights in both profiles. */
export interface DiffRow extends MatchedPlace {
  /** Command; absent unless rows are split by command. */
  comm?: string;
  /** Profiles that it was sampled in, itself or as a caller: `new` is only in B, `gone` only in A. */
  presence: "both" | "new" | "gone";
  /** Weights in A. */
  a: SideWeights;
  /** Weights in B. */
  b: SideWeights;
  /** Change of the self weight. */
  self: Change;
  /** Change of the total weight. */
  total: Change;
}

/** Comparison of one event. */
export interface EventDiff {
  /** Names of the event in A and in B. They differ only where each recording has a single event. */
  names: { a: string; b: string };
  /** Weight of all samples of the event in A, as recorded. */
  a: Weight;
  /** Weight of all samples of the event in B, as recorded. */
  b: Weight;
  /** Normalization of B's weights. */
  normalize: Normalization;
  /** Factor that B's weights are multiplied by. */
  factor: number;
  /** Rows, greatest change of self weight first. */
  rows: DiffRow[];
}

/** Comparison of two profiles. */
export interface ProfileDiff {
  /** Profile to compare with. */
  a: Profile;
  /** Profile that is compared. */
  b: Profile;
  /** Keys by which places are matched. */
  keys: readonly MatchKey[];
  /** Comparisons of the events that both have. */
  events: EventDiff[];
  /** Facts to know before trusting the comparison, a sentence each. */
  notes: string[];
}

/** Options of diffProfiles(). */
export interface DiffOptions {
  /** Keys that split rows; default: object and symbol. */
  keys?: readonly MatchKey[];
  /** Normalization of B's weights; default: `none`, or `share` if the recordings sampled different events. */
  normalize?: Normalization;
  /** Name of the only event to compare; default: all common events. */
  event?: string;
}

/** Keys that split rows by default: object and symbol. */
export const DEFAULT_DIFF_KEYS: readonly MatchKey[] = ["dso", "sym"];

/**
 * Compares B with A. Throws BadInputError when they have no event in common, when `event` is not in both, or when the
 * quantity to normalize by is unknown.
 */
export function diffProfiles(a: Profile, b: Profile, options: DiffOptions = {}): ProfileDiff {
  const keys = options.keys ?? DEFAULT_DIFF_KEYS;
  const matched = matchFunctions(a, b, keys);
  const notes = comparisonNotes(a, b);
  for (const { a: nameA, b: nameB, symbols } of matched.renamed) {
    const common = `${counted(symbols, "symbol")} in common`;
    notes.push(`${nameA} in A is compared with ${nameB} in B: ${common}`);
  }
  const events = commonEvents(a, b, options.event).map(([eventA, eventB]) => {
    const names = { a: a.events[eventA].name, b: b.events[eventB].name };
    const sameEvent = names.a === names.b;
    const normalize = options.normalize ?? (sameEvent ? "none" : "share");
    if (!sameEvent) {
      notes.push(`A sampled ${names.a} and B ${names.b}: only their shares can be compared`);
    }
    return diffEvent(matched, { profile: a, event: eventA }, { profile: b, event: eventB }, names, normalize);
  });
  append(notes, lengthNotes(a, b, events));
  return { a, b, keys, events, notes };
}

/**
 * Returns the factor that makes B's weights comparable with A's. Throws BadInputError when normalizing by duration and
 * a recording does not have one.
 */
export function normalizingFactor(
  a: Profile,
  b: Profile,
  normalize: Normalization,
  events: { a: number; b: number },
): number {
  const measure = (profile: Profile, event: number) => {
    switch (normalize) {
      case "none":
        return 1;
      case "duration":
        return profile.meta.seconds;
      case "samples":
        return sampleCount(profile, event);
      case "share":
        return totalPeriod(profile, event);
    }
  };
  const ofA = measure(a, events.a), ofB = measure(b, events.b);
  const missing = !(ofA > 0) ? "A" : !(ofB > 0) ? "B" : undefined;
  if (missing === undefined) return ofA / ofB;
  if (normalize !== "duration") return 1; // one of them is empty: there is nothing to multiply
  throw new BadInputError(
    `cannot normalize by duration: ${missing} does not have one: use --normalize samples`,
  );
}

/** Pairs the events to compare, as rows of A's and of B's events. Throws BadInputError as diffProfiles() does. */
export function commonEvents(a: Profile, b: Profile, wanted?: string): [number, number][] {
  const inA = sampledEventRows(a), inB = sampledEventRows(b);
  const named = (profile: Profile, events: number[], name: string) =>
    events.find((event) => profile.events[event].name === name);
  const list = (profile: Profile) =>
    sampledEventRows(profile).map((event) => profile.events[event].name).join(", ");
  if (wanted !== undefined) {
    const pair = [named(a, inA, wanted), named(b, inB, wanted)];
    const missing = sides(a, b).find((_, i) => pair[i] === undefined);
    if (!missing) return [pair as [number, number]];
    throw new BadInputError(
      `cannot compare event '${wanted}': ${missing[0]} does not have it: choose from ${
        list(missing[1]) || "none"
      }`,
    );
  }
  const common = inA.flatMap((eventA): [number, number][] => {
    const eventB = named(b, inB, a.events[eventA].name);
    return eventB === undefined ? [] : [[eventA, eventB]];
  });
  if (common.length > 0) return common;
  if (inA.length === 1 && inB.length === 1) return [[inA[0], inB[0]]];
  throw new BadInputError(
    `cannot compare: the recordings have no event in common: A has ${list(a) || "none"}, B has ${
      list(b) || "none"
    }`,
  );
}

interface OneEvent {
  profile: Profile;
  event: number;
}

function diffEvent(
  matched: MatchedProfiles,
  a: OneEvent,
  b: OneEvent,
  names: { a: string; b: string },
  normalize: Normalization,
): EventDiff {
  const factor = normalizingFactor(a.profile, b.profile, normalize, { a: a.event, b: b.event });
  const whole = ({ profile, event }: OneEvent): Weight => ({
    count: sampleCount(profile, event),
    period: totalPeriod(profile, event),
  });
  const wholeA = whole(a), wholeB = whole(b);
  const rowsByKey = new Map<number, { group: number; place: number; a: SideWeights; b: SideWeights }>();
  const take = ({ profile, event }: OneEvent, side: "a" | "b") => {
    for (const { group, place, self, total } of overhead(profile, matched[side], event)) {
      const key = group * matched.places.length + place;
      let row = rowsByKey.get(key);
      if (!row) rowsByKey.set(key, row = { group, place, a: nothing(), b: nothing() });
      row[side] = { self, total };
    }
  };
  take(a, "a");
  take(b, "b");
  const change = (a: Weight, b: Weight): Change => ({
    weight: b.period * factor - a.period,
    share: shareOf(b, wholeB) - shareOf(a, wholeA),
    noise: Math.hypot(chance(a), factor * chance(b)),
  });
  const rows = Array.from(rowsByKey.values(), (row): DiffRow => ({
    ...(matched.a.groups.keys.includes("comm") ? { comm: matched.comms[row.group] } : {}),
    ...matched.places[row.place],
    presence: row.a.total.count === 0 ? "new" : row.b.total.count === 0 ? "gone" : "both",
    a: row.a,
    b: row.b,
    self: change(row.a.self, row.b.self),
    total: change(row.a.total, row.b.total),
  }));
  rows.sort(diffOrder("delta", factor));
  return { names, a: wholeA, b: wholeB, normalize, factor, rows };
}

/**
 * Order of the rows: `delta` puts the greatest change of self weight first, `self` and `total` the heaviest in either
 * profile.
 */
export type DiffOrder = "delta" | "self" | "total";

/** All orders of the rows, for options. */
export const DIFF_ORDERS: readonly DiffOrder[] = ["delta", "self", "total"];

/** Returns a comparison function that sorts rows in the given order. */
export function diffOrder(order: DiffOrder, factor: number): (p: DiffRow, q: DiffRow) => number {
  if (order === "delta") {
    const change = (row: DiffRow, of: "self" | "total") => Math.abs(row[of].weight);
    return (p, q) => change(q, "self") - change(p, "self") || change(q, "total") - change(p, "total");
  }
  const heavier = ({ a, b }: DiffRow) => Math.max(a[order].period, factor * b[order].period);
  return (p, q) => heavier(q) - heavier(p);
}

const nothing = (): SideWeights => ({ self: { count: 0, period: 0 }, total: { count: 0, period: 0 } });

/** Returns a weight's share of the whole in percent; 0 of an empty whole. */
export function shareOf(weight: Weight, whole: Weight): number {
  return whole.period > 0 ? 100 * weight.period / whole.period : 0;
}

/** Returns the standard deviation of a weight made of `count` samples with about the same period. */
function chance({ count, period }: Weight): number {
  return count > 0 ? period / Math.sqrt(count) : 0;
}

/** Notes recordings of quite different lengths, where weights were not normalized. */
function lengthNotes(a: Profile, b: Profile, events: readonly EventDiff[]): string[] {
  const [inA, inB] = [a.meta.seconds, b.meta.seconds];
  const ratio = inA > 0 && inB > 0 ? Math.max(inA / inB, inB / inA) : 1;
  if (ratio < 1.1 || !events.some(({ normalize }) => normalize === "none")) return [];
  return [
    `A took ${inA.toFixed(3)} s, B ${inB.toFixed(3)} s: unless both did the same work, ` +
    "use --normalize duration or share",
  ];
}
