/** Places a profile's objects in a single address space, for readers that expect one. */

import { addressToBigint } from "../../base/bytes/address.ts";
import type { Profile } from "../../profile/model/profile.ts";

/** Mapping of an object. */
export interface PprofMapping {
  /** Row of the object. */
  object: number;
  /** First address, and the one after the last. */
  start: number | bigint;
  limit: number | bigint;
  path: string;
  buildId: string;
  /** True if addresses were resolved, some successfully, so that readers need not try. */
  symbolized: boolean;
}

const PAGE = 4096;
/** Maximum length of a thread's name in the kernel (TASK_COMM_LEN minus the NUL). */
const COMM_LENGTH = 15;
/** Address of the first object. Not 0, which some readers take for none. */
const FIRST = 0x10000;
const up = (address: number) => Math.ceil(address / PAGE) * PAGE;
const down = (address: number) => Math.floor(address / PAGE) * PAGE;
const unsigned = (address: number) => address >= 0 ? address : addressToBigint(address);

/**
 * Returns a mapping for each object, and the base to add to its frames' addresses. A file is mapped at many addresses
 * in many processes, and its frames' addresses are offsets in it. Here files follow one another, each mapped once
 * from its start, so that an address minus its mapping's start is the offset in the file. Objects without a file (the
 * kernel, JIT-compiled code) stay where they were. The main program comes first, since pprof takes that for the
 * profiled one.
 */
export function pprofMappings(profile: Profile): { mappings: PprofMapping[]; base: Float64Array } {
  const { objects, frames } = profile;
  const lowest = new Float64Array(objects.length).fill(Infinity);
  const highest = new Float64Array(objects.length).fill(-Infinity);
  const symbolized = new Uint8Array(objects.length);
  for (let frame = 0; frame < frames.object.length; frame++) {
    const object = frames.object[frame];
    if (object < 0) continue;
    lowest[object] = Math.min(lowest[object], frames.address[frame]);
    highest[object] = Math.max(highest[object], frames.address[frame]);
    if (frames.symbol[frame] >= 0) symbolized[object] = 1;
  }
  const base = new Float64Array(objects.length);
  let next = FIRST;
  const mappings = objects.map(({ kind, path, buildId }, object): PprofMapping => {
    const used = lowest[object] <= highest[object];
    let start: number, limit: number;
    if (kind === "file" || kind === "vdso") {
      start = base[object] = next;
      next = limit = start + Math.max(PAGE, used ? up(highest[object] + 1) : 0);
    } else {
      start = used ? down(lowest[object]) : 0;
      limit = used ? up(highest[object] + 1) : 0;
    }
    return {
      object,
      start: unsigned(start),
      limit: unsigned(limit),
      path,
      buildId,
      symbolized: symbolized[object] === 1 || kind !== "file",
    };
  });
  const main = mainObject(profile);
  if (main >= 0) mappings.unshift(...mappings.splice(main, 1));
  return { mappings, base };
}

/**
 * Returns the program with most of the weight: the file that the heaviest command is named after; -1 if there is
 * none.
 */
function mainObject({ samples, threads, comms, objects }: Profile): number {
  const weight = new Float64Array(comms.length);
  for (let row = 0; row < samples.period.length; row++) {
    weight[threads.comm[samples.thread[row]]] += samples.period[row];
  }
  const named = new Map<string, number>();
  objects.forEach(({ kind, name }, object) => {
    const comm = name.slice(0, COMM_LENGTH);
    if (kind === "file" && !named.has(comm)) named.set(comm, object);
  });
  const heaviest = [...comms.keys()].sort((a, b) => weight[b] - weight[a]);
  for (const comm of heaviest) {
    const object = named.get(comms[comm]);
    if (object !== undefined) return object;
  }
  return -1;
}
