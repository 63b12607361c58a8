/** Which rung a metric is decided by on this machine, and why not by a better one. */

import { type MetricSource, sourcesOf, withName } from "./metric_sources.ts";

/** What is known of the machine once the rungs were tried. */
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
  rung?: MetricSource;
  /** Why better rungs were not taken, or all of them: `instructions:u: no hardware counters`. */
  passedOver: string[];
}

/**
 * The best rung of the metric that there is. With `stored` it has to be the one of this name, of which the baseline's
 * numbers are.
 */
export async function chooseSource(
  metric: string,
  available: AvailableSources,
  stored?: string,
): Promise<SourceChoice> {
  const passedOver: string[] = [];
  for (const rung of sourcesOf(metric)) {
    const here = await nameHere(rung, available, stored);
    if ("reason" in here) {
      passedOver.push(`${rung.name}: ${here.reason}`);
    } else if (stored !== undefined && stored !== here.name) {
      passedOver.push(`${here.name}: the baseline has ${stored}, and different rungs are not compared`);
    } else {
      return { metric, rung: withName(rung, here.name), passedOver };
    }
  }
  return { metric, passedOver };
}

/** What the rung is called on this machine, or why it is not there. */
async function nameHere(
  rung: MetricSource,
  available: AvailableSources,
  stored: string | undefined,
): Promise<{ name: string } | { reason: string }> {
  if (rung.source === "valgrind") {
    // it takes a run under valgrind to know: not for a rung that will not be taken
    if (stored !== undefined && !stored.startsWith("instructions(valgrind")) return { name: rung.name };
    const valgrind = await available.valgrind();
    return "reason" in valgrind ? valgrind : { name: `instructions(${valgrind.version})` };
  }
  if (rung.event === undefined) return { name: rung.name };
  const reason = available.absent.get(rung.event);
  return reason === undefined ? { name: available.measured.get(rung.event) ?? rung.event } : { reason };
}
