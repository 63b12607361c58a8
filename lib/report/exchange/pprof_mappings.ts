/** Where a profile's objects lie for readers that want one address space of all of them. */

import { addressToBigint } from "../../base/bytes/address.ts";
import type { Profile } from "../../profile/model/profile.ts";

export interface PprofMapping {
  /** Row of the object it is of. */
  object: number;
  /** First address, and the one behind the last. */
  start: number | bigint;
  limit: number | bigint;
  path: string;
  buildId: string;
  /** Its addresses have been looked up, with success for some: a reader need not try. */
  symbolized: boolean;
}

const PAGE = 4096;
/** The kernel cuts a thread's name to this (TASK_COMM_LEN less its end). */
const COMM_LENGTH = 15;
/** Where the first object is put: away from 0, which means "none" to some. */
const FIRST = 0x10000;
const up = (address: number) => Math.ceil(address / PAGE) * PAGE;
const down = (address: number) => Math.floor(address / PAGE) * PAGE;
const unsigned = (address: number) => address >= 0 ? address : addressToBigint(address);

/**
 * A mapping for each object, and what to add to its frames' addresses. A file is mapped at many places in many
 * processes, and its frames' addresses are offsets in it: here files lie one behind the other, each mapped once from
 * its beginning on, so that an address less its mapping's start is the offset in the file. What has no file (the
 * kernel, code made at run time) is where it was. The main program's comes first: pprof takes that for what was
 * profiled.
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

/** The program that most of the weight is of: the file that the heaviest command is named for; -1 when there is none. */
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
