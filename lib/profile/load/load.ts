/** From a perf.data file or pipe to a profile: read, build, symbolize, check. */

import {
  PERF_COUNT_SW,
  PERF_FORMAT,
  PERF_RECORD_MISC,
  PERF_SAMPLE,
  PERF_TYPE,
} from "../../base/system/abi.ts";
import type { ByteInput } from "../../base/bytes/byte_source.ts";
import { BadInputError } from "../../base/system/errors.ts";
import { append, greatest } from "../../base/bytes/lists.ts";
import { rateText } from "../../events/attr.ts";
import { PerfDataReader, type PerfHeader, type ReadStats } from "../../perfdata/read/reader.ts";
import { damageWarning, isUnfinished, refuseDamage, sessionOf } from "../../perfdata/read/damage.ts";
import type { Features } from "../../perfdata/format/features.ts";
import { LOSSES, lossWarnings, lostIn, unaccounted, UNFINISHED } from "../../perfdata/format/ledger.ts";
import type { RecordLedger } from "../../perfdata/read/record_ledger.ts";
import { cpuChangeText, type LedgerCounts } from "../../perfdata/format/session_info.ts";
import { AddressSpaces } from "../../symbols/space/address_space.ts";
import { Demangler, isMangled } from "../../symbols/table/demangle.ts";
import { isModule, KERNEL_MAP } from "../../symbols/object/objects.ts";
import type { RecordedMachine } from "../../symbols/files/recorded_machine.ts";
import { Budget } from "../../symbols/object/limits.ts";
import type { SymbolFiles } from "../../symbols/files/symbol_files.ts";
import { Symbolizer } from "../../symbols/symbolizer.ts";
import { missingSymbolCause, missingSymbolRemedy } from "../../symbols/object/missing_symbol_reasons.ts";
import { ProfileBuilder } from "./builder.ts";
import { cutTimes } from "../query/filter.ts";
import { FrameSymbols } from "./frame_symbols.ts";
import { chainWarnings, notShown } from "./not_shown.ts";
import { JitCodeLoader } from "./jit_code_loader.ts";
import {
  checkValid,
  countingSort,
  type Profile,
  type ProfileLedger,
  type ProfileMeta,
} from "../model/profile.ts";
import { FrameTable, type SampleColumns, type TimeTable } from "../model/tables.ts";
import { clockText, type TimeRanges, timeTest } from "../query/time_ranges.ts";

const CLOCK_MONOTONIC = 1;
/** Letters of a symbol's name that are kept: templates and closures make names of some thousand. */
const MAX_NAME = 4096;

export interface LoadOptions {
  /** Symbol names as compilers wrote them, rather than readable. */
  mangled?: boolean;
  /**
   * Make readable only names of symbols with at least this share, in percent, of an event's weight, for what
   * shows no others: it takes as long as reading a hundred thousand samples.
   */
  readableFrom?: number;
  /** Leave the callers out: each stack is its innermost frame. */
  leafOnly?: boolean;
  /** Take samples that differ only in their CPU for alike: all rows have CPU -1. */
  mergeCpus?: boolean;
  /** Take threads of one name for one, whatever their processes: it goes by the ids of the first. */
  mergeThreads?: boolean;
  /**
   * Take addresses of one symbol for one, the first: faster, and smaller by far. Not done where symbols can only be
   * told when all has been read: of a pipe, and with `lines`.
   */
  mergeAddresses?: boolean;
  /** Keep the time of every sample (`Profile.times`). */
  times?: boolean;
  /** Only the samples of these times. */
  within?: TimeRanges;
  /** Find the source line of every frame (`Profile.lines`). */
  lines?: boolean;
  /** Take what comes before damage, and warn, rather than throw. */
  force?: boolean;
}

/**
 * Reads all of `input`. Throws BadInputError when it is not perf.data, or is damaged and not `force`d.
 */
