/** The rings of a recording: one for each CPU, as large as this user may lock. */

import { Drain, type DrainOptions, FlightRings, setOutput } from "../../../ffi/pmu.ts";
import { ERRNO, errnoText } from "../../base/system/errno.ts";
import { UnsupportedError } from "../../base/system/errors.ts";
import { lostRecord } from "./lost_record.ts";
import { compileLayout } from "../../perfdata/format/attr_layout.ts";
import type { EventOnCpus } from "../open/opening.ts";

/** An output that a drain writes records to. */
export interface RecordsFile {
  /** The descriptor, positioned behind what has been written. */
  readonly fd: number;
  /** Offset of the u64 that has to equal the bytes of records; undefined where there is none. */
  readonly sizeFieldAt: number | undefined;
  /** Bytes that are to be kept behind the records, for what completes it. */
  readonly spare: number;
}

/** On a CPU: the event that the ring belongs to, and the others that write into it. */
interface Owner {
  cpu: number;
  fd: number;
  guests: number[];
}

/** Rings that are there. */
export interface Rings {
  /** Data pages of each. */
  pages: number;
  /** Whose they are: on each CPU, the first event's, and of those that write backward. */
  owners: Owner[];
  backward: Owner[];
  /** How they are drained. */
  options: Omit<DrainOptions, "outFd" | "sizeFieldAt" | "spare">;
  /** The rings of events whose youngest records are kept, where there are any. */
  flight?: FlightRings;
}

/** How much of what the rings held may wait for a slow output, and how soon they are emptied. */
export interface RingSizes {
  /** Data pages of each: a power of two. */
  pages: number;
  /** Bytes in the queue; what the drain thinks right when left out. */
  queueBytes?: number;
}

/**
 * How long records stay in their rings at most, in ms: what is mapped has to be seen while it can still be opened
 * (object_keeper.ts).
 */
const RING_INTERVAL_MS = 100;
/** Rings that are smaller than the events were opened for are looked at so often, in ms: they tell too late. */
const SMALL_RING_INTERVAL_MS = 10;

/**
 * Makes a ring for each CPU, and a drain from them into `sink`; another ring for each CPU for the events that
 * write backward. When that is more memory than this user may lock, the rings are halved until it is not, and
 * `note` says so. Throws UnsupportedError.
 */
export function makeRings(
  sink: RecordsFile,
  opened: readonly EventOnCpus[],
  sizes: RingSizes,
  note: (line: string) => void,
): { rings: Rings; drain: Drain } {
  const isBackward = ({ attr }: EventOnCpus) => attr.flags.has("writeBackward");
  const owners = ownersOf(opened.filter((each) => !isBackward(each)));
  const backward = ownersOf(opened.filter(isBackward));
  // what a flight recorder adds at the end is older than what the drain wrote before it: no rounds, or readers
  // would take the drain's as sorted
  const rounds = backward.length === 0;
  const loss = lostRecord(opened);
  for (let { pages } = sizes;; pages /= 2) {
    const intervalMs = pages < sizes.pages ? SMALL_RING_INTERVAL_MS : RING_INTERVAL_MS;
    const watch = { sampleTimeAt: loss?.sampleTimeAt ?? -1, recordTimeBack: recordTimeBack(opened) };
    const options = { rounds, queueBytes: sizes.queueBytes, loss, intervalMs, watch };
    const drain = drainInto(sink, options);
    const flight = rounds ? undefined : new FlightRings();
    const errno = addToDrain(drain, owners, pages) || (flight ? addToFlight(flight, backward, pages) : 0);
    if (errno === 0) {
      if (pages < sizes.pages) {
        note(
          `this user may not lock rings of ${sizes.pages} pages for each CPU (kernel.perf_event_mlock_kb, ulimit -l): ` +
            `recording with ${pages}, which ${flight ? "holds less" : "loses samples sooner"}`,
        );
      }
      for (const { fd, guests } of [...owners, ...backward]) for (const guest of guests) setOutput(guest, fd);
      return { rings: { pages, owners, backward, options, flight }, drain };
    }
    drain.free();
    flight?.free();
    if (errno !== ERRNO.EPERM || pages === 1) throw ringError(errno, pages);
  }
}

/** Where all records but samples have their time, in bytes from the end; 0 when events differ in that, or have none. */
function recordTimeBack(opened: readonly EventOnCpus[]): number {
  const places = new Set(opened.map(({ attr }) => compileLayout(attr).trailer.time));
  return places.size === 1 ? [...places][0] : 0;
}

/**
 * Another drain from the same rings, into `sink`. It goes on where the one before it ends, and is to be
 * started after that one's `stop()` and before its `free()`, so that the rings stay. Throws UnsupportedError.
 */
export function takeOver(sink: RecordsFile, { owners, pages, options }: Rings): Drain {
  const drain = drainInto(sink, options);
  const errno = addToDrain(drain, owners, pages);
  if (errno === 0) return drain;
  drain.free();
  throw ringError(errno, pages);
}

function drainInto(sink: RecordsFile, options: Rings["options"]): Drain {
  const { fd: outFd, sizeFieldAt, spare } = sink;
  return new Drain({ outFd, sizeFieldAt, spare, ...options });
}

/** On each CPU the first event owns the ring; the others write into it. */
function ownersOf(opened: readonly EventOnCpus[]): Owner[] {
  const ownerOf = new Map<number, Owner>();
  for (const { cpu, fd } of opened.flatMap(({ places }) => places)) {
    const owner = ownerOf.get(cpu);
    if (owner) owner.guests.push(fd);
    else ownerOf.set(cpu, { cpu, fd, guests: [] });
  }
  return [...ownerOf.values()];
}

/** Returns 0 or an errno. */
function addToDrain(drain: Drain, owners: readonly Owner[], pages: number): number {
  for (const { cpu, fd, guests } of owners) {
    const ring = drain.tryAdd(fd, pages, cpu);
    if (ring < 0) return -ring;
    // the owner's task may end before the others do
    for (const guest of guests) drain.addStandIn(ring, guest);
  }
  return 0;
}

/** Returns 0 or an errno. */
function addToFlight(rings: FlightRings, owners: readonly Owner[], pages: number): number {
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
