/** Filters: a profile with fewer samples, and all other tables unchanged; and the names that there are to filter by. */

import { isKernel, type Profile } from "../model/profile.ts";
import { functionNamed } from "../request/function_names.ts";
import { unnamedName } from "../model/unnamed.ts";

/**
 * Samples to keep. A sample must pass all conditions; those on places apply to the innermost frame. Code of an inlined
 * function is also that of the functions that it was inlined into.
 */
export interface ProfileFilter {
  /** Thread names. */
  comms?: ReadonlySet<string>;
  /** Object names, or their whole paths. */
  objects?: ReadonlySet<string>;
  /** Names of functions: see functionNamed(). Code without a symbol goes by the name shown in its place. */
  symbols?: ReadonlySet<string>;
  /** Text that the symbol's name must contain. */
  symbolPart?: string;
  pids?: ReadonlySet<number>;
  tids?: ReadonlySet<number>;
  cpus?: ReadonlySet<number>;
  /** Rows of `profile.events`. */
  events?: ReadonlySet<number>;
  /** True keeps only kernel samples, false only the others. */
  kernel?: boolean;
}

/** Field of a filter that holds names. */
export type NamedField = "comms" | "objects" | "symbols";

/** Yields the names that a profile has for a field, some more than once. */
export function* namedValues(profile: Profile, field: NamedField): Generator<string> {
  if (field === "comms") yield* profile.comms;
  else if (field === "symbols") {
    yield* profile.symbols.name;
    for (const row of profile.unnamed.object.keys()) yield unnamedName(profile, row);
  } else {
    for (const { name, path } of profile.objects) {
      yield name;
      yield path;
    }
  }
}

/** Returns a profile with only the samples that `filter` keeps; `unresolved` and `times` follow. */
export function filterProfile(profile: Profile, filter: ProfileFilter): Profile {
  const keepFrame = frameTest(profile, filter);
  const keepThread = threadTest(profile, filter);
  const { samples, stacks } = profile;
  const { cpus, events } = filter;
  const keep = new Uint8Array(samples.count.length);
  for (let row = 0; row < keep.length; row++) {
    if (keepThread[samples.thread[row]] === 0) continue;
    if (keepFrame[stacks.frame[samples.stack[row]]] === 0) continue;
    if (cpus && !cpus.has(samples.cpu[row])) continue;
    if (events && !events.has(samples.event[row])) continue;
    keep[row] = 1;
  }
  return keep.includes(0) ? withSamples(profile, keep, samples.count, samples.period) : profile;
}

/** Returns a profile as if only these events (rows of `events`) had been recorded, in this order. */
export function withEvents(profile: Profile, events: readonly number[]): Profile {
  const newRow = new Map(events.map((event, row) => [event, row]));
  const kept = filterProfile(profile, { events: new Set(events) });
  return {
    ...kept,
    events: events.map((event) => profile.events[event]),
    samples: { ...kept.samples, event: kept.samples.event.map((event) => newRow.get(event)!) },
  };
}

/**
 * Returns a profile with only the samples whose time (in ns since `meta.start`) passes `within`, and `meta` of those.
 * The profile must have `times`.
 */
export function cutTimes(profile: Profile, within: (at: number) => boolean): Profile {
  const { times, samples } = profile;
  if (!times) throw new Error("cutTimes() needs the times of the samples");
  const kept = Uint8Array.from(times.at, (at) => within(at) ? 1 : 0);
  const count = new Float64Array(samples.count.length);
  const period = new Float64Array(samples.count.length);
  for (let row = 0; row < kept.length; row++) {
    if (kept[row] === 0) continue;
    count[times.sample[row]] += 1;
    period[times.sample[row]] += times.period[row];
  }
  const at = times.at.filter((_, row) => kept[row]);
  const first = at[0] ?? 0, last = at[at.length - 1] ?? 0;
  const cut = {
    at: at.map((time) => time - first),
    sample: times.sample.filter((_, row) => kept[row]),
    period: times.period.filter((_, row) => kept[row]),
    ...times.texts ? { texts: times.texts.filter((_, row) => kept[row]) } : {},
  };
  const keep = Uint8Array.from(count, (n) => n > 0 ? 1 : 0);
  const { start, wallStart } = profile.meta;
  const meta = {
    ...profile.meta,
    start: at.length > 0 ? start + BigInt(first) : -1n,
    end: at.length > 0 ? start + BigInt(last) : -1n,
    wallStart: at.length > 0 && wallStart >= 0 ? wallStart + first / 1e6 : -1,
    seconds: at.length > 0 ? (last - first) / 1e9 : -1,
  };
  return withSamples({ ...profile, meta, times: cut }, keep, count, period);
}

