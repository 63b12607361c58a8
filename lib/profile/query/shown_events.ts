/** Selection of the events that an output shows, and their order. */

import { withEvents } from "./filter.ts";
import { type Profile, sampleCount } from "../model/profile.ts";
import { sampledEventRows } from "./table.ts";

/**
 * Events that an output shows. `recorded`: all, in the order of the recording. `heaviest first`: all, the one with the
 * most samples first, since viewers open with the first. `heaviest`: only that one. The last two merge hybrid events.
 */
export type EventChoice = "recorded" | "heaviest first" | "heaviest";

/** Returns the rows of the sampled events, most samples first. */
export function heaviestFirst(profile: Profile): number[] {
  const events = sampledEventRows(profile);
  const counts = new Map(events.map((event) => [event, sampleCount(profile, event)]));
  return events.sort((a, b) => counts.get(b)! - counts.get(a)! || a - b);
}

/** Names that the kernel gives core PMUs: `cpu_core`, `armv8_cortex_a53`, `armv8_pmuv3_0`, `apple_firestorm_pmu`. */
const CORE_PMU = /^(cpu_[a-z0-9_]+|armv\d+_\w+|apple_\w+_pmu)$/;

/** Splits a name such as `cpu_core/cycles/P`; returns undefined for an event of no core PMU. */
function splitCorePmu(name: string): { pmu: string; event: string; modifiers: string } | undefined {
  const match = /^([^/]+)\/(.+)\/:?([A-Za-z]*)$/.exec(name);
  return match && CORE_PMU.test(match[1])
    ? { pmu: match[1], event: match[2], modifiers: match[3] }
    : undefined;
}

/** Returns the common name of hybrid events: `cycles:P`, `cpu/event=0x3c/P`. */
function hybridName(event: string, modifiers: string): string {
  if (/[=,]/.test(event)) return `cpu/${event}/${modifiers}`;
  return modifiers === "" ? event : `${event}:${modifiers}`;
}

/**
 * Finds hybrid events, by common name: the same event on each kind of core of a CPU that has several
 * (`cpu_core/cycles/P`, `cpu_atom/cycles/P`). Only one of them counts a thread at any time.
 */
function hybridEventsOf({ events }: Profile): Map<string, number[]> {
  const byName = new Map<string, { row: number; pmu: string }[]>();
  events.forEach(({ name }, row) => {
    const parts = splitCorePmu(name);
    if (!parts) return;
    const common = hybridName(parts.event, parts.modifiers);
    byName.set(common, [...byName.get(common) ?? [], { row, pmu: parts.pmu }]);
  });
  // an event that was asked for twice was counted twice
  const hybrids = [...byName].filter(([, rows]) =>
    rows.length > 1 && new Set(rows.map(({ pmu }) => pmu)).size === rows.length
  );
  return new Map(hybrids.map(([name, rows]) => [name, rows.map(({ row }) => row)]));
}

/** Merges hybrid events into one each, in place of the first. */
export function mergeHybridEvents(profile: Profile): Profile {
  const hybrids = hybridEventsOf(profile);
  if (hybrids.size === 0) return profile;
  const merged = new Map(
    [...hybrids].flatMap(([name, rows]) => rows.map((row) => [row, { name, first: rows[0] }])),
  );
  const events: Profile["events"] = [];
  const newRow = new Int32Array(profile.events.length);
  profile.events.forEach((event, row) => {
    const hybrid = merged.get(row);
    newRow[row] = hybrid && hybrid.first !== row ? newRow[hybrid.first] : events.push(event) - 1;
    if (hybrid?.first === row) {
      const rates = new Set(hybrids.get(hybrid.name)!.map((each) => profile.events[each].rate));
      events[newRow[row]] = { ...event, name: hybrid.name, rate: [...rates].join(" and ") };
    }
  });
  return {
    ...profile,
    events,
    samples: { ...profile.samples, event: profile.samples.event.map((event) => newRow[event]) },
  };
}

/** Event names that were asked for in vain, and those that exist. */
export interface UnknownEvents {
  unknown: string[];
  known: string[];
}

/**
 * Returns the profile of the named events, or of all if there are no names. If `choice` merges hybrid events, these
 * also go by their common name.
 */
export function selectEvents(
  profile: Profile,
  names: readonly string[],
  choice: EventChoice,
): Profile | UnknownEvents {
  const hybrids = choice === "recorded" ? new Map<string, number[]>() : hybridEventsOf(profile);
  const sampled = sampledEventRows(profile);
  const rowsOf = (name: string) => {
    const rows = sampled.filter((event) => profile.events[event].name === name);
    return rows.length > 0 ? rows : hybrids.get(name) ?? [];
  };
  const unknown = names.filter((name) => rowsOf(name).length === 0);
  if (unknown.length > 0) {
    return { unknown, known: [...hybrids.keys(), ...sampled.map((event) => profile.events[event].name)] };
  }
  const wanted = new Set(names.flatMap(rowsOf));
  const named = names.length === 0 || wanted.size === sampled.length
    ? profile
    : withEvents(profile, sampled.filter((event) => wanted.has(event)));
  return hybrids.size === 0 ? named : mergeHybridEvents(named);
}