export async function loadProfile(
  input: ByteInput,
  files: SymbolFiles,
  options: LoadOptions = {},
): Promise<Profile> {
  const reader = new PerfDataReader(input, { damaged: "stop" });
  const header = await reader.open();
  const spaces = new AddressSpaces();
  setBuildIds(spaces, header.features);
  const { within } = options;
  const { sampleTime } = header.features;
  // a slice of the whole needs to know the whole: where the header does not say, all is read first, then cut
  const cutLater = within !== undefined && "slices" in within && sampleTime === undefined;
  files.setMachine?.(machineOf(header.features, input));
  const budget = new Budget();
  const jit = new JitCodeLoader(
    spaces,
    files,
    budget,
    isMonotonic(header) ? () => reader.timeBase : undefined,
  );
  const symbolizer = new Symbolizer(files, budget);
  const frames = new FrameTable();
  const frameSymbols = new FrameSymbols(frames, spaces.objects.rows, symbolizer);
  const merge = options.mergeAddresses && !options.lines && header.complete;
  const builder = new ProfileBuilder(spaces, merge ? frameSymbols : frames, {
    jit,
    leafOnly: options.leafOnly,
    mergeCpus: options.mergeCpus,
    mergeThreads: options.mergeThreads,
    times: options.times || cutLater,
    within: within && !cutLater ? timeTest(within, () => reader.timeBase, sampleTime) : undefined,
  });
  const kernel = header.events.some(({ attr }) => !attr.flags.has("excludeKernel"))
    ? files.preloadKernel?.()
    : undefined;
  if (merge) await kernel;
  const stats = reader.read(builder);
  if (!options.force) refuseDamage(stats);
  if (within && stats.samples > 0 && stats.timeFirst === undefined) {
    throw new BadInputError(`cannot cut ${input.name} by time: its samples have no times`);
  }

  if (!header.complete) {
    // what a pipe tells of itself comes with the records
    setBuildIds(spaces, header.features);
    files.setMachine?.(machineOf(header.features, input));
  }
  await kernel;
  const { stacks, threads, outsiders } = builder;
  if (sessionOf(header.features)?.pidNamespace || outsiders >= 0) builder.nameOutsiders();
  const sampled = new Set(frames.object.values());
  await symbolizer.prepare(spaces.objects.rows.filter(({ id }) => sampled.has(id)));
  frameSymbols.find();
  const weight = frameWeights(frames, builder);
  const samples = builder.samples.columns();
  const { frames: symbolized, unnamed } = frameSymbols.columns(weight);
  const unresolved = symbolizer.unresolved();
  const names: string[] = [];
  const symbolObjects = new Int32Array(symbolizer.count);
  for (let id = 0; id < symbolizer.count; id++) {
    const { name, object } = symbolizer.symbol(id);
    names.push(name);
    symbolObjects[id] = object.id;
  }
  const isShown = options.readableFrom === undefined
    ? undefined
    : symbolsFrom(options.readableFrom, names.length, symbolized.symbol, stacks.frame.data, samples);
  const shown = options.mangled ? { names } : await readable(names, isShown);
  const placed = { object: frames.object.values(), address: frames.address.values() };
  const sources = options.lines
    ? await (await import("./frame_lines.ts")).frameLines(
      { ...placed, weight },
      spaces.objects.rows,
      files,
      budget,
    )
    : undefined;
  const events = header.events.map(({ name, attr }) => ({
    name,
    rate: rateText(attr),
    tracksOnly: attr.type === PERF_TYPE.SOFTWARE && Number(attr.config) === PERF_COUNT_SW.DUMMY,
  }));
  const whole: Profile = {
    meta: metaOf({
      header,
      stats,
      builder,
      timeBase: reader.timeBase,
      ledger: ledgerOf(header, stats, reader.ledger.close(stats.timeLast, lossesOverlap(header))),
      rates: events.filter(({ tracksOnly }) => !tracksOnly).map(({ rate }) => rate),
      callers: !options.leafOnly,
    }),
    events,
    comms: builder.comms,
    objects: spaces.objects.rows.map(({ name, path, kind, buildId }) => ({
      name,
      path,
      kind,
      buildId: buildId ?? "",
    })),
    symbols: { name: shown.names.map(shortened), object: symbolObjects },
    frames: { ...placed, ...symbolized },
    unnamed,
    stacks: { parent: stacks.parent.values(), frame: stacks.frame.values() },
    threads: { pid: threads.pid.values(), tid: threads.tid.values(), comm: threads.comm.values() },
    processes: { pid: builder.processes.pid.values(), comm: builder.processes.comm.values() },
    samples,
    times: builder.times && timesInOrder(builder.times, builder.firstTime),
    unresolved: unresolved.map(({ object, reason, detail, weight }) => ({
      object: object.name,
      cause: missingSymbolCause(reason, detail),
      remedy: missingSymbolRemedy(reason, object),
      samples: weight,
    })),
    lines: sources?.lines,
  };
  const profile = cutLater ? cutOut(whole, within, options.times ?? false) : whole;
  if (within && profile.samples.count.length === 0 && stats.timeFirst !== undefined) {
    const first = clockText(stats.timeFirst), last = clockText(stats.timeLast!);
    profile.meta.warnings.push(`no sample is within --time: the recording is from ${first} to ${last}`);
  }
  for (
    const warning of [
      outsiders >= 0 ? namespaceWarning(samples, outsiders) : undefined,
      ...jit.warnings,
      ...symbolizer.warnings,
      shown.warning,
      ...sources?.warnings ?? [],
    ]
  ) {
    if (warning) profile.meta.warnings.push(warning);
  }
  checkValid(profile);
  return profile;
}

