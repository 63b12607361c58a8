/** Notes on how far two recordings can be compared. */

import { unversionedObject } from "./match_functions.ts";
import { type Profile, sampleCount } from "../model/profile.ts";
import { sampledEventRows } from "../query/table.ts";

/** One of two compared recordings: A is the old one, B the new one. */
export type Side = "A" | "B";

/**
 * Lists what differs between two recordings besides their code, a sentence each: machine, kernel, sampling rates,
 * substituted events, sources of callers, build ids of programs with one name. The warnings of each recording follow.
 */
export function comparisonNotes(a: Profile, b: Profile): string[] {
  const notes: string[] = [];
  const differs = (what: string, of: (profile: Profile) => string) => {
    const inA = of(a), inB = of(b);
    if (inA !== inB && inA !== "" && inB !== "") notes.push(`${what}: A ${inA}, B ${inB}`);
  };
  differs("recorded on different machines", ({ meta }) => meta.host);
  differs(
    "recorded on different CPUs",
    ({ meta: { cpu, cpus } }) => cpus > 0 ? `${cpu || "CPU"} x${cpus}` : cpu,
  );
  differs("recorded on different architectures", ({ meta }) => meta.arch);
  differs("recorded under different kernels", ({ meta }) => meta.kernel);
  differs("sampled at different rates", eventRates);
  differs("sampled different events", substitutes);
  differs("callers were found in different ways, so totals differ", callerSource);
  const rebuilt = differentBuilds(a, b);
  if (rebuilt.length > 0) {
    const names = rebuilt.slice(0, 5).join(", ") +
      (rebuilt.length > 5 ? ` and ${rebuilt.length - 5} more` : "");
    notes.push(`the build ids differ, so these are not the same code: ${names}`);
  }
  for (const [side, { meta }] of sides(a, b)) {
    for (const warning of meta.warnings) notes.push(`${side}: ${warning}`);
  }
  return notes;
}

/** Returns both profiles with their letters. */
export function sides(a: Profile, b: Profile): [Side, Profile][] {
  return [["A", a], ["B", b]];
}

function eventRates(profile: Profile): string {
  const sampled = sampledEventRows(profile).filter((event) => sampleCount(profile, event) > 0);
  return [...new Set(sampled.map((event) => profile.events[event].rate))].sort().join(", ");
}

function substitutes({ meta }: Profile): string {
  if (meta.sampling.length === 0) return "";
  const names = meta.sampling.map(({ name, insteadOf }) => insteadOf ? `${name} for ${insteadOf}` : name);
  return names.join(", ");
}

function callerSource({ meta: { callChains, stacks } }: Profile): string {
  if (!callChains) return "";
  return stacks === undefined ? "not by unwinding" : "by unwinding";
}

/** Lists the files that both recordings sampled with different build ids, by name. */
function differentBuilds(a: Profile, b: Profile): string[] {
  const sampled = (profile: Profile) => {
    const ids = new Map<string, Set<string>>();
    const seen = new Set(profile.frames.object);
    profile.objects.forEach(({ name, kind, buildId }, row) => {
      if (kind !== "file" || buildId === "" || !seen.has(row)) return;
      const key = unversionedObject(name);
      ids.set(key, (ids.get(key) ?? new Set()).add(buildId));
    });
    return ids;
  };
  const inB = sampled(b);
  return [...sampled(a)].flatMap(([name, ids]) => {
    const others = inB.get(name);
    return others && ![...ids].some((id) => others.has(id)) ? [name] : [];
  }).sort();
}
