/** Groups objects without symbols by remedy, each with the objects it helps. */

import { counted } from "../../base/text/plural.ts";
import { wrap } from "../../base/text/wrap.ts";
import { type Profile, sampleCount, unresolvedByWeight } from "../../profile/model/profile.ts";
import { percentText } from "./columns.ts";

/** Remedy, or "" if none is known, and the objects that need it. */
export interface Remedy {
  remedy: string;
  causes: string[];
  /** Names of objects with their number of samples, most first. */
  objects: { name: string; samples: number }[];
  samples: number;
}

/** Returns the remedies of a profile, the one for most samples first. */
export function remediesOf(profile: Profile): Remedy[] {
  return groupByRemedy(unresolvedByWeight(profile));
}

/** Groups objects without symbols by their remedy, the one for most samples first. */
export function groupByRemedy(unresolved: Profile["unresolved"]): Remedy[] {
  const remedies = new Map<string, { causes: Set<string>; objects: Map<string, number>; samples: number }>();
  for (const { object, cause, remedy, samples } of unresolved) {
    const key = remedy === "" ? `\0${cause}` : remedy; // without a remedy, objects are grouped by cause
    let found = remedies.get(key);
    if (!found) remedies.set(key, found = { causes: new Set(), objects: new Map(), samples: 0 });
    found.causes.add(cause);
    found.objects.set(object, (found.objects.get(object) ?? 0) + samples);
    found.samples += samples;
  }
  return Array.from(remedies, ([key, { causes, objects, samples }]) => ({
    remedy: key.startsWith("\0") ? "" : key,
    causes: [...causes],
    objects: Array.from(objects, ([name, samples]) => ({ name, samples })).sort((a, b) =>
      b.samples - a.samples
    ),
    samples,
  })).sort((a, b) => b.samples - a.samples);
}

/** Limits of the report on a terminal, for remedies and for objects of each; and the limit of objects elsewhere. */
const MAX_REMEDIES = 3, MAX_NAMED_ON_TERMINAL = 3, MAX_NAMED = 10;

/**
 * Yields the remedies as lines of a report; none if everything has a symbol. On a terminal of `width` columns, only
 * the heaviest.
 */
export function* remedyLines(profile: Profile, width: number): Generator<string> {
  const all = remediesOf(profile);
  if (all.length === 0) return;
  const onTerminal = width !== Infinity, whole = sampleCount(profile);
  const shown = onTerminal ? all.slice(0, MAX_REMEDIES) : all;
  yield "Without a symbol:";
  for (const each of shown) {
    const { samples } = each;
    const figures = `${percentText(samples, whole)} ${String(samples).padStart(8)}  `;
    const text = figures + remedyText(each, onTerminal ? MAX_NAMED_ON_TERMINAL : MAX_NAMED);
    yield* wrap(text, Math.max(width, 2 * figures.length), " ".repeat(figures.length));
  }
  const left = all.slice(shown.length);
  if (left.length === 0) return;
  const rest = left.reduce((sum, { samples }) => sum + samples, 0);
  yield `${percentText(rest, whole)} ${String(rest).padStart(8)}  for ${
    counted(left.length, "more reason")
  } (--json has all)`;
}

/** Returns a remedy with the objects that it helps: `libfoo.so: no symbols; install its debug symbols`. */
export function remedyText({ remedy, causes, objects }: Remedy, most: number): string {
  return `${namedObjects(objects, most)}: ${causes.join(", ")}${remedy ? `; ${remedy}` : ""}`;
}

/** Returns the name of a single object, or names with samples: `libfoo.so (80), libbar.so (20) and 3 more`. */
export function namedObjects(objects: Remedy["objects"], most: number): string {
  if (objects.length === 1) return objects[0].name;
  const named = objects.slice(0, most).map(({ name, samples }) => `${name} (${samples})`);
  const more = objects.length - named.length;
  return `${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
