/** Which source a metric is decided by on this machine, and why not by a better one. */

import { type MetricSource, sourcesOf, withName } from "./metric_sources.ts";

/** What is known of the machine once the sources were tried. */
export interface AvailableSources {
  /** Why an event is not counted here, by its name. */
  absent: ReadonlyMap<string, string>;
  /** What an event is measured as, by its name. */
  measured: ReadonlyMap<string, string>;
  /** The valgrind there is, or why it is of no use here. */
  valgrind(): Promise<{ version: string } | { reason: string }>;
}

export interface SourceChoice {
  metric: string;
  /** Undefined when there is none. */
  source?: MetricSource;
  /** Why better sources were not taken, or all of them: `instructions:u: no hardware counters`. */
  passedOver: string[];
}

/**
 * The best source of the metric that there is. With `stored` it has to be the one of this name, of which the baseline's
 * numbers are.
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

/** What the source is called on this machine, or why it is not there. */
async function nameHere(
  source: MetricSource,
  available: AvailableSources,
  stored: string | undefined,
): Promise<{ name: string } | { reason: string }> {
  if (source.kind === "valgrind") {
    // it takes a run under valgrind to know: not for a source that will not be taken
    if (stored !== undefined && !stored.startsWith("instructions(valgrind")) return { name: source.name };
    const valgrind = await available.valgrind();
    return "reason" in valgrind ? valgrind : { name: `instructions(${valgrind.version})` };
  }
  if (source.event === undefined) return { name: source.name };
  const reason = available.absent.get(source.event);
  return reason === undefined ? { name: available.measured.get(source.event) ?? source.event } : { reason };
}
