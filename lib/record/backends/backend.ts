/**
 * Interface of a backend: something that interrupts and takes samples. A new backend is an object of this shape in a
 * file beside this one, and its line in all.ts.
 */

import type { OpenRequest, Standing } from "../../events/open.ts";
import type { ResolvedEvent } from "../../events/resolve.ts";
import type { EventOnCpus, EventScope } from "../open/open_on_cpus.ts";

/** Version of `Operations`. A backend made for another version is not registered. */
export const BACKEND_VERSION = 1;

/** Operations of a backend, called through the registry. */
export interface Operations {
  /** Name for messages: `the cpu-clock timer`. */
  readonly what: string;
  /** Event that shows whether the backend works on a machine, and for this user. */
  readonly trial: string;
  /** Returns how many events it can sample at once on a CPU with `pics` hardware counters; more take turns. */
  ncounters(pics: number): number;
  /** Returns the event that this backend samples for `event`: itself, or one that stands in for it; undefined when none. */
  sampled(event: ResolvedEvent): ResolvedEvent | undefined;
  /** Returns about how often the event happens in a second on a busy CPU; undefined when that is unknown. */
  estimateFrequency(event: ResolvedEvent): number | undefined;
  /** Opens an event that `sampled()` returned, for all of `where`, without starting it. Throws UnsupportedError. */
  open(wanted: OpenRequest, where: EventScope, standing: Standing, note: (line: string) => void): EventOnCpus;
  /** Starts sampling an event that it opened. */
  start(opened: EventOnCpus): void;
  /**
   * Changes the rate of an event that was opened for a rate, to `rate` Hz. Threads that inherited the event and already
   * run keep theirs.
   */
  setRate(opened: EventOnCpus, rate: number): void;
  /** Stops sampling an event. Its samples stay in the rings. */
  stop(opened: EventOnCpus): void;
}