/** Why samples of the thread row `outsiders` have no names: they are of processes outside a pid namespace. */
function namespaceWarning({ thread, count }: SampleColumns, outsiders: number): string {
  let outside = 0;
  for (let row = 0; row < thread.length; row++) if (thread[row] === outsiders) outside += count[row];
  return `${outside} samples are of processes outside the pid namespace (container) that was recorded in: the kernel tells ` +
    `no pid, name or mapping of those, so that they are one process here; record on the host to tell them apart`;
}

/** Tells the objects the build ids that the recording lists. */
function setBuildIds({ objects }: AddressSpaces, { buildIds }: Features): void {
  for (const entry of buildIds) {
    // the kernel's own may be listed by the path of a vmlinux; a guest's are of another machine
    const mode = entry.misc & PERF_RECORD_MISC.CPUMODE_MASK;
    const isKernel = mode === PERF_RECORD_MISC.KERNEL && entry.pid === -1 && !isModule(entry.filename);
    objects.setBuildId(isKernel ? KERNEL_MAP : entry.filename, entry.buildId);
  }
}

/** Where and when it was recorded. What it does not say itself, the time of the file says: it ended before that. */
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

/** Whether times are of CLOCK_MONOTONIC, as they are when that was asked for. */
function isMonotonic({ events }: PerfHeader): boolean {
  return events.some(({ attr }) => attr.flags.has("useClockid") && attr.clockid === CLOCK_MONOTONIC);
}

/** The slices of a profile that has all times, which it keeps if asked to. */
function cutOut(whole: Profile, within: TimeRanges, keepTimes: boolean): Profile {
  const { start, end } = whole.meta;
  if (!whole.times?.at.length) return whole;
  const cut = cutTimes(whole, timeTest(within, () => start, { first: start, last: end }));
  return keepTimes ? cut : { ...cut, times: undefined };
}

/** The samples one by one, from the first one's time on, in order even where some came late. */
function timesInOrder({ at, sample, period }: TimeTable, first: number): Profile["times"] {
  const times = {
    at: at.values().map((time) => time - first),
    sample: sample.values(),
    period: period.values(),
  };
  if (times.at.every((time, row) => row === 0 || time >= times.at[row - 1])) return times;
  const order = Int32Array.from(times.at.keys()).sort((a, b) => times.at[a] - times.at[b] || a - b);
  return {
    at: Float64Array.from(order, (row) => times.at[row]),
    sample: Int32Array.from(order, (row) => times.sample[row]),
    period: Float64Array.from(order, (row) => times.period[row]),
  };
}

