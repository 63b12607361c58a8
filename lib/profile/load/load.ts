/** Loading of a profile from a perf.data file or pipe: read, build, symbolize, check. */

import { PERF_COUNT_SW, PERF_TYPE } from "../../base/system/abi.ts";
import type { ByteInput } from "../../base/bytes/byte_source.ts";
import { append } from "../../base/bytes/lists.ts";
import { rateText } from "../../events/attr.ts";
import { sessionOf } from "../../perfdata/read/damage.ts";
import type { ObjectInfo } from "../../symbols/object/objects.ts";
import { LIMITS } from "../../symbols/object/limits.ts";
import { mayFetch, type SymbolFiles } from "../../symbols/files/symbol_files.ts";
import type { Symbolizer, UnresolvedWeight } from "../../symbols/symbolizer.ts";
import { missingSymbolCause, missingSymbolRemedy } from "../../symbols/object/missing_symbol_reasons.ts";
import { brokenChainWarning } from "./broken_chains.ts";
import { cutTimes } from "../query/filter.ts";
import { ledgerOf, lossesOverlap, metaOf } from "./profile_meta.ts";
import { frameWeights, type ReadRecording, readRecording } from "./read_recording.ts";
import { shortened } from "../../symbols/table/demangle.ts";
import { readable, symbolsFrom } from "./readable_names.ts";
import { checkValid, type Profile } from "../model/profile.ts";
import type { FrameTable, SampleColumns, TimeTable } from "../model/tables.ts";
import type { LoadOptions } from "../request/load_options.ts";
import { clockText, type TimeSelection, timeTest } from "../request/time_ranges.ts";

/** Warning about a profile whose inlined functions would take too much memory. */
const TOO_MANY_INLINED =
  `inlined functions are not shown: their frames are over the limit of ${
    LIMITS.inlinedMemory >> 20
  } MiB of memory: ` +
  "choose a part of the recording with --time, or if you trust its programs, raise the limits with PMUCTL_LIMIT_FACTOR=4";

/**
 * Loads a profile: reads all of `input`, counts its samples by call chain, and finds the symbols of their frames. Throws
 * BadInputError when the input is not perf.data, or is damaged and `force` is not set.
 *
 *     const profile = await loadProfile(openInput("perf.data"), hostSymbolFiles(), { mergeAddresses: true });
 *     const rows = new ProfileQuery(profile, ["dso", "sym"]).rows([0], { children: false });
 */
export async function loadProfile(
  input: ByteInput,
  files: SymbolFiles,
  options: LoadOptions = {},
): Promise<Profile> {
  const recording = await readRecording(input, files, options);
  const { spaces, symbolizer, frames, builder, stats } = recording;
  const sampled = new Set(frames.object.values());
  await symbolizer.prepare(
    spaces.objects.rows.filter(({ id }) => sampled.has(id)),
    ({ id }) => addressesIn(frames, id),
  );
  const symbols = await findSymbols(recording, options);
  const inlined = await findInlined(recording, options);
  const sources = options.lines ? await findLines(recording, files, symbols.weight) : undefined;
  const { within } = options;
  const uninlined = profileOf(recording, symbols, sources?.lines, {
    callers: !options.leafOnly,
    fetches: (object) => mayFetch(files, object),
  });
  const whole = inlined ? inlined.expand(uninlined) : uninlined;
  const profile = recording.cutLater ? cutOut(whole, within!, options.times ?? false) : whole;
  const { warnings } = profile.meta;
  if (within && profile.samples.count.length === 0 && stats.timeFirst !== undefined) {
    const first = clockText(stats.timeFirst), last = clockText(stats.timeLast!);
    warnings.push(`no sample is within --time: the recording is from ${first} to ${last}`);
  }
  const { outsiders } = builder.tasks;
  if (outsiders >= 0) warnings.push(namespaceWarning(symbols.samples, outsiders));
  const broken = recording.copies || options.leafOnly
    ? undefined
    : brokenChainWarning(profile, recording.header.events);
  if (broken !== undefined) warnings.push(broken);
  append(warnings, recording.carried.warnings);
  append(warnings, recording.jit.warnings);
  append(warnings, symbolizer.warnings);
  if (symbols.warning) warnings.push(symbols.warning);
  append(warnings, sources?.warnings ?? []);
  append(warnings, inlined?.warnings ?? []);
  checkValid(profile);
  options.seeObjects?.(recording.spaces.objects.rows, symbolizer);
  return profile;
}

