/**
 * The profile as profiler.firefox.com reads it: the processed profile format, version 70
 * (firefox-devtools/profiler, docs-developer/CHANGELOG-formats.md and src/types/profile.ts).
 */

import { BadInputError } from "../base/errors.ts";
import { VERSION } from "../base/version.ts";
import { type PathTree, pathTree } from "../profile/path_tree.ts";
import { type Places, placesOf } from "../profile/places.ts";
import { isClock, isKernel, type Profile, sampleCount } from "../profile/profile.ts";
import { sampledEvents } from "../profile/table.ts";
import { frameName } from "./frame_names.ts";
import { type ListedThread, threadList } from "./thread_list.ts";

const PROCESSED_VERSION = 70;
/** Of the format that Firefox itself writes, of which this is the processed form. */
const GECKO_VERSION = 36;
/** Its ResourceType for a library. */
const LIBRARY = 1;

const CATEGORIES = [
  { name: "Other", color: "grey", subcategories: ["Other"] },
  { name: "User", color: "yellow", subcategories: ["Other"] },
  { name: "Kernel", color: "orange", subcategories: ["Other"] },
  { name: "JIT", color: "green", subcategories: ["Other"] },
];
const OTHER = 0, USER = 1, KERNEL = 2, JIT = 3;

/**
 * All threads with their samples one by one, of one event: give it a profile of one, with times. Samples of the
 * clock events weigh their time in ms, which also is the CPU time that graphs show; the format has no unit for other
 * events' periods, so that their samples weigh one each. Functions carry no addresses: they are symbolized.
 * Throws BadInputError when samples have no times.
 */
export function renderFirefox(profile: Profile): string {
  const { times, samples, meta } = profile;
  const [event] = sampledEvents(profile);
  if ((times?.at.length ?? 0) < sampleCount(profile)) {
    throw new BadInputError("--format firefox shows samples over time, and not all samples here have times");
  }
  const clock = event !== undefined && isClock(profile.events[event]);
  const strings = new Strings();
  const places = placesOf(profile, "symbol");
  const tree = pathTree(profile, places.ofFrame);
  const { threads, ofRow } = threadList(profile);
  const columns = threads.map(() => ({ at: [] as number[], stack: [] as number[], period: [] as number[] }));
  times?.at.forEach((at, i) => {
    const row = times.sample[i];
    const column = columns[ofRow[samples.thread[row]]];
    column.at.push(at / 1e6);
    column.stack.push(tree.ofStack[samples.stack[row]]);
    column.period.push(times.period[i]);
  });
  const made = threads.flatMap((thread, row) =>
    columns[row].at.length > 0 ? [threadJson(thread, columns[row], clock)] : []
  );
  // busiest first, so that the page opens with what there is to see
  made.sort((a, b) => b.samples.length - a.samples.length);
  const interval = intervalOf(profile, event, clock);
  const shared = sharedJson(profile, places, tree, strings);
  return JSON.stringify({
    meta: {
      interval,
      startTime: Math.max(meta.wallStart, 0),
      profilingStartTime: 0,
      // the last sample has to be before it to be shown
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
    libs: profile.objects.map(({ name, path, buildId }) => ({
      arch: meta.arch,
      name,
      path,
      debugName: name,
      debugPath: path,
      breakpadId: breakpadId(buildId),
      codeId: buildId || null,
    })),
    shared,
    threads: made,
  });
}

/** Texts, each once. */
class Strings {
  readonly all: string[] = [];
  readonly #rows = new Map<string, number>();

  of(text: string): number {
    let row = this.#rows.get(text);
    if (row === undefined) this.#rows.set(text, row = this.all.push(text) - 1);
    return row;
  }
}

function threadJson(
  { pid, tid, name, process }: ListedThread,
  { at, stack, period }: { at: number[]; stack: number[]; period: number[] },
  clock: boolean,
) {
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
    samples: {
      length: at.length,
      stack,
      time: at,
      ...(clock
        ? { weight: period.map((ns) => ns / 1e6), weightType: "tracing-ms", threadCPUDelta: period }
        : { weight: null, weightType: "samples" }),
    },
    markers: { length: 0, data: [], name: [], startTime: [], endTime: [], phase: [], category: [] },
  };
}

/** The tables that threads share: a function and a frame for each place, a resource for each object. */
function sharedJson(profile: Profile, places: Places, tree: PathTree, strings: Strings) {
  const { objects } = profile;
  const count = places.symbol.length;
  const nulls = new Array(count).fill(null);
  const falses = new Array(count).fill(false);
  const rows = Array.from({ length: count }, (_, place) => place);
  return {
    stackTable: {
      length: tree.parent.length,
      frame: Array.from(tree.what),
      prefixOffset: Array.from(tree.parent, (parent, row) => parent < 0 ? 0 : row - parent),
    },
    frameTable: {
      length: count,
      address: new Array(count).fill(-1),
      lib: new Array(count).fill(-1),
      inlineDepth: new Array(count).fill(0),
      category: rows.map((place) => categoryOf(profile, places, place)),
      subcategory: new Array(count).fill(0),
      func: rows,
      nativeSymbol: nulls,
      innerWindowID: nulls,
      line: nulls,
      column: nulls,
      originalLocation: nulls,
    },
    funcTable: {
      length: count,
      name: rows.map((place) => strings.of(frameName(profile, places, place))),
      isJS: falses,
      relevantForJS: falses,
      resource: Array.from(places.object),
      source: nulls,
      lineNumber: nulls,
      columnNumber: nulls,
      originalLocation: nulls,
    },
    resourceTable: {
      length: objects.length,
      name: objects.map(({ name }) => strings.of(name)),
      host: objects.map(() => null),
      type: objects.map(() => LIBRARY),
    },
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
    stringArray: strings.all,
  };
}

function categoryOf({ objects }: Profile, { object, kernel }: Places, place: number): number {
  if (kernel[place] === 1) return KERNEL;
  if (object[place] < 0) return OTHER;
  const { kind } = objects[object[place]];
  return isKernel(kind) ? KERNEL : kind === "jit" ? JIT : USER;
}

/** Ms between samples of a thread that runs: what the period or the rate says, 1 where neither is known. */
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
    { label: "Lost records", format: "integer", value: meta.lost },
    ...meta.warnings.map((warning) => text("Warning", warning)),
  ];
}

/** Breakpad's id of a file by its build id: its first 16 bytes as a GUID (three little-endian fields), and age 0. */
function breakpadId(buildId: string): string {
  if (buildId === "") return "";
  const hex = buildId.toUpperCase().padEnd(32, "0").slice(0, 32);
  const swap = (from: number, to: number) => hex.slice(from, to).match(/../g)!.reverse().join("");
  return swap(0, 8) + swap(8, 12) + swap(12, 16) + hex.slice(16) + "0";
}