/** How many samples each frame was innermost in. */
function frameWeights(frames: FrameTable, { stacks, samples }: ProfileBuilder): Float64Array {
  const weight = new Float64Array(frames.object.length);
  samples.forEach((stack, count) => weight[stacks.frame.data[stack]] += count);
  return weight;
}

/** Whether a symbol is innermost in at least `percent` of the weight of one of the events, by symbol. */
function symbolsFrom(
  percent: number,
  symbols: number,
  symbolOfFrame: Int32Array,
  frameOfStack: Int32Array,
  { event, stack, period }: SampleColumns,
): (symbol: number) => boolean {
  const isShown = new Uint8Array(symbols), weight = new Float64Array(symbols);
  const least = percent / 100 * (1 - 1e-9); // whoever compares rows with the limit may round otherwise
  const symbolOf = (row: number) => symbolOfFrame[frameOfStack[stack[row]]];
  // event by event, since there may be very many of either
  const { order, ends } = countingSort(event, Math.max(0, greatest(event) + 1));
  for (let e = 0, from = 0; e < ends.length; from = ends[e++]) {
    const rows = order.subarray(from, ends[e]);
    let whole = 0;
    for (const row of rows) {
      const symbol = symbolOf(row);
      if (symbol >= 0) weight[symbol] += period[row];
      whole += period[row];
    }
    for (const row of rows) {
      const symbol = symbolOf(row);
      if (symbol >= 0 && weight[symbol] >= whole * least) isShown[symbol] = 1;
    }
    for (const row of rows) if (symbolOf(row) >= 0) weight[symbolOf(row)] = 0;
  }
  return (symbol) => isShown[symbol] === 1;
}

/** The names of the symbols that are shown made readable; as they are, with a warning, where that cannot be done. */
async function readable(
  names: string[],
  isShown: (symbol: number) => boolean = () => true,
): Promise<{ names: string[]; warning?: string }> {
  if (!names.some((name, symbol) => isMangled(name) && isShown(symbol))) return { names };
  const demangler = await Demangler.load();
  if (demangler instanceof Demangler) {
    const shown = names.map((name, symbol) => isShown(symbol) ? demangler.readable(name) : name);
    const { refused } = demangler;
    return {
      names: shown,
      warning: refused > 0
        ? `${refused} C++ and Rust names are as compilers wrote them: readable ones would be too long, or take too ` +
          "long to make"
        : undefined,
    };
  }
  return {
    names,
    warning: `C++ and Rust names are as compilers wrote them: the demangler cannot be loaded ` +
      `(${demangler.failure}): let this user read what pmuctl has fetched, or use its compiled program`,
  };
}

/** The name, or the start of a very long one: every row and every frame of a stack may show it. */
function shortened(name: string): string {
  return name.length > MAX_NAME ? `${name.slice(0, MAX_NAME)}…` : name;
}

/** What a reading has come to. */
interface Loaded {
  header: PerfHeader;
  stats: ReadStats;
  builder: ProfileBuilder;
  /** What the builder's time 0 means, in ns of the recording's clock. */
  timeBase: bigint;
  ledger: ProfileLedger;
  /** How each event was sampled. */
  rates: readonly string[];
  /** Whether call chains were looked at. */
  callers: boolean;
}