/** Symbols of a recording's frames, and its samples. */
interface FoundSymbols extends Pick<Profile, "samples" | "symbols" | "unnamed"> {
  frames: Pick<Profile["frames"], "symbol" | "unresolved" | "unnamed">;
  unresolved: readonly UnresolvedWeight[];
  /** Number of samples in which each frame is the innermost. */
  weight: Float64Array;
  /** Reason why some names are not readable. */
  warning?: string;
}

/** Finds the symbol of each frame, and makes the names readable that are shown. */
async function findSymbols(
  { symbolizer, frames, placed, frameSymbols, builder }: ReadRecording,
  { mangled, readableFrom, sampledAddresses, symbolPlaces }: LoadOptions,
): Promise<FoundSymbols> {
  frameSymbols.find();
  const weight = frameWeights(frames, builder);
  const samples = builder.samples.columns();
  const { frames: symbolized, unnamed } = frameSymbols.columns(weight);
  const unresolved = symbolizer.unresolved();
  const names: string[] = [];
  const object = new Int32Array(symbolizer.count);
  for (let id = 0; id < symbolizer.count; id++) {
    const symbol = symbolizer.symbol(id);
    names.push(symbol.name);
    object[id] = symbol.object.id;
  }
  const isShown = readableFrom === undefined
    ? undefined
    : symbolsFrom(readableFrom, names.length, symbolized.symbol, builder.stacks.frame.data, samples);
  const shown: { names: string[]; warning?: string } = mangled ? { names } : await readable(names, isShown);
  const symbols = {
    name: shown.names.map(shortened),
    object,
    ...(placed || sampledAddresses || symbolPlaces) && {
      start: Float64Array.from(object, (_, id) => symbolizer.symbol(id).start),
      end: Float64Array.from(object, (_, id) => symbolizer.symbol(id).end),
    },
  };
  return { samples, symbols, unnamed, frames: symbolized, unresolved, weight, warning: shown.warning };
}

/** Finds the source line of each frame; see frameLines(). */
async function findLines(
  { frames, spaces, symbolizer, budget }: ReadRecording,
  files: SymbolFiles,
  weight: Float64Array,
) {
  const { frameLines } = await import("./frame_lines.ts");
  const placed = {
    object: frames.object.values(),
    address: frames.address.values(),
    returns: frames.returns.values(),
    weight,
  };
  const bundledOf = (object: ObjectInfo) => symbolizer.bundledOf(object);
  return frameLines(placed, spaces.objects.rows, { files, budget, bundledOf });
}

/** Finds the functions inlined at each frame; returns what adds frames for them to the profile. */
async function findInlined(
  { inlined, frameSymbols, builder: { stacks }, budget }: ReadRecording,
  { mangled }: LoadOptions,
) {
  if (inlined === undefined) return undefined;
  const found = inlined.ofFrames(frameSymbols.chains());
  inlined.close();
  const { expandInlined, expansionBytes } = await import("./inlined/expand_inlined.ts");
  if (!(expansionBytes(found, stacks.frame.values()) <= LIMITS.inlinedMemory * budget.factor)) {
    return { expand: (profile: Profile) => profile, warnings: [...inlined.warnings, TOO_MANY_INLINED] };
  }
  const names = found.functions.map(({ name }) => name);
  const shown: { names: string[]; warning?: string } = mangled ? { names } : await readable(names);
  return {
    expand: (profile: Profile) => expandInlined(profile, found, shown.names.map(shortened)),
    warnings: shown.warning ? [...inlined.warnings, shown.warning] : inlined.warnings,
  };
}

