/** Loading of a profile from a perf.data file or pipe: read, build, symbolize, check. */

import { PERF_COUNT_SW, PERF_RECORD_MISC, PERF_TYPE } from "../../base/system/abi.ts";
import type { ByteInput } from "../../base/bytes/byte_source.ts";
import { BadInputError } from "../../base/system/errors.ts";
import { CLOCK } from "../../base/system/numbers.ts";
import { addressFromBigint } from "../../base/bytes/address.ts";
import { append } from "../../base/bytes/lists.ts";
import { rateText } from "../../events/attr.ts";
import { PerfDataReader, type PerfHeader, type ReadStats } from "../../perfdata/read/reader.ts";
import { refuseDamage, sessionOf } from "../../perfdata/read/damage.ts";
import type { Features } from "../../perfdata/format/features.ts";
import { AddressSpaces } from "../../symbols/space/address_space.ts";
import { isModule, KERNEL_MAP, type ObjectInfo } from "../../symbols/object/objects.ts";
import type { RecordedMachine } from "../../symbols/files/recorded_machine.ts";
import { Budget, LIMITS } from "../../symbols/object/limits.ts";
import { mayFetch, type SymbolFiles } from "../../symbols/files/symbol_files.ts";
import { Symbolizer, type UnresolvedWeight } from "../../symbols/symbolizer.ts";
import { missingSymbolCause, missingSymbolRemedy } from "../../symbols/object/missing_symbol_reasons.ts";
import { ProfileBuilder } from "./builder.ts";
import type { UserStacks } from "./stacks/user_stacks.ts";
import { CarriedNames } from "./carried_names.ts";
import { brokenChainWarning, followsFramePointers } from "./broken_chains.ts";
import { cutTimes } from "../query/filter.ts";
import { FrameSymbols } from "./frame_symbols.ts";
import type { InlinedFrames, InlinedOptions } from "./inlined/inlined_frames.ts";
import type { TracepointTexts } from "../../perfdata/tracepoints/texts.ts";
import { JitCodeLoader } from "./jit_code_loader.ts";
import { ledgerOf, lossesOverlap, metaOf } from "./profile_meta.ts";
import { shortened } from "../../symbols/table/demangle.ts";
import { readable, symbolsFrom } from "./readable_names.ts";
import { checkValid, type Profile } from "../model/profile.ts";
import { FrameTable, PlacedFrames, type SampleColumns, type TimeTable } from "../model/tables.ts";
import { clockText, type TimeSelection, timeTest } from "../request/time_ranges.ts";

/** Warning about a profile whose inlined functions would take too much memory. */
const TOO_MANY_INLINED =
  `inlined functions are not shown: their frames are over the limit of ${
    LIMITS.inlinedMemory >> 20
  } MiB of memory: ` +
  "choose a part of the recording with --time, or if you trust its programs, raise the limits with PMUCTL_LIMIT_FACTOR=4";

/** Options of loadProfile(). */
export interface LoadOptions {
  /** Keep symbol names as compilers wrote them; default: demangle them. */
  mangled?: boolean;
  /**
   * Demangle only symbols with at least this share, in percent, of an event's weight. For reports that show no others:
   * demangling takes as long as reading a hundred thousand samples.
   */
  readableFrom?: number;
  /** Keep only the innermost frame of each stack. */
  leafOnly?: boolean;
  /** Count samples that differ only in their CPU in one row, with CPU -1. */
  mergeCpus?: boolean;
  /** Count threads with the same name as one, whatever their processes, with the ids of the first. */
  mergeThreads?: boolean;
  /**
   * Treat all addresses of a symbol as the first one seen: faster, and far smaller. Has no effect where symbols are
   * known only after all records were read: for pipes, and with `lines`.
   */
  mergeAddresses?: boolean;
  /**
   * Keep the addresses that were sampled apart even with `mergeAddresses`, which then merges those of callers alone, and
   * where symbols are (`symbols.start`, `symbols.end`): what annotations need.
   */
  sampledAddresses?: boolean;
  /** Keep the time of every sample (`Profile.times`). */
  times?: boolean;
  /** Keep samples without a time too where `times` is set: their time is NaN, and their order that of the recording. */
  untimed?: boolean;
  /** Keep what tracepoints carry, as text, with the times (`times.texts`). */
  texts?: boolean;
  /** Keep only the samples of these times. */
  within?: TimeSelection;
  /**
   * Keep where in memory each frame was, how far into its symbol (`frames.ip`, `frames.offset`), and where that is
   * (`symbols.start`, `symbols.end`).
   */
  places?: boolean;
  /**
   * Receives the objects as they were mapped, by their rows in the profile, and the symbolizer that has loaded them: for
   * those who read their files.
   */
  seeObjects?: (objects: readonly ObjectInfo[], symbolizer: Symbolizer) => void;
  /** Find the source line of every frame (`Profile.lines`). */
  lines?: boolean;
  /** Show the functions that were inlined where a frame is as frames of their own. */
  inline?: boolean;
  /** Leave copies of stacks unread, rather than unwind them. */
  noUnwind?: boolean;
  /** Take note of the unwound stacks, and of the addresses in texts, so that a bundle can carry them. */
  forBundle?: boolean;
  /** Load what comes before damage, with a warning; default: throw. */
  force?: boolean;
}

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
  if (builder.outsiders >= 0) warnings.push(namespaceWarning(symbols.samples, builder.outsiders));
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

