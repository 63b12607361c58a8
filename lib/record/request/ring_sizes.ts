/** Chooses the sizes of the rings and of the copies of stacks in them, within what this machine and this user allow. */

import { pageSize } from "../../../ffi/pmu.ts";
import { UsageError } from "../../base/system/errors.ts";
import { lockableRingBytes } from "../../events/privilege.ts";
import type { ResolvedGroup } from "../../events/resolve.ts";
import { DEFAULT_FREQ, type Sampling, samplingRate } from "./sampling.ts";

const KIB = 1024, MIB = 1024 * KIB;

/** Bytes of a ring by default, as in perf: what kernel.perf_event_mlock_kb allows everyone for each CPU. */
const DEFAULT_RING_BYTES = 512 * KIB;
/** Bytes of a ring for samples with stacks: up to DEFAULT_FREQ samples a second, and above. */
const STACK_RING_BYTES = 16 * MIB, FAST_STACK_RING_BYTES = 32 * MIB;
/** Limits of all such rings together: in bytes, and as a share of the machine's memory. */
const MAX_RINGS_BYTES = 512 * MIB, MAX_MEMORY_SHARE = 1 / 32;

/** Sizes of a copied stack that may be chosen instead of the default, largest first, in bytes. */
const SMALLER_COPIES = [16 * KIB, 8 * KIB, 4 * KIB];
/** Bytes of a sample beside its stack: registers, the kernel's call chain, and the rest. */
const BESIDE_STACK = 512;
/** Seconds of samples that a ring has to hold, so that the drain may come late. */
const HELD_SECONDS = 0.05;

/** Returns the bytes of records that a ring of `pages` holds. */
export function ringBytes(pages: number): number {
  return pages * pageSize();
}

/** Recording to choose rings for. */
export interface RingNeeds {
  groups: readonly ResolvedGroup[];
  sampling: Sampling;
  /** CPUs to record on. */
  cpus: readonly number[];
  /** Whether each CPU has a second ring, for the most recent samples. */
  overwrite?: boolean;
  /** Pages of each ring, where the user gave them. */
  pages?: number;
  /** Whether the user gave the bytes of stack in each sample. */
  bytesGiven?: boolean;
  /** MemTotal of the machine in kilobytes; 0 when unknown. */
  totalMemoryKb: number;
  /** Bytes that this process may lock for rings; its own limit when left out. */
  lockableBytes?: number;
}

/** Rings, and the sampling that fits into them. */
export interface RingChoice {
  /** Pages of each ring: a power of two. */
  ringPages: number;
  sampling: Sampling;
  /** Line that says why less of each stack is copied than by default. */
  note?: string;
}

/**
 * Chooses the rings, and how much of each stack is copied. What the user gave is kept. Throws UsageError where rings
 * cannot hold even two samples.
 */
export function chooseRings(needs: RingNeeds): RingChoice {
  const { sampling, pages, bytesGiven = false } = needs;
  const { callGraph } = sampling;
  if (callGraph === undefined || callGraph.mode === "fp") {
    return { ringPages: pages ?? DEFAULT_RING_BYTES / pageSize(), sampling };
  }
  const rate = samplingRate(needs.groups, sampling, needs.cpus) || DEFAULT_FREQ;
  const { wanted, lockable } = ringLimits(needs, rate);
  const ringPages = pages ?? Math.min(wanted, lockable) / pageSize();
  const ring = ringBytes(ringPages);
  const adapts = callGraph.mode === "auto" && !bytesGiven;
  const stackBytes = adapts ? fittingCopy(callGraph.stackBytes, ring, rate) : callGraph.stackBytes;
  checkStacksFit(callGraph.mode, stackBytes, ring, pages);
  if (stackBytes === callGraph.stackBytes) return { ringPages, sampling };
  const cause = pages === undefined && lockable < wanted
    ? `this user may lock ${sizeText(ring)} of rings for each CPU (kernel.perf_event_mlock_kb, ulimit -l)`
    : `rings of ${sizeText(ring)} for each CPU hold few samples with whole stacks`;
  return {
    ringPages,
    sampling: { ...sampling, callGraph: { ...callGraph, stackBytes } },
    note: `${cause}: stacks are copied up to ${sizeText(stackBytes)}; longer ones are cut`,
  };
}

/**
 * Returns the bytes of each ring of a recording with stacks, powers of two: as many as are `wanted` on this machine, and
 * the most that this user may lock.
 */
function ringLimits(needs: RingNeeds, rate: number): { wanted: number; lockable: number } {
  const { cpus, overwrite, totalMemoryKb, lockableBytes = lockableRingBytes() } = needs;
  const rings = cpus.length * (overwrite ? 2 : 1);
  const memory = totalMemoryKb > 0 ? totalMemoryKb * KIB * MAX_MEMORY_SHARE : Infinity;
  const best = rate > DEFAULT_FREQ ? FAST_STACK_RING_BYTES : STACK_RING_BYTES;
  const wanted = Math.max(
    DEFAULT_RING_BYTES,
    powerOfTwo(Math.min(best, Math.min(MAX_RINGS_BYTES, memory) / rings)),
  );
  // each ring has one more page
  const lockable = powerOfTwo(lockableBytes / rings - pageSize());
  return { wanted, lockable: Math.max(lockable, 2 * SMALLER_COPIES.at(-1)!, pageSize()) };
}

/** Returns the most bytes of stack, from `bytes` down to the smallest size, of which a ring holds enough samples. */
function fittingCopy(bytes: number, ring: number, rate: number): number {
  const sizes = [bytes, ...SMALLER_COPIES];
  return sizes.find((size) => rate * HELD_SECONDS * (size + BESIDE_STACK) <= ring) ?? sizes.at(-1)!;
}

/** Refuses rings that hold fewer than two samples with their stacks: most samples would be lost. */
function checkStacksFit(mode: "auto" | "dwarf", stackBytes: number, ring: number, pages: number | undefined) {
  if (ring >= 2 * stackBytes) return;
  const [option, remedy] = pages === undefined
    ? [`--call-graph ${mode},${stackBytes}`, "give fewer bytes, or raise kernel.perf_event_mlock_kb as root"]
    : [`--mmap-pages ${pages}`, `use more pages, a smaller --call-graph ${mode},BYTES, or --call-graph fp`];
  throw new UsageError(
    `${option}: rings of ${ring} bytes are too small for samples with ${stackBytes} bytes of stack: ${remedy}`,
  );
}

/** Returns the largest power of two that is not above `bytes`; 0 where there is none. */
function powerOfTwo(bytes: number): number {
  return bytes < 1 ? 0 : 2 ** Math.floor(Math.log2(bytes));
}

/** Formats a power of two in bytes: `8 KiB`, `2 MiB`. */
function sizeText(bytes: number): string {
  return bytes >= MIB ? `${bytes / MIB} MiB` : `${bytes / KIB} KiB`;
}