/** Makes the profile of what was read and found. */
function profileOf(
  { header, stats, reader, spaces, frames, placed, symbolizer, builder, copies }: ReadRecording,
  { samples, symbols, unnamed, frames: symbolized, unresolved }: FoundSymbols,
  lines: Profile["lines"],
  { callers, fetches }: { callers: boolean; fetches: (object: ObjectInfo) => boolean },
): Profile {
  const events = header.events.map(({ name, attr }) => ({
    name,
    rate: rateText(attr),
    tracksOnly: attr.type === PERF_TYPE.SOFTWARE && Number(attr.config) === PERF_COUNT_SW.DUMMY,
    ...attr.type === PERF_TYPE.TRACEPOINT ? { isTracepoint: true } : {},
  }));
  const rates = events.filter(({ tracksOnly }) => !tracksOnly).map(({ rate }) => rate);
  const ledger = ledgerOf(header, stats, reader.ledger.close(stats.timeLast, lossesOverlap(header)));
  const { threads, processes, comms } = builder.tasks;
  const stacks = builder.marked.summary(header.events, sessionOf(header.features)) ?? copies?.summary();
  return {
    meta: metaOf({ header, stats, builder, timeBase: reader.timeBase, ledger, rates, callers, stacks }),
    events,
    comms,
    objects: spaces.objects.rows.map(({ name, path, kind, buildId }) => ({
      name,
      path,
      kind,
      buildId: buildId ?? "",
    })),
    symbols,
    frames: {
      object: frames.object.values(),
      address: frames.address.values(),
      ...symbolized,
      ...placed && { ip: placed.ip.values(), offset: offsetsOf(frames, symbolized.symbol, symbolizer) },
    },
    unnamed,
    stacks: { parent: builder.stacks.parent.values(), frame: builder.stacks.frame.values() },
    threads: { pid: threads.pid.values(), tid: threads.tid.values(), comm: threads.comm.values() },
    processes: { pid: processes.pid.values(), comm: processes.comm.values() },
    samples,
    times: builder.times && timesInOrder(builder.times, builder.firstTime),
    unresolved: unresolved.map(({ object, reason, detail, weight }) => ({
      object: object.name,
      cause: missingSymbolCause(reason, detail),
      remedy: missingSymbolRemedy(reason, object, { fetches: fetches(object) }),
      samples: weight,
    })),
    lines,
  };
}

/** Returns how many bytes each frame is behind the start of its symbol; NaN where it has none. */
function offsetsOf({ address }: FrameTable, symbol: Int32Array, symbolizer: Symbolizer): Float64Array {
  return Float64Array.from(
    symbol,
    (id, frame) => id < 0 ? NaN : address.data[frame] - symbolizer.symbol(id).start,
  );
}

/** Explains why the samples of thread row `outsiders` have no names: their processes are outside the pid namespace. */
function namespaceWarning({ thread, count }: SampleColumns, outsiders: number): string {
  let outside = 0;
  for (let row = 0; row < thread.length; row++) if (thread[row] === outsiders) outside += count[row];
  return `${outside} samples are of processes outside the recorded pid namespace (container): the kernel does not report their ` +
    "pids, names or mappings, so they are shown as one process: record on the host to tell them apart";
}

/** Cuts the slices out of a profile that has all times. */
function cutOut(whole: Profile, within: TimeSelection, keepTimes: boolean): Profile {
  const { start, end } = whole.meta;
  if (!whole.times?.at.length) return whole;
  const cut = cutTimes(whole, timeTest(within, () => start, { first: start, last: end }));
  return keepTimes ? cut : { ...cut, times: undefined };
}

/** Returns the samples one by one, sorted by time, in ns since the first one. One without a time stays behind the one before. */
function timesInOrder({ at, sample, period, texts }: TimeTable, first: number): Profile["times"] {
  const times = {
    at: at.values().map((time) => time - first),
    sample: sample.values(),
    period: period.values(),
    ...texts.length > 0 ? { texts: Array.from({ length: at.length }, (_, row) => texts[row] ?? "") } : {},
  };
  let latest = 0;
  const since = times.at.map((time) => time === time ? latest = time : latest);
  if (since.every((time, row) => row === 0 || time >= since[row - 1])) return times;
  const order = Int32Array.from(since.keys()).sort((a, b) => since[a] - since[b] || a - b);
  return {
    at: Float64Array.from(order, (row) => times.at[row]),
    sample: Int32Array.from(order, (row) => times.sample[row]),
    period: Float64Array.from(order, (row) => times.period[row]),
    ...times.texts ? { texts: Array.from(order, (row) => times.texts![row]) } : {},
  };
}

/** Returns the addresses of the frames of an object. */
function addressesIn({ object, address }: FrameTable, id: number): Float64Array {
  return address.values().filter((_, frame) => object.data[frame] === id);
}
