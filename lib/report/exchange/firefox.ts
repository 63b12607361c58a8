/**
 * Renders the profile for profiler.firefox.com: the processed profile format, version 70 (firefox-devtools/profiler,
 * docs-developer/CHANGELOG-formats.md and src/types/profile.ts).
 */

import { lostText } from "../../perfdata/format/ledger.ts";
import { BadInputError } from "../../base/system/errors.ts";
import { VERSION } from "../../base/system/version.ts";
import {
  countingSort,
  isKernel,
  type Profile,
  sampleCount,
  weightUnit,
} from "../../profile/model/profile.ts";
import { type PathTree, ProfileQuery, type SampleCounts } from "../../profile/query/query.ts";
import { JsonList, JsonNumbers, JsonPart, jsonPieces, JsonRepeated } from "../json/json_pieces.ts";
import { type ListedThread, threadList } from "../shared/thread_list.ts";
import { stacksText } from "../shared/stacks_text.ts";

const PROCESSED_VERSION = 70;
/** Version of the format that Firefox itself writes, which this one is the processed form of. */
const GECKO_VERSION = 36;
/** ResourceType of a library. */
const LIBRARY = 1;

const CATEGORIES = [
  { name: "Other", color: "grey", subcategories: ["Other"] },
  { name: "User", color: "yellow", subcategories: ["Other"] },
  { name: "Kernel", color: "orange", subcategories: ["Other"] },
  { name: "JIT", color: "green", subcategories: ["Other"] },
];
const OTHER = 0, USER = 1, KERNEL = 2, JIT = 3;

/**
 * Yields the JSON of all threads with their individual samples, in pieces. The profile must have one event, with
 * times. Samples of the clock events weigh their time in ms, which is also the CPU time in graphs. The format has no
 * unit for periods of other events, so their samples weigh 1. Functions carry no addresses, since they are already
 * symbolized. Throws BadInputError when samples have no times.
 */
export function renderFirefox(profile: Profile): Generator<string> {
  const { times, meta } = profile;
  const query = new ProfileQuery(profile), [event] = query.sampledEvents();
  if ((times?.at.length ?? 0) < sampleCount(profile)) {
    throw new BadInputError(
      "--format firefox shows samples over time, and not all samples here have times: choose another --format",
    );
  }
  const clock = event !== undefined && weightUnit(profile.events[event].name) === "ns";
  const counts = query.by(["sym"]);
  const tree = query.paths(counts.places.ofFrame);
  const interval = intervalOf(profile, event, clock);
  return jsonPieces({
    meta: {
      interval,
      startTime: Math.max(meta.wallStart, 0),
      profilingStartTime: 0,
      // The last sample must be before the end to be shown.
      profilingEndTime: Math.max(meta.seconds, 0) * 1000 + interval,
      version: GECKO_VERSION,
      preprocessedProfileVersion: PROCESSED_VERSION,
      product: meta.command || "pmuctl",
      importedFrom: `pmuctl ${VERSION}`,
      arguments: meta.command,
      processType: 0,
      stackwalk: 1,
      symbolicated: true,
      usesOnlyOneStackType: true,
      sourceCodeIsNotOnSearchfox: true,
      categories: CATEGORIES,
      markerSchema: [],
      sampleUnits: { time: "ms", eventDelay: "ms", threadCPUDelta: "ns" },
      platform: "X11",
      oscpu: `Linux ${meta.kernel} ${meta.arch}`.trim(),
      ...(meta.cpu ? { CPUName: meta.cpu } : {}),
      ...(meta.cpus > 0 ? { logicalCPUs: meta.cpus } : {}),
      extra: [{ label: "Recording", entries: recordingEntries(profile, event) }],
    },
    libs: new JsonList(profile.objects, ({ name, path, buildId }) => ({
      arch: meta.arch,
      name,
      path,
      debugName: name,
      debugPath: path,
      breakpadId: breakpadId(buildId),
      codeId: buildId || null,
    })),
    shared: sharedJson(counts, tree),
    threads: new JsonList(threadsOf(profile, tree), (thread) => threadJson(thread, clock)),
  });
}

/** Samples of a thread: ms since the start, rows of the tree, and weights. */
interface ThreadSamples extends ListedThread {
  at: Float64Array;
  stack: Int32Array;
  period: Float64Array;
}

/** Yields the threads with samples, busiest first, so that the page opens on the busiest. */
function* threadsOf({ samples, times, ...rest }: Profile, tree: PathTree): Generator<ThreadSamples> {
  if (!times) return;
  const { threads, ofRow } = threadList({ samples, times, ...rest });
  const threadOf = times.sample.map((row) => ofRow[samples.thread[row]]);
  const { order, ends } = countingSort(threadOf, threads.length);
  const startOf = (thread: number) => thread > 0 ? ends[thread - 1] : 0;
  const many = (thread: number) => ends[thread] - startOf(thread);
  for (const thread of Int32Array.from(threads.keys()).sort((a, b) => many(b) - many(a))) {
    const own = order.subarray(startOf(thread), ends[thread]);
    if (own.length === 0) return;
    yield {
      ...threads[thread],
      at: Float64Array.from(own, (i) => times.at[i] / 1e6),
      stack: Int32Array.from(own, (i) => tree.ofStack[samples.stack[times.sample[i]]]),
      period: Float64Array.from(own, (i) => times.period[i]),
    };
  }
}

