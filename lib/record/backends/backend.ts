/**
 * What a backend is: something that interrupts and takes samples. A new one is a file beside this one that
 * makes an object of this shape, and its line in all.ts.
 */

import type { OpenRequest, Standing } from "../../events/open.ts";
import type { ResolvedEvent } from "../../events/resolve.ts";
import type { EventOnCpus, EventScope } from "../open/opening.ts";

/** Of `Operations`. A backend made for another version is not registered. */
export const BACKEND_VERSION = 1;

/** What the registry calls, and what is asked of it about the backend. */
export interface Operations {
  /** For people: `the cpu-clock timer`. */
  readonly what: string;
  /** The event that shows whether the backend works on a machine, and for this user. */
  readonly trial: string;
  /** How many events it can sample at once on a CPU with `pics` hardware counters; more of them take turns. */
  ncounters(pics: number): number;
  /**
   * The event as this backend samples it: the same, or one that shows the same in its own way; undefined when
   * it cannot.
   */
  sampled(event: ResolvedEvent): ResolvedEvent | undefined;
  /**
   * How often the event happens, about, in a second on a CPU that is busy throughout; undefined when that
   * cannot be told.
   */
  estimateFrequency(event: ResolvedEvent): number | undefined;
  /**
   * Opens the event, which `sampled()` gave, for all of `where`; it does not sample yet. Throws
   * UnsupportedError.
   */
  open(wanted: OpenRequest, where: EventScope, standing: Standing, note: (line: string) => void): EventOnCpus;
  /** Lets what it opened sample. */
  start(opened: EventOnCpus): void;
  /**
   * Makes it sample at `rate` Hz from now on; it was opened for a rate. Threads that inherited the event and run
   * already keep theirs.
   */
  setRate(opened: EventOnCpus, rate: number): void;
  /** Ends sampling. What was taken stays in the rings. */
  stop(opened: EventOnCpus): void;
}
