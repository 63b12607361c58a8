/** Filters that match nothing: their values, and the values that exist instead. */

import { filterProfile, type ProfileFilter } from "./filter.ts";
import { isKernel, processNames, type Profile } from "../model/profile.ts";
import { functionNamed } from "../request/function_names.ts";
import { unnamedName } from "../model/unnamed.ts";

/** Field of a filter. */
export type FilterField = keyof Omit<ProfileFilter, "events">;

/** Filter field with values that no sample has. */
export interface Unmatched {
  field: FilterField;
  /** Values that no sample has, as given; empty if the field has a single value. */
  values: string[];
  /** Values that samples have, most samples first. */
  present: { name: string; samples: number }[];
}

/** Returns the fields of `filter` with values that no sample of `profile` has; empty if the profile has no samples. */
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

/** Value that samples have: its name, and another spelling. */
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
  const isOther = (value: string) =>
    field === "symbols" ? [...present.keys()].some(functionNamed([value])) : others.has(value);
  const missing = each.filter((value) => !present.has(value) && !isOther(value));
  // a range of CPUs may well have idle ones, but values listed one by one should all be there
  const isUnmatched = each.length === 0
    ? filterProfile(profile, { [field]: values }).samples.count.length === 0
    : missing.length === each.length || (missing.length > 0 && field !== "cpus");
  if (!isUnmatched) return [];
  const all = Array.from(present.values(), ({ name, samples }) => ({ name, samples }));
  return [{ field, values: missing, present: all.sort((a, b) => b.samples - a.samples) }];
}

/** Describes a sample: the value to look for, its name if different, and another spelling of the value. */
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