/** Returns 1 for each frame whose samples are kept, else 0. */
function frameTest(profile: Profile, filter: ProfileFilter): Uint8Array {
  const { frames, objects, symbols } = profile;
  const { kernel, symbolPart } = filter;
  const keepObject = objects.map(({ name, path, kind }) =>
    (!filter.objects || filter.objects.has(name) || filter.objects.has(path)) &&
    (kernel === undefined || isKernel(kind) === kernel)
  );
  const isNamed = filter.symbols && functionNamed(filter.symbols);
  const keepSymbol = symbols.name.map((name) =>
    (!isNamed || isNamed(name)) &&
    (symbolPart === undefined || name.includes(symbolPart))
  );
  const named = filter.symbols !== undefined || symbolPart !== undefined;
  const keepUnnamed = profile.unnamed.object.map((_, row) =>
    symbolPart === undefined && filter.symbols?.has(unnamedName(profile, row)) ? 1 : 0
  );
  const keep = Uint8Array.from(frames.object, (object, frame) => {
    const symbol = frames.symbol[frame];
    if (symbol >= 0 ? !keepSymbol[symbol] : named && keepUnnamed[frames.unnamed[frame]] === 0) return 0;
    if (object >= 0) return keepObject[object] ? 1 : 0;
    return !filter.objects && (kernel === undefined || frames.address[frame] < 0 === kernel) ? 1 : 0;
  });
  // what a frame was inlined into comes first
  frames.inlinedInto?.forEach((into, frame) => {
    if (into >= 0 && keep[into] === 1) keep[frame] = 1;
  });
  return keep;
}

/** Returns 1 for each thread whose samples are kept, else 0. */
function threadTest(profile: Profile, { comms, pids, tids }: ProfileFilter): Uint8Array {
  const { threads } = profile;
  return Uint8Array.from(threads.pid, (pid, row) => {
    if (pids && !pids.has(pid)) return 0;
    if (tids && !tids.has(threads.tid[row])) return 0;
    return comms && !comms.has(profile.comms[threads.comm[row]]) ? 0 : 1;
  });
}

/** Returns a profile with the rows of `samples` that `keep` marks, and the given weights. */
function withSamples(
  profile: Profile,
  keep: Uint8Array,
  count: Float64Array,
  period: Float64Array,
): Profile {
  const { samples, stacks, frames, times } = profile;
  const kept = <T extends Int32Array | Float64Array>(column: T) => column.filter((_, row) => keep[row]) as T;
  const weight = new Float64Array(profile.unresolved.length);
  const newRow = new Int32Array(keep.length);
  for (let row = 0, next = 0; row < keep.length; row++) {
    newRow[row] = next;
    if (keep[row] === 0) continue;
    next++;
    const why = frames.unresolved[stacks.frame[samples.stack[row]]];
    if (why >= 0) weight[why] += count[row];
  }
  return {
    ...profile,
    samples: {
      event: kept(samples.event),
      thread: kept(samples.thread),
      cpu: kept(samples.cpu),
      stack: kept(samples.stack),
      count: kept(count),
      period: kept(period),
    },
    times: times && {
      at: times.at.filter((_, row) => keep[times.sample[row]]),
      sample: times.sample.filter((sample) => keep[sample]).map((sample) => newRow[sample]),
      period: times.period.filter((_, row) => keep[times.sample[row]]),
      ...times.texts ? { texts: times.texts.filter((_, row) => keep[times.sample[row]]) } : {},
    },
    // rows stay because frames refer to them; reports show those with samples
    unresolved: profile.unresolved.map((row, i) => ({ ...row, samples: weight[i] })),
  };
}
