/** The rings of a recording: one for each CPU, as large as this user may lock. */

import { Drain, FlightRings, setOutput } from "../../ffi/pmu.ts";
import { ERRNO, errnoText } from "../base/errno.ts";
import { UnsupportedError } from "../base/errors.ts";
import type { Opened } from "./opening.ts";
import type { Sink } from "./sink.ts";

/** Rings that are there. */
export interface Rings {
  /** Data pages of each. */
  pages: number;
  /** The events that they belong to: on each CPU, the first event's. */
  owners: { cpu: number; fd: number }[];
  /** Whether the drain ends its passes with rounds. */
  rounds: boolean;
  /** The rings of events whose youngest records are kept, where there are any. */
  flight?: FlightRings;
}

/**
 * Makes a ring for each CPU, and a drain from them into `sink`; another ring for each CPU for the events that
 * write backward. When that is more memory than this user may lock, the rings are halved until it is not, and
 * `note` says so. Throws UnsupportedError.
 */
export function makeRings(
  sink: Sink,
  opened: readonly Opened[],
  ringPages: number,
  note: (line: string) => void,
): { rings: Rings; drain: Drain } {
  const isBackward = ({ attr }: Opened) => attr.flags.has("writeBackward");
  const { owners, guests } = ownersOf(opened.filter((each) => !isBackward(each)));
  const backward = ownersOf(opened.filter(isBackward));
  // what a flight recorder adds at the end is older than what the drain wrote before it: no rounds, or readers
  // would take the drain's as sorted
  const rounds = backward.owners.length === 0;
  for (let pages = ringPages;; pages /= 2) {
    const drain = drainInto(sink, rounds);
    const flight = rounds ? undefined : new FlightRings();
    const errno = addAll(drain, owners, pages) || (flight ? addAll(flight, backward.owners, pages) : 0);
    if (errno === 0) {
      if (pages < ringPages) {
        note(
          `this user may not lock rings of ${ringPages} pages for each CPU (kernel.perf_event_mlock_kb, ulimit -l): ` +
            `recording with ${pages}, which ${flight ? "holds less" : "loses samples sooner"}`,
        );
      }
      for (const { fd, owner } of [...guests, ...backward.guests]) setOutput(fd, owner);
      return { rings: { pages, owners, rounds, flight }, drain };
    }
    drain.free();
    flight?.free();
    if (errno !== ERRNO.EPERM || pages === 1) throw ringError(errno, pages);
  }
}

/**
 * Another drain from the same rings, into `sink`. It goes on where the one before it ends, and is to be
 * started after that one's `stop()` and before its `free()`, so that the rings stay. Throws UnsupportedError.
 */
export function takeOver(sink: Sink, { owners, pages, rounds }: Rings): Drain {
  const drain = drainInto(sink, rounds);
  const errno = addAll(drain, owners, pages);
  if (errno === 0) return drain;
  drain.free();
  throw ringError(errno, pages);
}

function drainInto(sink: Sink, rounds: boolean): Drain {
  return new Drain({ outFd: sink.fd, sizeFieldAt: sink.sizeFieldAt, rounds });
}

/** On each CPU the first event owns the ring; the others write into it. */
function ownersOf(opened: readonly Opened[]) {
  const ownerOf = new Map<number, number>();
  const guests: { fd: number; owner: number }[] = [];
  for (const { cpu, fd } of opened.flatMap(({ places }) => places)) {
    const owner = ownerOf.get(cpu);
    if (owner === undefined) ownerOf.set(cpu, fd);
    else guests.push({ fd, owner });
  }
  return { owners: [...ownerOf].map(([cpu, fd]) => ({ cpu, fd })), guests };
}

/** Returns 0 or an errno. */
function addAll(rings: Drain | FlightRings, owners: Rings["owners"], pages: number): number {
  for (const { cpu, fd } of owners) {
    const index = rings.tryAdd(fd, pages, cpu);
    if (index < 0) return -index;
  }
  return 0;
}

function ringError(errno: number, pages: number): UnsupportedError {
  const attempt = `map rings of ${pages} page${pages > 1 ? "s" : ""} for each CPU`;
  if (errno !== ERRNO.EPERM) return new UnsupportedError({ attempt, cause: errnoText(errno) }, errno);
  return new UnsupportedError({
    attempt,
    cause: "this user has locked all the memory that kernel.perf_event_mlock_kb and ulimit -l allow",
    remedy: "end other recordings, or raise the limit as root",
  }, errno);
}