/** A recording that has been read to its end, and the tables that its records filled. */
export interface ReadRecording {
  header: PerfHeader;
  stats: ReadStats;
  reader: PerfDataReader;
  spaces: AddressSpaces;
  /** Names that the recording brings along. */
  carried: CarriedNames;
  jit: JitCodeLoader;
  symbolizer: Symbolizer;
  frames: FrameTable;
  /** Frames by where they were in memory; undefined unless asked for. */
  placed: PlacedFrames | undefined;
  frameSymbols: FrameSymbols;
  /** Finder of inlined functions; undefined unless asked for. */
  inlined: InlinedFrames | undefined;
  builder: ProfileBuilder;
  /** Limits on what reading symbols and lines may cost. */
  budget: Budget;
  /** Unwinder of stack copies; undefined if there was nothing to unwind. */
  copies: UserStacks | undefined;
  /** Addresses of the kernel that texts of samples name, by object; undefined unless for a bundle. */
  asked: Map<number, Set<number>> | undefined;
  /** Samples outside `within` have yet to be cut out. */
  cutLater: boolean;
}

/** Reads all records of `input` into tables. Throws as loadProfile() does. */
export async function readRecording(
  input: ByteInput,
  files: SymbolFiles,
  options: LoadOptions,
): Promise<ReadRecording> {
  const reader = new PerfDataReader(input, { damaged: "stop" });
  const header = await reader.open();
  const { within } = options;
  const { sampleTime } = header.features;
  const spaces = new AddressSpaces();
  const carried = new CarriedNames(files);
  await applyFeatures(header, input, { spaces, files, carried });
  // slices need the times of the whole recording: if the header does not have them, read everything, then cut
  const cutLater = within !== undefined && "slices" in within && sampleTime === undefined;
  const budget = new Budget();
  const timeBase = isMonotonic(header) ? () => reader.timeBase : undefined;
  const jit = new JitCodeLoader({ spaces, files, budget, carried, timeBase });
  const objects = spaces.objects.rows, lines = options.lines ?? false;
  const symbolizer = new Symbolizer(files, { budget, carried, needsInfo: lines || options.inline });
  const frames = new FrameTable(options.inline || lines);
  const placed = options.places ? new PlacedFrames(frames) : undefined;
  const inlined = options.inline
    ? await inlinedFrames({ objects, symbolizer, files, budget, lines })
    : undefined;
  const frameSymbols = new FrameSymbols({ frames, objects, symbolizer, inlined });
  const merge = options.mergeAddresses && !placed && !options.lines && header.complete;
  const copies = await userStacksOf(header, { spaces, files, carried }, options);
  const asked = options.forBundle ? new Map<number, Set<number>>() : undefined;
  const texts = options.texts ? await tracepointTexts(header, { spaces, symbolizer, asked }) : undefined;
  const builder = new ProfileBuilder(spaces, merge ? frameSymbols : placed ?? frames, {
    jit,
    copies,
    texts,
    sampled: merge && options.sampledAddresses ? frameSymbols.apart : undefined,
    leafOnly: options.leafOnly,
    mergeCpus: options.mergeCpus,
    mergeThreads: options.mergeThreads,
    times: options.times || cutLater,
    untimed: options.untimed,
    within: within && !cutLater ? timeTest(within, () => reader.timeBase, sampleTime) : undefined,
    isUnwound: (event) => !followsFramePointers(header.events[event]),
  });
  const needsKernel = !carried.hasKernel &&
    header.events.some(({ attr }) => !attr.flags.has("excludeKernel"));
  const kernel = needsKernel ? files.preloadKernel?.() : undefined;
  if (merge || texts) await kernel;
  const stats = readAll(reader, builder, copies);
  if (!options.force) refuseDamage(stats);
  if (within && stats.samples > 0 && stats.timeFirst === undefined) {
    throw new BadInputError(`cannot cut ${input.name} by time: its samples have no times: leave --time out`);
  }
  // the features of a pipe come with its records
  if (!header.complete) await applyFeatures(header, input, { spaces, files, carried });
  await kernel;
  if (sessionOf(header.features)?.pidNamespace || builder.outsiders >= 0) builder.nameOutsiders();
  const recording = { header, stats, reader, spaces, carried, jit, symbolizer, budget };
  return { ...recording, frames, placed, frameSymbols, inlined, builder, copies, asked, cutLater };
}

