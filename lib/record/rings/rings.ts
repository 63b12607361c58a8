/** Maps the rings of a recording, one for each CPU, as large as this user may lock. */

import { counted } from "../../base/text/plural.ts";
import { Drain, type DrainOptions, FlightRings, type RingTaker, setOutput } from "../../../ffi/pmu.ts";
import { ERRNO, errnoText } from "../../base/system/errno.ts";
import { UnsupportedError } from "../../base/system/errors.ts";
import { lostRecord } from "./lost_record.ts";
import { compileLayout } from "../../perfdata/format/attr_layout.ts";
import type { EventOnCpus } from "../open/open_on_cpus.ts";

/** Output that a drain writes records to. */
export interface RecordsFile {
  /** File descriptor, positioned behind what has been written. */
  readonly fd: number;
  /** Offset of the u64 that holds the bytes of records; undefined where there is none. */
  readonly sizeFieldAt: number | undefined;
  /** Bytes kept free behind the records, for what completes the file. */
  readonly spare: number;
}

/** Public side of a drain, so that a test can stand in for it. */
export type RingDrain = Pick<Drain, keyof Drain>;

/** Makes a drain; `new Drain(options)` but in tests. */
export type MakeDrain = (options: DrainOptions) => RingDrain;

/** Event that a CPU's ring belongs to, and the others that write into it. */
interface RingOwner {
  cpu: number;
  fd: number;
  /** Descriptors of the other events. */
  guests: number[];
}

/** Rings that are mapped. */
export interface Rings {
  /** Data pages of each ring. */
  pages: number;
  /** Owner of each CPU's ring, which the drain empties. */
  owners: RingOwner[];
  /** Owner of each CPU's ring that is written backward, for a flight recorder. */
  backward: RingOwner[];
  /** Options of each drain from these rings. */
  options: Omit<DrainOptions, "outFd" | "sizeFieldAt" | "spare">;
  /** Rings that keep the most recent records of a flight recorder. */
  flight?: FlightRings;
  newDrain: MakeDrain;
}

/** Sizes of the rings, and of the queue behind them. */
export interface RingSizes {
  /** Data pages of each ring: a power of two. */
  pages: number;
  /** Bytes that may wait for a slow output; the drain's own default when left out. */
  queueBytes?: number;
}

/** Milliseconds that a record stays in its ring at most: a mapped file has to be seen while it can still be opened. */
const RING_INTERVAL_MS = 100;
/** Milliseconds between two looks at rings smaller than the events' watermark was made for: they wake too late. */
const SMALL_RING_INTERVAL_MS = 10;

/** Surroundings that rings are made in. */
export interface RingContext {
  /** Gets a line when the rings are smaller than asked. */
  note: (line: string) => void;
  /** Makes real drains by default. */
  newDrain?: MakeDrain;
  /** Makes what takes the records from the rings, given where they have their times; by default the drains do. */
  takerOf?: (times: NonNullable<DrainOptions["watch"]>) => RingTaker;
}

/**
 * Makes a ring for each CPU, and a drain from them into `sink`; another ring for each CPU for the events that
 * write backward. Halves the rings, and notes it, until they fit into the memory that this user may lock. Throws
 * UnsupportedError.
 */
