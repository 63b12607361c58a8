/** Choice of the source for a metric on this machine, with the reasons against better ones. */

import { isOfValgrind, type MetricSource, sourcesOf, withName } from "./metric_sources.ts";

/** Availability of sources on this machine. */
export interface AvailableSources {
  /** Reasons why events are not counted here, by event name. */
  absent: ReadonlyMap<string, string>;
  /** Names that events are measured as, by the requested name. */
  measured: ReadonlyMap<string, string>;
  /** Whether commands say which parts of them count, so that sources of whole runs measure something else. */
  inParts?: boolean;
  /** Returns the version of valgrind, or the reason why it cannot be used here. */
  valgrind(): Promise<{ version: string } | { reason: string }>;
}

/** Source chosen for a metric. */
export interface SourceChoice {
  metric: string;
  /** Source that was chosen; undefined when there is none. */
  source?: MetricSource;
  /** Reasons against better sources, or against all of them: `instructions:u: no hardware counters`. */
  passedOver: string[];
}

/**
 * Chooses the best available source of the metric. With `stored`, the baseline's, it must be the source of that name.
 */
export async function chooseSource(
  metric: string,
  available: AvailableSources,
  stored?: string,
): Promise<SourceChoice> {
  const passedOver: string[] = [];
  for (const source of sourcesOf(metric)) {
    const here = await nameHere(source, available, stored);
    if ("reason" in here) {
      passedOver.push(`${source.name}: ${here.reason}`);
    } else if (stored !== undefined && stored !== here.name) {
      passedOver.push(`${here.name}: the baseline has ${stored}, and different sources are not compared`);
    } else {
      return { metric, source: withName(source, here.name), passedOver };
    }
  }
  return { metric, passedOver };
}

/** Returns the name of the source on this machine, or the reason why it is not available. */
async function nameHere(
  source: MetricSource,
  available: AvailableSources,
  stored: string | undefined,
): Promise<{ name: string } | { reason: string }> {
  if (available.inParts && source.event === undefined) {
    return { reason: "it measures whole runs, and --control is for parts of them" };
  }
  if (source.kind === "valgrind") {
    // finding out takes a run under valgrind, which is wasted on a source that cannot be chosen
    if (stored !== undefined && !isOfValgrind(stored)) return { name: source.name };
    const valgrind = await available.valgrind();
    return "reason" in valgrind ? valgrind : { name: `instructions(${valgrind.version})` };
  }
  if (source.event === undefined) return { name: source.name };
  const reason = available.absent.get(source.event);
  if (reason !== undefined) return { reason };
  const name = available.measured.get(source.event) ?? source.event;
  return { name: available.inParts ? `${name}(enabled)` : name };
}