/** Table of distinct texts. */
class Strings {
  readonly all: string[] = [];
  readonly #rows = new Map<string, number>();

  of(text: string): number {
    let row = this.#rows.get(text);
    if (row === undefined) this.#rows.set(text, row = this.all.push(text) - 1);
    return row;
  }
}

function threadJson({ pid, tid, name, process, at, stack, period }: ThreadSamples, clock: boolean) {
  return {
    processType: "default",
    processStartupTime: 0,
    processShutdownTime: null,
    registerTime: at[0],
    unregisterTime: null,
    pausedRanges: [],
    name,
    isMainThread: pid === tid,
    processName: process,
    pid: String(pid),
    tid,
    samples: new JsonPart({
      length: at.length,
      stack: new JsonNumbers(stack),
      time: new JsonNumbers(at),
      ...(clock
        ? {
          weight: new JsonNumbers(period.map((ns) => ns / 1e6)),
          weightType: "tracing-ms",
          threadCPUDelta: new JsonNumbers(period),
        }
        : { weight: null, weightType: "samples" }),
    }),
    markers: { length: 0, data: [], name: [], startTime: [], endTime: [], phase: [], category: [] },
  };
}

/** Returns the tables shared by threads: a function and a frame per place, and a resource per object. */
function sharedJson(counts: SampleCounts, tree: PathTree): JsonPart {
  const { profile: { objects }, places } = counts;
  const count = places.symbol.length;
  const strings = new Strings();
  const rows = Int32Array.from({ length: count }, (_, place) => place);
  const all = (value: unknown) => new JsonRepeated(value, count);
  const names = rows.map((place) => strings.of(counts.nameOf(place)));
  const objectNames = Int32Array.from(objects, ({ name }) => strings.of(name));
  return new JsonPart({
    stackTable: new JsonPart({
      length: tree.parent.length,
      frame: new JsonNumbers(tree.what),
      prefixOffset: new JsonNumbers(tree.parent.map((parent, row) => parent < 0 ? 0 : row - parent)),
    }),
    frameTable: new JsonPart({
      length: count,
      address: all(-1),
      lib: all(-1),
      inlineDepth: all(0),
      category: new JsonNumbers(rows.map((place) => categoryOf(counts, place))),
      subcategory: all(0),
      func: new JsonNumbers(rows),
      nativeSymbol: all(null),
      innerWindowID: all(null),
      line: all(null),
      column: all(null),
      originalLocation: all(null),
    }),
    funcTable: new JsonPart({
      length: count,
      name: new JsonNumbers(names),
      isJS: all(false),
      relevantForJS: all(false),
      resource: new JsonNumbers(places.object),
      source: all(null),
      lineNumber: all(null),
      columnNumber: all(null),
      originalLocation: all(null),
    }),
    resourceTable: new JsonPart({
      length: objects.length,
      name: new JsonNumbers(objectNames),
      host: new JsonRepeated(null, objects.length),
      type: new JsonRepeated(LIBRARY, objects.length),
    }),
    nativeSymbols: { length: 0, libIndex: [], address: [], name: [], functionSize: [] },
    sources: {
      length: 0,
      id: [],
      filename: [],
      startLine: [],
      startColumn: [],
      sourceMapURL: [],
      content: [],
    },
    sourceLocationTable: { length: 0, source: [], line: [], column: [] },
    stringArray: new JsonList(strings.all),
  });
}

function categoryOf(
  { profile: { objects }, places: { object, kernel } }: SampleCounts,
  place: number,
): number {
  if (kernel[place] === 1) return KERNEL;
  if (object[place] < 0) return OTHER;
  const { kind } = objects[object[place]];
  return isKernel(kind) ? KERNEL : kind === "jit" ? JIT : USER;
}

/** Returns the ms between samples of a running thread, from the period or the rate; 1 if neither is known. */
function intervalOf(profile: Profile, event: number | undefined, clock: boolean): number {
  if (event === undefined) return 1;
  const hz = /^(\d+(?:\.\d+)?) Hz$/.exec(profile.events[event].rate)?.[1];
  if (hz !== undefined && Number(hz) > 0) return 1000 / Number(hz);
  const { count, period } = profile.samples;
  return clock && count[0] > 0 ? Math.max(period[0] / count[0] / 1e6, 1e-3) : 1;
}

function recordingEntries(profile: Profile, event: number | undefined) {
  const { meta, events } = profile;
  const text = (label: string, value: string) => ({ label, format: "string", value });
  return [
    ...(event === undefined ? [] : [text("Event", `${events[event].name}, ${events[event].rate}`)]),
    text("Lost samples", lostText(meta.ledger)),
    ...(meta.stacks ? [text("Stacks", stacksText(meta.stacks))] : []),
    ...meta.warnings.map((warning) => text("Warning", warning)),
    ...meta.notes.map((note) => text("Note", note)),
  ];
}

/** Returns Breakpad's id for a build id: its first 16 bytes as a GUID (three little-endian fields), and age 0. */
function breakpadId(buildId: string): string {
  if (buildId === "") return "";
  const hex = buildId.toUpperCase().padEnd(32, "0").slice(0, 32);
  const swap = (from: number, to: number) => hex.slice(from, to).match(/../g)!.reverse().join("");
  return swap(0, 8) + swap(8, 12) + swap(12, 16) + hex.slice(16) + "0";
}