export function makeRings(
  sink: RecordsFile,
  opened: readonly EventOnCpus[],
  sizes: RingSizes,
  { note, newDrain = (options) => new Drain(options), takerOf }: RingContext,
): { rings: Rings; drain: RingDrain } {
  const isBackward = ({ attr }: EventOnCpus) => attr.flags.has("writeBackward");
  const owners = ownersOf(opened.filter((each) => !isBackward(each)));
  const backward = ownersOf(opened.filter(isBackward));
  // a flight recorder adds records at the end that are older than what the drain wrote: rounds would tell readers
  // that the drain's records are sorted
  const rounds = backward.length === 0;
  const loss = lostRecord(opened);
  const watch = { sampleTimeAt: loss?.sampleTimeAt ?? -1, recordTimeBack: recordTimeBack(opened) };
  const taker = takerOf?.(watch);
  for (let { pages } = sizes;; pages /= 2) {
    const intervalMs = pages < sizes.pages ? SMALL_RING_INTERVAL_MS : RING_INTERVAL_MS;
    const options = { rounds, queueBytes: sizes.queueBytes, lostRecord: loss, intervalMs, watch, taker };
    const drain = drainInto(sink, options, newDrain);
    const flight = rounds ? undefined : new FlightRings();
    const errno = addToDrain(drain, owners, pages) || (flight ? addToFlight(flight, backward, pages) : 0);
    if (errno === 0) {
      if (pages < sizes.pages) {
        note(
          `this user may not lock rings of ${
            counted(sizes.pages, "page")
          } for each CPU (kernel.perf_event_mlock_kb, ulimit -l): ` +
            `recording with ${pages}, which ${flight ? "hold less" : "lose samples sooner"}`,
        );
      }
      for (const { fd, guests } of [...owners, ...backward]) for (const guest of guests) setOutput(guest, fd);
      return { rings: { pages, owners, backward, options, flight, newDrain }, drain };
    }
    drain.free();
    flight?.free();
    if (errno !== ERRNO.EPERM || pages === 1) throw ringError(errno, pages);
  }
}

/** Returns how many bytes before its end a record that is no sample has its time; 0 when events differ, or have none. */
function recordTimeBack(opened: readonly EventOnCpus[]): number {
  const places = new Set(opened.map(({ attr }) => compileLayout(attr).trailer.time));
  return places.size === 1 ? [...places][0] : 0;
}

/**
 * Returns another drain from the same rings, into `sink`, which goes on where the one before it ends. Start it after
 * that one's `stop()` and before its `free()`, so that the rings stay mapped. Throws UnsupportedError.
 */
export function takeOver(sink: RecordsFile, { owners, pages, options, newDrain }: Rings): RingDrain {
  const drain = drainInto(sink, options, newDrain);
  const errno = addToDrain(drain, owners, pages);
  if (errno === 0) return drain;
  drain.free();
  throw ringError(errno, pages);
}

function drainInto(sink: RecordsFile, options: Rings["options"], newDrain: MakeDrain): RingDrain {
  const { fd: outFd, sizeFieldAt, spare } = sink;
  return newDrain({ outFd, sizeFieldAt, spare, ...options });
}

/** Returns the owner of each CPU's ring: the first event that is open there; the others write into its ring. */
function ownersOf(opened: readonly EventOnCpus[]): RingOwner[] {
  const ownerOf = new Map<number, RingOwner>();
  for (const { cpu, fd } of opened.flatMap(({ places }) => places)) {
    const owner = ownerOf.get(cpu);
    if (owner) owner.guests.push(fd);
    else ownerOf.set(cpu, { cpu, fd, guests: [] });
  }
  return [...ownerOf.values()];
}

/** Maps the rings for a drain; returns 0 or an errno. */
function addToDrain(drain: RingDrain, owners: readonly RingOwner[], pages: number): number {
  for (const { cpu, fd, guests } of owners) {
    const ring = drain.tryAdd(fd, pages, cpu);
    if (ring < 0) return -ring;
    // the owner's task may end before those of the others
    for (const guest of guests) drain.addStandIn(ring, guest);
  }
  return 0;
}

/** Maps the rings of a flight recorder; returns 0 or an errno. */
function addToFlight(rings: FlightRings, owners: readonly RingOwner[], pages: number): number {
  for (const { cpu, fd } of owners) {
    const index = rings.tryAdd(fd, pages, cpu);
    if (index < 0) return -index;
  }
  return 0;
}

function ringError(errno: number, pages: number): UnsupportedError {
  const attempt = `map rings of ${counted(pages, "page")} for each CPU`;
  if (errno !== ERRNO.EPERM) return new UnsupportedError({ attempt, cause: errnoText(errno) }, errno);
  return new UnsupportedError({
    attempt,
    cause: "this user has locked all the memory that kernel.perf_event_mlock_kb and ulimit -l allow",
    remedy: "end other recordings, or raise the limit as root",
  }, errno);
}
