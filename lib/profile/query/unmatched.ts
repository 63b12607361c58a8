/** Filters that match nothing: which values, and what there would have been. */

import { filterProfile, type ProfileFilter } from "./filter.ts";
import { isKernel, processNames, type Profile } from "../model/profile.ts";
import { unnamedName } from "./unnamed.ts";

/** What a filter goes by. */
export type FilterField = keyof Omit<ProfileFilter, "events">;

/** What a filter asked for in vain. */
export interface Unmatched {
  field: FilterField;
  /** The values that no sample has, as they were asked for; none where the field has one value. */
  values: string[];
  /** What samples have instead, that of most samples first. */
  present: { name: string; samples: number }[];
}

/** The fields of `filter` with values that no sample of `profile` has; none where the profile has no samples. */
export function unmatchedFilters(profile: Profile, filter: ProfileFilter): Unmatched[] {
  if (profile.samples.count.length === 0) return [];
  return FIELDS.flatMap((field) => {
    if (filter[field] === undefined) return [];
    const present = new Map<string, Present>();
    const { samples } = profile, describe = describers[field](profile);
    for (let row = 0; row < samples.count.length; row++) {
      const { key, name = key, also = key } = describe(row);
      const known = present.get(key);
      if (known) known.samples += samples.count[row];
      else present.set(key, { name, also, samples: samples.count[row] });
    }
    return unmatched(profile, filter, field, present);
  });
}

/** A value that samples have, by its key: what it is called, and another word for it. */
interface Present {
  name: string;
  also: string;
  samples: number;
}

function unmatched(
  profile: Profile,
  filter: ProfileFilter,
  field: FilterField,
  present: ReadonlyMap<string, Present>,
): Unmatched[] {
  const values = filter[field];
  const others = new Set(Array.from(present.values(), ({ also }) => also));
  const each = values instanceof Set ? Array.from(values, String) : [];
  const missing = each.filter((value) => !present.has(value) && !others.has(value));
  // a range of CPUs may well have idle ones; of what is written one by one each should be there
  const isUnmatched = each.length === 0
    ? filterProfile(profile, { [field]: values }).samples.count.length === 0
    : missing.length === each.length || (missing.length > 0 && field !== "cpus");
  if (!isUnmatched) return [];
  const all = Array.from(present.values(), ({ name, samples }) => ({ name, samples }));
  return [{ field, values: missing, present: all.sort((a, b) => b.samples - a.samples) }];
}

/** What a sample has: the value to look for, what it is called, and another value that stands for the same. */
type Describe = (row: number) => { key: string; name?: string; also?: string };

const describers: Record<FilterField, (profile: Profile) => Describe> = {
  comms: ({ samples, threads, comms }) => (row) => ({ key: comms[threads.comm[samples.thread[row]]] }),
  objects: (profile) => (row) => {
    const object = profile.frames.object[leafOf(profile, row)];
    const { path, name } = profile.objects[object] ?? { path: "[unknown]", name: "[unknown]" };
    return { key: path, name, also: name };
  },
  symbols: describeSymbols,
  symbolPart: describeSymbols,
  pids: (profile) => {
    const nameOf = processNames(profile), { samples, threads } = profile;
    return (row) => {
      const pid = threads.pid[samples.thread[row]];
      return { key: String(pid), name: `${pid}:${nameOf(pid)}` };
    };
  },
  tids: ({ samples, threads, comms }) => (row) => {
    const thread = samples.thread[row], tid = threads.tid[thread];
    return { key: String(tid), name: `${tid}:${comms[threads.comm[thread]]}` };
  },
  cpus: ({ samples }) => (row) => {
    const cpu = samples.cpu[row];
    return { key: String(cpu), name: cpu < 0 ? "CPUs that were not recorded" : `CPU ${cpu}` };
  },
  kernel: (profile) => (row) => {
    const frame = leafOf(profile, row), object = profile.objects[profile.frames.object[frame]];
    const inKernel = object ? isKernel(object.kind) : profile.frames.address[frame] < 0;
    return { key: inKernel ? "the kernel" : "user space" };
  },
};

const FIELDS = Object.keys(describers) as FilterField[];

function describeSymbols(profile: Profile): Describe {
  const { symbols, frames } = profile;
  return (row) => {
    const frame = leafOf(profile, row), symbol = frames.symbol[frame];
    return { key: symbol >= 0 ? symbols.name[symbol] : unnamedName(profile, frames.unnamed[frame]) };
  };
}

function leafOf({ samples, stacks }: Profile, row: number): number {
  return stacks.frame[samples.stack[row]];
}
