/** A part of a profile: fewer samples, all other tables as they are. */

import { isKernel, type Profile } from "../model/profile.ts";
import { unnamedName } from "./unnamed.ts";

/**
 * What to keep; a sample has to fulfil all that is given. Places are those of the innermost frame: where the
 * sample was taken.
 */
export interface ProfileFilter {
  /** Names of threads. */
  comms?: ReadonlySet<string>;
  /** Names of objects, or their whole paths. */
  objects?: ReadonlySet<string>;
  /** Whole names of symbols; code without one goes by what it is called instead. */
  symbols?: ReadonlySet<string>;
  /** Text that the symbol's name contains. */
  symbolPart?: string;
  pids?: ReadonlySet<number>;
  tids?: ReadonlySet<number>;
  cpus?: ReadonlySet<number>;
  /** Rows of `profile.events`. */
  events?: ReadonlySet<number>;
  /** True: only what was in the kernel; false: only what was not. */
  kernel?: boolean;
}

/** The profile with only the samples that `filter` keeps; `unresolved` and `times` are of those. */
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

/** The profile as if only these of its events (rows of `events`) had been recorded, in this order. */
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
 * The profile with only the samples for whose time (in ns since `meta.start`) `within` is true, and `meta` of
 * those; it has to have `times`.
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

/** By frame: whether a sample in it is kept. */
function frameTest(profile: Profile, filter: ProfileFilter): Uint8Array {
  const { frames, objects, symbols } = profile;
  const { kernel, symbolPart } = filter;
  const keepObject = objects.map(({ name, path, kind }) =>
    (!filter.objects || filter.objects.has(name) || filter.objects.has(path)) &&
    (kernel === undefined || isKernel(kind) === kernel)
  );
  const keepSymbol = symbols.name.map((name) =>
    (!filter.symbols || filter.symbols.has(name)) &&
    (symbolPart === undefined || name.includes(symbolPart))
  );
  const named = filter.symbols !== undefined || symbolPart !== undefined;
  const keepUnnamed = profile.unnamed.object.map((_, row) =>
    symbolPart === undefined && filter.symbols?.has(unnamedName(profile, row)) ? 1 : 0
  );
  return Uint8Array.from(frames.object, (object, frame) => {
    const symbol = frames.symbol[frame];
    if (symbol >= 0 ? !keepSymbol[symbol] : named && keepUnnamed[frames.unnamed[frame]] === 0) return 0;
    if (object >= 0) return keepObject[object] ? 1 : 0;
    return !filter.objects && (kernel === undefined || frames.address[frame] < 0 === kernel) ? 1 : 0;
  });
}

/** By thread: whether its samples are kept. */
function threadTest(profile: Profile, { comms, pids, tids }: ProfileFilter): Uint8Array {
  const { threads } = profile;
  return Uint8Array.from(threads.pid, (pid, row) => {
    if (pids && !pids.has(pid)) return 0;
    if (tids && !tids.has(threads.tid[row])) return 0;
    return comms && !comms.has(profile.comms[threads.comm[row]]) ? 0 : 1;
  });
}

/** The profile with the rows of `samples` that `keep` marks, and these weights of theirs. */
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
    },
    // the rows stay, since frames point at them; renderers show those with samples
    unresolved: profile.unresolved.map((row, i) => ({ ...row, samples: weight[i] })),
  };
}