/** Makes the finder of inlined functions, whose code is loaded for reports that show them. */
async function inlinedFrames(options: InlinedOptions): Promise<InlinedFrames> {
  return new (await import("./inlined/inlined_frames.ts")).InlinedFrames(options);
}

/** Makes the texts of what tracepoints carry, with names for addresses of the kernel. */
async function tracepointTexts(
  { events, features }: PerfHeader,
  names: Parameters<typeof kernelName>[1],
): Promise<TracepointTexts> {
  const { TracepointTexts } = await import("../../perfdata/tracepoints/texts.ts");
  const nameOf = (address: bigint) => kernelName(addressFromBigint(address), names);
  return new TracepointTexts({ events, features, nameOf });
}

/**
 * Returns what finds the callers of samples with a copied stack: the recording, if it carries them, or what unwinds the
 * copies; undefined where there are none, or nobody asks for callers.
 */
async function userStacksOf(
  header: PerfHeader,
  { spaces, files, carried }: { spaces: AddressSpaces; files: SymbolFiles; carried: CarriedNames },
  { leafOnly, noUnwind, forBundle }: LoadOptions,
): Promise<UserStacks | undefined> {
  if (leafOnly || noUnwind || !header.events.some(({ layout }) => layout.tail.copiesStack)) return undefined;
  const known = await carried.stacks(spaces.objects);
  if (known) return known;
  const { StackCopies } = await import("./stacks/stack_copies.ts");
  const machine = () => header.features.arch ?? "";
  const copies = new StackCopies({ spaces, files, events: header.events, machine });
  if (!forBundle) return copies;
  const { LoggedStacks } = await import("./stacks/carried_stacks.ts");
  return new LoggedStacks(copies);
}

/** Gives all records to `builder`, and closes what `copies` has opened. */
function readAll(
  reader: PerfDataReader,
  builder: ProfileBuilder,
  copies: UserStacks | undefined,
): ReadStats {
  try {
    const stats = reader.read(builder);
    builder.finish();
    return stats;
  } finally {
    copies?.close();
  }
}

/** Gives objects their recorded build ids, symbol files the recorded machine, and `carried` the recording's bundle. */
async function applyFeatures(
  { features }: PerfHeader,
  input: ByteInput,
  { spaces, files, carried }: { spaces: AddressSpaces; files: SymbolFiles; carried: CarriedNames },
): Promise<void> {
  setBuildIds(spaces, features);
  files.setMachine?.(machineOf(features, input));
  await carried.load(features);
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
  { mangled, readableFrom, sampledAddresses }: LoadOptions,
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
    ...(placed || sampledAddresses) && {
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
  const { threads, processes, comms } = builder;
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

/** Returns the name of the kernel's function at an address, if its symbols are loaded. */
function kernelName(
  address: number,
  { spaces, symbolizer, asked }: Pick<ReadRecording, "spaces" | "symbolizer" | "asked">,
) {
  const object = spaces.find(-1, address, PERF_RECORD_MISC.KERNEL);
  if (asked && object >= 0) {
    const of = asked.get(object);
    if (of) of.add(spaces.at);
    else asked.set(object, new Set([spaces.at]));
  }
  const id = object < 0 ? -1 : symbolizer.symbolize(spaces.objects.rows[object], spaces.at);
  if (id < 0) return undefined;
  const { name, start } = symbolizer.symbol(id);
  return { name, offset: spaces.at - start };
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

/** Gives the objects the build ids that the recording lists. */
function setBuildIds({ objects }: AddressSpaces, { buildIds }: Features): void {
  for (const entry of buildIds) {
    // the kernel's may be listed by the path of a vmlinux; a guest's belongs to another machine
    const mode = entry.misc & PERF_RECORD_MISC.CPUMODE_MASK;
    const isKernel = mode === PERF_RECORD_MISC.KERNEL && entry.pid === -1 && !isModule(entry.filename);
    objects.setBuildId(isKernel ? KERNEL_MAP : entry.filename, entry.buildId);
  }
}

/**
 * Returns where and when the recording was made. If the recording does not say when it ended, it was no later than the
 * time of the file.
 */
function machineOf(features: Features, { modified }: ByteInput): RecordedMachine {
  const session = sessionOf(features);
  return {
    hostname: features.hostname ?? "",
    osrelease: features.osrelease ?? "",
    arch: features.arch ?? "",
    ended: session?.ended ?? modified,
    processes: session?.jitProcesses ?? [],
  };
}

/** Returns whether the recording's times are of CLOCK_MONOTONIC. */
function isMonotonic({ events }: PerfHeader): boolean {
  return events.some(({ attr }) => attr.flags.has("useClockid") && attr.clockid === CLOCK.MONOTONIC);
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

/** Returns the number of samples in which each frame is the innermost. */
export function frameWeights(frames: FrameTable, { stacks, samples }: ProfileBuilder): Float64Array {
  const weight = new Float64Array(frames.object.length);
  samples.forEach((stack, count) => weight[stacks.frame.data[stack]] += count);
  return weight;
}