function metaOf({ header, stats, builder, timeBase, ledger, rates, callers }: Loaded): ProfileMeta {
  const { features, events } = header;
  const { firstTime, lastTime, chains } = builder;
  const timed = lastTime >= firstTime;
  const session = sessionOf(features);
  const warnings = callers ? chainWarnings(chains, stats) : [];
  const damaged = damageWarning(stats);
  if (damaged) warnings.push(damaged);
  if (stats.unknownIds > 0) {
    warnings.push(`${stats.unknownIds} samples are of no event that the file describes`);
  }
  if (stats.outOfOrder > 0) warnings.push(`${stats.outOfOrder} records came too late to be sorted by time`);
  if (ledger.unfinished) warnings.push(UNFINISHED);
  append(warnings, lossWarnings(ledger.total, rates));
  const wrong = session && !ledger.unfinished && !stats.damage &&
    unaccounted(session.ledger.total, stats.samples + stats.unknownIds);
  if (wrong) warnings.push(wrong);
  for (const { seconds, from, to, reason } of session?.rateChanges ?? []) {
    warnings.push(`the rate was lowered from ${from} to ${to} Hz after ${seconds.toFixed(1)} s: ${reason}`);
  }
  append(warnings, (session?.cpuChanges ?? []).map(cpuChangeText));
  return {
    command: (session?.command ?? features.cmdline ?? []).join(" "),
    host: features.hostname ?? "",
    kernel: features.osrelease ?? "",
    arch: features.arch ?? "",
    cpu: features.cpudesc ?? "",
    cpus: features.nrcpus?.online ?? -1,
    seconds: timed ? (lastTime - firstTime) / 1e9 : -1,
    start: timed ? timeBase + BigInt(firstTime) : -1n,
    end: timed ? timeBase + BigInt(lastTime) : -1n,
    wallStart: timed ? wallTime(features, timeBase + BigInt(firstTime)) : -1,
    sampling: session?.events ?? [],
    callChains: events.some(({ attr, layout }) =>
      (attr.sampleType & PERF_SAMPLE.CALLCHAIN) !== 0 || layout.tail.callStack
    ),
    lost: ledger.unfinished ? -1 : lostIn(ledger.total),
    ledger,
    warnings,
    notes: notShown(events, stats),
  };
}

/** A time of the recording's clock as the wall clock's, in ms since 1970; -1 when the file does not relate the two. */
function wallTime({ clockData }: Features, time: bigint): number {
  return clockData ? Number(clockData.wallClock + time - clockData.clock) / 1e6 : -1;
}

/** Whether LOST_SAMPLES has what LOST tells, too: perf adds one at the end, of PERF_FORMAT_LOST. Ours has a ledger for that. */
function lossesOverlap({ features, events }: PerfHeader): boolean {
  return !features.version?.startsWith("pmuctl") &&
    events.some(({ attr }) => (attr.readFormat & PERF_FORMAT.LOST) !== 0);
}

/**
 * The recorder's ledger, with what the records alone tell; or theirs. Of a recording that was not finished, what its
 * records tell but for what was lost: they have some of that, and nobody has all.
 */
function ledgerOf(
  header: PerfHeader,
  stats: ReadStats,
  told: ReturnType<RecordLedger["close"]>,
): ProfileLedger {
  const session = sessionOf(header.features);
  if (isUnfinished(header, stats)) {
    const known = (row: LedgerCounts): LedgerCounts =>
      Object.fromEntries(
        Object.entries(row).filter(([name]) => !LOSSES.some((loss) => loss === name)),
      ) as LedgerCounts;
    const ledger = session?.ledger.total;
    const cutOff = ledger ? Math.max(0, ledger.sample - stats.samples - stats.unknownIds) : 0;
    const atLeast = Math.max(lostIn(told.total), ledger ? lostIn(ledger) + cutOff : 0);
    return { from: "records", rows: told.rows.map(known), total: known(told.total), unfinished: { atLeast } };
  }
  if (!session) return { from: "records", ...told };
  const withTimes = (row: LedgerCounts, of: LedgerCounts | undefined) =>
    of?.throttle ? { ...row, throttled_ns: of.throttled_ns } : row;
  return {
    from: "recorder",
    rows: session.ledger.rows.map((row) => withTimes(row, told.rows.find(({ cpu }) => cpu === row.cpu))),
    total: withTimes(session.ledger.total, told.total),
  };
}
