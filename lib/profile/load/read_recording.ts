/** Reading of a recording to its end: its records fill the tables that a profile is made of. */

import { PERF_RECORD_MISC } from "../../base/system/abi.ts";
import type { ByteInput } from "../../base/bytes/byte_source.ts";
import { BadInputError } from "../../base/system/errors.ts";
import { CLOCK } from "../../base/system/numbers.ts";
import { addressFromBigint } from "../../base/bytes/address.ts";
import { PerfDataReader, type PerfHeader, type ReadStats } from "../../perfdata/read/reader.ts";
import { refuseDamage, sessionOf } from "../../perfdata/read/damage.ts";
import type { Features } from "../../perfdata/format/features.ts";
import { AddressSpaces } from "../../symbols/space/address_space.ts";
import { isModule, KERNEL_MAP } from "../../symbols/object/objects.ts";
import type { RecordedMachine } from "../../symbols/files/recorded_machine.ts";
import { Budget } from "../../symbols/object/limits.ts";
import type { SymbolFiles } from "../../symbols/files/symbol_files.ts";
import { Symbolizer } from "../../symbols/symbolizer.ts";
import { ProfileBuilder } from "./builder.ts";
import type { UserStacks } from "./stacks/user_stacks.ts";
import { CarriedNames } from "./carried_names.ts";
import { followsFramePointers } from "./broken_chains.ts";
import { FrameSymbols } from "./frame_symbols.ts";
import type { InlinedFrames, InlinedOptions } from "./inlined/inlined_frames.ts";
import type { TracepointTexts } from "../../perfdata/tracepoints/texts.ts";
import { JitCodeLoader } from "./jit_code_loader.ts";
import { FrameTable, PlacedFrames } from "../model/tables.ts";
import type { LoadOptions } from "../request/load_options.ts";
import { timeTest } from "../request/time_ranges.ts";

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
  if (sessionOf(header.features)?.pidNamespace || builder.tasks.outsiders >= 0) {
    builder.tasks.nameOutsiders();
  }
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
/** Returns the number of samples in which each frame is the innermost. */
export function frameWeights(frames: FrameTable, { stacks, samples }: ProfileBuilder): Float64Array {
  const weight = new Float64Array(frames.object.length);
  samples.forEach((stack, count) => weight[stacks.frame.data[stack]] += count);
  return weight;
}
