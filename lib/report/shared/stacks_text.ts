/** Summarizes, in a line for the head of a report, how well stacks could be unwound. */

import type { ProfileStacks } from "../../profile/model/profile.ts";
import { namedObjects } from "./remedies.ts";

/** Maximum number of objects named per cause. */
const MAX_NAMED = 3;

/**
 * Returns how many stacks are whole and why others are not:
 * `98.7% of 4231 whole; 1.1% cut at 32 KiB: record with --call-graph auto,63K; 0.2% without unwind information: libfoo.so`.
 */
export function stacksText({ unwound, whole, cut }: ProfileStacks): string {
  const causes = new Map<string, { samples: number; objects: Map<string, number>; remedies: Set<string> }>();
  for (const { cause, object, samples, remedy } of cut) {
    let of = causes.get(cause);
    if (!of) causes.set(cause, of = { samples: 0, objects: new Map(), remedies: new Set() });
    of.samples += samples;
    if (object !== null) of.objects.set(object, (of.objects.get(object) ?? 0) + samples);
    if (remedy !== "") of.remedies.add(remedy);
  }
  const parts = [`${stacksShare(whole, unwound)} of ${unwound} whole`];
  for (const [cause, { samples, objects, remedies }] of causes) {
    const named = Array.from(objects, ([name, samples]) => ({ name, samples }))
      .sort((a, b) => b.samples - a.samples);
    const where = named.length > 0 ? `: ${namedObjects(named, MAX_NAMED)}` : "";
    // With several remedies, the line names none; the JSON output has all of them.
    const remedy = remedies.size === 1 ? `: ${[...remedies][0]}` : "";
    parts.push(`${stacksShare(samples, unwound)} ${cause}${where}${remedy}`);
  }
  return parts.join("; ");
}

/** Returns a share in percent: `98.7%`. It is rounded so that only none gives 0 and only all gives 100. */
export function stacksShare(samples: number, of: number): string {
  const percent = 100 * samples / of;
  if (samples < of && percent > 99.9) return `${(Math.floor(percent * 1000) / 1000).toFixed(3)}%`;
  return percent > 0 && percent < 0.1 ? `${percent.toFixed(3)}%` : `${percent.toFixed(1)}%`;
}
